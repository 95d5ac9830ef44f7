//! The protocol between the engine and an executor.
//!
//! Every [`ExecutorEnvelope`] with a `seq` above 0 is answered by exactly one of `Ack` or `Refused` once its outcome is
//! committed; the executor keeps it until then and sends it again to a restarted engine, under its new generation.
//! A repeat is answered from the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{BlobId, Epoch, Generation, NewLog, Payload, Progress, RunFailure, RunId, Step};

/// A message of an executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ExecutorEnvelope {
    /// Rises with each message that wants an answer; 0 for one that wants none (`hello`, `stepStart`, `released`).
    pub seq: u64,
    /// The message.
    pub message: ExecutorMessage,
}

/// A run that an executor works on, and the fencing token it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// The run.
    pub run_id: RunId,
    /// The token.
    pub generation: Generation,
}

/// A job that an executor can run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ServedJob {
    /// Its name.
    pub name: String,
    /// At most so many of its runs are at work at once, over all executors of the database; `None`: no limit.
    pub concurrency: Option<u32>,
}

/// Log lines and progress that travel with another message, or alone.
///
/// Line `i` has the ordinal `first_ordinal + i`. Ordinals start at 1 with each assignment and go on over an adoption,
/// so that a line that was stored before an engine crash is not stored again when its message is resent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The ordinal of the first line.
    pub first_ordinal: u64,
    /// The lines.
    pub logs: Vec<NewLog>,
    /// The latest progress, where it changed.
    pub progress: Option<Progress>,
}

/// What an executor says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    try_from = "crate::fields::ExecutorMessageFields"
)]
pub enum ExecutorMessage {
    /// The first message, and the first again to a restarted engine. Answered by [`EngineMessage::Welcome`].
    Hello {
        /// The build of the package, which must be the engine's.
        build_id: String,
        /// The jobs it can run.
        jobs: Vec<ServedJob>,
        /// How many runs it takes at once.
        slots: u32,
        /// What it works on now.
        holding: Vec<Holding>,
    },
    /// A step's function is about to start. Writes nothing; makes `step:start`.
    StepStart {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The step.
        step_name: String,
        /// 1-based.
        attempt: u32,
    },
    /// A step's function returned.
    StepCommit {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The step.
        step_name: String,
        /// 1-based.
        attempt: u32,
        /// The result.
        output: Payload,
        /// The blobs in the result: written before the message reaches the engine.
        blobs: Vec<BlobId>,
        /// How long the function took.
        duration_ms: u32,
        /// Lines and progress up to now.
        report: Report,
    },
    /// A step's function threw.
    StepFail {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The step.
        step_name: String,
        /// 1-based.
        attempt: u32,
        /// What it threw.
        error: RunFailure,
        /// How long the function took.
        duration_ms: u32,
        /// Lines and progress up to now.
        report: Report,
    },
    /// The job's function returned.
    RunComplete {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The result.
        output: Payload,
        /// The blobs in the result: written before the message reaches the engine.
        blobs: Vec<BlobId>,
        /// Lines and progress up to now.
        report: Report,
    },
    /// The job's function threw.
    RunFail {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// What it threw.
        error: RunFailure,
        /// Lines and progress up to now.
        report: Report,
    },
    /// Lines and progress alone.
    Report {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The lines and the progress.
        report: Report,
    },
    /// After an `abort`: the function has settled, or was given up. Its slot is free.
    Released {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
    },
}

/// A run given to an executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// The run.
    pub run_id: RunId,
    /// The job.
    pub job_name: String,
    /// The token that every message about the run carries.
    pub generation: Generation,
    /// The run's attempt, 1-based.
    pub attempt: u32,
    /// Its labels.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, string>"))]
    pub labels: BTreeMap<String, String>,
    /// How many log lines are stored already, for the executor to keep the limit.
    pub log_count: u64,
    /// The parsed input.
    pub input: Payload,
    /// Every stored step, by `completed_index`, pending ones last.
    pub memo: Vec<Step>,
}

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// Another generation has the lease, or the run is gone.
    LeaseLost,
    /// The run was cancelled.
    Cancelled,
}

/// Why work on a run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum AbortReason {
    /// The run was cancelled.
    Cancelled,
    /// Another generation has the lease.
    LeaseLost,
}

/// What the engine says to an executor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum EngineMessage {
    /// To `hello`. What was held and is not adopted must be aborted and its messages dropped.
    Welcome {
        /// The engine's session.
        epoch: Epoch,
        /// What goes on here, each with its new token.
        adopted: Vec<Holding>,
    },
    /// Run this.
    Assign {
        /// What.
        assignment: Assignment,
    },
    /// These messages are committed.
    Ack {
        /// Their `seq`s.
        seqs: Vec<u64>,
    },
    /// This message wrote nothing and never will: stop working on the run.
    Refused {
        /// Its `seq`.
        seq: u64,
        /// The run.
        run_id: RunId,
        /// Why.
        reason: RefusalReason,
    },
    /// Stop working on this run. Answered by [`ExecutorMessage::Released`].
    Abort {
        /// The run.
        run_id: RunId,
        /// The token that has lost its power.
        generation: Generation,
        /// Why.
        reason: AbortReason,
    },
}
