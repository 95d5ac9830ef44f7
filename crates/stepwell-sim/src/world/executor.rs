//! An executor, as `packages/core/src/executor` is one: memo and replay, bodies as spans of virtual time, messages kept
//! until they are answered and sent again to a restarted engine, abort and release.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{
    Assignment, EngineMessage, ExecutorEnvelope, ExecutorId, ExecutorMessage, FailureCode,
    Generation, Holding, LogLevel, NewLog, Payload, Progress, Report, RunFailure, RunId, ServedJob,
    Step, TimestampMs,
};

use super::Scene;
use crate::counts::{Fault, State};
use crate::properties::bodies::{self, Body, output_of};
use crate::properties::logs::{self, Span};
use crate::workloads::{Plan, StepPlan, plan};

/// How long lines wait for a message to ride along with.
const REPORT_MS: i64 = 100;
/// An aborted function is given up after this.
const RELEASE_MS_MAX: i64 = 2_000;
/// A body that hangs ends long after everything.
const HUNG_MS: i64 = 1_000_000;

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

#[derive(Debug)]
struct Active {
    /// The number of the assignment in the world.
    number: usize,
    assignment: Assignment,
    generation: Generation,
    plan: Plan,
    wave: usize,
    /// Outcomes that reached the function.
    outcomes: BTreeMap<String, Result<Payload, RunFailure>>,
    asked: BTreeSet<String>,
    in_flight: BTreeMap<String, (usize, i64)>,
    next_ordinal: u64,
    lines: Vec<NewLog>,
    progress: Option<Progress>,
    report_due: bool,
    ended: bool,
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
    open: bool,
    last_seq: u64,
    unanswered: BTreeMap<u64, Unanswered>,
    runs: BTreeMap<RunId, Active>,
    leaving: BTreeSet<(RunId, Generation)>,
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
            leaving: BTreeSet::new(),
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

    /// A new port, or the same engine again: everything waits for its welcome.
    pub(super) fn hello(&mut self, build_id: &str, jobs: Vec<ServedJob>) -> ExecutorEnvelope {
        self.open = false;
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
                } else if !self.leaving.contains(&(run_id.clone(), generation)) {
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

    fn post(&mut self, message: ExecutorMessage, lines: Option<Span>, scene: &mut Scene<'_>) {
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
        self.leaving.insert((run_id.clone(), generation));
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
        let run = Active {
            number: *scene.assignments,
            generation: assignment.generation,
            plan: plan(assignment.input.text().unwrap_or_default(), scene.workload),
            assignment,
            wave: 0,
            outcomes: BTreeMap::new(),
            asked: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            next_ordinal: 1,
            lines: Vec::new(),
            progress: None,
            report_due: false,
            ended: false,
        };
        self.runs.insert(run_id.clone(), run);
        self.advance(&run_id, scene);
    }

    /// Runs the function until it waits or ends.
    fn advance(&mut self, run_id: &RunId, scene: &mut Scene<'_>) {
        loop {
            let Some(run) = self.runs.get_mut(run_id).filter(|run| !run.ended) else {
                return;
            };
            let Some(wave) = run.plan.get(run.wave).cloned() else {
                self.end(run_id, None, scene);
                return;
            };
            for step in &wave {
                if run.asked.insert(step.name.clone()) {
                    match run.stored(&step.name).and_then(outcome_of) {
                        Some(outcome) => {
                            run.outcomes.insert(step.name.clone(), outcome);
                        }
                        None => {
                            let started = run.start_body(step, self.open, scene);
                            if started {
                                scene.acts.push(Act::Die);
                                return;
                            }
                        }
                    }
                }
            }
            let outcomes: Option<Vec<_>> = wave
                .iter()
                .map(|step| run.outcomes.get(&step.name))
                .collect();
            // The function awaits all steps of a wave, as `Promise.allSettled` does, and then throws the first failure.
            let Some(outcomes) = outcomes else {
                return;
            };
            if let Some(error) = outcomes
                .into_iter()
                .find_map(|outcome| outcome.as_ref().err())
            {
                let error = error.clone();
                self.end(run_id, Some(error), scene);
                return;
            }
            run.wave += 1;
        }
    }

    fn end(&mut self, run_id: &RunId, error: Option<RunFailure>, scene: &mut Scene<'_>) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        run.ended = true;
        let (run_id, generation) = (run_id.clone(), run.generation);
        let (report, lines) = run.take_report();
        let message = match error {
            Some(error) => ExecutorMessage::RunFail {
                run_id,
                generation,
                error,
                report,
            },
            None => ExecutorMessage::RunComplete {
                run_id,
                generation,
                output: output_of_run(&run.outcomes),
                blobs: Vec::new(),
                report,
            },
        };
        self.post(message, lines, scene);
    }

    fn body_done(&mut self, run_id: &RunId, number: usize, step: &str, scene: &mut Scene<'_>) {
        let Some(run) = self
            .runs
            .get_mut(run_id)
            .filter(|run| run.number == number && !run.ended)
        else {
            return;
        };
        let Some((body, _)) = run.in_flight.remove(step) else {
            return;
        };
        let attempt = run.attempt_of(step);
        let fails = run
            .plan
            .iter()
            .flatten()
            .any(|plan| plan.name == step && attempt <= plan.fails_until);
        let generation = run.generation;
        let (report, lines) = run.take_report();
        if let Some(body) = scene.bodies.get_mut(body) {
            body.lines = lines;
        }
        let (run_id, step_name, duration_ms) = (run_id.clone(), step.to_owned(), 1);
        let message = if fails {
            let error = failure(step, attempt);
            ExecutorMessage::StepFail {
                run_id,
                generation,
                step_name,
                attempt,
                error,
                duration_ms,
                report,
            }
        } else {
            let output = output_of(body);
            ExecutorMessage::StepCommit {
                run_id,
                generation,
                step_name,
                attempt,
                output,
                blobs: Vec::new(),
                duration_ms,
                report,
            }
        };
        self.post(message, lines, scene);
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

impl Active {
    fn stored(&self, step: &str) -> Option<&Step> {
        self.assignment
            .memo
            .iter()
            .find(|stored| stored.name == step)
    }

    fn attempt_of(&self, step: &str) -> u32 {
        self.stored(step).map_or(0, |stored| stored.attempt) + 1
    }

    /// Calls a step's function. Whether it took its executor with it.
    fn start_body(&mut self, step: &StepPlan, is_open: bool, scene: &mut Scene<'_>) -> bool {
        let run_id = self.assignment.run_id.clone();
        let attempt = self.attempt_of(&step.name);
        let is_first = scene.bodies.executions(&run_id, &step.name) == 0;
        let body = Body {
            run_id: run_id.clone(),
            step: step.name.clone(),
            attempt,
            generation: self.generation,
            lines: None,
        };
        let (body, verdict) = {
            let watch = scene.watch.borrow();
            scene.bodies.start(body, scene.leases, &watch)
        };
        scene
            .watch
            .borrow_mut()
            .verdicts
            .judge(bodies::NAME, verdict);
        if step.kills {
            scene.struck(Fault::PoisonedBody);
            return true;
        }
        let ms = match step.hangs && is_first && !scene.is_calm {
            true => {
                scene.struck(Fault::HungBody);
                HUNG_MS
            }
            false => step.ms,
        };
        if step.is_slow {
            scene.struck(Fault::SlowBody);
        }
        for _ in 0..step.lines {
            self.log(&step.name, attempt, scene);
        }
        if is_open {
            let message = ExecutorMessage::StepStart {
                run_id: run_id.clone(),
                generation: self.generation,
                step_name: step.name.clone(),
                attempt,
            };
            scene
                .acts
                .push(Act::Say(ExecutorEnvelope { seq: 0, message }));
        }
        self.in_flight
            .insert(step.name.clone(), (body, scene.now + ms));
        let alarm = Alarm::BodyDone {
            run_id,
            assignment: self.number,
            step: step.name.clone(),
        };
        scene.acts.push(Act::After(ms, alarm));
        false
    }

    fn log(&mut self, step: &str, attempt: u32, scene: &mut Scene<'_>) {
        let ordinal = self.next_ordinal + self.lines.len() as u64;
        self.lines.push(NewLog {
            level: LogLevel::Info,
            message: logs::text(self.number, ordinal),
            data: None,
            step_name: Some(step.to_owned()),
            attempt,
            timestamp: TimestampMs(scene.now),
        });
        // Small numbers are exact.
        #[allow(clippy::cast_precision_loss)]
        let current = ordinal as f64;
        self.progress = Some(Progress {
            current,
            total: None,
            message: None,
        });
        if !self.report_due {
            self.report_due = true;
            let run_id = self.assignment.run_id.clone();
            let alarm = Alarm::ReportDue {
                run_id,
                assignment: self.number,
            };
            scene.acts.push(Act::After(REPORT_MS, alarm));
        }
    }

    fn take_report(&mut self) -> (Report, Option<Span>) {
        self.report_due = false;
        let logs = std::mem::take(&mut self.lines);
        let span = Span {
            assignment: self.number,
            first_ordinal: self.next_ordinal,
            count: logs.len() as u64,
        };
        self.next_ordinal += span.count;
        let report = Report {
            first_ordinal: span.first_ordinal,
            logs,
            progress: self.progress.take(),
        };
        (report, (span.count > 0).then_some(span))
    }
}

/// What a run returns: the outputs of its steps by name, so that it shows what its function saw.
pub(super) fn output_of_run<E>(outcomes: &BTreeMap<String, Result<Payload, E>>) -> Payload {
    let outputs: Vec<&str> = outcomes
        .values()
        .filter_map(|outcome| outcome.as_ref().ok().and_then(Payload::text))
        .collect();
    Payload::Text(format!("[{}]", outputs.join(",")))
}

fn outcome_of(step: &Step) -> Option<Result<Payload, RunFailure>> {
    step.completed_index?;
    Some(match &step.error {
        Some(error) => Err(error.clone()),
        None => Ok(step.output.clone().unwrap_or_default()),
    })
}

fn failure(step: &str, attempt: u32) -> RunFailure {
    RunFailure {
        name: "Error".to_owned(),
        message: "planned".to_owned(),
        stack: None,
        code: FailureCode::Error,
        attempt,
        step_name: Some(step.to_owned()),
    }
}

pub(super) fn run_of(message: &ExecutorMessage) -> Option<&RunId> {
    match message {
        ExecutorMessage::Hello { .. } => None,
        ExecutorMessage::StepStart { run_id, .. }
        | ExecutorMessage::StepCommit { run_id, .. }
        | ExecutorMessage::StepFail { run_id, .. }
        | ExecutorMessage::RunComplete { run_id, .. }
        | ExecutorMessage::RunFail { run_id, .. }
        | ExecutorMessage::Report { run_id, .. }
        | ExecutorMessage::Released { run_id, .. } => Some(run_id),
    }
}

fn set_generation(message: &mut ExecutorMessage, given: Generation) {
    match message {
        ExecutorMessage::Hello { .. } => {}
        ExecutorMessage::StepStart { generation, .. }
        | ExecutorMessage::StepCommit { generation, .. }
        | ExecutorMessage::StepFail { generation, .. }
        | ExecutorMessage::RunComplete { generation, .. }
        | ExecutorMessage::RunFail { generation, .. }
        | ExecutorMessage::Report { generation, .. }
        | ExecutorMessage::Released { generation, .. } => *generation = given,
    }
}
