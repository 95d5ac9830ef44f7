//! Waiting: what a run waits for, how it tries again, and the calls that wait.

use serde::{Deserialize, Serialize};

use crate::{Payload, RunFailure, RunId, RunStatus, TimestampMs};

/// When and how often something that failed is tried again.
///
/// The delay after the n-th failure is `min(initial_delay_ms × factor^(n − 1), max_delay_ms)`, times a random factor from
/// `1 − jitter` to `1 + jitter`, rounded to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct RetryPolicy {
    /// Attempts in all, the first one included; 1 to 1,000.
    pub max_attempts: u32,
    /// The delay after the first failure.
    pub initial_delay_ms: u64,
    /// What each further delay is multiplied by; 1 to 100.
    pub factor: f64,
    /// No delay is longer, jitter aside.
    pub max_delay_ms: u64,
    /// From 0 to 1: how far a delay may be off, as a part of it.
    pub jitter: f64,
}

impl RetryPolicy {
    /// One attempt: a failure is final.
    pub const NONE: Self = Self {
        max_attempts: 1,
        initial_delay_ms: 1_000,
        factor: 2.0,
        max_delay_ms: 60_000,
        jitter: 0.2,
    };
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::NONE
    }
}

/// A step's failure that is not final: the step is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct StepRetry {
    /// The step's policy.
    pub policy: RetryPolicy,
    /// How many attempts have failed under it, this one included.
    pub failures: u32,
    /// The delay that the failure itself asked for, in place of the policy's.
    pub after_ms: Option<u64>,
}

/// What a run or a step waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum WaitingFor {
    /// Its next attempt.
    Retry {
        /// The step that is tried again; `None` where it is the run.
        step_name: Option<String>,
        /// The attempt to come.
        attempt: u32,
        /// When it starts.
        until: TimestampMs,
        /// Why the last one failed.
        error: RunFailure,
    },
    /// `step.sleep` or `step.sleepUntil`.
    Sleep {
        /// The step.
        step_name: String,
        /// When it ends.
        until: TimestampMs,
    },
    /// `step.waitForSignal`.
    Signal {
        /// The step.
        step_name: String,
        /// The key under which the signal must be sent.
        key: String,
        /// When it gives up.
        until: Option<TimestampMs>,
    },
    /// `step.invoke` or `step.invokeAll`.
    Children {
        /// The step.
        step_name: String,
        /// How many there are in all.
        count: u32,
    },
    /// The browser to be online.
    Network {
        /// The step that needs it; `None` where it is the job.
        step_name: Option<String>,
    },
}

/// A wait that a job's function opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum NewWait {
    /// For so long, from the commit.
    Sleep {
        /// How long.
        duration_ms: u64,
    },
    /// Until then.
    SleepUntil {
        /// When.
        until: TimestampMs,
    },
    /// For a signal. A key belongs to one open wait at a time.
    Signal {
        /// Its key; 1 to 512 characters.
        key: String,
        /// How long to wait at most, from the commit.
        timeout_ms: Option<u64>,
    },
    /// For the network, before a `step.run` that needs it.
    Network,
}

/// When the children of one call end the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub enum InvokeMode {
    /// At the first failure, which ends the others as cancelled; else when all have completed.
    #[default]
    FailFast,
    /// When all have ended, however they did.
    Settled,
}

/// A child as its parent sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ChildResult {
    /// The child.
    pub run_id: RunId,
    /// Its job.
    pub job_name: String,
    /// Where it stands.
    pub status: RunStatus,
    /// What it returned, where it completed.
    pub output: Option<Payload>,
    /// Why it failed, where it did.
    pub error: Option<RunFailure>,
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum SignalDisposition {
    /// A wait was open, and has it.
    Delivered,
    /// No wait was open: it is kept for the first one that opens.
    Kept,
    /// Another signal of this key is kept already: the first wins, and this one is gone.
    Ignored,
}
