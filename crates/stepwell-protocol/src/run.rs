//! A run as it is stored and as everybody sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Generation, Payload, RetryPolicy, RunFailure, RunId, TimestampMs, WaitingFor};

/// Where a run stands. Terminal states are left by `retry` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Committed, not claimed yet.
    Pending,
    /// Claimed: an executor holds (or, after a crash, held) its lease.
    Running,
    /// Suspended until something happens; holds no slot and no lease.
    Waiting,
    /// Ended with an output.
    Completed,
    /// Ended with a failure.
    Failed,
    /// Ended by `cancel`.
    Cancelled,
}

impl RunStatus {
    /// All statuses, in the order of a run's life.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether the run has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name that is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The inverse of [`RunStatus::as_str`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// How far a run has come, in the job's own unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What is done.
    pub current: f64,
    /// What there is to do, where known.
    pub total: Option<f64>,
    /// A line for people.
    pub message: Option<String>,
}

/// One durable execution of a job with one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The run's id.
    pub id: RunId,
    /// The job's name.
    pub job_name: String,
    /// Where it stands.
    pub status: RunStatus,
    /// The parsed input.
    pub input: Payload,
    /// The output of a completed run.
    pub output: Option<Payload>,
    /// The failure of a failed run.
    pub error: Option<RunFailure>,
    /// The last progress that was reported; kept after the end.
    pub progress: Option<Progress>,
    /// 1-based; rises with each `retry`, and with each attempt of its retry policy.
    pub attempt: u32,
    /// Rises with every write to the run.
    pub version: u64,
    /// The fencing token of the latest lease; 0 before the first claim.
    pub generation: Generation,
    /// Consecutive claims of an interrupted run without a newly committed step.
    pub recoveries: u32,
    /// The recoveries after which the run fails.
    pub max_recoveries: u32,
    /// How many steps have a stored outcome (completed, or failed and memoised).
    pub step_count: u32,
    /// How many log lines are stored.
    pub log_count: u64,
    /// Unique in its job.
    pub idempotency_key: Option<String>,
    /// At most one run of the job and key is at work, and one more pending.
    pub concurrency_key: Option<String>,
    /// Greater ones are claimed first.
    pub priority: i32,
    /// What a waiting run waits for; where it waits for several things, the one to show.
    pub waiting_for: Option<WaitingFor>,
    /// The attempt from which its retry policy counts: 1, or the first one after it was retried by hand.
    pub first_attempt: u32,
    /// How its own failures are tried again, as its trigger fixed it.
    pub retry: RetryPolicy,
    /// How long an attempt may be at work, waits not counted, as its trigger fixed it.
    pub timeout_ms: Option<u64>,
    /// The run whose step made this one.
    pub parent_id: Option<RunId>,
    /// That step.
    pub parent_step: Option<String>,
    /// Its place among the children of that step, from 0.
    pub child_index: Option<u32>,
    /// The run at the top: this one itself where it has no parent.
    pub root_id: RunId,
    /// Labels given at trigger.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, string>"))]
    pub labels: BTreeMap<String, String>,
    /// When it was triggered.
    pub created_at: TimestampMs,
    /// When it may be claimed first.
    pub start_at: TimestampMs,
    /// When it was claimed first; kept over later claims.
    pub started_at: Option<TimestampMs>,
    /// When it reached its terminal status.
    pub completed_at: Option<TimestampMs>,
    /// When it was written last.
    pub updated_at: TimestampMs,
}
