//! The TypeScript declarations of every type that crosses the boundary, for `cargo xtask codegen`.

use tsify::Tsify;

use crate::{
    AbortReason, Addressed, Assignment, BlobId, ClientId, ClientReply, ClientRequest, Command,
    Counters, Disposition, Effect, EngineMessage, EngineStatus, Epoch, ErrorCode, ErrorInfo,
    EventBody, EventHead, ExecutorEnvelope, ExecutorId, ExecutorMessage, FailureCode, Generation,
    Holding, Input, LogLevel, LogLine, LogPage, LogQuery, NewLog, NewTrigger, Order, Output,
    PROTOCOL_VERSION, Progress, RefusalReason, Reply, Report, RequestId, Run, RunFailure,
    RunFilter, RunId, RunPage, RunStatus, ServedJob, SkippedTrigger, Step, StepKind, StepStatus,
    TimestampMs, TriggerResult,
};

macro_rules! declarations {
    ($($name:ident),* $(,)?) => { vec![$($name::DECL.to_owned()),*] };
}

/// A TypeScript module, without its header.
#[must_use]
pub fn typescript() -> String {
    let mut parts = declarations![
        RunId,
        RequestId,
        ClientId,
        BlobId,
        ExecutorId,
        Generation,
        Epoch,
        TimestampMs,
        ErrorCode,
        ErrorInfo,
        FailureCode,
        RunFailure,
        RunStatus,
        Progress,
        Run,
        StepKind,
        StepStatus,
        Step,
        LogLevel,
        NewLog,
        LogLine,
        RunFilter,
        RunPage,
        Order,
        LogQuery,
        LogPage,
        Disposition,
        TriggerResult,
        NewTrigger,
        Command,
        ClientRequest,
        Reply,
        ClientReply,
        Holding,
        ServedJob,
        Report,
        ExecutorMessage,
        ExecutorEnvelope,
        Assignment,
        RefusalReason,
        AbortReason,
        EngineMessage,
        EventHead,
        SkippedTrigger,
        EventBody,
        Input,
        Addressed,
        Effect,
        Counters,
        EngineStatus,
        Output,
    ];
    // It is (de)serialised by hand.
    parts.insert(0, "export type Payload = string | Uint8Array;".to_owned());
    // `RunEvent` is flattened from two types. tsify would write `interface … extends` a union, which is not TypeScript.
    parts.push("export type RunEvent = EventHead & EventBody;".to_owned());
    parts.push(format!(
        "export const PROTOCOL_VERSION = {PROTOCOL_VERSION};"
    ));
    parts.join("\n\n") + "\n"
}
