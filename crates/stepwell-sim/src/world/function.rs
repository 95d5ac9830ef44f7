//! A run in an executor's hands: its function, the bodies that it starts, the lines that they log.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{
    Assignment, BlobId, ExecutorEnvelope, ExecutorMessage, Generation, LogLevel, NewLog, Payload,
    Progress, Report, RunFailure, RunId, Step, TimestampMs,
};

use super::Scene;
use super::executor::{Act, Alarm, Executor};
use super::messages::{failure, outcome_of, output_of_run};
use crate::counts::Fault;
use crate::payloads::with_blobs;
use crate::properties::bodies::{self, Body, output_of};
use crate::properties::logs::{self, Span};
use crate::workloads::{Plan, StepPlan, ends_with_blob, plan};

/// How long lines wait for a message to ride along with.
const REPORT_MS: i64 = 100;
/// A body that hangs ends long after everything.
pub(super) const HUNG_MS: i64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Active {
    /// The number of the assignment in the world.
    pub(super) number: usize,
    pub(super) assignment: Assignment,
    pub(super) generation: Generation,
    pub(super) plan: Plan,
    pub(super) wave: usize,
    /// Outcomes that reached the function.
    pub(super) outcomes: BTreeMap<String, Result<Payload, RunFailure>>,
    pub(super) asked: BTreeSet<String>,
    pub(super) in_flight: BTreeMap<String, (usize, i64)>,
    pub(super) next_ordinal: u64,
    pub(super) lines: Vec<NewLog>,
    pub(super) progress: Option<Progress>,
    pub(super) report_due: bool,
    pub(super) ended: bool,
    /// The run's concurrency key, which an executor is not told: for the judges.
    pub(super) key: Option<String>,
    pub(super) ends_with_blob: bool,
}

impl Executor {
    /// Runs the function until it waits or ends.
    pub(super) fn advance(&mut self, run_id: &RunId, scene: &mut Scene<'_>) {
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

    pub(super) fn end(&mut self, run_id: &RunId, error: Option<RunFailure>, scene: &mut Scene<'_>) {
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
            None => {
                let mut blobs = Vec::new();
                if run.ends_with_blob {
                    blobs.push(BlobId(format!("end{}", run.number)));
                }
                ExecutorMessage::RunComplete {
                    run_id,
                    generation,
                    output: with_blobs(&output_of_run(&run.outcomes), &blobs),
                    blobs,
                    report,
                }
            }
        };
        self.post(message, lines, scene);
    }

    pub(super) fn body_done(
        &mut self,
        run_id: &RunId,
        number: usize,
        step: &str,
        scene: &mut Scene<'_>,
    ) {
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
        let plan = run.plan.iter().flatten().find(|plan| plan.name == step);
        let fails = plan.is_some_and(|plan| attempt <= plan.fails_until);
        let has_blob = plan.is_some_and(|plan| plan.has_blob);
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
            let blobs = match has_blob {
                true => vec![BlobId(format!("body{body}"))],
                false => Vec::new(),
            };
            let output = with_blobs(&output_of(body), &blobs);
            ExecutorMessage::StepCommit {
                run_id,
                generation,
                step_name,
                attempt,
                output,
                blobs,
                duration_ms,
                report,
            }
        };
        self.post(message, lines, scene);
    }
}

impl Active {
    pub(super) fn new(assignment: Assignment, scene: &Scene<'_>) -> Self {
        let watch = scene.watch.borrow();
        let run = watch.history.run(&assignment.run_id);
        let workload = scene.workload;
        Self {
            number: *scene.assignments,
            key: run.and_then(|run| run.concurrency_key.clone()),
            ends_with_blob: ends_with_blob(&assignment.input, workload),
            generation: assignment.generation,
            plan: plan(&assignment.input, workload),
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
        }
    }

    pub(super) fn stored(&self, step: &str) -> Option<&Step> {
        self.assignment
            .memo
            .iter()
            .find(|stored| stored.name == step)
    }

    pub(super) fn attempt_of(&self, step: &str) -> u32 {
        self.stored(step).map_or(0, |stored| stored.attempt) + 1
    }

    /// Calls a step's function. Whether it took its executor with it.
    pub(super) fn start_body(
        &mut self,
        step: &StepPlan,
        is_open: bool,
        scene: &mut Scene<'_>,
    ) -> bool {
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

    pub(super) fn log(&mut self, step: &str, attempt: u32, scene: &mut Scene<'_>) {
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

    pub(super) fn take_report(&mut self) -> (Report, Option<Span>) {
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
