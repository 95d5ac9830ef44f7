//! What crosses is what was there, and what cannot be read is refused.

use std::collections::BTreeMap;

use super::*;
use crate::{
    Addressed, ClientReply, Command, Effect, EngineMessage, EngineStatus, ErrorCode, ErrorInfo,
    EventBody, EventHead, ExecutorEnvelope, ExecutorMessage, Generation, Input, LogLevel, LogLine,
    LogPage, NewLog, Output, Payload, Progress, Reply, Report, RunEvent, RunId, RunStatus,
    TimestampMs,
};

/// Texts with everything that JSON escapes, and with characters of one to four bytes.
const TEXTS: [&str; 5] = [
    "",
    "\"quoted\" and \\ back",
    "\0\u{1}\u{1f}\n\r\t\u{8}\u{c}\u{7f}",
    "é漢😀\u{2028}\u{feff}",
    "{\"$beside\":0}",
];

fn event(body: EventBody) -> RunEvent {
    let head = EventHead {
        sequence: 7,
        timestamp: TimestampMs(1_700_000_000_000),
        run_id: RunId::from("r"),
        job_name: TEXTS[3].to_owned(),
        labels: TEXTS[1..]
            .iter()
            .map(|text| ((*text).to_owned(), (*text).to_owned()))
            .chain([("$beside".to_owned(), "0".to_owned())])
            .collect(),
        status: RunStatus::Running,
        version: (1 << 53) - 1,
        parent_id: None,
    };
    RunEvent { head, body }
}

fn line(message: &str, data: Option<Payload>) -> LogLine {
    LogLine {
        id: 1,
        run_id: RunId::from("r"),
        level: LogLevel::Warn,
        message: message.to_owned(),
        data,
        step_name: None,
        attempt: 2,
        timestamp: TimestampMs(-5),
    }
}

fn output() -> Output {
    let logs = TEXTS.map(|text| line(text, Some(Payload::from(text))));
    let reply = |reply| Addressed {
        client_id: "c".into(),
        reply: ClientReply {
            request_id: "q".into(),
            reply,
        },
    };
    let current = -0.25;
    let progress = Progress {
        current,
        total: Some(1e300),
        message: None,
    };
    Output {
        replies: vec![
            reply(Reply::Run { run: None }),
            reply(Reply::Logs {
                page: LogPage {
                    logs: logs.into(),
                    next_cursor: Some(3),
                },
            }),
            reply(Reply::Error {
                error: ErrorInfo::new(ErrorCode::NotFound, "no"),
            }),
        ],
        events: vec![
            event(EventBody::RunTrigger),
            event(EventBody::RunProgress { progress }),
        ],
        effects: vec![Effect::Send {
            executor_id: "e".into(),
            message: EngineMessage::Ack { seqs: vec![1, 2] },
        }],
        wake_at: None,
        more_upkeep: true,
        status: Some(EngineStatus::default()),
    }
}

/// The text, and what stands beside it.
fn written<T: serde::Serialize>(value: &T) -> (String, Vec<Payload>) {
    let mut beside = Vec::new();
    let text = write_text(value, &mut |what| {
        beside.push(match what {
            Beside::Text(text) => Payload::from(text),
            Beside::Bytes(bytes) => Payload::Bytes(bytes.to_vec()),
        });
    });
    (text, beside)
}

#[test]
fn an_output_comes_back() {
    let (text, beside) = written(&output());
    assert_eq!(beside, []);
    let read: Output = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(read, output());
}

#[test]
fn what_is_not_there_is_left_out() {
    let (text, _) = written(&output());
    assert!(!text.contains("null"), "{text}");
    assert!(!text.contains("wakeAt"), "{text}");
    assert!(text.contains(r#""reply":{"type":"run"}"#), "{text}");
    let (text, _) = written(&Output::default());
    assert_eq!(
        text,
        r#"{"replies":[],"events":[],"effects":[],"moreUpkeep":false}"#
    );
}

#[test]
fn bytes_and_long_texts_stand_beside() {
    let long = "\"".repeat(5_000);
    let page = LogPage {
        logs: vec![
            line(&long, Some(Payload::Bytes(vec![0, 255]))),
            line("short", Some(Payload::from(long.as_str()))),
        ],
        next_cursor: None,
    };
    let (text, beside) = written(&page);
    let expected = [
        Payload::from(long.as_str()),
        Payload::Bytes(vec![0, 255]),
        Payload::from(long.as_str()),
    ];
    assert_eq!(beside, expected);
    for mark in [
        r#""message":{"$beside":0},"data":{"$beside":1}"#,
        r#""message":"short","data":{"$beside":2}"#,
    ] {
        assert!(text.contains(mark), "{text}");
    }
}

#[test]
fn a_key_never_stands_beside() {
    let long = "k".repeat(5_000);
    let (text, beside) = written(&BTreeMap::from([(&long, 1)]));
    assert_eq!(text, format!("{{\"{long}\":1}}"));
    assert_eq!(beside, []);
}

fn commit(output: Payload, data: Option<Payload>) -> Input {
    let log = NewLog {
        level: LogLevel::Info,
        message: "m".to_owned(),
        data,
        step_name: None,
        attempt: 1,
        timestamp: TimestampMs(1),
    };
    Input::Executor {
        executor_id: "e".into(),
        envelope: ExecutorEnvelope {
            seq: 1,
            message: ExecutorMessage::StepCommit {
                run_id: RunId::from("r"),
                generation: Generation(1),
                step_name: "s".to_owned(),
                attempt: 1,
                output,
                blobs: vec![],
                duration_ms: 0,
                report: Report {
                    first_ordinal: 1,
                    logs: vec![log],
                    progress: None,
                },
            },
        },
    }
}

#[test]
fn an_input_gets_back_what_stood_beside_it() {
    for text in TEXTS {
        let input = commit(Payload::from(text), None);
        let (line, _) = written(&input);
        assert_eq!(read_input(&line, None), Ok(input));
    }
    let input = commit(
        Payload::Bytes(vec![7; 3]),
        Some(Payload::from("\\".repeat(9_000))),
    );
    let (line, beside) = written(&input);
    assert_eq!(beside.len(), 2);
    let find = |place: u32| beside.get(place as usize).cloned();
    assert_eq!(read_input(&line, Some(&find)), Ok(input));
}

fn refusal(line: &str) -> String {
    let find = |place| (place == 0).then(|| Payload::from("there"));
    let read = read_input(line, Some(&find));
    read.expect_err(line)
}

#[test]
fn what_does_not_stand_beside_is_unreadable() {
    let gone =
        |place: &str| format!(r#"{{"type":"executorGone","executorId":{{"$beside":{place}}}}}"#);
    assert!(read_input(&gone("0"), Some(&|_| Some(Payload::from("e")))).is_ok());
    for place in ["1", "-1", "4294967296", "9007199254740993"] {
        let error = refusal(&gone(place));
        assert!(error.starts_with("there should be"), "{error}");
    }
    // With nothing beside it is an object like any other.
    assert_eq!(
        read_input(&gone("0"), None),
        Err("there should be a text".to_owned())
    );
}

#[test]
fn a_number_that_is_no_whole_one_is_refused_where_it_should_be() {
    let purge = |older_than_ms: &str| {
        format!(
            r#"{{"type":"client","clientId":"c","request":{{"requestId":"q","command":{{"type":"purgeRuns","olderThanMs":{older_than_ms},"limit":1}}}}}}"#
        )
    };
    for number in [
        "null",
        "1.5",
        "-1",
        "1e21",
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551615",
        "99999999999999999999",
    ] {
        assert_eq!(
            refusal(&purge(number)),
            "there should be a whole number (u64)",
            "{number}"
        );
    }
    for (number, older_than_ms) in [("0", 0), ("9007199254740991", 9_007_199_254_740_991)] {
        let read = read_input(&purge(number), None).expect("it is read");
        let Input::Client { request, .. } = read else {
            panic!("a client's input");
        };
        let limit = 1;
        assert_eq!(
            request.command,
            Command::PurgeRuns {
                older_than_ms,
                limit
            }
        );
    }
}

#[test]
fn a_line_that_is_no_input_is_refused() {
    let deep = "[".repeat(100_000);
    for line in ["", "{", "null", "[]", "\"tick\"", "{}", deep.as_str()] {
        refusal(line);
    }
    assert_eq!(refusal(r#"{"type":"tock"}"#), "`tock` is no known type");
    assert_eq!(read_input(r#"{"type":"tick"}"#, None), Ok(Input::Tick));
}
