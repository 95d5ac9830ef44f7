//! Every field that waiting, retries and children have brought to the commands: what is wrong is refused, named, and
//! leaves nothing behind.

mod support;

use stepwell_engine::{ATTEMPTS_MAX, CHILDREN_MAX, RETRY_FACTOR_MAX, SIGNAL_KEY_CHARS_MAX};
use stepwell_protocol::*;
use support::*;

const X: &str = "x";
/// More than a century.
const TOO_LONG_MS: u64 = 200 * 366 * 86_400_000;

fn policy(change: impl FnOnce(&mut RetryPolicy)) -> NewTrigger {
    let mut policy = RetryPolicy {
        max_attempts: 3,
        ..RetryPolicy::NONE
    };
    change(&mut policy);
    NewTrigger {
        retry: Some(policy),
        ..new_trigger("a")
    }
}

/// Each wrong option with its name.
fn bad_triggers() -> Vec<(NewTrigger, &'static str)> {
    let timeout = |ms| NewTrigger {
        timeout_ms: Some(ms),
        ..new_trigger("a")
    };
    let mut bad = vec![
        (timeout(0), "timeout"),
        (timeout(TOO_LONG_MS), "timeout"),
        (timeout(u64::MAX), "timeout"),
    ];
    for max_attempts in [0, ATTEMPTS_MAX + 1, u32::MAX] {
        bad.push((
            policy(|it| it.max_attempts = max_attempts),
            "retry.maxAttempts",
        ));
    }
    for factor in [
        0.0,
        0.99,
        -1.0,
        RETRY_FACTOR_MAX + 0.1,
        f64::NAN,
        f64::INFINITY,
    ] {
        bad.push((policy(|it| it.factor = factor), "retry.factor"));
    }
    for jitter in [-0.1, 1.1, f64::NAN, f64::NEG_INFINITY] {
        bad.push((policy(|it| it.jitter = jitter), "retry.jitter"));
    }
    for delay_ms in [TOO_LONG_MS, u64::MAX] {
        bad.push((
            policy(|it| it.initial_delay_ms = delay_ms),
            "retry.initialDelay",
        ));
        bad.push((policy(|it| it.max_delay_ms = delay_ms), "retry.maxDelay"));
    }
    bad
}

fn refusal(world: &mut World, command: Command) -> (ErrorCode, String) {
    match world.ask(command) {
        Reply::Error { error } => (error.code, error.message),
        other => panic!("it must be refused, and not {other:?}"),
    }
}

fn count_runs(world: &mut World) -> usize {
    let filter = RunFilter {
        limit: 100,
        ..RunFilter::default()
    };
    match world.ask(Command::GetRuns { filter }) {
        Reply::Runs { page } => page.runs.len(),
        other => panic!("runs, and not {other:?}"),
    }
}

#[test]
fn a_trigger_with_a_bad_policy_or_timeout_is_refused() {
    let mut world = World::new(0);
    for (run, named) in bad_triggers() {
        let (code, message) = refusal(&mut world, Command::Trigger { run: run.clone() });
        assert_eq!(code, ErrorCode::InvalidInput, "{message}");
        assert!(message.contains(named), "{message}");
        let runs = vec![new_trigger("a"), run];
        let (code, message) = refusal(&mut world, Command::BatchTrigger { runs });
        assert_eq!(code, ErrorCode::InvalidInput, "{message}");
        assert!(
            message.contains("runs[1]") && message.contains(named),
            "{message}"
        );
    }
    assert_eq!(count_runs(&mut world), 0, "nothing was written");
}

#[test]
fn what_is_at_its_limit_is_taken() {
    let mut world = World::new(0);
    let widest = policy(|it| {
        it.max_attempts = ATTEMPTS_MAX;
        it.factor = RETRY_FACTOR_MAX;
        it.jitter = 1.0;
        it.initial_delay_ms = 0;
        it.max_delay_ms = TOO_LONG_MS / 2;
    });
    let shortest = NewTrigger {
        timeout_ms: Some(1),
        ..policy(|it| {
            it.max_attempts = 1;
            it.factor = 1.0;
            it.jitter = 0.0;
        })
    };
    for run in [widest, shortest] {
        match world.ask(Command::Trigger { run: run.clone() }) {
            Reply::Triggered { result } => {
                assert_eq!(Some(result.run.retry), run.retry);
                assert_eq!(result.run.timeout_ms, run.timeout_ms);
            }
            other => panic!("triggered, and not {other:?}"),
        }
    }
}

#[test]
fn a_bad_child_fails_its_step_whatever_is_wrong_with_it() {
    let mut world = World::new(0);
    world.hello(X, &["parent"], 1, &[]);
    for (child, named) in bad_triggers() {
        let request = world.request(trigger("parent"));
        let held = held(&assigned(&world.handle(vec![request]))[0]);
        let (_, output) = world.say(X, invoke(&held, vec![new_trigger("a"), child]));
        let error = failed_step(&output).error.expect("its failure");
        assert_eq!(error.code, FailureCode::InvalidInput, "{error:?}");
        assert!(error.message.contains("children[1]: "), "{error:?}");
        assert!(error.message.contains(named), "{error:?}");
        world.say(X, run_complete(&held));
    }
    assert_eq!(
        count_runs(&mut world),
        bad_triggers().len(),
        "the parents alone"
    );
}

#[test]
fn a_call_may_have_a_thousand_children() {
    let mut world = World::new(0);
    world.hello(X, &["parent"], 1, &[]);
    let request = world.request(trigger("parent"));
    let held = held(&assigned(&world.handle(vec![request]))[0]);
    let children = vec![new_trigger("a"); CHILDREN_MAX + 1];
    let (_, output) = world.say(X, invoke(&held, children));
    let error = failed_step(&output).error.expect("its failure");
    assert_eq!(error.code, FailureCode::LimitExceeded);
    assert_eq!(count_runs(&mut world), 1);
}

#[test]
fn a_signal_has_a_key_and_either_a_value_or_an_error() {
    let mut world = World::new(0);
    let value = Some(Payload::from("1"));
    let error = || Some(failure(None, 1));
    let longest = "é".repeat(SIGNAL_KEY_CHARS_MAX);
    for (key, value, error, named) in [
        ("", value.clone(), None, "key"),
        (&*format!("{longest}k"), value.clone(), None, "key"),
        ("k", None, None, "value"),
        ("k", value.clone(), error(), "value"),
    ] {
        let command = signal(key, value, error);
        let (code, message) = refusal(&mut world, command);
        assert_eq!(code, ErrorCode::InvalidInput, "{message}");
        assert!(message.contains(named), "{message}");
    }
    let large = Payload::from("x".repeat(5_000_000));
    let (code, message) = refusal(&mut world, signal("k", Some(large), None));
    assert_eq!(code, ErrorCode::PayloadTooLarge, "{message}");
    for key in ["k", &longest] {
        let reply = world.ask(signal(key, value.clone(), None));
        let disposition = SignalDisposition::Kept;
        assert_eq!(
            reply,
            Reply::Signalled { disposition },
            "none was kept before"
        );
    }
}

#[test]
fn a_wait_for_a_signal_needs_a_key() {
    let mut world = World::new(0);
    world.hello(X, &["parent"], 1, &[]);
    let request = world.request(trigger("parent"));
    let held = held(&assigned(&world.handle(vec![request]))[0]);
    for (name, key) in [
        ("empty", String::new()),
        ("long", "k".repeat(SIGNAL_KEY_CHARS_MAX + 1)),
    ] {
        let message = ExecutorMessage::StepWait {
            run_id: held.run_id.clone(),
            generation: held.generation,
            step_name: name.into(),
            wait: NewWait::Signal {
                key,
                timeout_ms: None,
            },
            report: Report::default(),
        };
        let (_, output) = world.say(X, message);
        let error = failed_step(&output).error.expect("its failure");
        assert_eq!(error.code, FailureCode::InvalidInput, "{error:?}");
        assert!(error.message.contains("key"), "{error:?}");
    }
}

fn signal(key: &str, value: Option<Payload>, error: Option<RunFailure>) -> Command {
    Command::Signal {
        key: key.into(),
        value,
        error,
        blobs: Vec::new(),
    }
}

fn invoke(held: &Holding, children: Vec<NewTrigger>) -> ExecutorMessage {
    ExecutorMessage::StepInvoke {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: "children".into(),
        mode: InvokeMode::Settled,
        children,
        report: Report::default(),
    }
}

/// The step of which an executor is told that it has failed.
fn failed_step(output: &Output) -> Step {
    let told = messages(output)
        .into_iter()
        .find_map(|message| match message {
            EngineMessage::Resolved { step, .. } => Some(*step),
            _ => None,
        });
    let step = told.expect("the executor is told");
    assert_eq!(step.status, StepStatus::Failed);
    step
}
