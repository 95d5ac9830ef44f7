//! How everything that the engine reads is made of a [`Value`]: the names of fields and variants, as serde writes them.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::value::{Fields, Read, Unreadable, Value};
use crate::{
    BlobId, ClientId, ClientRequest, Command, Epoch, ExecutorEnvelope, ExecutorId, ExecutorMessage,
    FailureCause, FailureCode, Generation, Holding, Input, InvokeMode, LogLevel, LogQuery, NewLog,
    NewTrigger, NewWait, Order, Payload, Progress, Report, RequestId, RetryPolicy, RunFailure,
    RunFilter, RunId, RunStatus, ServedJob, StepKind, StepRetry, TimestampMs, WaitingFor,
};

/// serde's face of [`Read`].
macro_rules! deserialized {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::read(Value::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

macro_rules! newtypes {
    ($($type:ident),* $(,)?) => {$(
        impl Read for $type {
            fn read(value: Value) -> Result<Self, Unreadable> {
                Read::read(value).map(Self)
            }
        }

        deserialized!($type);
    )*};
}

/// A field that is missing is an error, unless it is an `Option`.
macro_rules! record {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        impl Read for $type {
            fn read(value: Value) -> Result<Self, Unreadable> {
                let mut fields = Fields::of(value)?;
                Ok(Self { $($field: fields.take($name)?),* })
            }
        }

        deserialized!($type);
    };
}

/// A field that is missing has its default.
macro_rules! options {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        impl Read for $type {
            fn read(value: Value) -> Result<Self, Unreadable> {
                let mut fields = Fields::of(value)?;
                let default = Self::default();
                Ok(Self { $($field: fields.take_or($name, default.$field)?),* })
            }
        }

        deserialized!($type);
    };
}

/// An enum of objects, told apart by one of their fields.
macro_rules! tagged {
    ($type:ident by $tag:literal {
        $($variant:literal => $name:ident { $($field:ident: $key:literal),* $(,)? }),* $(,)?
    }) => {
        impl Read for $type {
            fn read(value: Value) -> Result<Self, Unreadable> {
                let mut fields = Fields::of(value)?;
                let tag: String = fields.take($tag)?;
                Ok(match tag.as_str() {
                    $($variant => Self::$name { $($field: fields.take($key)?),* },)*
                    _ => return Err(Unreadable::UnknownType(tag)),
                })
            }
        }

        deserialized!($type);
    };
}

/// An enum of names.
macro_rules! named {
    ($type:ident { $($variant:literal => $name:ident),* $(,)? }) => {
        impl Read for $type {
            fn read(value: Value) -> Result<Self, Unreadable> {
                let name = String::read(value)?;
                Ok(match name.as_str() {
                    $($variant => Self::$name,)*
                    _ => return Err(Unreadable::UnknownType(name)),
                })
            }
        }

        deserialized!($type);
    };
}

newtypes!(
    RunId,
    RequestId,
    ClientId,
    BlobId,
    ExecutorId,
    Generation,
    Epoch,
    TimestampMs,
);

impl Read for Payload {
    fn read(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Text(text) => Ok(Self::Text(text)),
            Value::Bytes(bytes) => Ok(Self::Bytes(bytes)),
            // Formats without bytes, such as JSON, write them as numbers.
            Value::List(_) => Vec::read(value).map(Self::Bytes),
            _ => Err(Unreadable::Not("a payload: text or bytes")),
        }
    }
}

deserialized!(Payload);

tagged!(Input by "type" {
    "tick" => Tick {},
    "client" => Client { client_id: "clientId", request: "request" },
    "executor" => Executor { executor_id: "executorId", envelope: "envelope" },
    "executorGone" => ExecutorGone { executor_id: "executorId" },
    "replaceExecutor" => ReplaceExecutor { executor_id: "executorId" },
    "upkeep" => Upkeep {},
    "network" => Network { is_online: "isOnline" },
    "drain" => Drain {},
    "release" => Release {},
});

record!(ClientRequest {
    request_id: "requestId",
    command: "command"
});

tagged!(Command by "type" {
    "trigger" => Trigger { run: "run" },
    "batchTrigger" => BatchTrigger { runs: "runs" },
    "retrigger" => Retrigger { run_id: "runId", input: "input", blobs: "blobs" },
    "getRun" => GetRun { run_id: "runId" },
    "getRuns" => GetRuns { filter: "filter" },
    "getSteps" => GetSteps { run_id: "runId", outputs: "outputs" },
    "getLogs" => GetLogs { query: "query" },
    "cancel" => Cancel { run_id: "runId" },
    "retry" => Retry { run_id: "runId" },
    "deleteRun" => DeleteRun { run_id: "runId" },
    "purgeRuns" => PurgeRuns { older_than_ms: "olderThanMs", limit: "limit" },
    "signal" => Signal { key: "key", value: "value", error: "error", blobs: "blobs" },
    "getStatus" => GetStatus {},
});

record!(NewTrigger {
    job_name: "jobName",
    input: "input",
    blobs: "blobs",
    max_recoveries: "maxRecoveries",
    idempotency_key: "idempotencyKey",
    concurrency_key: "concurrencyKey",
    coalesce: "coalesce",
    labels: "labels",
    priority: "priority",
    retry: "retry",
    timeout_ms: "timeoutMs",
    start_at: "startAt",
    delay_ms: "delayMs",
});

options!(RunFilter {
    job_names: "jobNames",
    statuses: "statuses",
    labels: "labels",
    created_after: "createdAfter",
    created_before: "createdBefore",
    parent_id: "parentId",
    roots_only: "rootsOnly",
    cursor: "cursor",
    limit: "limit",
});

record!(LogQuery {
    run_id: "runId",
    level: "level",
    order: "order",
    cursor: "cursor",
    limit: "limit",
});

named!(Order { "asc" => Asc, "desc" => Desc });

record!(ExecutorEnvelope {
    seq: "seq",
    message: "message"
});

tagged!(ExecutorMessage by "type" {
    "hello" => Hello { build_id: "buildId", jobs: "jobs", slots: "slots", holding: "holding" },
    "stepStart" => StepStart {
        run_id: "runId",
        generation: "generation",
        step_name: "stepName",
        attempt: "attempt",
        timeout_ms: "timeoutMs",
        retry: "retry",
    },
    "stepCommit" => StepCommit {
        run_id: "runId",
        generation: "generation",
        step_name: "stepName",
        attempt: "attempt",
        output: "output",
        blobs: "blobs",
        duration_ms: "durationMs",
        report: "report",
    },
    "stepFail" => StepFail {
        run_id: "runId",
        generation: "generation",
        step_name: "stepName",
        kind: "kind",
        attempt: "attempt",
        error: "error",
        retry: "retry",
        duration_ms: "durationMs",
        report: "report",
    },
    "runComplete" => RunComplete {
        run_id: "runId",
        generation: "generation",
        output: "output",
        blobs: "blobs",
        report: "report",
    },
    "runFail" => RunFail {
        run_id: "runId",
        generation: "generation",
        error: "error",
        is_retryable: "isRetryable",
        retry_after_ms: "retryAfterMs",
        report: "report",
    },
    "stepWait" => StepWait {
        run_id: "runId",
        generation: "generation",
        step_name: "stepName",
        wait: "wait",
        report: "report",
    },
    "stepInvoke" => StepInvoke {
        run_id: "runId",
        generation: "generation",
        step_name: "stepName",
        mode: "mode",
        children: "children",
        report: "report",
    },
    "suspend" => Suspend {
        run_id: "runId",
        generation: "generation",
        waits: "waits",
        is_parked: "isParked",
        report: "report",
    },
    "wake" => Wake { run_id: "runId", generation: "generation" },
    "unresumable" => Unresumable { run_id: "runId", generation: "generation" },
    "report" => Report { run_id: "runId", generation: "generation", report: "report" },
    "released" => Released { run_id: "runId", generation: "generation" },
});

record!(ServedJob {
    name: "name",
    concurrency: "concurrency",
    needs_network: "needsNetwork"
});
record!(Holding {
    run_id: "runId",
    generation: "generation"
});
record!(Report {
    first_ordinal: "firstOrdinal",
    logs: "logs",
    progress: "progress"
});
record!(Progress {
    current: "current",
    total: "total",
    message: "message"
});
record!(NewLog {
    level: "level",
    message: "message",
    data: "data",
    step_name: "stepName",
    attempt: "attempt",
    timestamp: "timestamp",
});

record!(RetryPolicy {
    max_attempts: "maxAttempts",
    initial_delay_ms: "initialDelayMs",
    factor: "factor",
    max_delay_ms: "maxDelayMs",
    jitter: "jitter",
});
record!(StepRetry {
    policy: "policy",
    failures: "failures",
    after_ms: "afterMs"
});

tagged!(NewWait by "kind" {
    "sleep" => Sleep { duration_ms: "durationMs" },
    "sleepUntil" => SleepUntil { until: "until" },
    "signal" => Signal { key: "key", timeout_ms: "timeoutMs" },
    "network" => Network {},
});

tagged!(WaitingFor by "kind" {
    "retry" => Retry { step_name: "stepName", attempt: "attempt", until: "until", error: "error" },
    "sleep" => Sleep { step_name: "stepName", until: "until" },
    "signal" => Signal { step_name: "stepName", key: "key", until: "until" },
    "children" => Children { step_name: "stepName", count: "count" },
    "network" => Network { step_name: "stepName" },
});

record!(RunFailure {
    name: "name",
    message: "message",
    stack: "stack",
    causes: "causes",
    code: "code",
    attempt: "attempt",
    step_name: "stepName",
});
record!(FailureCause {
    name: "name",
    message: "message"
});

named!(FailureCode {
    "error" => Error,
    "not_serializable" => NotSerializable,
    "duplicate_step" => DuplicateStep,
    "history_mismatch" => HistoryMismatch,
    "invalid_input" => InvalidInput,
    "timeout" => Timeout,
    "limit_exceeded" => LimitExceeded,
    "payload_too_large" => PayloadTooLarge,
    "cancelled" => Cancelled,
    "conflict" => Conflict,
});
named!(InvokeMode { "failFast" => FailFast, "settled" => Settled });
named!(LogLevel { "debug" => Debug, "info" => Info, "warn" => Warn, "error" => Error });
named!(RunStatus {
    "pending" => Pending,
    "running" => Running,
    "waiting" => Waiting,
    "completed" => Completed,
    "failed" => Failed,
    "cancelled" => Cancelled,
});
named!(StepKind { "run" => Run, "sleep" => Sleep, "signal" => Signal, "invoke" => Invoke });

#[cfg(test)]
mod tests;
