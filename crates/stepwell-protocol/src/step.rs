//! A step as it is stored and as everybody sees it.

use serde::{Deserialize, Serialize};

use crate::{ChildResult, Payload, RunFailure, TimestampMs, WaitingFor};

/// What kind of call made the step. A replay that finds another kind is `history_mismatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// `step.run`.
    Run,
    /// `step.sleep` and `step.sleepUntil`.
    Sleep,
    /// `step.waitForSignal`.
    Signal,
    /// `step.invoke` and `step.invokeAll`.
    Invoke,
}

impl StepKind {
    /// The name that is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Sleep => "sleep",
            Self::Signal => "signal",
            Self::Invoke => "invoke",
        }
    }

    /// The inverse of [`StepKind::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Run, Self::Sleep, Self::Signal, Self::Invoke]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Its function is running in an executor now. Known to the engine's memory only, never stored.
    Running,
    /// Its result is stored; it never runs again.
    Completed,
    /// Its failure is stored and replayed until `retry`.
    Failed,
    /// It has to run (again): its wait for another attempt or for the network is over, or its run was retried.
    Pending,
    /// Its wait is open: for its next attempt, the network, a time, a signal, children.
    Waiting,
}

impl StepStatus {
    /// The name that is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Waiting => "waiting",
        }
    }

    /// The inverse of [`StepStatus::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Completed,
            Self::Failed,
            Self::Pending,
            Self::Waiting,
        ]
        .into_iter()
        .find(|status| status.as_str() == name)
    }
}

/// A named unit inside a run whose result is persisted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name, unique in the run.
    pub name: String,
    /// The call that made it.
    pub kind: StepKind,
    /// Where it stands.
    pub status: StepStatus,
    /// Its place in the order in which the run's outcomes were stored, from 0. `None` while running, pending or waiting.
    pub completed_index: Option<u32>,
    /// The attempt that made this outcome, or that is running now; 1-based. For `pending` and for a
    /// wait before another attempt the last one that failed, 0 where none was made yet.
    pub attempt: u32,
    /// The stored result of a completed step. `None` also when outputs were not asked for, for a sleep, for children
    /// (see there), and for a signal that did not come in time.
    pub output: Option<Payload>,
    /// The stored failure of a failed, pending or waiting step.
    pub error: Option<RunFailure>,
    /// The attempt from which its retry policy counts: 1, or the first one after the run was retried.
    pub first_attempt: u32,
    /// What a waiting step waits for.
    pub waiting_for: Option<WaitingFor>,
    /// The children of an `invoke` step, in the order of the call. Empty where outputs were not asked for.
    pub children: Vec<ChildResult>,
    /// When this attempt's function was started.
    pub started_at: TimestampMs,
    /// When its outcome was stored.
    pub completed_at: Option<TimestampMs>,
}
