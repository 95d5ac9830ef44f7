//! What is measured, the same for times and for instruction counts: each operation is prepared and cleaned up after
//! outside of [`measured`].

use stepwell_engine::{Claim, Claimed, Fence, RunOutcome, Store};
use stepwell_protocol::{
    Command, EngineMessage, Holding, Input, Output, Payload, Reply, Report, RunFilter, RunId,
};

use super::{World, assigned, job};

/// The steps of a run that is replayed.
pub const REPLAYED_STEPS: usize = 1_000;
/// The step commits of one batch, and the runs that they are of.
pub const BATCH_STEPS: usize = 64;
const BATCH_RUNS: usize = 16;
/// After so many steps other runs take their place, so that a run does not grow with the patience of the one who measures.
const STEPS_OF_RUN_MAX: usize = 500;
/// A page of a list.
const PAGE_RUNS: u32 = 100;

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// One step's result, alone in its batch.
    Step,
    /// 64 of them, of 16 runs, in one batch.
    Batch,
    /// A run is triggered while the executor has no room.
    Trigger,
    /// A run is triggered, claimed and assigned.
    Start,
    /// The store claims one run.
    Claim,
    /// An engine is opened, and gives its executor a run with 1,000 steps.
    Replay,
    /// The newest 100 runs are read.
    Page,
}

/// What is measured of it.
pub enum Operation<S> {
    Handle(Vec<Input>),
    Claim,
    Open(S),
}

/// What came of it.
pub enum Done {
    Output(Output),
    Claimed(Vec<Claimed>),
}

/// A case in a world of its own.
pub struct Measurement<S> {
    case: Case,
    world: World<S>,
    /// What the executor holds.
    runs: Vec<Holding>,
    steps: usize,
}

impl<S: Store> Measurement<S> {
    pub fn new(case: Case, mut world: World<S>) -> Self {
        let (slots, runs) = match case {
            Case::Step => (1, 1),
            Case::Batch => (BATCH_RUNS, BATCH_RUNS),
            Case::Trigger | Case::Replay => (1, 1),
            Case::Start => (1, 0),
            Case::Claim | Case::Page => (0, 0),
        };
        world.hello(u32::try_from(slots).expect("it is small"));
        let mut runs = world.started(runs);
        if case == Case::Replay {
            for step in 0..REPLAYED_STEPS {
                let step = world.step(&runs[0], step);
                world.handle(vec![step]);
            }
            runs.clear();
        }
        Self {
            case,
            world,
            runs,
            steps: 0,
        }
    }

    /// Makes one operation ready.
    pub fn prepare(&mut self) -> Operation<S> {
        match self.case {
            Case::Step => Operation::Handle(self.steps(1)),
            Case::Batch => Operation::Handle(self.steps(BATCH_STEPS)),
            Case::Trigger | Case::Start => Operation::Handle(vec![self.world.trigger_one()]),
            Case::Claim => {
                let trigger = self.world.trigger_one();
                self.world.handle(vec![trigger]);
                Operation::Claim
            }
            Case::Replay => Operation::Open(self.world.close()),
            Case::Page => {
                let filter = RunFilter {
                    limit: PAGE_RUNS,
                    ..RunFilter::default()
                };
                Operation::Handle(vec![self.world.client(Command::GetRuns { filter })])
            }
        }
    }

    /// The work itself, and nothing else.
    pub fn run(&mut self, operation: Operation<S>) -> Done {
        measured(&mut self.world, operation)
    }

    /// Looks whether it did what it should, and puts the store back to what it was.
    pub fn settle(&mut self, done: Done) {
        let output = match done {
            Done::Claimed(claimed) => return self.drop_claimed(&claimed),
            Done::Output(output) => output,
        };
        match self.case {
            Case::Step | Case::Batch => assert_eq!(output.events.len(), self.steps_of_batch()),
            Case::Trigger => {
                let run_id = triggered(&output);
                let cancel = self.world.client(Command::Cancel {
                    run_id: run_id.clone(),
                });
                self.world.handle(vec![cancel]);
                self.world.delete(run_id);
            }
            Case::Start => {
                let runs = assigned(&output);
                self.world.complete(&runs);
                self.world.delete(triggered(&output));
            }
            Case::Replay => {
                let memo = output.effects.iter().find_map(|effect| match effect {
                    stepwell_protocol::Effect::Send {
                        message: EngineMessage::Assign { assignment },
                        ..
                    } => Some(assignment.memo.len()),
                    _ => None,
                });
                assert_eq!(memo, Some(REPLAYED_STEPS));
            }
            Case::Page => {
                let page = match &output.replies[0].reply.reply {
                    Reply::Runs { page } => page,
                    other => panic!("a page, not {other:?}"),
                };
                assert_eq!(page.runs.len(), PAGE_RUNS as usize);
            }
            Case::Claim => panic!("a claim has no output"),
        }
    }

    fn steps_of_batch(&self) -> usize {
        match self.case {
            Case::Batch => BATCH_STEPS,
            _ => 1,
        }
    }

    /// The results of the next steps, of each run in turn.
    fn steps(&mut self, count: usize) -> Vec<Input> {
        if self.steps >= STEPS_OF_RUN_MAX * self.runs.len() {
            self.world.complete(&self.runs);
            for run in &self.runs {
                self.world.delete(run.run_id.clone());
            }
            self.runs = self.world.started(self.runs.len());
            self.steps = 0;
        }
        let first = self.steps;
        self.steps += count;
        (first..self.steps)
            .map(|at| {
                let run = &self.runs[at % self.runs.len()];
                self.world.step(run, at / self.runs.len())
            })
            .collect()
    }

    fn drop_claimed(&mut self, claimed: &[Claimed]) {
        let [claimed] = claimed else {
            panic!("one run is claimed, not {}", claimed.len());
        };
        let (run, now) = (&claimed.run, self.world.now());
        let fence = Fence {
            run_id: run.id.clone(),
            generation: run.generation,
        };
        let outcome = RunOutcome::Completed {
            output: Payload::from("null"),
            blobs: Vec::new(),
        };
        let store = self.world.engine().store_mut();
        let dropped = store
            .begin()
            .and_then(|()| store.finish_run(&fence, &outcome, &Report::default(), now))
            .and_then(|_| store.delete_run(&run.id))
            .and_then(|_| store.commit());
        dropped.expect("the store is sound");
    }
}

fn triggered(output: &Output) -> RunId {
    match &output.replies[0].reply.reply {
        Reply::Triggered { result } => result.run.id.clone(),
        other => panic!("a run, not {other:?}"),
    }
}

/// Never inlined: callgrind counts from the call of a function to its return.
#[inline(never)]
pub fn measured<S: Store>(world: &mut World<S>, operation: Operation<S>) -> Done {
    match operation {
        Operation::Handle(inputs) => Done::Output(world.handle(inputs)),
        Operation::Claim => Done::Claimed(claim(world)),
        Operation::Open(store) => {
            world.open(store);
            let hello = world.hello_of(1);
            Done::Output(world.handle(vec![hello]))
        }
    }
}

fn claim<S: Store>(world: &mut World<S>) -> Vec<Claimed> {
    let (now, session) = (world.now(), world.engine().epoch());
    let claim = Claim {
        session,
        jobs: &[job()],
        limit: 1,
        leaving: &[],
        now,
        lease_expires_at: None,
    };
    let store = world.engine().store_mut();
    let claimed = store
        .begin()
        .and_then(|()| store.claim(&claim))
        .and_then(|claimed| store.commit().map(|_| claimed));
    claimed.expect("the store is sound")
}
