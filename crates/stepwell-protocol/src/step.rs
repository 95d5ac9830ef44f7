//! A step as it is stored and as everybody sees it.

use serde::{Deserialize, Serialize};

use crate::{Payload, RunFailure, TimestampMs};

/// What kind of call made the step. A replay that finds another kind is `history_mismatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// `step.run`.
    Run,
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
    /// It failed, and `retry` asked for another attempt that has not ended yet.
    Pending,
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
        }
    }

    /// The inverse of [`StepStatus::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Completed, Self::Failed, Self::Pending]
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
    /// Its place in the order in which the run's outcomes were stored, from 0. `None` while running or pending.
    pub completed_index: Option<u32>,
    /// The attempt that made this outcome, or that is running now; 1-based. For `pending` the last one that failed.
    pub attempt: u32,
    /// The stored result of a completed step. `None` also when outputs were not asked for.
    pub output: Option<Payload>,
    /// The stored failure of a failed or pending step.
    pub error: Option<RunFailure>,
    /// When this attempt's function was started.
    pub started_at: TimestampMs,
    /// When its outcome was stored.
    pub completed_at: Option<TimestampMs>,
}
