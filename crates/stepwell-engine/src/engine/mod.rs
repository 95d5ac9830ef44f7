//! The engine: batches in, replies, events and effects out.
//!
//! **Owns** every decision about runs, steps, leases and executors. **Must not** read a clock, draw randomness, await,
//! or do input and output other than through its [`Store`].

mod children;
mod client;
mod deadlines;
mod deletion;
mod ending;
mod executor;
mod lease;
mod policy;
mod presence;
mod signals;
mod state;
mod suspension;
mod trigger;
mod turn;
mod waits;

use std::collections::BTreeMap;

use stepwell_protocol::{
    Addressed, BlobId, ClientReply, Command, Counters, EngineStatus, Epoch, ExecutorMessage, Input,
    Output, Reply, RunFilter, TimestampMs,
};

pub use self::children::CHILDREN_MAX;
use self::client::Refused;
pub use self::client::{LOGS_PER_PAGE_MAX, RUNS_PER_PAGE_MAX};
pub use self::deletion::PURGE_RUNS_MAX;
pub use self::policy::{ATTEMPTS_MAX, RETRY_FACTOR_MAX};
pub use self::signals::SIGNAL_KEY_CHARS_MAX;
use self::state::{Executor, Gate, HEARTBEAT_MS, HELLO_MS_MAX, PAUSE_MS, State};
pub use self::trigger::{
    BATCH_RUNS_MAX, JOB_NAME_BYTES_MAX, KEY_CHARS_MAX, LABEL_KEY_CHARS_MAX, LABEL_VALUE_CHARS_MAX,
    LABELS_MAX, PRIORITY_MAX,
};
use self::turn::Turn;
use crate::entropy::{Entropy, RandomStream, RunIds};
use crate::store::{Ownership, Store, StoreError, StoreResult};

/// What the host tells a new engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// The build of the package. An executor of another build is given no work.
    pub build_id: String,
    /// How many executors will say hello. Until they have, or a second has passed, nothing is claimed.
    pub expected_executors: u32,
    /// How long a run is kept after its end; for ever when `None`. Carried out by [`Input::Upkeep`].
    pub retention_ms: Option<i64>,
    /// The largest input of a run.
    pub payload_bytes_max: u32,
}

/// The largest input of a run, unless the host says otherwise.
pub const PAYLOAD_BYTES_MAX: u32 = 4 * 1024 * 1024;

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            build_id: String::new(),
            expected_executors: 0,
            retention_ms: None,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
        }
    }
}

/// A durable-job engine over a [`Store`].
#[derive(Debug)]
pub struct Engine<S> {
    store: S,
    state: State,
    options: EngineOptions,
    /// Inputs of a batch that the store could not take, to be tried again: what executors said is not lost.
    retained: Vec<Input>,
    /// When they are.
    retry_at: Option<TimestampMs>,
}

impl<S: Store> Engine<S> {
    /// Opens a session in the store.
    ///
    /// # Errors
    /// Whatever the store says; nothing was written then.
    pub fn open(
        mut store: S,
        options: EngineOptions,
        now: TimestampMs,
        entropy: Entropy,
    ) -> Result<(Self, Output), StoreError> {
        store.begin()?;
        let started =
            begin_session(&mut store, now).and_then(|started| store.commit().map(|_| started));
        let (session, ids) = match started {
            Ok(started) => started,
            Err(error) => {
                store.rollback();
                return Err(error);
            }
        };
        let gate = match options.expected_executors {
            0 => Gate::Open,
            missing => Gate::Closed {
                missing,
                until: now.plus(HELLO_MS_MAX),
            },
        };
        let state = State {
            session,
            executors: BTreeMap::new(),
            doomed: BTreeMap::new(),
            gate,
            releasing: false,
            paused: None,
            unserved_jobs: Vec::new(),
            heartbeat_at: (store.ownership() == Ownership::Shared).then(|| now.plus(HEARTBEAT_MS)),
            // Asked for by the tick below.
            next_due: Some(now),
            next_wait: Some(now),
            is_online: true,
            // What waits for the network in the store waited for another session's; until it is told otherwise, this one is
            // online.
            #[cfg(not(feature = "planted"))]
            network_came_back: true,
            #[cfg(feature = "planted")]
            network_came_back: !crate::planted::has(crate::planted::Bug::NetworkForgotten),
            sequence: 0,
            ids,
            counters: Counters::default(),
        };
        let mut engine = Self {
            store,
            state,
            options,
            retained: Vec::new(),
            retry_at: None,
        };
        let output = engine.handle(vec![Input::Tick], now, entropy);
        Ok((engine, output))
    }

    /// Handles a batch in one transaction. Everything in the output is committed; nothing of it may leave before this
    /// returns. A batch that the store cannot take leaves no trace: clients are answered with the error, and what
    /// executors said is kept and tried again by itself.
    ///
    /// # Panics
    /// Only where an invariant of the engine is broken; the instance is lost then, the database is not.
    pub fn handle(&mut self, inputs: Vec<Input>, now: TimestampMs, entropy: Entropy) -> Output {
        let mut batch = std::mem::take(&mut self.retained);
        batch.extend(inputs);
        self.retry_at = None;
        let shown_before = (self.state.paused.clone(), self.state.unserved_jobs.clone());
        let mut random = RandomStream::new(entropy);
        let mut output = match self.transact(&batch, now, &mut random, false) {
            Ok(output) => output,
            Err(error) if error.fails_batch() => self.pause(batch, &error, now),
            Err(_) => self.one_by_one(batch, now, &mut random),
        };
        #[cfg(feature = "planted")]
        if self.retry_at.is_some() {
            output = crate::planted::leak(output);
            if crate::planted::has(crate::planted::Bug::RetainedInputsLost) {
                self.retained.clear();
            }
        }
        output.wake_at = self.wake_at();
        if shown_before != (self.state.paused.clone(), self.state.unserved_jobs.clone()) {
            output.status = Some(self.status());
        }
        output
    }

    /// The engine's session.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.state.session
    }

    /// The engine's own state.
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        status_of(&self.state)
    }

    /// How many runs executors work on now.
    #[must_use]
    pub fn active_runs(&self) -> usize {
        let executors = self.state.executors.values();
        executors.map(|executor| executor.holding.len()).sum()
    }

    /// The store, for a host's own upkeep between batches.
    pub const fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// Ends the engine and gives the store back.
    #[must_use]
    pub fn into_store(self) -> S {
        self.store
    }

    /// One transaction. Memory changes only after the commit. `giving_up`: executors' messages are not stored but
    /// answered as [`Turn::give_up`] does.
    fn transact(
        &mut self,
        batch: &[Input],
        now: TimestampMs,
        random: &mut RandomStream,
        giving_up: bool,
    ) -> StoreResult<Output> {
        self.store.begin()?;
        let mut draft = self.state.clone();
        let mut turn = Turn {
            store: &mut self.store,
            state: &mut draft,
            options: &self.options,
            now,
            random,
            output: Output::default(),
            acks: BTreeMap::new(),
            check_unserved: false,
        };
        let worked = batch
            .iter()
            .try_for_each(|input| turn.input(input, giving_up))
            .and_then(|()| turn.advance());
        let output = turn.output;
        match worked.and_then(|()| self.store.commit()) {
            Ok(wrote) => {
                draft.paused = None;
                draft.counters.batches += 1;
                draft.counters.commits += u64::from(wrote);
                self.state = draft;
                Ok(output)
            }
            Err(error) => {
                self.store.rollback();
                #[cfg(feature = "planted")]
                crate::planted::keep_uncommitted(output);
                Err(error)
            }
        }
    }

    /// After an unexpected error: each input in a transaction of its own, so that one cannot take the others with it.
    fn one_by_one(
        &mut self,
        batch: Vec<Input>,
        now: TimestampMs,
        random: &mut RandomStream,
    ) -> Output {
        let mut all = Output::default();
        let mut inputs = batch.into_iter();
        while let Some(input) = inputs.next() {
            let alone = std::slice::from_ref(&input);
            let worked = self.transact(alone, now, random, false).or_else(|error| {
                match error.fails_batch() {
                    true => Err(error),
                    false => self.transact(alone, now, random, true),
                }
            });
            match worked {
                Ok(output) => append(&mut all, output),
                Err(error) => {
                    let rest = std::iter::once(input).chain(inputs.by_ref()).collect();
                    append(&mut all, self.pause(rest, &error, now));
                }
            }
        }
        all
    }

    /// The store took nothing: say so to clients, keep the rest for another try.
    fn pause(&mut self, batch: Vec<Input>, error: &StoreError, now: TimestampMs) -> Output {
        let info = error.info();
        let mut output = Output::default();
        for input in batch {
            match input {
                Input::Client { client_id, request } => {
                    let reply = Reply::Error {
                        error: info.clone(),
                    };
                    let reply = ClientReply {
                        request_id: request.request_id,
                        reply,
                    };
                    output.replies.push(Addressed { client_id, reply });
                }
                Input::Tick | Input::Upkeep => {}
                kept => self.retained.push(kept),
            }
        }
        self.state.paused = Some(info);
        self.retry_at = Some(now.plus(PAUSE_MS));
        output
    }

    fn wake_at(&self) -> Option<TimestampMs> {
        // What was due meets the store no sooner. Without this a due run would let a full disk be asked all the time.
        if self.retry_at.is_some() {
            return self.retry_at;
        }
        let gate = match self.state.gate {
            Gate::Closed { until, .. } => Some(until),
            Gate::Open => None,
        };
        #[cfg(feature = "planted")]
        let gate = gate.filter(|_| !crate::planted::has(crate::planted::Bug::WakeUpLostAtRestart));
        let state = &self.state;
        // At once: more ended than one batch takes.
        let network = state.network_came_back.then_some(TimestampMs(0));
        let deadlines = state.executors.values().filter_map(Executor::deadline);
        let deaths = state.doomed.values().map(|doomed| doomed.until);
        [
            gate,
            state.heartbeat_at,
            state.next_due,
            state.next_wait,
            network,
        ]
        .into_iter()
        .flatten()
        .chain(deadlines)
        .chain(deaths)
        .min()
    }
}

fn begin_session<S: Store>(store: &mut S, now: TimestampMs) -> StoreResult<(Epoch, RunIds)> {
    let session = store.begin_session(now)?;
    let newest = store.runs(&RunFilter {
        limit: 1,
        ..RunFilter::default()
    })?;
    Ok((
        session,
        RunIds::after(newest.runs.first().map(|run| &run.id)),
    ))
}

fn status_of(state: &State) -> EngineStatus {
    EngineStatus {
        epoch: state.session,
        paused: state.paused.clone(),
        unserved_jobs: state.unserved_jobs.clone(),
        counters: state.counters,
    }
}

fn append(all: &mut Output, output: Output) {
    all.replies.extend(output.replies);
    all.events.extend(output.events);
    all.effects.extend(output.effects);
    all.more_upkeep |= output.more_upkeep;
}

/// The blobs that came with a command.
fn blobs_of(command: &Command) -> Vec<BlobId> {
    match command {
        Command::Trigger { run } => run.blobs.clone(),
        Command::BatchTrigger { runs } => {
            let blobs = runs.iter().flat_map(|run| &run.blobs);
            blobs.cloned().collect()
        }
        Command::Retrigger { blobs, .. } | Command::Signal { blobs, .. } => blobs.clone(),
        _ => Vec::new(),
    }
}

impl<S: Store> Turn<'_, S> {
    fn input(&mut self, input: &Input, giving_up: bool) -> StoreResult<()> {
        match input {
            Input::Tick => Ok(()),
            Input::Client { client_id, request } => {
                let reply = if giving_up {
                    let error = StoreError::Other("the command failed twice".to_owned()).info();
                    Reply::Error { error }
                } else {
                    self.in_savepoint(|turn| turn.command(&request.request_id, &request.command))?
                };
                let reply = ClientReply {
                    request_id: request.request_id.clone(),
                    reply,
                };
                self.output.replies.push(Addressed {
                    client_id: client_id.clone(),
                    reply,
                });
                self.drop_unreferenced(&blobs_of(&request.command))
            }
            // A hello may adopt what cannot be adopted after all; it is tried once more and then answered without.
            Input::Executor {
                executor_id,
                envelope,
            } if giving_up && !matches!(envelope.message, ExecutorMessage::Hello { .. }) => {
                self.give_up(executor_id, envelope)?;
                self.drop_unreferenced(&executor::blobs_of(&envelope.message))
            }
            Input::Executor {
                executor_id,
                envelope,
            } => {
                self.executor(executor_id, envelope)?;
                self.drop_unreferenced(&executor::blobs_of(&envelope.message))
            }
            Input::ExecutorGone { executor_id } => self.executor_gone(executor_id),
            Input::ReplaceExecutor { executor_id } => self.doom(executor_id),
            Input::Upkeep => self.upkeep(),
            Input::Network { is_online } => {
                self.network(*is_online);
                Ok(())
            }
            Input::Drain => {
                #[cfg(feature = "planted")]
                if crate::planted::has(crate::planted::Bug::DrainedEngineClaims) {
                    return Ok(());
                }
                self.state.releasing = true;
                Ok(())
            }
            Input::Release => self.release_all(),
        }
    }

    /// A command's writes stand or fall alone.
    fn in_savepoint(
        &mut self,
        command: impl FnOnce(&mut Self) -> Result<Reply, Refused>,
    ) -> StoreResult<Reply> {
        self.attempt(command).or_else(client::reply_for)
    }

    /// What `work` wrote, emitted and remembered before it failed is undone.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        self.store.savepoint()?;
        let state_before = self.state.clone();
        let acks_before = self.acks.clone();
        let (events, effects) = (self.output.events.len(), self.output.effects.len());
        match work(self) {
            Ok(done) => {
                self.store.release_savepoint()?;
                Ok(done)
            }
            // The transaction is in doubt, and will be rolled back as a whole.
            Err(Refused::Store(error)) if error.fails_batch() => Err(error.into()),
            Err(refused) => {
                self.store.rollback_to_savepoint()?;
                *self.state = state_before;
                self.acks = acks_before;
                self.output.events.truncate(events);
                self.output.effects.truncate(effects);
                Err(refused)
            }
        }
    }
}
