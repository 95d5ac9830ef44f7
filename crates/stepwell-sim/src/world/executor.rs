//! An executor, as `packages/core/src/executor` is one: memo and replay, bodies as spans of virtual time, messages kept
//! until they are answered and sent again to a restarted engine, abort and release.

use std::collections::BTreeMap;

use stepwell_protocol::{
    Assignment, EngineMessage, ExecutorEnvelope, ExecutorId, ExecutorMessage, Generation, Holding,
    Payload, RunFailure, RunId, ServedJob,
};

use super::Scene;
use super::function::{Active, HUNG_MS};
use super::messages::{run_of, set_generation};
use crate::counts::State;
use crate::properties::keys::Function;
use crate::properties::logs::Span;

/// An aborted function is given up after this.
const RELEASE_MS_MAX: i64 = 2_000;

/// What an executor wants from the world.
#[derive(Debug)]
pub(super) enum Act {
    Say(ExecutorEnvelope),
    After(i64, Alarm),
    /// A body took its executor with it.
    Die,
}

/// What an executor is woken for.
#[derive(Clone, Debug)]
pub(super) enum Alarm {
    BodyDone {
        run_id: RunId,
        assignment: usize,
        step: String,
    },
    ReportDue {
        run_id: RunId,
        assignment: usize,
    },
    LetGo {
        run_id: RunId,
        generation: Generation,
    },
}

/// A message that waits for its answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) message: ExecutorMessage,
    pub(super) lines: Option<Span>,
}

/// One executor from its start to its death.
#[derive(Debug)]
pub(super) struct Executor {
    pub(super) id: ExecutorId,
    pub(super) slots: u32,
    pub(super) alive: bool,
    /// The engine that its port leads to.
    pub(super) host: Option<u64>,
    /// Welcomed by that engine.
    pub(super) open: bool,
    last_seq: u64,
    unanswered: BTreeMap<u64, Unanswered>,
    pub(super) runs: BTreeMap<RunId, Active>,
    leaving: BTreeMap<(RunId, Generation), Leaving>,
    /// Its last hello may have come after the gate: another run may have taken the place of one that it still ran.
    pub(super) is_late: bool,
    /// How many hellos it said.
    hellos: u64,
}

/// A function that was told to stop and has not ended.
#[derive(Debug)]
struct Leaving {
    job_name: String,
    key: Option<String>,
    /// The hello after which it was told. The next one does not tell of it, and the engine does not know it then.
    hello: u64,
}

impl Executor {
    pub(super) fn new(id: ExecutorId, slots: u32) -> Self {
        Self {
            id,
            slots,
            alive: true,
            host: None,
            open: false,
            last_seq: 0,
            unanswered: BTreeMap::new(),
            runs: BTreeMap::new(),
            leaving: BTreeMap::new(),
            is_late: false,
            hellos: 0,
        }
    }

    pub(super) fn run_ids(&self) -> impl Iterator<Item = &RunId> {
        self.runs.keys()
    }

    pub(super) fn unanswered(&self, seq: u64) -> Option<&Unanswered> {
        self.unanswered.get(&seq)
    }

    pub(super) fn has_hung_body(&self, now: i64) -> bool {
        let mut in_flight = self.runs.values().flat_map(|run| run.in_flight.values());
        in_flight.any(|(_, until)| *until > now + HUNG_MS / 2)
    }

    pub(super) fn has_free_slot(&self) -> bool {
        self.runs.len() + self.leaving.len() < self.slots as usize
    }

    /// The functions that have not ended.
    pub(super) fn functions(&self) -> Vec<Function> {
        let of = |job_name: &str, key: Option<&String>, run_id: &RunId| Function {
            job_name: job_name.to_owned(),
            key: key.cloned(),
            run_id: run_id.clone(),
            executor: self.id.0.clone(),
        };
        let running = self.runs.values().filter(|run| !run.ended).map(|run| {
            let Assignment {
                job_name, run_id, ..
            } = &run.assignment;
            of(job_name, run.key.as_ref(), run_id)
        });
        let leaving = self
            .leaving
            .iter()
            .filter(|(_, leaving)| leaving.hello == self.hellos)
            .map(|((run_id, _), leaving)| of(&leaving.job_name, leaving.key.as_ref(), run_id));
        running.chain(leaving).collect()
    }

    /// A new port, or the same engine again: everything waits for its welcome.
    pub(super) fn hello(&mut self, build_id: &str, jobs: Vec<ServedJob>) -> ExecutorEnvelope {
        self.open = false;
        self.hellos += 1;
        let holding = self
            .runs
            .iter()
            .map(|(run_id, run)| Holding {
                run_id: run_id.clone(),
                generation: run.generation,
            })
            .collect();
        let message = ExecutorMessage::Hello {
            build_id: build_id.to_owned(),
            jobs,
            slots: self.slots,
            holding,
        };
        ExecutorEnvelope { seq: 0, message }
    }

    pub(super) fn receive(&mut self, message: EngineMessage, scene: &mut Scene<'_>) {
        match message {
            EngineMessage::Welcome { adopted, .. } => self.welcomed(&adopted, scene),
            EngineMessage::Assign { assignment } => self.start(assignment, scene),
            EngineMessage::Ack { seqs } => {
                for seq in seqs {
                    self.acked(seq, scene);
                }
            }
            EngineMessage::Refused { seq, run_id, .. } => {
                if self.unanswered.contains_key(&seq) {
                    scene.saw(State::LateWriteRefused);
                    self.leave(&run_id, scene);
                }
            }
            EngineMessage::Abort {
                run_id, generation, ..
            } => {
                let holds = self.runs.get(&run_id).map(|run| run.generation) == Some(generation);
                if holds {
                    scene.saw(State::Aborted);
                    self.leave(&run_id, scene);
                } else if !self.leaving.contains_key(&(run_id.clone(), generation)) {
                    self.tell(ExecutorMessage::Released { run_id, generation }, scene);
                }
            }
        }
    }

    pub(super) fn wake(&mut self, alarm: Alarm, scene: &mut Scene<'_>) {
        match alarm {
            Alarm::BodyDone {
                run_id,
                assignment,
                step,
            } => {
                self.body_done(&run_id, assignment, &step, scene);
            }
            Alarm::ReportDue { run_id, assignment } => {
                let due = self
                    .runs
                    .get_mut(&run_id)
                    .filter(|run| run.number == assignment && run.report_due && !run.ended);
                if let Some(run) = due {
                    let generation = run.generation;
                    let (report, lines) = run.take_report();
                    let message = ExecutorMessage::Report {
                        run_id,
                        generation,
                        report,
                    };
                    self.post(message, lines, scene);
                }
            }
            Alarm::LetGo { run_id, generation } => {
                self.leaving.remove(&(run_id.clone(), generation));
                self.tell(ExecutorMessage::Released { run_id, generation }, scene);
            }
        }
    }

    fn tell(&mut self, message: ExecutorMessage, scene: &mut Scene<'_>) {
        if self.open {
            scene
                .acts
                .push(Act::Say(ExecutorEnvelope { seq: 0, message }));
        }
    }

    pub(super) fn post(
        &mut self,
        message: ExecutorMessage,
        lines: Option<Span>,
        scene: &mut Scene<'_>,
    ) {
        self.last_seq += 1;
        let seq = self.last_seq;
        if self.open {
            let message = message.clone();
            scene.acts.push(Act::Say(ExecutorEnvelope { seq, message }));
        }
        self.unanswered.insert(seq, Unanswered { message, lines });
    }

    /// Forgets a run; nothing that its function still makes counts.
    fn discard(&mut self, run_id: &RunId, scene: &mut Scene<'_>) -> Option<Active> {
        self.unanswered
            .retain(|_, unanswered| run_of(&unanswered.message) != Some(run_id));
        scene.bodies.lost_lease(run_id);
        self.runs.remove(run_id)
    }

    fn leave(&mut self, run_id: &RunId, scene: &mut Scene<'_>) {
        let Some(run) = self.discard(run_id, scene) else {
            return;
        };
        let generation = run.generation;
        let leaving = Leaving {
            job_name: run.assignment.job_name.clone(),
            key: run.key.clone(),
            hello: self.hellos,
        };
        self.leaving.insert((run_id.clone(), generation), leaving);
        let settled_in = run
            .in_flight
            .values()
            .map(|(_, until)| until - scene.now)
            .max()
            .unwrap_or(0);
        let run_id = run_id.clone();
        scene.acts.push(Act::After(
            settled_in.clamp(0, RELEASE_MS_MAX),
            Alarm::LetGo { run_id, generation },
        ));
    }

    fn welcomed(&mut self, adopted: &[Holding], scene: &mut Scene<'_>) {
        let given: BTreeMap<&RunId, Generation> = adopted
            .iter()
            .map(|held| (&held.run_id, held.generation))
            .collect();
        for run_id in self.runs.keys().cloned().collect::<Vec<_>>() {
            match (given.get(&run_id), self.runs.get_mut(&run_id)) {
                (Some(generation), Some(run)) => run.generation = *generation,
                _ => {
                    self.discard(&run_id, scene);
                }
            }
        }
        self.open = true;
        for (seq, unanswered) in &mut self.unanswered {
            let given = run_of(&unanswered.message)
                .and_then(|run_id| given.get(run_id))
                .copied();
            if let Some(given) = given {
                set_generation(&mut unanswered.message, given);
            }
            let message = unanswered.message.clone();
            scene
                .acts
                .push(Act::Say(ExecutorEnvelope { seq: *seq, message }));
        }
        let bodies: Vec<ExecutorMessage> = self
            .runs
            .iter()
            .flat_map(|(run_id, run)| run.in_flight.keys().map(move |step| (run_id, run, step)))
            .map(|(run_id, run, step)| ExecutorMessage::StepStart {
                run_id: run_id.clone(),
                generation: run.generation,
                step_name: step.clone(),
                attempt: run.attempt_of(step),
            })
            .collect();
        for message in bodies {
            self.tell(message, scene);
        }
    }

    fn start(&mut self, assignment: Assignment, scene: &mut Scene<'_>) {
        let run_id = assignment.run_id.clone();
        if self.runs.contains_key(&run_id) {
            self.discard(&run_id, scene);
        }
        if assignment
            .memo
            .iter()
            .any(|step| step.completed_index.is_some())
        {
            scene.saw(State::Replayed);
        }
        *scene.assignments += 1;
        let run = Active::new(assignment, scene);
        self.runs.insert(run_id.clone(), run);
        self.advance(&run_id, scene);
    }

    fn acked(&mut self, seq: u64, scene: &mut Scene<'_>) {
        let Some(Unanswered { message, lines }) = self.unanswered.remove(&seq) else {
            return;
        };
        if let (Some(lines), Some(run_id)) = (lines, run_of(&message)) {
            scene
                .acknowledged
                .entry(run_id.clone())
                .or_default()
                .add(lines);
        }
        match message {
            ExecutorMessage::StepCommit {
                run_id,
                step_name,
                output,
                ..
            } => {
                self.reached(&run_id, step_name, Ok(output), scene);
            }
            ExecutorMessage::StepFail {
                run_id,
                step_name,
                error,
                ..
            } => {
                self.reached(&run_id, step_name, Err(error), scene);
            }
            ExecutorMessage::RunComplete { run_id, .. }
            | ExecutorMessage::RunFail { run_id, .. } => {
                self.runs.remove(&run_id);
            }
            _ => {}
        }
    }

    fn reached(
        &mut self,
        run_id: &RunId,
        step: String,
        outcome: Result<Payload, RunFailure>,
        scene: &mut Scene<'_>,
    ) {
        if let Some(run) = self.runs.get_mut(run_id) {
            run.outcomes.insert(step, outcome);
            self.advance(run_id, scene);
        }
    }
}
