//! An executor, as `packages/core/src/executor` is one: memo and replay, bodies as spans of virtual time, messages kept
//! until they are answered and sent again to a restarted engine, abort and release.

use std::collections::BTreeMap;

use stepwell_protocol::{
    Assignment, EngineMessage, ExecutorEnvelope, ExecutorId, ExecutorMessage, Generation, Holding,
    RunId, ServedJob,
};

use super::Scene;
use super::active::Active;
use super::body::{HUNG_MS, Moment};
use super::function::GRACE_MS;
use super::messages::{run_of, set_generation};
use super::suspension::ParkingLot;
use crate::counts::State;
use crate::properties::keys::Function;
use crate::properties::logs::Span;

/// An aborted function is given up after this.
const RELEASE_MS_MAX: i64 = 2_000;

/// What an executor wants from the world.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "made and taken apart at once, a few at a time"
)]
pub(super) enum Act {
    Say(ExecutorEnvelope),
    After(i64, Alarm),
    /// A body took its executor with it.
    Die,
}

/// What an executor is woken for.
#[derive(Clone, Debug)]
pub(super) enum Alarm {
    Body {
        run_id: RunId,
        step: String,
        body: usize,
        what: Moment,
    },
    ReportDue {
        run_id: RunId,
        execution: usize,
    },
    /// The timer of a function beside its calls.
    OwnTimer {
        run_id: RunId,
        execution: usize,
        wave: usize,
    },
    /// A job's time is over; or the grace after it.
    RunTimedOut {
        run_id: RunId,
        number: usize,
        is_final: bool,
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
    pub(super) unanswered: BTreeMap<u64, Unanswered>,
    pub(super) runs: BTreeMap<RunId, Active>,
    pub(super) parked: ParkingLot,
    /// A body does not yield, or has killed everything: it hears and says nothing any more.
    pub(super) is_blocked: bool,
    /// As the engine told it.
    pub(super) is_online: bool,
    /// On which page it is.
    pub(super) page: usize,
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
    pub(super) fn new(id: ExecutorId, slots: u32, page: usize) -> Self {
        Self {
            id,
            slots,
            page,
            alive: true,
            host: None,
            open: false,
            last_seq: 0,
            unanswered: BTreeMap::new(),
            runs: BTreeMap::new(),
            parked: ParkingLot::default(),
            is_blocked: false,
            is_online: true,
            leaving: BTreeMap::new(),
            is_late: false,
            hellos: 0,
        }
    }

    pub(super) fn run_ids(&self) -> impl Iterator<Item = &RunId> {
        self.runs.keys()
    }

    /// What it works on, each under its generation.
    pub(super) fn held(&self) -> impl Iterator<Item = (&RunId, Generation)> {
        let is_held = |(_, run): &(&RunId, &Active)| !run.ended && run.suspending.is_none();
        let held = self.runs.iter().filter(is_held);
        held.map(|(run_id, run)| (run_id, run.generation))
    }

    pub(super) fn unanswered(&self, seq: u64) -> Option<&Unanswered> {
        self.unanswered.get(&seq)
    }

    pub(super) fn has_hung_body(&self, now: i64) -> bool {
        let mut in_flight = self.runs.values().flat_map(|run| run.in_flight.values());
        self.is_blocked || in_flight.any(|flight| flight.until > now + HUNG_MS / 2)
    }

    pub(super) fn has_free_slot(&self) -> bool {
        self.runs.len() + self.leaving.len() < self.slots as usize
    }

    /// The functions that have not ended.
    pub(super) fn functions(&self) -> Vec<Function> {
        let of = |job_name: &str, key: Option<&String>, run_id: &RunId, is_leaving| Function {
            job_name: job_name.to_owned(),
            key: key.cloned(),
            run_id: run_id.clone(),
            executor: self.id.0.clone(),
            is_leaving,
        };
        // One that is about to be suspended does nothing, and may have given up its slot already.
        let is_running = |run: &&Active| !run.ended && run.suspending.is_none();
        let running = self.runs.values().filter(is_running).map(|run| {
            let Assignment {
                job_name, run_id, ..
            } = &run.assignment;
            of(job_name, run.key.as_ref(), run_id, false)
        });
        let leaving = self
            .leaving
            .iter()
            .filter(|(_, leaving)| leaving.hello == self.hellos)
            .map(|((run_id, _), leaving)| {
                of(&leaving.job_name, leaving.key.as_ref(), run_id, true)
            });
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
            EngineMessage::Welcome {
                adopted, is_online, ..
            } => {
                self.is_online = is_online;
                self.welcomed(&adopted, scene);
            }
            EngineMessage::Network { is_online } => self.is_online = is_online,
            EngineMessage::Assign { assignment } => self.start(assignment, scene),
            EngineMessage::Resume {
                run_id,
                generation,
                timeout_ms,
                steps,
            } => self.resume(&run_id, generation, timeout_ms, &steps, scene),
            EngineMessage::Resolved {
                run_id,
                generation,
                step,
            } => {
                let holds = |run: &&mut Active| run.generation == generation && !run.ended;
                if let Some(run) = self.runs.get_mut(&run_id).filter(holds) {
                    run.resolved(&step);
                    self.advance(&run_id, scene);
                }
            }
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
                } else if self.parked.drop_of(&run_id, generation) {
                    scene.saw(State::ParkedDropped);
                } else if !self.leaving.contains_key(&(run_id.clone(), generation)) {
                    self.tell_engine(ExecutorMessage::Released { run_id, generation }, scene);
                }
            }
        }
    }

    pub(super) fn wake(&mut self, alarm: Alarm, scene: &mut Scene<'_>) {
        match alarm {
            Alarm::Body {
                run_id,
                step,
                body,
                what,
            } => {
                self.body_alarm(&run_id, &step, body, what, scene);
            }
            Alarm::ReportDue { run_id, execution } => {
                let due = self
                    .runs
                    .get_mut(&run_id)
                    .filter(|run| run.execution == execution && run.report_due && !run.ended);
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
            Alarm::OwnTimer {
                run_id,
                execution,
                wave,
            } => self.own_timer(&run_id, execution, wave, scene),
            Alarm::RunTimedOut {
                run_id,
                number,
                is_final,
            } => self.run_timed_out(run_id, number, is_final, scene),
            Alarm::LetGo { run_id, generation } => {
                self.leaving.remove(&(run_id.clone(), generation));
                self.tell_engine(ExecutorMessage::Released { run_id, generation }, scene);
            }
        }
    }

    /// The time of a job is over: its signal fires, and after a grace the attempt fails.
    fn run_timed_out(
        &mut self,
        run_id: RunId,
        number: usize,
        is_final: bool,
        scene: &mut Scene<'_>,
    ) {
        let is_it = |run: &&mut Active| run.number == number && !run.ended;
        let Some(run) = self.runs.get_mut(&run_id).filter(is_it) else {
            return;
        };
        if is_final {
            run.is_late = true;
            self.advance(&run_id, scene);
            return;
        }
        let is_final = true;
        let alarm = Alarm::RunTimedOut {
            run_id,
            number,
            is_final,
        };
        scene.acts.push(Act::After(GRACE_MS, alarm));
    }

    pub(super) fn tell_engine(&mut self, message: ExecutorMessage, scene: &mut Scene<'_>) {
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
            .map(|flight| flight.until - scene.now)
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
            .filter_map(|(run_id, run, step)| {
                let plan = run.body_plan(step)?;
                Some(run.step_start(run_id, step, plan))
            })
            .collect();
        for message in bodies {
            self.tell_engine(message, scene);
        }
        self.say_wakes(scene);
    }

    fn start(&mut self, assignment: Assignment, scene: &mut Scene<'_>) {
        let run_id = assignment.run_id.clone();
        if self.runs.contains_key(&run_id) {
            self.discard(&run_id, scene);
        }
        self.parked.remove(&run_id);
        if assignment
            .memo
            .iter()
            .any(|step| step.completed_index.is_some())
        {
            scene.saw(State::Replayed);
        }
        *scene.assignments += 1;
        let timeout_ms = assignment.timeout_ms;
        let run = Active::new(assignment, scene);
        self.runs.insert(run_id.clone(), run);
        self.set_deadline(&run_id, timeout_ms, scene);
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
                self.outcome(&run_id, &step_name, Ok(output), scene);
            }
            ExecutorMessage::StepFail {
                run_id,
                step_name,
                error,
                retry: None,
                ..
            } => {
                self.outcome(&run_id, &step_name, Err(error), scene);
            }
            ExecutorMessage::RunComplete { run_id, .. }
            | ExecutorMessage::RunFail { run_id, .. } => {
                self.runs.remove(&run_id);
            }
            ExecutorMessage::Suspend { run_id, .. } => self.suspended(&run_id, scene),
            other => {
                // A wait is stored, or lines are: nothing may be left but waiting.
                if let Some(run_id) = run_of(&other) {
                    self.suspend_idle(run_id, scene);
                }
            }
        }
    }
}
