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
            "upkeep" => Self::Upkeep,
            "network" => Self::Network {
                is_online: required(fields.is_online, "isOnline")?,
            },
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
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::{
        FailureCause, FailureCode, LogLevel, NewLog, Order, Progress, RetryPolicy, RunStatus,
        TimestampMs,
    };

    /// What serde writes by its own rules for the enum is what is read here.
    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
        let text = serde_json::to_string(value).expect("it serialises");
        let read: T = serde_json::from_str(&text).expect("it is read");
        assert_eq!(&read, value, "{text}");
    }

    #[test]
    fn every_command_comes_back() {
        let run_id = RunId::from("r");
        let labels = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let filter = RunFilter {
            job_names: vec!["j".to_owned()],
            statuses: vec![RunStatus::Failed],
            labels: labels.clone(),
            created_after: Some(TimestampMs(1)),
            created_before: Some(TimestampMs(2)),
            parent_id: Some(RunId::from("p")),
            roots_only: true,
            cursor: Some(run_id.clone()),
            limit: 5,
        };
        let full = NewTrigger {
            job_name: "j".to_owned(),
            input: Payload::from("{}"),
            blobs: vec!["f".into()],
            max_recoveries: Some(3),
            idempotency_key: Some("i".to_owned()),
            concurrency_key: Some("c".to_owned()),
            coalesce: true,
            labels,
            priority: Some(-4),
            retry: Some(RetryPolicy::NONE),
            timeout_ms: Some(8),
            start_at: Some(TimestampMs(6)),
            delay_ms: Some(7),
        };
        let query = LogQuery {
            run_id: run_id.clone(),
            level: Some(LogLevel::Warn),
            order: Order::Desc,
            cursor: None,
            limit: 7,
        };
        for command in [
            Command::Trigger {
                run: NewTrigger {
                    job_name: "j".to_owned(),
                    ..NewTrigger::default()
                },
            },
            Command::BatchTrigger { runs: vec![full] },
            Command::Retrigger {
                run_id: run_id.clone(),
                input: Payload::Bytes(vec![1, 200]),
                blobs: vec!["f".into()],
            },
            Command::DeleteRun {
                run_id: run_id.clone(),
            },
            Command::PurgeRuns {
                older_than_ms: 5,
                limit: 9,
            },
            Command::GetRun {
                run_id: run_id.clone(),
            },
            Command::GetRuns { filter },
            Command::GetSteps {
                run_id: run_id.clone(),
                outputs: true,
            },
            Command::GetLogs { query },
            Command::Cancel {
                run_id: run_id.clone(),
            },
            Command::Retry { run_id },
            Command::Signal {
                key: "k".to_owned(),
                value: Some(Payload::from("")),
                error: None,
                blobs: vec![],
            },
            Command::GetStatus,
        ] {
            comes_back(&Input::Client {
                client_id: ClientId::from("c"),
                request: ClientRequest {
                    request_id: "q".into(),
                    command,
                },
            });
        }
    }

    #[test]
    fn every_executor_message_comes_back() {
        let (run_id, generation) = (RunId::from("r"), Generation(4));
        let (step_name, attempt, duration_ms) = ("s".to_owned(), 2, 9);
        let report = Report {
            first_ordinal: 3,
            logs: vec![NewLog {
                level: LogLevel::Info,
                message: "m".to_owned(),
                data: Some(Payload::from("[1]")),
                step_name: None,
                attempt: 1,
                timestamp: TimestampMs(5),
            }],
            progress: Some(Progress {
                current: 1.0,
                total: None,
                message: Some("half".to_owned()),
            }),
        };
        let error = RunFailure {
            name: "TypeError".to_owned(),
            message: "m".to_owned(),
            stack: None,
            causes: vec![FailureCause {
                name: "Error".to_owned(),
                message: "c".to_owned(),
            }],
            code: FailureCode::NotSerializable,
            attempt,
            step_name: Some(step_name.clone()),
        };
        let output = Payload::from("1");
        let retry = StepRetry {
            policy: RetryPolicy::NONE,
            failures: 1,
            after_ms: Some(4),
        };
        let holding = vec![Holding {
            run_id: run_id.clone(),
            generation,
        }];
        for message in [
            ExecutorMessage::Hello {
                build_id: "b".to_owned(),
                jobs: vec![ServedJob {
                    name: "j".to_owned(),
                    concurrency: Some(2),
                    needs_network: true,
                }],
                slots: 2,
                holding,
            },
            ExecutorMessage::StepStart {
                run_id: run_id.clone(),
                generation,
                step_name: step_name.clone(),
                attempt,
                timeout_ms: Some(7),
                retry: Some(retry),
            },
            ExecutorMessage::StepCommit {
                run_id: run_id.clone(),
                generation,
                step_name: step_name.clone(),
                attempt,
                output: output.clone(),
                blobs: vec![],
                duration_ms,
                report: report.clone(),
            },
            ExecutorMessage::StepFail {
                run_id: run_id.clone(),
                generation,
                step_name: step_name.clone(),
                kind: StepKind::Run,
                attempt,
                error: error.clone(),
                retry: Some(retry),
                duration_ms,
                report: report.clone(),
            },
            ExecutorMessage::RunComplete {
                run_id: run_id.clone(),
                generation,
                output,
                blobs: vec!["f".into()],
                report: report.clone(),
            },
            ExecutorMessage::RunFail {
                run_id: run_id.clone(),
                generation,
                error,
                is_retryable: true,
                retry_after_ms: Some(6),
                report: report.clone(),
            },
            ExecutorMessage::StepWait {
                run_id: run_id.clone(),
                generation,
                step_name: step_name.clone(),
                wait: NewWait::Signal {
                    key: "k".to_owned(),
                    timeout_ms: None,
                },
                report: report.clone(),
            },
            ExecutorMessage::StepInvoke {
                run_id: run_id.clone(),
                generation,
                step_name: step_name.clone(),
                mode: InvokeMode::Settled,
                children: vec![NewTrigger::default()],
                report: report.clone(),
            },
            ExecutorMessage::Suspend {
                run_id: run_id.clone(),
                generation,
                waits: vec![step_name],
                is_parked: true,
                report: report.clone(),
            },
            ExecutorMessage::Wake {
                run_id: run_id.clone(),
                generation,
            },
            ExecutorMessage::Unresumable {
                run_id: run_id.clone(),
                generation,
            },
            ExecutorMessage::Report {
                run_id: run_id.clone(),
                generation,
                report,
            },
            ExecutorMessage::Released { run_id, generation },
        ] {
            comes_back(&Input::Executor {
                executor_id: ExecutorId::from("x"),
                envelope: ExecutorEnvelope { seq: 8, message },
            });
        }
    }

    #[test]
    fn the_other_inputs_come_back_and_what_is_incomplete_is_refused() {
        comes_back(&Input::Tick);
        comes_back(&Input::Upkeep);
        comes_back(&Input::Network { is_online: false });
        comes_back(&Input::Release);
        comes_back(&Input::ExecutorGone {
            executor_id: ExecutorId::from("x"),
        });
        for (text, problem) in [
            (r#"{"type":"explode"}"#, "`explode` is no known type"),
            (
                r#"{"type":"executorGone"}"#,
                "field `executorId` is missing",
            ),
        ] {
            let error = serde_json::from_str::<Input>(text).expect_err("it is refused");
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
