//! The protocol between the engine and an executor.
//!
//! Every [`ExecutorEnvelope`] with a `seq` above 0 is answered by exactly one of `Ack` or `Refused` once its outcome is
//! committed; the executor keeps it until then and sends it again to a restarted engine, under its new generation.
//! A repeat is answered from the store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    BlobId, Epoch, Generation, InvokeMode, NewLog, NewTrigger, NewWait, Payload, Progress,
    RunFailure, RunId, Step, StepKind, StepRetry,
};

/// A message of an executor.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ExecutorEnvelope {
    /// Rises with each message that wants an answer; 0 for one that wants none (`hello`, `stepStart`, `wake`,
    /// `unresumable`, `released`).
    pub seq: u64,
    /// The message.
    pub message: ExecutorMessage,
}

/// A run that an executor works on, and the fencing token it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// The run.
    pub run_id: RunId,
    /// The token.
    pub generation: Generation,
}

/// A job that an executor can run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ServedJob {
    /// Its name.
    pub name: String,
    /// At most so many of its runs are at work at once, over all executors of the database; `None`: no limit.
    pub concurrency: Option<u32>,
    /// Whether its runs are started only while the browser is online.
    pub needs_network: bool,
}

/// Log lines and progress that travel with another message, or alone.
///
/// Line `i` has the ordinal `first_ordinal + i`. Ordinals start at 1 with each assignment and go on over an adoption,
/// so that a line that was stored before an engine crash is not stored again when its message is resent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
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
        /// How long it may take. An executor that says nothing of it for longer is taken for hung, and terminated.
        timeout_ms: Option<u64>,
        /// What follows from a timeout; `None`: the failure is final.
        retry: Option<StepRetry>,
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
    /// A step failed: its function threw, or its call was wrong.
    StepFail {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The step.
        step_name: String,
        /// The call that made it.
        kind: StepKind,
        /// 1-based.
        attempt: u32,
        /// What it threw.
        error: RunFailure,
        /// `None`: the failure is final, and reaches the job's code. Otherwise the step waits for its next attempt.
        retry: Option<StepRetry>,
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
        /// Whether the run's retry policy applies.
        is_retryable: bool,
        /// The delay that the failure itself asked for, in place of the policy's.
        retry_after_ms: Option<u64>,
        /// Lines and progress up to now.
        report: Report,
    },
    /// A step waits. Acknowledged once the wait is stored; told by [`EngineMessage::Resolved`] when it ends, which may be
    /// at once.
    StepWait {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The step.
        step_name: String,
        /// For what.
        wait: NewWait,
        /// Lines and progress up to now.
        report: Report,
    },
    /// A step makes children and waits for them. Like `stepWait`. Where an earlier attempt of the step made them already,
    /// those that completed stand, and the others are retried.
    StepInvoke {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The step.
        step_name: String,
        /// When they end the step.
        mode: InvokeMode,
        /// What to make, in this order; at most 1,000. Without idempotency keys and `coalesce`.
        children: Vec<NewTrigger>,
        /// Lines and progress up to now.
        report: Report,
    },
    /// No function of a step runs, and these waits are all that the job's function waits for. The run gives up its slot
    /// and its lease, unless one of the waits has ended meanwhile; then that is told again, and the run goes on.
    Suspend {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The steps that wait; the first one is shown.
        waits: Vec<String>,
        /// Whether the function stays in memory, to be resumed by [`EngineMessage::Resume`].
        is_parked: bool,
        /// Lines and progress up to now.
        report: Report,
    },
    /// A parked function wants to go on by itself: it did not only wait for steps.
    Wake {
        /// The run.
        run_id: RunId,
        /// The token under which it was suspended.
        generation: Generation,
    },
    /// To `resume`: the function is not in memory any more. Answered by [`EngineMessage::Assign`] under the same token.
    Unresumable {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
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
    /// How long the function may still be at work in this attempt, waits not counted.
    pub timeout_ms: Option<u64>,
    /// The parsed input.
    pub input: Payload,
    /// Every stored step, by `completed_index`, pending and waiting ones last.
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
        /// Whether the browser is online.
        is_online: bool,
    },
    /// Run this.
    Assign {
        /// What.
        assignment: Assignment,
    },
    /// A suspended run goes on here, where its function is parked. Steps that ended or have to run since it was suspended
    /// come along, in the order of their `completed_index`, pending ones last.
    Resume {
        /// The run.
        run_id: RunId,
        /// Its new token.
        generation: Generation,
        /// How long the function may still be at work in this attempt, waits not counted.
        timeout_ms: Option<u64>,
        /// What the function does not know yet. May name what it knows.
        steps: Vec<Step>,
    },
    /// A wait of a run that is at work here has ended. In the order of `completed_index` among acknowledgements and each
    /// other; what is known already is to be ignored.
    Resolved {
        /// The run.
        run_id: RunId,
        /// Its token.
        generation: Generation,
        /// The step: completed, failed, or pending where it has to run (again).
        step: Box<Step>,
    },
    /// The browser went online or offline.
    Network {
        /// Whether it is online.
        is_online: bool,
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
