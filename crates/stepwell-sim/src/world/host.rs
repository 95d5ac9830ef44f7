//! The engine's host, as the engine worker is one: opens the database, collects inputs into batches, reads the clocks,
//! lets nothing out before the commit.

use stepwell_engine::{Clock, Engine, EngineOptions, Entropy, Ownership, StoreResult, wait_ms};
use stepwell_protocol::{
    Effect, EngineMessage, ExecutorId, ExecutorMessage, Input, Output, TimestampMs,
};
use stepwell_sqlite::{Durability, Medium, OpenOptions, SqliteStore};

use super::chaos::{Moment, Strike};
use super::tabs::Audience;
use super::{BUILD, Event, World};
use crate::counts::{Fault, State};
use crate::disk::DiskError;
use crate::properties::epochs;
use crate::properties::forgetting::Permitted;
use crate::properties::reference::ReferenceStore;
use crate::vfs;

/// How long an engine waits for its executors.
pub(super) const GATE_MS: i64 = 1_000;
/// How long it looks on before it calls it idle.
const IDLE_MS: i64 = 400;

/// A living engine.
pub(super) struct Host {
    pub(super) id: u64,
    pub(super) opened_at: i64,
    pub(super) engine: Engine<ReferenceStore>,
    pub(super) clock: Clock,
    inputs: Vec<Input>,
    is_flushing: bool,
    /// Of the timer that counts.
    pub(super) wake_token: u64,
    /// When the engine wants to be called.
    pub(super) wake_at: Option<TimestampMs>,
    pub(super) was_paused: bool,
    /// The time of its last batch.
    pub(super) now: TimestampMs,
    /// When that was.
    flushed_at: i64,
    /// How many of the executors that it expects have not said hello.
    missing: usize,
    /// The tabs that listen.
    pub(super) audience: Audience,
}

impl World {
    fn entropy(&mut self) -> Entropy {
        let (low, high) = (self.rng.bits(), self.rng.bits());
        Entropy((u128::from(low) | (u128::from(high) << 64)).to_le_bytes())
    }

    pub(super) fn wall_ms(&self) -> i64 {
        self.now + self.wall_offset
    }

    /// Virtual milliseconds are far below what a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn monotonic_ms(&self) -> f64 {
        self.now as f64
    }

    pub(super) fn open_engine(&mut self) {
        if self.host.is_some() || self.workload.tabs > 0 && !self.tabs.may_open(self.page) {
            return;
        }
        // As the page counts them: one that has died is about to be started again.
        let mut expected = self.workload.slots.len();
        if self.chance_of_fault(60) {
            self.struck(Fault::MissingExecutor);
            expected += 1;
        }
        if std::mem::take(&mut self.misses_executor) {
            expected += 1;
        }
        let options = EngineOptions {
            build_id: BUILD.to_owned(),
            expected_executors: u32::try_from(expected).unwrap_or(u32::MAX),
            retention_ms: self.workload.retention_ms,
            ..EngineOptions::default()
        };
        let mut clock = Clock::new(self.wall_ms(), self.monotonic_ms());
        let now = clock.observe(self.wall_ms(), self.monotonic_ms()).now;
        let entropy = self.entropy();
        self.plan_trouble_at_opening();
        self.watch.borrow_mut().entropy = entropy;
        let opened = self
            .open_store()
            .and_then(|store| Engine::open(store, options, now, entropy));
        let (hit, dead) = {
            let mut disk = self.disk.borrow_mut();
            disk.plan(None);
            (disk.take_hit(), disk.is_dead())
        };
        self.count_hit(hit);
        let (engine, output) = match opened {
            Ok(opened) if !dead => opened,
            _ => {
                self.struck(Fault::OpenFailed);
                self.disk.borrow_mut().end_process();
                let ms = self.rng.range(10, 300);
                let page = self.page;
                self.after(ms, Event::Open { page });
                return;
            }
        };
        self.note_recovery();
        self.hosts += 1;
        self.pages.push(self.page);
        let id = self.hosts;
        let epoch = engine.epoch();
        self.host = Some(Host {
            id,
            opened_at: self.now,
            engine,
            clock,
            inputs: Vec::new(),
            is_flushing: false,
            wake_token: 0,
            wake_at: None,
            was_paused: false,
            now,
            flushed_at: self.now,
            missing: expected,
            audience: Audience::default(),
        });
        if self.workload.tabs > 0 {
            self.tab_leads(id, epoch);
        }
        self.permitted = Permitted::default();
        self.sweep_blobs();
        if self.workload.retention_ms.is_some() {
            self.after(IDLE_MS, Event::Idle { host: id });
        }
        self.deliver(output);
        if !self.is_online {
            let is_online = false;
            self.hand_to_engine(id, Input::Network { is_online });
        }
        self.greet_all(id);
    }

    fn open_store(&mut self) -> StoreResult<ReferenceStore> {
        if let Some(file) = &self.shared {
            let options = OpenOptions {
                ownership: Ownership::Shared,
                durability: Durability::Relaxed,
                medium: Medium::File,
            };
            let connection = rusqlite::Connection::open(file.path())
                .map_err(|error| stepwell_engine::StoreError::Unavailable(error.to_string()))?;
            return ReferenceStore::open(SqliteStore::open(connection, options)?, &self.watch);
        }
        let options = OpenOptions {
            ownership: Ownership::Exclusive,
            durability: Durability::Strict,
            medium: Medium::Opfs,
        };
        let connection = vfs::open(&self.disk)
            .map_err(|error| stepwell_engine::StoreError::Unavailable(error.to_string()))?;
        let sqlite = SqliteStore::open(connection, options)?;
        ReferenceStore::open(sqlite, &self.watch)
    }

    /// The page gives every executor a port to the new engine, and asks again what has no answer.
    fn greet_all(&mut self, host: u64) {
        for executor in 0..self.executors.len() {
            if self.executors[executor].page != self.page {
                continue;
            }
            let is_late = self.chance_of_fault(80);
            let ms = match is_late {
                true => self.rng.range(700, 2_500),
                false => self.rng.range(0, 20),
            };
            self.after(ms, Event::Connect { executor, host });
        }
        if self.workload.tabs > 0 {
            return;
        }
        for client in 0..self.clients.len() {
            if self.page_of_client(client) != self.page {
                continue;
            }
            let outstanding: Vec<_> = self.clients[client].outstanding.keys().cloned().collect();
            for request_id in outstanding {
                self.ask(client, &request_id);
            }
        }
    }

    pub(super) fn post_to_engine(&mut self, to: u64, input: Input) {
        if let Input::Executor { executor_id, .. } = &input
            && self.gone.contains(executor_id)
            && self.host.as_ref().is_some_and(|host| host.id == to)
        {
            self.struck(Fault::LateMessage);
            if is_hello(&input) {
                // The host watches an executor's lock from its first word on, and finds it free.
                let id = executor_id.clone();
                let ms = self.rng.range(0, 50);
                self.after(ms, Event::Gone { id });
            }
        }
        let from_outside = matches!(input, Input::Client { .. } | Input::Executor { .. });
        if self.workload.blobs > 0 && from_outside {
            self.store_blobs(to, input);
        } else {
            self.hand_to_engine(to, input);
        }
    }

    pub(super) fn hand_to_engine(&mut self, to: u64, input: Input) {
        let Some(host) = self.host.as_mut().filter(|host| host.id == to) else {
            self.struck(Fault::MessageLost);
            return;
        };
        host.missing = host.missing.saturating_sub(usize::from(is_hello(&input)));
        host.inputs.push(input);
        if !host.is_flushing {
            host.is_flushing = true;
            let ms = self.rng.range(0, 1);
            self.after(ms, Event::Flush { host: to });
        }
    }

    /// Where nothing was done for a while, what is over its age is deleted, a few at a time.
    pub(super) fn idle(&mut self, host: u64) {
        let Some(current) = self.host.as_ref().filter(|current| current.id == host) else {
            return;
        };
        if self.now - current.flushed_at >= IDLE_MS / 2 {
            self.post_to_engine(host, Input::Upkeep);
        }
        self.after(IDLE_MS, Event::Idle { host });
    }

    pub(super) fn flush(&mut self, of: u64) {
        if self.host.as_ref().is_none_or(|host| host.id != of) {
            return;
        }
        let strike = self.strike.take();
        if let Some(Strike {
            moment: Moment::Before,
            level,
        }) = strike
        {
            self.struck(Fault::CrashBefore);
            self.crash(level);
            return;
        }
        if let Some(Strike {
            moment: Moment::Inside(operation),
            ..
        }) = strike
        {
            let trouble = crate::disk::Trouble::Crash(operation);
            self.disk.borrow_mut().plan(Some(trouble));
            self.watch.borrow_mut().dies_at_commit = self.shared.is_some();
        }
        self.plan_crash();
        let (wall, monotonic, entropy) = (self.wall_ms(), self.monotonic_ms(), self.entropy());
        let Some(host) = self.host.as_mut() else {
            return;
        };
        host.is_flushing = false;
        let inputs = std::mem::take(&mut host.inputs);
        let observed = host.clock.observe(wall, monotonic);
        let drains = |input: &Input| matches!(input, Input::Drain);
        host.audience.is_told |= inputs.iter().any(drains);
        let together = inputs.len() > 1;
        self.permitted = Permitted::by(&inputs, self.workload.retention_ms);
        (host.now, host.flushed_at) = (observed.now, self.now);
        let unexpected = {
            let mut watch = self.watch.borrow_mut();
            watch.entropy = entropy;
            watch.unexpected
        };
        let epoch = host.engine.epoch();
        if self.workload.tabs > 0 {
            let verdict = self.epochs.works(epoch);
            self.watch
                .borrow_mut()
                .verdicts
                .judge(epochs::NAME, verdict);
        }
        let output = host.engine.handle(inputs, observed.now, entropy);
        self.batches += 1;
        if observed.jump.is_some() {
            self.saw(State::ClockTold);
        }
        self.note_gate();
        if together {
            self.saw(State::GroupCommit);
        }
        let failures = unexpected - self.watch.borrow().unexpected;
        if failures > 0 {
            self.saw(State::OneByOne);
        }
        if failures > 1 {
            self.saw(State::GaveUp);
        }
        let (hit, dead) = {
            let mut disk = self.disk.borrow_mut();
            if strike.is_some() {
                disk.plan(None);
            }
            (disk.take_hit(), disk.is_dead())
        };
        self.count_hit(hit);
        let has_died = {
            let mut watch = self.watch.borrow_mut();
            // A batch that wrote nothing was not the one, and the next one is not either.
            watch.dies_at_commit = false;
            std::mem::take(&mut watch.has_died)
        };
        if self.crashes_as_planned(has_died) {
            return;
        }
        let dead = dead || has_died;
        match strike {
            Some(Strike { level, .. }) if dead => {
                self.struck(Fault::CrashInside);
                self.crash(level);
            }
            Some(Strike {
                moment: Moment::After,
                level,
            }) => {
                self.struck(Fault::CrashAfter);
                self.crash(level);
            }
            _ => self.deliver(output),
        }
    }

    fn note_gate(&mut self) {
        let now = self.now;
        let Some(host) = self.host.as_mut() else {
            return;
        };
        if host.missing > 0 && now > host.opened_at + GATE_MS {
            host.missing = 0;
            self.saw(State::GateTimedOut);
        }
    }

    fn count_hit(&self, hit: Option<DiskError>) {
        match hit {
            Some(DiskError::Full) => self.struck(Fault::DiskFull),
            Some(DiskError::Write) => self.struck(Fault::WriteFailed),
            Some(DiskError::Sync) => self.struck(Fault::SyncFailed),
            Some(DiskError::Dead) | None => {}
        }
    }

    /// What the engine said leaves, judged first against what has been committed.
    fn deliver(&mut self, output: Output) {
        self.trace.note(self.now, &output);
        self.judge_output(&output);
        let Some(host) = self.host.as_mut() else {
            return;
        };
        let id = host.id;
        host.wake_token += 1;
        let token = host.wake_token;
        let now = host
            .clock
            .observe(self.now + self.wall_offset, monotonic(self.now))
            .now;
        host.wake_at = output.wake_at;
        let wait = wait_ms(output.wake_at, now);
        if let Some(status) = &output.status {
            let is_paused = status.paused.is_some();
            if host.was_paused && !is_paused {
                self.watch.borrow_mut().counts.saw(State::PausedAndResumed);
            }
            host.was_paused = is_paused;
            if !status.unserved_jobs.is_empty() {
                self.watch.borrow_mut().counts.saw(State::Unserved);
            }
        }
        if let Some(wait) = wait {
            self.after(i64::from(wait), Event::Wake { host: id, token });
        }
        if output.more_upkeep {
            self.saw(State::MoreUpkeep);
            self.after(
                0,
                Event::ToEngine {
                    host: id,
                    input: Input::Upkeep,
                },
            );
        }
        self.send_effects(id, output.effects);
        self.judge_files();
        self.judge_waiting();
        self.judge_times();
        if self.workload.tabs > 0 {
            self.tell_tabs(output.replies, &output.events, output.status.is_some());
            self.let_go_if_idle();
            return;
        }
        for addressed in output.replies {
            let number = self
                .clients
                .iter()
                .position(|client| client.id == addressed.client_id);
            if let Some(client) = number {
                let (request_id, reply) = (addressed.reply.request_id, addressed.reply.reply);
                let channel = format!("{id}>tab{client}");
                self.send(
                    channel,
                    Event::ToClient {
                        client,
                        request_id,
                        reply,
                    },
                );
            }
        }
    }

    fn send_effects(&mut self, host: u64, effects: Vec<Effect>) {
        let mut by_executor: Vec<(ExecutorId, Vec<EngineMessage>)> = Vec::new();
        for effect in effects {
            let (executor_id, message) = match effect {
                Effect::Send {
                    executor_id,
                    message,
                } => (executor_id, message),
                Effect::DeleteBlobs { ids } => {
                    self.delete_blobs(&ids);
                    continue;
                }
                Effect::TerminateExecutor { executor_id } => {
                    self.terminate(&executor_id);
                    continue;
                }
            };
            match by_executor.iter_mut().find(|(id, _)| *id == executor_id) {
                Some((_, messages)) => messages.push(message),
                None => by_executor.push((executor_id, vec![message])),
            }
        }
        for (id, messages) in by_executor {
            if let Some(executor) = self.executors.iter().position(|executor| executor.id == id) {
                let channel = format!("{host}>{id}");
                self.send(
                    channel,
                    Event::ToExecutor {
                        executor,
                        host,
                        messages,
                    },
                );
            }
        }
    }

    /// Upkeep in an idle moment.
    pub(super) fn maintain(&mut self) {
        if let Some(host) = self.host.as_mut()
            && host.engine.store_mut().maintain().is_ok()
        {
            self.saw(State::Checkpointed);
        }
    }
}

fn is_hello(input: &Input) -> bool {
    matches!(
        input,
        Input::Executor { envelope, .. } if matches!(envelope.message, ExecutorMessage::Hello { .. })
    )
}

/// Virtual milliseconds are far below what a float holds exactly.
#[allow(clippy::cast_precision_loss)]
fn monotonic(ms: i64) -> f64 {
    ms as f64
}
