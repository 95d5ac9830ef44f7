//! Waits, signals and children, as they go into a store and come out of it.

use stepwell_protocol::{
    BlobId, ExecutorId, InvokeMode, LogLine, Payload, RunFailure, RunId, Step, StepKind,
    TimestampMs, WaitingFor,
};

use super::RunHead;

/// A wait to be stored with its step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepWait {
    /// The step.
    pub name: String,
    /// The call that made it.
    pub kind: StepKind,
    /// The attempts made so far.
    pub attempt: u32,
    /// When it began.
    pub started_at: TimestampMs,
    /// For what.
    pub wait: Wait,
}

/// What ends a wait.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// A time: the step is tried again then.
    Retry {
        /// When.
        wake_at: TimestampMs,
        /// Why the last attempt failed.
        error: RunFailure,
    },
    /// A time.
    Sleep {
        /// When.
        wake_at: TimestampMs,
    },
    /// A signal, or a time.
    Signal {
        /// Its key, which no other open wait of the store has.
        key: String,
        /// When it gives up.
        wake_at: Option<TimestampMs>,
    },
    /// The network.
    Network,
    /// Children.
    Children {
        /// When they end it.
        mode: InvokeMode,
        /// How many there are.
        count: u32,
        /// How many have not ended.
        pending: u32,
    },
}

/// What became of a wait that was to be stored.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitOpened {
    /// It is open.
    Opened {
        /// The run after the write.
        head: RunHead,
        /// The step as it stands now.
        step: Box<Step>,
        /// The log lines that were stored now.
        logs: Vec<LogLine>,
    },
    /// A resend: the step waits already, has its outcome, or has had the wait after that very attempt. Only lines not stored yet and progress were written.
    Repeated {
        /// The run after the write.
        head: RunHead,
        /// The log lines that were stored now.
        logs: Vec<LogLine>,
    },
    /// Another wait has the signal's key. Nothing was written.
    KeyTaken,
}

/// An open wait, by its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWait {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step_name: String,
    /// The call that made the step.
    pub kind: StepKind,
}

/// How a wait ends.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitEnd {
    /// With the step's outcome. `Ok(None)`: a sleep is over, a signal did not come in time, children have ended.
    Outcome {
        /// The outcome.
        result: Result<Option<Payload>, RunFailure>,
        /// The blobs in it.
        blobs: Vec<BlobId>,
    },
    /// The step has to run (again).
    Again,
}

/// A wait that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitEnded {
    /// The run after the write: `running`, or `waiting` and claimable now.
    pub head: RunHead,
    /// The call that made the step.
    pub kind: StepKind,
    /// The step's attempts so far.
    pub attempt: u32,
    /// When it began.
    pub started_at: TimestampMs,
    /// Its place in the order of outcomes; `None` where it has to run (again).
    pub completed_index: Option<u32>,
}

/// A run that gives up its lease to wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspension<'a> {
    /// The steps that it waits for, all of which must be open waits; empty where it is the run itself that waits.
    pub waits: &'a [String],
    /// What is shown.
    pub waiting_for: &'a WaitingFor,
    /// In whose memory its function stays.
    pub parked_by: Option<&'a ExecutorId>,
    /// It was claimed in this very transaction and not started: `started_at` goes back to what it was.
    pub is_unstarted: bool,
    /// How long it was at work since its claim.
    pub worked_ms: u64,
}

/// What became of a suspension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// The run after the write.
    pub head: RunHead,
    /// Whether it waits now. Not where one of its waits had ended: then only the report was written.
    pub is_suspended: bool,
    /// The log lines that were stored now.
    pub logs: Vec<LogLine>,
}

/// What became of a signal that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalStored {
    /// It is kept until it is taken.
    Kept,
    /// A resend of one that is kept still.
    RepeatedKept,
    /// A resend of one that was taken.
    RepeatedTaken,
    /// Another one of its key is kept. Nothing was written.
    Ignored,
}

/// A signal that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// What was sent.
    pub result: Result<Payload, RunFailure>,
    /// The blobs in it.
    pub blobs: Vec<BlobId>,
}

/// The children of a step, after one of them has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildCount {
    /// How many have not ended.
    pub pending: u32,
    /// When they end the wait.
    pub mode: InvokeMode,
}
