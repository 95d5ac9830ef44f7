//! The TypeScript declarations of every type that crosses the boundary, for `cargo xtask codegen`.

use tsify::Tsify;

use crate::{
    AbortReason, Addressed, Assignment, BlobId, ChildResult, ClientId, ClientReply, ClientRequest,
    Command, Counters, Disposition, Effect, EngineMessage, EngineStatus, Epoch, ErrorCode,
    ErrorInfo, EventBody, EventHead, ExecutorEnvelope, ExecutorId, ExecutorMessage, FailureCause,
    FailureCode, Generation, Holding, Input, InvokeMode, LogLevel, LogLine, LogPage, LogQuery,
    NewLog, NewTrigger, NewWait, Order, Output, PROTOCOL_VERSION, Progress, RefusalReason, Reply,
    Report, RequestId, RetryPolicy, Run, RunFailure, RunFilter, RunId, RunPage, RunStatus,
    ServedJob, SignalDisposition, SkippedTrigger, Step, StepKind, StepRetry, StepStatus,
    TimestampMs, TriggerResult, WaitingFor,
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
        FailureCause,
        RunFailure,
        RunStatus,
        RetryPolicy,
        WaitingFor,
        NewWait,
        InvokeMode,
        StepRetry,
        ChildResult,
        SignalDisposition,
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
