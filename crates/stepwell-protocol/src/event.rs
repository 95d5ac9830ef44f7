//! What happened to runs, told after the commit that made it true. Never an input or an output: a subscriber that needs
//! them asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FailureCode, LogLine, Progress, RunId, RunStatus, StepKind, TimestampMs, WaitingFor};

/// What every event of a run carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct EventHead {
    /// Rises by 1 with each event of an epoch, from 1.
    pub sequence: u64,
    /// When it was committed.
    pub timestamp: TimestampMs,
    /// The run.
    pub run_id: RunId,
    /// Its job.
    pub job_name: String,
    /// Its labels.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, string>"))]
    pub labels: BTreeMap<String, String>,
    /// Where the run stands after the event.
    pub status: RunStatus,
    /// The run's version after the event.
    pub version: u64,
    /// The run whose step made this one.
    pub parent_id: Option<RunId>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// What every event carries.
    #[serde(flatten)]
    pub head: EventHead,
    /// What this one is about.
    #[serde(flatten)]
    pub body: EventBody,
}

/// A trigger for which a pending run stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct SkippedTrigger {
    /// The concurrency key.
    pub concurrency_key: String,
    /// The labels that it asked for.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, string>"))]
    pub labels: BTreeMap<String, String>,
    /// The idempotency key that it asked for, which is still free.
    pub idempotency_key: Option<String>,
    /// The priority that it asked for.
    pub priority: i32,
    /// When it wanted to start.
    pub start_at: TimestampMs,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum EventBody {
    /// A run was committed as pending.
    #[serde(rename = "run:trigger")]
    RunTrigger,
    /// A trigger was skipped: this pending run, of the same concurrency key, stands for it.
    #[serde(rename = "run:coalesced")]
    RunCoalesced {
        /// What was asked for; its input is not kept.
        skipped: SkippedTrigger,
    },
    /// A pending run was claimed.
    #[serde(rename = "run:start")]
    RunStart {
        /// The run's attempt.
        attempt: u32,
    },
    /// A run gave up its slot and waits.
    #[serde(rename = "run:wait")]
    RunWait {
        /// For what.
        waiting_for: WaitingFor,
    },
    /// A run that waited or was interrupted goes on: claimed again, or adopted after an engine restart.
    #[serde(rename = "run:resume")]
    RunResume {
        /// The run's attempt.
        attempt: u32,
        /// Consecutive recoveries without a new step.
        recoveries: u32,
    },
    /// A run completed.
    #[serde(rename = "run:complete")]
    RunComplete,
    /// A run failed.
    #[serde(rename = "run:fail")]
    RunFail {
        /// What made it fail.
        error_code: FailureCode,
    },
    /// A run was cancelled.
    #[serde(rename = "run:cancel")]
    RunCancel,
    /// A failed or cancelled run is pending again.
    #[serde(rename = "run:retry")]
    RunRetry {
        /// The attempt to come.
        attempt: u32,
    },
    /// A run was deleted, with all that belonged to it.
    #[serde(rename = "run:delete")]
    RunDelete,
    /// A run reported progress.
    #[serde(rename = "run:progress")]
    RunProgress {
        /// The progress.
        progress: Progress,
    },
    /// A step's function is about to start.
    #[serde(rename = "step:start")]
    StepStart {
        /// The step.
        step_name: String,
        /// 1-based.
        attempt: u32,
    },
    /// A step waits: for its next attempt, the network, a time, a signal, children.
    #[serde(rename = "step:wait")]
    StepWait {
        /// The step.
        step_name: String,
        /// The call that made it.
        step_kind: StepKind,
        /// The attempts made so far; 0 where it was not started yet.
        attempt: u32,
        /// For what.
        waiting_for: WaitingFor,
        /// When the step began.
        started_at: TimestampMs,
    },
    /// A step failed and is tried again; a `step:wait` follows.
    #[serde(rename = "step:retry")]
    StepRetry {
        /// The step.
        step_name: String,
        /// The attempt that failed.
        attempt: u32,
        /// What made it fail.
        error_code: FailureCode,
        /// When the next attempt starts.
        until: TimestampMs,
    },
    /// A step's wait is over and it has to run (again).
    #[serde(rename = "step:wake")]
    StepWake {
        /// The step.
        step_name: String,
        /// The attempts made so far.
        attempt: u32,
    },
    /// A step was at work, or waited, when its run was cancelled.
    #[serde(rename = "step:cancel")]
    StepCancel {
        /// The step.
        step_name: String,
        /// 1-based.
        attempt: u32,
    },
    /// A step's result is stored.
    #[serde(rename = "step:complete")]
    StepComplete {
        /// The step.
        step_name: String,
        /// The call that made it.
        step_kind: StepKind,
        /// 1-based.
        attempt: u32,
        /// Its place in the order of outcomes, from 0.
        completed_index: u32,
        /// When its function was started.
        started_at: TimestampMs,
    },
    /// A step's failure is stored.
    #[serde(rename = "step:fail")]
    StepFail {
        /// The step.
        step_name: String,
        /// The call that made it.
        step_kind: StepKind,
        /// 1-based.
        attempt: u32,
        /// Its place in the order of outcomes, from 0.
        completed_index: u32,
        /// When its function was started.
        started_at: TimestampMs,
        /// What made it fail.
        error_code: FailureCode,
    },
    /// A log line is stored.
    #[serde(rename = "log:write")]
    LogWrite {
        /// The line; without its `data` where that is over 2 KiB.
        log: LogLine,
        /// Whether `data` was left out for its size.
        truncated: bool,
    },
}
