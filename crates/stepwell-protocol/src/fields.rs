//! How the three tagged enums that a host receives are read: as one struct of all variants' fields, of which the tag says
//! which must be there.
//!
//! serde's own way for internally tagged enums copies every value into a tree before it knows the variant, and needs a
//! second deserialiser for that tree: in the wasm it cost 14 KiB brotli.

use serde::Deserialize;

use crate::{
    BlobId, ClientId, ClientRequest, Command, ExecutorEnvelope, ExecutorId, ExecutorMessage,
    Generation, Holding, Input, InvokeMode, LogQuery, NewTrigger, NewWait, Payload, Report,
    RunFailure, RunFilter, RunId, ServedJob, StepKind, StepRetry,
};

/// Why a message could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A variant's field is not there.
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    /// There is no such variant.
    #[error("`{0}` is no known type")]
    UnknownType(String),
}

fn required<T>(field: Option<T>, name: &'static str) -> Result<T, Unreadable> {
    field.ok_or(Unreadable::Missing(name))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InputFields {
    r#type: String,
    client_id: Option<ClientId>,
    request: Option<ClientRequest>,
    executor_id: Option<ExecutorId>,
    envelope: Option<ExecutorEnvelope>,
    is_online: Option<bool>,
}

impl TryFrom<InputFields> for Input {
    type Error = Unreadable;

    fn try_from(fields: InputFields) -> Result<Self, Unreadable> {
        Ok(match fields.r#type.as_str() {
            "tick" => Self::Tick,
            "client" => Self::Client {
                client_id: required(fields.client_id, "clientId")?,
                request: required(fields.request, "request")?,
            },
            "executor" => Self::Executor {
                executor_id: required(fields.executor_id, "executorId")?,
                envelope: required(fields.envelope, "envelope")?,
            },
            "executorGone" => Self::ExecutorGone {
                executor_id: required(fields.executor_id, "executorId")?,
            },
            "replaceExecutor" => Self::ReplaceExecutor {
                executor_id: required(fields.executor_id, "executorId")?,
            },
            "upkeep" => Self::Upkeep,
            "network" => Self::Network {
                is_online: required(fields.is_online, "isOnline")?,
            },
            "drain" => Self::Drain,
            "release" => Self::Release,
            _ => return Err(Unreadable::UnknownType(fields.r#type)),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommandFields {
    r#type: String,
    run: Option<NewTrigger>,
    runs: Option<Vec<NewTrigger>>,
    run_id: Option<RunId>,
    input: Option<Payload>,
    blobs: Option<Vec<BlobId>>,
    older_than_ms: Option<u64>,
    limit: Option<u32>,
    filter: Option<RunFilter>,
    outputs: Option<bool>,
    query: Option<LogQuery>,
    key: Option<String>,
    value: Option<Payload>,
    error: Option<RunFailure>,
}

impl TryFrom<CommandFields> for Command {
    type Error = Unreadable;

    fn try_from(fields: CommandFields) -> Result<Self, Unreadable> {
        let run_id = || required(fields.run_id.clone(), "runId");
        Ok(match fields.r#type.as_str() {
            "trigger" => Self::Trigger {
                run: required(fields.run, "run")?,
            },
            "batchTrigger" => Self::BatchTrigger {
                runs: required(fields.runs, "runs")?,
            },
            "retrigger" => Self::Retrigger {
                run_id: run_id()?,
                input: required(fields.input, "input")?,
                blobs: required(fields.blobs, "blobs")?,
            },
            "deleteRun" => Self::DeleteRun { run_id: run_id()? },
            "purgeRuns" => Self::PurgeRuns {
                older_than_ms: required(fields.older_than_ms, "olderThanMs")?,
                limit: required(fields.limit, "limit")?,
            },
            "getRun" => Self::GetRun { run_id: run_id()? },
            "getRuns" => Self::GetRuns {
                filter: required(fields.filter, "filter")?,
            },
            "getSteps" => Self::GetSteps {
                run_id: run_id()?,
                outputs: required(fields.outputs, "outputs")?,
            },
            "getLogs" => Self::GetLogs {
                query: required(fields.query, "query")?,
            },
            "cancel" => Self::Cancel { run_id: run_id()? },
            "retry" => Self::Retry { run_id: run_id()? },
            "signal" => Self::Signal {
                key: required(fields.key, "key")?,
                value: fields.value,
                error: fields.error,
                blobs: required(fields.blobs, "blobs")?,
            },
            "getStatus" => Self::GetStatus,
            _ => return Err(Unreadable::UnknownType(fields.r#type)),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecutorMessageFields {
    r#type: String,
    build_id: Option<String>,
    jobs: Option<Vec<ServedJob>>,
    slots: Option<u32>,
    holding: Option<Vec<Holding>>,
    run_id: Option<RunId>,
    generation: Option<Generation>,
    step_name: Option<String>,
    attempt: Option<u32>,
    output: Option<Payload>,
    blobs: Option<Vec<BlobId>>,
    error: Option<RunFailure>,
    duration_ms: Option<u32>,
    report: Option<Report>,
    timeout_ms: Option<u64>,
    retry: Option<StepRetry>,
    kind: Option<StepKind>,
    is_retryable: Option<bool>,
    retry_after_ms: Option<u64>,
    wait: Option<NewWait>,
    mode: Option<InvokeMode>,
    children: Option<Vec<NewTrigger>>,
    waits: Option<Vec<String>>,
    is_parked: Option<bool>,
}

impl TryFrom<ExecutorMessageFields> for ExecutorMessage {
    type Error = Unreadable;

    fn try_from(fields: ExecutorMessageFields) -> Result<Self, Unreadable> {
        if fields.r#type == "hello" {
            return Ok(Self::Hello {
                build_id: required(fields.build_id, "buildId")?,
                jobs: required(fields.jobs, "jobs")?,
                slots: required(fields.slots, "slots")?,
                holding: required(fields.holding, "holding")?,
            });
        }
        let run_id = required(fields.run_id, "runId")?;
        let generation = required(fields.generation, "generation")?;
        let step_name = || required(fields.step_name, "stepName");
        let attempt = || required(fields.attempt, "attempt");
        let duration_ms = || required(fields.duration_ms, "durationMs");
        let output = || required(fields.output, "output");
        let blobs = || required(fields.blobs, "blobs");
        let error = || required(fields.error, "error");
        let report = || required(fields.report, "report");
        Ok(match fields.r#type.as_str() {
            "stepStart" => Self::StepStart {
                run_id,
                generation,
                step_name: step_name()?,
                attempt: attempt()?,
                timeout_ms: fields.timeout_ms,
                retry: fields.retry,
            },
            "stepCommit" => Self::StepCommit {
                run_id,
                generation,
                step_name: step_name()?,
                attempt: attempt()?,
                output: output()?,
                blobs: blobs()?,
                duration_ms: duration_ms()?,
                report: report()?,
            },
            "stepFail" => Self::StepFail {
                run_id,
                generation,
                step_name: step_name()?,
                kind: required(fields.kind, "kind")?,
                attempt: attempt()?,
                error: error()?,
                retry: fields.retry,
                duration_ms: duration_ms()?,
                report: report()?,
            },
            "runComplete" => Self::RunComplete {
                run_id,
                generation,
                output: output()?,
                blobs: blobs()?,
                report: report()?,
            },
            "runFail" => Self::RunFail {
                run_id,
                generation,
                error: error()?,
                is_retryable: required(fields.is_retryable, "isRetryable")?,
                retry_after_ms: fields.retry_after_ms,
                report: report()?,
            },
            "stepWait" => Self::StepWait {
                run_id,
                generation,
                step_name: step_name()?,
                wait: required(fields.wait, "wait")?,
                report: report()?,
            },
            "stepInvoke" => Self::StepInvoke {
                run_id,
                generation,
                step_name: step_name()?,
                mode: required(fields.mode, "mode")?,
                children: required(fields.children, "children")?,
                report: report()?,
            },
            "suspend" => Self::Suspend {
                run_id,
                generation,
                waits: required(fields.waits, "waits")?,
                is_parked: required(fields.is_parked, "isParked")?,
                report: report()?,
            },
            "wake" => Self::Wake { run_id, generation },
            "unresumable" => Self::Unresumable { run_id, generation },
            "report" => Self::Report {
                run_id,
                generation,
                report: report()?,
            },
            "released" => Self::Released { run_id, generation },
            _ => return Err(Unreadable::UnknownType(fields.r#type)),
        })
    }
}

#[cfg(test)]
mod tests;
