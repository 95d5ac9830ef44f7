//! The calls of one execution of a function: which steps it has called, where each of them stands, what is to be said of
//! it to the engine.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{
    Assignment, ChildResult, ExecutorMessage, Generation, LogLevel, NewLog, Payload, Report,
    RunFailure, RunId, Step, StepKind, StepRetry, StepStatus, TimestampMs,
};

use super::function::Boxed;

/// Whether the function may call the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Active,
    /// `suspend` is posted: calls are held.
    Suspending,
    Parked,
}

/// A step's outcome as it reaches the function.
#[derive(Clone, Debug)]
pub(super) enum Reached {
    Completed {
        output: Option<Payload>,
        children: Vec<ChildResult>,
    },
    Failed(RunFailure),
}

/// Where a call stands.
#[derive(Clone, Debug)]
pub(super) enum Call {
    /// Its outcome was stored before this execution, and waits for its turn.
    Stored,
    /// Its body runs, or its outcome is not acknowledged.
    Busy,
    /// Its wait is not acknowledged.
    Posted,
    /// It waits in the engine.
    Open,
    /// It has to run (again).
    Again,
    Done(Reached),
}

/// A body at work, for the engine to be told again after its restart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started {
    pub(super) attempt: u32,
    pub(super) timeout_ms: Option<u64>,
    pub(super) retry: Option<StepRetry>,
}

pub(super) struct Calls {
    pub(super) run_id: RunId,
    pub(super) generation: Generation,
    pub(super) attempt: u32,
    pub(super) phase: Phase,
    /// A call is held that only a resume lets go on.
    pub(super) wants_wake: bool,
    pub(super) is_online: bool,
    /// A body does not yield: nothing in its executor runs any more.
    pub(super) is_hung: bool,
    pub(super) memo: BTreeMap<String, Step>,
    pub(super) calls: BTreeMap<String, Call>,
    /// Stored outcomes that were called for, by `completed_index`.
    pub(super) ready: BTreeMap<u32, String>,
    /// Posted and not numbered yet.
    pub(super) posts: Vec<ExecutorMessage>,
    /// Bodies at work.
    pub(super) running: BTreeMap<String, Started>,
    /// The attempts that failed in this execution and are tried again.
    pub(super) failed: BTreeMap<String, u32>,
    /// When a body has something to do.
    pub(super) alarms: BTreeSet<i64>,
    pub(super) tasks: Vec<Boxed<()>>,
    lines: Vec<NewLog>,
    next_ordinal: u64,
}

impl Calls {
    pub(super) fn new(assignment: &Assignment, is_online: bool) -> Self {
        let memo = assignment.memo.iter();
        Self {
            run_id: assignment.run_id.clone(),
            generation: assignment.generation,
            attempt: assignment.attempt,
            phase: Phase::Active,
            wants_wake: false,
            is_online,
            is_hung: false,
            memo: memo.map(|step| (step.name.clone(), step.clone())).collect(),
            calls: BTreeMap::new(),
            ready: BTreeMap::new(),
            posts: Vec::new(),
            running: BTreeMap::new(),
            failed: BTreeMap::new(),
            alarms: BTreeSet::new(),
            tasks: Vec::new(),
            lines: Vec::new(),
            next_ordinal: 1,
        }
    }

    /// A first call of this name. What the store knows of it decides where it begins.
    pub(super) fn begin(&mut self, name: &str) {
        let call = match self.memo.get(name) {
            Some(Step {
                completed_index: Some(index),
                ..
            }) => {
                self.ready.insert(*index, name.to_owned());
                Call::Stored
            }
            Some(step) if step.status == StepStatus::Waiting => Call::Open,
            _ => Call::Again,
        };
        self.set(name, call);
    }

    pub(super) fn set(&mut self, name: &str, call: Call) {
        self.calls.insert(name.to_owned(), call);
    }

    /// The attempts made so far, and the one from which the policy counts.
    pub(super) fn attempts(&self, name: &str) -> (u32, u32) {
        self.memo
            .get(name)
            .map_or((0, 1), |step| (step.attempt, step.first_attempt))
    }

    /// Releases the stored outcome whose turn it is. Whether there was one.
    pub(super) fn release_next(&mut self) -> bool {
        let Some((_, name)) = self.ready.pop_first() else {
            return false;
        };
        let step = self
            .memo
            .get(&name)
            .expect("it is ready because it is stored");
        let reached = reached(step).expect("it is ready because it has an outcome");
        self.set(&name, Call::Done(reached));
        true
    }

    /// The engine has stored what was said of a call. Its wait may have ended before.
    pub(super) fn acked(&mut self, name: &str, call: Call) {
        if matches!(call, Call::Done(_)) || matches!(self.calls.get(name), Some(Call::Posted)) {
            self.set(name, call);
        }
    }

    /// The engine says how a wait ended. `false`: it was known, or is said of an attempt before.
    pub(super) fn resolved(&mut self, step: &Step) -> bool {
        let waits = match self.calls.get(&step.name) {
            None => true,
            Some(Call::Open | Call::Posted) => true,
            Some(_) => false,
        };
        let failed = self.failed.get(&step.name).copied().unwrap_or_default();
        if !waits || (step.status == StepStatus::Pending && step.attempt < failed) {
            return false;
        }
        if self.calls.contains_key(&step.name) {
            let call = reached(step).map_or(Call::Again, Call::Done);
            self.set(&step.name, call);
        }
        self.memo.insert(step.name.clone(), step.clone());
        true
    }

    pub(super) fn open(&self) -> Vec<String> {
        let open = self
            .calls
            .iter()
            .filter(|(_, call)| matches!(call, Call::Open));
        open.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn is_busy(&self) -> bool {
        let has_busy = self
            .calls
            .values()
            .any(|call| matches!(call, Call::Busy | Call::Posted | Call::Stored));
        has_busy || !self.running.is_empty() || !self.posts.is_empty()
    }

    pub(super) fn log(
        &mut self,
        message: String,
        step_name: Option<&str>,
        attempt: u32,
        now: TimestampMs,
    ) {
        self.lines.push(NewLog {
            level: LogLevel::Info,
            message,
            data: None,
            step_name: step_name.map(str::to_owned),
            attempt,
            timestamp: now,
        });
    }

    pub(super) fn report(&mut self) -> Report {
        let logs = std::mem::take(&mut self.lines);
        let first_ordinal = self.next_ordinal;
        self.next_ordinal += logs.len() as u64;
        Report {
            first_ordinal,
            logs,
            progress: None,
        }
    }

    /// The kind under which the store knows this step, where it is another one.
    pub(super) fn other_kind(&self, name: &str, kind: StepKind) -> Option<StepKind> {
        let stored = self.memo.get(name)?.kind;
        (stored != kind).then_some(stored)
    }
}

fn reached(step: &Step) -> Option<Reached> {
    match step.status {
        StepStatus::Completed => Some(Reached::Completed {
            output: step.output.clone(),
            children: step.children.clone(),
        }),
        StepStatus::Failed => Some(Reached::Failed(
            step.error.clone().expect("a failed step has its error"),
        )),
        StepStatus::Running | StepStatus::Pending | StepStatus::Waiting => None,
    }
}
