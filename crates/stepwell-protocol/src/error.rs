//! Two kinds of trouble that must not be mixed: an operation that was refused ([`ErrorInfo`]) and a job that failed
//! ([`RunFailure`], which is data).

use serde::{Deserialize, Serialize};

/// Why an operation was refused. Closed: clients match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The caller's value or option is wrong.
    InvalidInput,
    /// A value cannot be carried as strict JSON.
    NotSerializable,
    /// No such run or job.
    NotFound,
    /// Something else stands in the way now.
    Conflict,
    /// A step name was used twice in one execution.
    DuplicateStep,
    /// The code no longer matches what the run recorded.
    HistoryMismatch,
    /// The caller's lease has passed to another.
    LeaseLost,
    /// The run has ended.
    AlreadyTerminal,
    /// A value is over its size limit.
    PayloadTooLarge,
    /// A count is over its limit.
    LimitExceeded,
    /// It took longer than allowed.
    Timeout,
    /// It was cancelled.
    Cancelled,
    /// This tab does not own the engine.
    NotLeader,
    /// The disk or quota is full.
    StorageFull,
    /// There is no usable storage here.
    StorageUnavailable,
    /// The database is damaged.
    StorageCorrupt,
    /// The database was written by a newer version.
    SchemaTooNew,
    /// Two builds that cannot talk to each other.
    ProtocolMismatch,
    /// Whether the operation took effect cannot be known.
    OutcomeUnknown,
    /// The engine crashed too often and stopped.
    Faulted,
    /// The client was closed.
    Closed,
    /// A defect of Stepwell.
    Internal,
}

/// A refused operation: what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[error("{message}")]
pub struct ErrorInfo {
    /// The machine's word.
    pub code: ErrorCode,
    /// The person's sentence.
    pub message: String,
}

impl ErrorInfo {
    /// An error with its sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What made a job or step fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The user's function threw.
    Error,
    /// A value cannot be carried as strict JSON.
    NotSerializable,
    /// A step name was used twice in one execution.
    DuplicateStep,
    /// The code no longer matches what the run recorded.
    HistoryMismatch,
    /// A schema refused the output.
    InvalidInput,
    /// An attempt took longer than allowed.
    Timeout,
    /// It was interrupted too often, or a count is over its limit.
    LimitExceeded,
    /// A value is over its size limit.
    PayloadTooLarge,
    /// A child was cancelled.
    Cancelled,
    /// A signal's key is awaited by another run.
    Conflict,
}

/// What caused a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct FailureCause {
    /// The error's name.
    pub name: String,
    /// The error's message.
    pub message: String,
}

/// A job's failure: data on the run and on the step, never an `Err`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct RunFailure {
    /// The error's name, such as `TypeError`.
    pub name: String,
    /// The error's message.
    pub message: String,
    /// The error's stack, bounded by the executor.
    pub stack: Option<String>,
    /// The chain of `cause`, outermost first, bounded by the executor.
    pub causes: Vec<FailureCause>,
    /// What made it fail.
    pub code: FailureCode,
    /// The attempt of the step, or of the run where no step failed.
    pub attempt: u32,
    /// The step that failed; `None` where the job's own code threw.
    pub step_name: Option<String>,
}
