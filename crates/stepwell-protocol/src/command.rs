//! What clients ask and what they are answered.

use serde::{Deserialize, Serialize};

use crate::{
    EngineStatus, ErrorInfo, JsonText, LogLevel, LogLine, RequestId, Run, RunId, RunStatus, Step,
};

/// A command with the id under which it is answered and, if need be, sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct ClientRequest {
    /// Made by the client; the same for every resend.
    pub request_id: RequestId,
    /// What is asked.
    pub command: Command,
}

/// What a client may ask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    try_from = "crate::fields::CommandFields"
)]
pub enum Command {
    /// Commit a new run as pending. Answered by [`Reply::Triggered`].
    Trigger {
        /// The job.
        job_name: String,
        /// The parsed input.
        input: JsonText,
        /// Recoveries after which the run fails; the engine's default when `None`.
        max_recoveries: Option<u32>,
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
    /// Read the engine's own state. Answered by [`Reply::Status`].
    GetStatus,
}

/// Which runs to read. Empty lists and `None` do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase", default)]
pub struct RunFilter {
    /// Any of these jobs.
    pub job_names: Vec<String>,
    /// Any of these statuses.
    pub statuses: Vec<RunStatus>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// To `trigger`.
    Triggered {
        /// The run as it stands.
        run: Run,
        /// Whether the trigger made it.
        disposition: Disposition,
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
