//! A run in an executor's hands: what its function has seen, what it waits for, the lines that it logs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stepwell_protocol::{
    Assignment, Generation, LogLevel, NewLog, Progress, Report, RunId, Step, StepKind, StepStatus,
    TimestampMs, WaitingFor,
};

use super::Scene;
use super::executor::{Act, Alarm};
use super::messages::{Outcome, Seen, outcome_of};
use crate::properties::logs::{self, Span};
use crate::workloads::plan::{Plan, ends_with_blob, is_deterministic, plan};

/// How long lines wait for a message to ride along with.
const REPORT_MS: i64 = 100;

/// A body that runs.
#[derive(Debug)]
pub(super) struct Flight {
    /// Its number in the world.
    pub(super) body: usize,
    pub(super) until: i64,
    pub(super) attempt: u32,
    /// Its signal has fired.
    pub(super) is_late: bool,
}

#[derive(Debug)]
pub(super) struct Active {
    /// The number of the execution in the world: of its alarms.
    pub(super) execution: usize,
    /// The number of its lease in the world: of its lines.
    pub(super) number: usize,
    pub(super) assignment: Assignment,
    pub(super) generation: Generation,
    pub(super) plan: Plan,
    pub(super) wave: usize,
    /// Outcomes that reached the function, in their order.
    pub(super) seen: Seen,
    /// Outcomes that it is to be told, in the order of their places.
    pub(super) arrived: VecDeque<(String, Outcome)>,
    pub(super) asked: BTreeSet<String>,
    pub(super) in_flight: BTreeMap<String, Flight>,
    /// Calls that wait, as far as this executor knows.
    pub(super) waits: BTreeMap<String, StepKind>,
    /// The last attempt of each step that was said to have failed, and is to be tried again.
    pub(super) failed: BTreeMap<String, u32>,
    /// Those that wait for the network, or have waited for it.
    pub(super) offline: BTreeSet<String>,
    /// Calls whose wait is over and that are to be made again.
    pub(super) again: BTreeSet<String>,
    /// Of each step, the attempts that failed and the one from which its budget counts.
    pub(super) tried: BTreeMap<String, (u32, u32)>,
    /// Asked to suspend, and not answered. Whether a wait has ended meanwhile.
    pub(super) suspending: Option<bool>,
    /// Waves whose own timer runs, and those whose timer has fired.
    pub(super) timers: BTreeMap<usize, bool>,
    /// Its job's time is over.
    pub(super) is_late: bool,
    pub(super) next_ordinal: u64,
    pub(super) lines: Vec<NewLog>,
    progress: Option<Progress>,
    pub(super) report_due: bool,
    pub(super) ended: bool,
    /// The run's concurrency key, which an executor is not told: for the judges.
    pub(super) key: Option<String>,
    pub(super) ends_with_blob: bool,
    pub(super) is_deterministic: bool,
}

impl Active {
    pub(super) fn new(assignment: Assignment, scene: &Scene<'_>) -> Self {
        let watch = scene.watch.borrow();
        let run = watch.history.run(&assignment.run_id);
        let workload = scene.workload;
        let plan = plan(&assignment.input, workload);
        let mut run = Self {
            execution: *scene.assignments,
            number: *scene.assignments,
            key: run.and_then(|run| run.concurrency_key.clone()),
            ends_with_blob: ends_with_blob(&assignment.input, workload),
            is_deterministic: is_deterministic(&plan),
            generation: assignment.generation,
            plan,
            wave: 0,
            seen: Seen::new(),
            arrived: VecDeque::new(),
            asked: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            waits: BTreeMap::new(),
            failed: BTreeMap::new(),
            offline: BTreeSet::new(),
            again: BTreeSet::new(),
            tried: BTreeMap::new(),
            suspending: None,
            timers: BTreeMap::new(),
            is_late: false,
            next_ordinal: 1,
            lines: Vec::new(),
            progress: None,
            report_due: false,
            ended: false,
            assignment,
        };
        for step in &run.assignment.memo {
            run.tried
                .insert(step.name.clone(), (step.attempt, step.first_attempt));
            if let Some(outcome) = outcome_of(step) {
                run.arrived.push_back((step.name.clone(), outcome));
            } else if step.status == StepStatus::Waiting {
                run.waits.insert(step.name.clone(), step.kind);
                if matches!(step.waiting_for, Some(WaitingFor::Network { .. })) {
                    run.offline.insert(step.name.clone());
                }
            }
        }
        run
    }

    pub(super) fn knows(&self, step: &str) -> bool {
        self.seen.contains_key(step) || self.arrived.iter().any(|(name, _)| name == step)
    }

    /// An outcome that it may know.
    pub(super) fn arrives(&mut self, step: &str, outcome: Outcome) {
        if self.knows(step) {
            return;
        }
        self.waits.remove(step);
        self.again.remove(step);
        self.in_flight.remove(step);
        self.arrived.push_back((step.to_owned(), outcome));
        self.suspending = self.suspending.map(|_| true);
    }

    /// A step that does not wait any more, as the engine tells it.
    pub(super) fn resolved(&mut self, step: &Step) {
        // Said again by the engine, and meanwhile the next attempt failed too.
        let failed = self.failed.get(&step.name).copied().unwrap_or(0);
        if step.status == StepStatus::Pending && step.attempt < failed {
            return;
        }
        if let Some(outcome) = outcome_of(step) {
            self.arrives(&step.name, outcome);
        } else if step.status == StepStatus::Pending && self.waits.remove(&step.name).is_some() {
            self.tried
                .insert(step.name.clone(), (step.attempt, step.first_attempt));
            self.again.insert(step.name.clone());
            self.suspending = self.suspending.map(|_| true);
        }
    }

    pub(super) fn failed_attempts(&self, step: &str) -> (u32, u32) {
        let (attempts, first) = self.tried.get(step).copied().unwrap_or((0, 1));
        (attempts, first.max(1))
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
            let alarm = Alarm::ReportDue {
                run_id: self.run_id().clone(),
                execution: self.execution,
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

    pub(super) fn run_id(&self) -> &RunId {
        &self.assignment.run_id
    }
}
