//! One engine with its executors, as a tab or a process has them: batches in, effects carried out.

use std::rc::Rc;

use stepwell_protocol::{
    Addressed, Effect, ExecutorEnvelope, ExecutorId, ExecutorMessage, Input, Output, RunEvent,
    TimestampMs,
};

use super::context::Clock;
use super::executor::Executor;
use super::function::Job;
use crate::engine::{Engine, EngineOptions};
use crate::entropy::Entropy;
use crate::store::Store;

pub(super) const BUILD: &str = "durable";
/// How many messages a batch takes, as the engine worker has it.
const BATCH_MAX: usize = 256;
/// How long a terminated executor takes to die.
const DEATH_MS: i64 = 50;

/// How executors are made.
#[derive(Clone)]
pub(super) struct Crew {
    pub(super) jobs: Rc<Vec<Job>>,
    pub(super) slots: u32,
    pub(super) parked_max: usize,
    pub(super) count: u32,
}

pub(super) struct Host {
    name: char,
    /// `None` between two engines.
    engine: Option<Engine<Box<dyn Store>>>,
    crew: Crew,
    clock: Clock,
    pub(super) executors: Vec<Executor>,
    pub(super) wake_at: Option<TimestampMs>,
    /// Executors that are being terminated, and when they are dead.
    dying: Vec<(i64, ExecutorId)>,
    /// What the engine says is lost.
    is_deaf: bool,
    /// Whether a terminated executor dies at all.
    pub(super) lets_die: bool,
    pub(super) terminated: Vec<ExecutorId>,
    /// Batches handled, by all engines of this host.
    pub(super) batches: u32,
    pub(super) events: Vec<RunEvent>,
    spawned: u32,
    calls: u64,
}

impl Host {
    pub(super) fn new(name: char, crew: Crew, store: Box<dyn Store>, clock: Clock) -> Self {
        let mut host = Self {
            name,
            engine: None,
            clock,
            executors: Vec::new(),
            wake_at: None,
            dying: Vec::new(),
            is_deaf: false,
            lets_die: true,
            terminated: Vec::new(),
            batches: 0,
            events: Vec::new(),
            spawned: 0,
            calls: 0,
            crew,
        };
        host.open(store);
        for _ in 0..host.crew.count {
            host.spawn();
        }
        host
    }

    fn entropy(&mut self) -> Entropy {
        self.calls += 1;
        let seed = u128::from(self.calls).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        Entropy((seed ^ u128::from(self.name)).to_le_bytes())
    }

    fn open(&mut self, store: Box<dyn Store>) {
        let options = EngineOptions {
            build_id: BUILD.to_owned(),
            expected_executors: self.crew.count,
            ..EngineOptions::default()
        };
        let now = TimestampMs(self.clock.now());
        let opened = Engine::open(store, options, now, self.entropy());
        let (engine, output) = opened.expect("the engine opens");
        self.engine = Some(engine);
        self.carry_out(output);
    }

    /// The engine's memory is lost and the store stays: a panic, a new leader.
    pub(super) fn crash(&mut self) {
        let store = self.engine.take().expect("an engine").into_store();
        self.wake_at = None;
        self.open(store);
        for executor in self.executors.iter_mut().filter(|one| one.is_alive) {
            executor.hello(BUILD);
        }
    }

    /// All is lost but the store: a reload, the machine's end.
    pub(super) fn reload(&mut self) {
        self.executors.clear();
        self.dying.clear();
        self.crash();
        for _ in 0..self.crew.count {
            self.spawn();
        }
    }

    /// Ends for good.
    pub(super) fn close(&mut self) {
        self.engine = None;
        self.executors.clear();
        self.dying.clear();
        self.wake_at = None;
    }

    /// Another executor comes.
    pub(super) fn spawn(&mut self) {
        self.spawned += 1;
        let mut executor = Executor::new(
            ExecutorId(format!("executor-{}{}", self.name, self.spawned)),
            Rc::clone(&self.crew.jobs),
            self.crew.slots,
            self.crew.parked_max,
            self.clock.clone(),
        );
        executor.hello(BUILD);
        self.executors.push(executor);
    }

    /// An executor dies without a word, and another one takes its place.
    pub(super) fn kill(&mut self, index: usize) {
        let dead = self.executors.remove(index);
        self.handle(vec![Input::ExecutorGone {
            executor_id: dead.id,
        }]);
        self.spawn();
    }

    /// One batch.
    pub(super) fn handle(&mut self, inputs: Vec<Input>) -> Vec<Addressed> {
        let (now, entropy) = (TimestampMs(self.clock.now()), self.entropy());
        let engine = self.engine.as_mut().expect("an engine");
        let output = engine.handle(inputs, now, entropy);
        self.batches += 1;
        self.carry_out(output)
    }

    fn carry_out(&mut self, output: Output) -> Vec<Addressed> {
        self.wake_at = output.wake_at;
        self.events.extend(output.events);
        if let Some(error) = output.status.and_then(|status| status.paused) {
            panic!("the engine has paused: {}", error.message);
        }
        let effects = output.effects.into_iter().filter(|_| !self.is_deaf);
        for effect in effects.collect::<Vec<_>>() {
            match effect {
                Effect::Send {
                    executor_id,
                    message,
                } => {
                    let to = self.executors.iter_mut().find(|one| one.id == executor_id);
                    if let Some(executor) = to {
                        executor.receive(message);
                    }
                }
                Effect::TerminateExecutor { executor_id } => self.terminate(executor_id),
                Effect::DeleteBlobs { .. } => {}
            }
        }
        output.replies
    }

    fn terminate(&mut self, executor_id: ExecutorId) {
        for executor in &mut self.executors {
            if executor.id == executor_id {
                executor.is_alive = false;
                executor.out.clear();
            }
        }
        self.dying
            .push((self.clock.now() + DEATH_MS, executor_id.clone()));
        self.terminated.push(executor_id);
    }

    /// When something happens here by itself.
    pub(super) fn next_time(&self) -> Option<i64> {
        let alarms = self.executors.iter().filter_map(Executor::next_alarm);
        let deaths = self.dying.iter().map(|(at, _)| *at);
        let deaths = deaths.filter(|_| self.lets_die);
        alarms
            .chain(deaths)
            .chain(self.wake_at.map(|at| at.0))
            .min()
    }

    /// One turn of the executors, without the engine: what they say stays in their `out`.
    pub(super) fn work(&mut self) {
        for executor in &mut self.executors {
            executor.work();
        }
    }

    /// One turn of the executors, and what they say and what is due to the engine. Whether there was anything.
    pub(super) fn round(&mut self) -> bool {
        if self.engine.is_none() {
            return false;
        }
        self.work();
        let now = self.clock.now();
        let mut inputs = Vec::new();
        if self.wake_at.is_some_and(|at| at.0 <= now) {
            inputs.push(Input::Tick);
        }
        let lets_die = self.lets_die;
        let (dead, dying) = std::mem::take(&mut self.dying)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _)| lets_die && *at <= now);
        self.dying = dying;
        for (_, executor_id) in dead {
            self.executors.retain(|one| one.id != executor_id);
            self.spawn();
            inputs.push(Input::ExecutorGone { executor_id });
        }
        for executor in &mut self.executors {
            let executor_id = &executor.id;
            inputs.extend(executor.out.drain(..).map(|envelope| Input::Executor {
                executor_id: executor_id.clone(),
                envelope,
            }));
        }
        let found = !inputs.is_empty();
        let mut inputs = inputs.into_iter().peekable();
        while inputs.peek().is_some() {
            let batch = inputs.by_ref().take(BATCH_MAX).collect();
            self.handle(batch);
        }
        found
    }

    /// A round of which the engine commits everything and dies before it has said anything.
    pub(super) fn lose_a_round(&mut self) {
        self.is_deaf = true;
        self.round();
        self.is_deaf = false;
    }

    /// How many claims and adoptions its engine has made.
    pub(super) fn leases(&self) -> u64 {
        self.engine
            .as_ref()
            .map_or(0, |engine| engine.status().counters.leases)
    }

    /// Whether an executor is about to say this.
    pub(super) fn is_about_to(&self, wanted: impl Fn(&ExecutorMessage) -> bool) -> bool {
        let mut out = self.executors.iter().flat_map(|executor| &executor.out);
        out.any(|ExecutorEnvelope { message, .. }| wanted(message))
    }
}
