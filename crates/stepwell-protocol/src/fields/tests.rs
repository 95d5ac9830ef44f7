//! What serde writes by its own rules is what is read.

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
    comes_back(&Input::Drain);
    comes_back(&Input::Release);
    comes_back(&Input::ExecutorGone {
        executor_id: ExecutorId::from("x"),
    });
    comes_back(&Input::ReplaceExecutor {
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

#[test]
fn every_wait_comes_back() {
    let step_name = "s".to_owned();
    let error = RunFailure {
        name: "E".to_owned(),
        message: "m".to_owned(),
        stack: None,
        causes: vec![],
        code: FailureCode::Timeout,
        attempt: 1,
        step_name: None,
    };
    for wait in [
        NewWait::Sleep { duration_ms: 1 },
        NewWait::SleepUntil {
            until: TimestampMs(2),
        },
        NewWait::Signal {
            key: "k".to_owned(),
            timeout_ms: Some(3),
        },
        NewWait::Network,
    ] {
        comes_back(&wait);
    }
    for waiting_for in [
        WaitingFor::Retry {
            step_name: None,
            attempt: 2,
            until: TimestampMs(-1),
            error,
        },
        WaitingFor::Sleep {
            step_name: step_name.clone(),
            until: TimestampMs(4),
        },
        WaitingFor::Signal {
            step_name: step_name.clone(),
            key: "k".to_owned(),
            until: None,
        },
        WaitingFor::Children {
            step_name: step_name.clone(),
            count: 5,
        },
        WaitingFor::Network {
            step_name: Some(step_name),
        },
    ] {
        comes_back(&waiting_for);
    }
}

#[test]
fn every_name_comes_back() {
    use FailureCode as Code;
    for code in [
        Code::Error,
        Code::NotSerializable,
        Code::DuplicateStep,
        Code::HistoryMismatch,
        Code::InvalidInput,
        Code::Timeout,
        Code::LimitExceeded,
        Code::PayloadTooLarge,
        Code::Cancelled,
        Code::Conflict,
    ] {
        comes_back(&code);
    }
    for mode in [InvokeMode::FailFast, InvokeMode::Settled] {
        comes_back(&mode);
    }
    for kind in [
        StepKind::Run,
        StepKind::Sleep,
        StepKind::Signal,
        StepKind::Invoke,
    ] {
        comes_back(&kind);
    }
    LogLevel::ALL.iter().for_each(comes_back);
    RunStatus::ALL.iter().for_each(comes_back);
    [Order::Asc, Order::Desc].iter().for_each(comes_back);
}

#[test]
fn a_filter_that_says_less_has_the_defaults() {
    let filter: RunFilter =
        serde_json::from_str(r#"{"limit":3,"unknown":[1.5,null]}"#).expect("it is read");
    let expected = RunFilter {
        limit: 3,
        ..RunFilter::default()
    };
    assert_eq!(filter, expected);
    let wrong = serde_json::from_str::<RunFilter>(r#"{"limit":-1}"#);
    let error = wrong.expect_err("it is out of range").to_string();
    assert!(error.contains("a whole number (u32)"), "{error}");
}
