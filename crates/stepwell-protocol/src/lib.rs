//! The words that Stepwell's parts exchange: ids, commands, replies, executor messages, events, effects and errors.
//!
//! **Owns** the wire vocabulary, once: the same types are stored, sent and generated as TypeScript, so no copy of a
//! type with conversions both ways exists anywhere. **Must not** hold behaviour, read a clock or know a storage engine.
//!
//! User payloads are [`Payload`]: opaque here and in every other crate.

mod command;
mod crossing;
mod error;
mod event;
mod executor;
mod fields;
mod ids;
mod io;
mod log;
mod payload;
mod run;
mod step;
#[cfg(feature = "ts")]
mod typescript;
mod value;
mod wait;

pub use command::{
    ClientReply, ClientRequest, Command, Disposition, LogPage, LogQuery, NewTrigger, Order, Reply,
    RunFilter, RunPage, TriggerResult,
};
pub use crossing::{Beside, read_input, write_text};
pub use error::{ErrorCode, ErrorInfo, FailureCause, FailureCode, RunFailure};
pub use event::{EventBody, EventHead, RunEvent, SkippedTrigger};
pub use executor::{
    AbortReason, Assignment, EngineMessage, ExecutorEnvelope, ExecutorMessage, Holding,
    RefusalReason, Report, ServedJob,
};
pub use ids::{BlobId, ClientId, Epoch, ExecutorId, Generation, RequestId, RunId, TimestampMs};
pub use io::{Addressed, Counters, Effect, EngineStatus, Input, Output};
pub use log::{LogLevel, LogLine, NewLog};
pub use payload::Payload;
pub use run::{Progress, Run, RunStatus};
pub use step::{Step, StepKind, StepStatus};
#[cfg(feature = "ts")]
pub use typescript::typescript;
pub use wait::{
    ChildResult, InvokeMode, NewWait, RetryPolicy, SignalDisposition, StepRetry, WaitingFor,
};

/// Rises with every change that an older peer would misread. Peers with different numbers refuse each other.
pub const PROTOCOL_VERSION: u32 = 4;
