//! What clients ask and what they are answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    BlobId, EngineStatus, ErrorInfo, LogLevel, LogLine, Payload, RequestId, RetryPolicy, Run,
    RunFailure, RunId, RunStatus, SignalDisposition, Step, TimestampMs,
};

/// A command with the id under which it is answered and, if need be, sent again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ClientRequest {
    /// Made by the client; the same for every resend.
    pub request_id: RequestId,
    /// What is asked.
    pub command: Command,
}

/// What a client may ask.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Command {
    /// Commit a new run as pending. Answered by [`Reply::Triggered`].
    Trigger {
        /// What to make.
        run: NewTrigger,
    },
    /// Commit all of these or none. Answered by [`Reply::BatchTriggered`].
    BatchTrigger {
        /// What to make, in this order. At most 1,000.
        runs: Vec<NewTrigger>,
    },
    /// Make a fresh run of an ended one: its job, labels, concurrency key and priority. Answered by
    /// [`Reply::Triggered`].
    Retrigger {
        /// The ended run.
        run_id: RunId,
        /// Its input, validated again.
        input: Payload,
        /// The blobs in the input.
        blobs: Vec<BlobId>,
    },
    /// Read one run. Answered by [`Reply::Run`].
    GetRun {
        /// The run.
        run_id: RunId,
    },
    /// Read a page of runs, newest first. Answered by [`Reply::Runs`].
    GetRuns {
        /// Which.
        filter: RunFilter,
    },
    /// Read a run's steps in the order of their outcomes, running ones last. Answered by [`Reply::Steps`].
    GetSteps {
        /// The run.
        run_id: RunId,
        /// Whether to send outputs too.
        outputs: bool,
    },
    /// Read a page of a run's log. Answered by [`Reply::Logs`].
    GetLogs {
        /// Which.
        query: LogQuery,
    },
    /// End a run as cancelled. Answered by [`Reply::Run`].
    Cancel {
        /// The run.
        run_id: RunId,
    },
    /// Let a failed or cancelled run go on from the failed step. Answered by [`Reply::Run`].
    Retry {
        /// The run.
        run_id: RunId,
    },
    /// Delete an ended run with its steps, log lines, labels and blobs. Answered by [`Reply::Deleted`].
    DeleteRun {
        /// The run.
        run_id: RunId,
    },
    /// Delete runs that ended long ago, oldest end first. Answered by [`Reply::Deleted`].
    PurgeRuns {
        /// Only what ended at least so long ago.
        older_than_ms: u64,
        /// At most this many; 1 to 100, so that the batch stays short.
        limit: u32,
    },
    /// Send a value, or an error, to the run that waits for this key, or keep it for the first one that will. Answered by
    /// [`Reply::Signalled`].
    Signal {
        /// The key; 1 to 512 characters.
        key: String,
        /// The value. Exactly one of `value` and `error`.
        value: Option<Payload>,
        /// The error that the wait throws.
        error: Option<RunFailure>,
        /// The blobs in the value: written before the command reaches the engine.
        blobs: Vec<BlobId>,
    },
    /// Read the engine's own state. Answered by [`Reply::Status`].
    GetStatus,
}

/// A run to be made.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct NewTrigger {
    /// The job.
    pub job_name: String,
    /// The parsed input.
    pub input: Payload,
    /// The blobs in the input: written before the command reaches the engine.
    pub blobs: Vec<BlobId>,
    /// Recoveries after which the run fails; the engine's default when `None`.
    pub max_recoveries: Option<u32>,
    /// Unique in its job: a second trigger finds the run of the first, whatever its status.
    pub idempotency_key: Option<String>,
    /// At most one run of the job and key is at work, and one more pending.
    pub concurrency_key: Option<String>,
    /// Whether a pending run of the same concurrency key stands for this one, instead of a `conflict`.
    pub coalesce: bool,
    /// To find the run by.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, string>"))]
    pub labels: BTreeMap<String, String>,
    /// Greater ones are claimed first, always; −1,000 to 1,000. `None`: 0, or that of the parent.
    pub priority: Option<i32>,
    /// How its own failures are tried again; not at all when `None`.
    pub retry: Option<RetryPolicy>,
    /// How long an attempt may be at work, waits not counted.
    pub timeout_ms: Option<u64>,
    /// Not to be claimed before; at once when `None`.
    pub start_at: Option<TimestampMs>,
    /// Not to be claimed before so long from the commit. Not together with `start_at`.
    pub delay_ms: Option<u64>,
}

/// Which runs to read. Empty lists and `None` do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase", default)]
pub struct RunFilter {
    /// Any of these jobs.
    pub job_names: Vec<String>,
    /// Any of these statuses.
    pub statuses: Vec<RunStatus>,
    /// With all of these labels.
    #[cfg_attr(feature = "ts", tsify(type = "Record<string, string>"))]
    pub labels: BTreeMap<String, String>,
    /// Triggered then or later.
    pub created_after: Option<TimestampMs>,
    /// Triggered earlier.
    pub created_before: Option<TimestampMs>,
    /// Children of this run.
    pub parent_id: Option<RunId>,
    /// No children.
    pub roots_only: bool,
    /// Runs older than this one, from the previous page's `next_cursor`.
    pub cursor: Option<RunId>,
    /// At most this many; 1 to 1,000.
    pub limit: u32,
}

/// A page of runs, newest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Where the next page starts; `None` at the end.
    pub next_cursor: Option<RunId>,
}

/// The direction in which a log is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Oldest first; the cursor is the last line seen.
    #[default]
    Asc,
    /// Newest first; the cursor is the oldest line seen.
    Desc,
}

/// Which lines of a run's log to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct LogQuery {
    /// The run.
    pub run_id: RunId,
    /// This level and above; all when `None`.
    pub level: Option<LogLevel>,
    /// The direction.
    pub order: Order,
    /// Lines beyond this one in that direction.
    pub cursor: Option<u64>,
    /// At most this many; 1 to 10,000.
    pub limit: u32,
}

/// A page of a run's log, in the order that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// The lines.
    pub logs: Vec<LogLine>,
    /// Where the next page starts; `None` at the end.
    pub next_cursor: Option<u64>,
}

/// Whether a trigger made a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// A run was made. A resend of the same trigger is told this again.
    Created,
    /// The run that an earlier trigger made under the same idempotency key.
    Idempotent,
    /// The run that is pending under the same concurrency key.
    Coalesced,
}

/// The answer to one trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct TriggerResult {
    /// The run as it stands.
    pub run: Run,
    /// Whether the trigger made it.
    pub disposition: Disposition,
}

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ClientReply {
    /// The request that is answered.
    pub request_id: RequestId,
    /// The answer.
    pub reply: Reply,
}

/// What a client is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Reply {
    /// To `trigger` and `retrigger`.
    Triggered {
        /// The run.
        result: TriggerResult,
    },
    /// To `batchTrigger`.
    BatchTriggered {
        /// The runs, in the order of the triggers.
        results: Vec<TriggerResult>,
    },
    /// To `getRun` (`None`: no such run), `cancel` and `retry`.
    Run {
        /// The run as it stands.
        run: Option<Run>,
    },
    /// To `getRuns`.
    Runs {
        /// The page.
        page: RunPage,
    },
    /// To `getSteps`.
    Steps {
        /// The steps.
        steps: Vec<Step>,
    },
    /// To `getLogs`.
    Logs {
        /// The page.
        page: LogPage,
    },
    /// To `deleteRun` and `purgeRuns`.
    Deleted {
        /// How many runs.
        count: u32,
        /// Whether more runs match than the limit let through.
        has_more: bool,
    },
    /// To `signal`.
    Signalled {
        /// What became of it.
        disposition: SignalDisposition,
    },
    /// To `getStatus`.
    Status {
        /// The engine's state.
        status: EngineStatus,
    },
    /// The command was refused and nothing was written.
    Error {
        /// Why.
        error: ErrorInfo,
    },
}
