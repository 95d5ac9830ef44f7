//! An engine with one executor and one client, made of inputs: the same over every store.
#![allow(unreachable_pub, reason = "a bench has no outside")]
#![allow(dead_code, reason = "each bench uses its part")]

pub mod cases;
pub mod timed;

use stepwell_engine::{BATCH_RUNS_MAX, Engine, EngineOptions, Entropy, Store};
use stepwell_protocol::{
    ClientRequest, Command, Effect, EngineMessage, ExecutorEnvelope, ExecutorMessage, Holding,
    Input, NewTrigger, Output, Payload, Report, RunId, ServedJob, TimestampMs,
};

const BUILD: &str = "bench";
const START: TimestampMs = TimestampMs(1_800_000_000_000);
/// What a step returns, in bytes: as in the browser's benchmark.
const OUTPUT_BYTES: usize = 100;

/// An engine, its time, and the numbers that each message needs anew.
pub struct World<S> {
    engine: Option<Engine<S>>,
    now: TimestampMs,
    messages: u64,
}

impl<S: Store> World<S> {
    /// An engine without an executor.
    pub fn new(store: S) -> Self {
        let mut world = Self {
            engine: None,
            now: START,
            messages: 0,
        };
        world.open(store);
        world
    }

    pub fn open(&mut self, store: S) {
        let options = EngineOptions {
            build_id: BUILD.into(),
            ..EngineOptions::default()
        };
        let opened = Engine::open(store, options, self.now, self.entropy());
        self.engine = Some(opened.expect("the store is sound").0);
    }

    /// As a page that is reloaded: the runs are given back in good order.
    pub fn close(&mut self) -> S {
        self.handle(vec![Input::Release]);
        let engine = self.engine.take().expect("it is open");
        engine.into_store()
    }

    pub fn engine(&mut self) -> &mut Engine<S> {
        self.engine.as_mut().expect("it is open")
    }

    pub fn now(&self) -> TimestampMs {
        self.now
    }

    pub fn handle(&mut self, inputs: Vec<Input>) -> Output {
        self.now = self.now.plus(1);
        let (now, entropy) = (self.now, self.entropy());
        self.engine().handle(inputs, now, entropy)
    }

    fn entropy(&mut self) -> Entropy {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.now.0.to_le_bytes());
        Entropy(bytes)
    }

    /// The executor says how many runs it takes at once. Those that it is given.
    pub fn hello(&mut self, slots: u32) -> Vec<Holding> {
        let hello = self.hello_of(slots);
        assigned(&self.handle(vec![hello]))
    }

    pub fn hello_of(&mut self, slots: u32) -> Input {
        self.executor(ExecutorMessage::Hello {
            build_id: BUILD.into(),
            jobs: vec![job()],
            slots,
            holding: Vec::new(),
        })
    }

    /// Triggers runs and lets the executor have them.
    pub fn started(&mut self, count: usize) -> Vec<Holding> {
        let trigger = self.trigger(count);
        let runs = assigned(&self.handle(vec![trigger]));
        assert_eq!(runs.len(), count, "the executor has room for all");
        runs
    }

    pub fn trigger(&mut self, count: usize) -> Input {
        let runs = vec![new_run(); count];
        self.client(Command::BatchTrigger { runs })
    }

    pub fn trigger_one(&mut self) -> Input {
        self.client(Command::Trigger { run: new_run() })
    }

    pub fn step(&mut self, run: &Holding, step: usize) -> Input {
        let output = format!("\"{}\"", "x".repeat(OUTPUT_BYTES - 2));
        self.executor(ExecutorMessage::StepCommit {
            run_id: run.run_id.clone(),
            generation: run.generation,
            step_name: format!("step-{step}"),
            attempt: 1,
            output: Payload::from(output),
            blobs: Vec::new(),
            duration_ms: 3,
            report: Report::default(),
        })
    }

    pub fn complete(&mut self, runs: &[Holding]) {
        let ends = runs
            .iter()
            .map(|run| {
                self.executor(ExecutorMessage::RunComplete {
                    run_id: run.run_id.clone(),
                    generation: run.generation,
                    output: Payload::from("null"),
                    blobs: Vec::new(),
                    report: Report::default(),
                })
            })
            .collect();
        self.handle(ends);
    }

    pub fn delete(&mut self, run_id: RunId) {
        let delete = self.client(Command::DeleteRun { run_id });
        self.handle(vec![delete]);
    }

    /// Stores so many runs that have completed. Ends without an executor that has room.
    pub fn fill(&mut self, mut count: usize) {
        self.hello(u32::try_from(BATCH_RUNS_MAX).expect("it is small"));
        while count > 0 {
            let part = count.min(BATCH_RUNS_MAX);
            let runs = self.started(part);
            self.complete(&runs);
            count -= part;
        }
        self.hello(0);
    }

    pub fn client(&mut self, command: Command) -> Input {
        self.messages += 1;
        // The epoch, because the store remembers the requests of earlier engines.
        let request_id = format!("{}-{}", self.engine().epoch().0, self.messages);
        Input::Client {
            client_id: "tab".into(),
            request: ClientRequest {
                request_id: request_id.as_str().into(),
                command,
            },
        }
    }

    fn executor(&mut self, message: ExecutorMessage) -> Input {
        self.messages += 1;
        Input::Executor {
            executor_id: "executor".into(),
            envelope: ExecutorEnvelope {
                seq: self.messages,
                message,
            },
        }
    }
}

pub fn job() -> ServedJob {
    ServedJob {
        name: "job".into(),
        concurrency: None,
        needs_network: false,
    }
}

fn new_run() -> NewTrigger {
    NewTrigger {
        job_name: job().name,
        input: Payload::from("{}"),
        ..NewTrigger::default()
    }
}

/// The runs that the executor was given.
pub fn assigned(output: &Output) -> Vec<Holding> {
    let effects = output.effects.iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Send {
                message: EngineMessage::Assign { assignment },
                ..
            } => Some(Holding {
                run_id: assignment.run_id.clone(),
                generation: assignment.generation,
            }),
            _ => None,
        })
        .collect()
}
