//! The engine's own deadlines, for executors that do not keep theirs: when it acts, what it stores, what it then ignores.

mod support;

use stepwell_protocol::*;
use support::*;

const X: &str = "x";
const Y: &str = "y";
/// Grace and margin beyond a timeout.
const BEYOND_MS: i64 = 3_000;

fn retry(failures: u32) -> StepRetry {
    let policy = RetryPolicy {
        max_attempts: 2,
        jitter: 0.0,
        ..RetryPolicy::NONE
    };
    StepRetry {
        policy,
        failures,
        after_ms: None,
    }
}

fn step_start(held: &Holding, timeout_ms: Option<u64>, retry: Option<StepRetry>) -> Input {
    let message = ExecutorMessage::StepStart {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: "s".into(),
        attempt: 1,
        timeout_ms,
        retry,
    };
    from(X, 0, message)
}

fn terminated(output: &Output) -> Vec<&str> {
    let effects = output.effects.iter();
    let of = effects.filter_map(|effect| match effect {
        Effect::TerminateExecutor { executor_id } => Some(executor_id.as_str()),
        _ => None,
    });
    of.collect()
}

/// A run of each of two jobs in the hands of `x`.
fn two_at_work(world: &mut World, timeout_ms: Option<u64>) -> (Holding, Holding) {
    world.hello(X, &["a", "b"], 2, &[]);
    let first = NewTrigger {
        timeout_ms,
        ..new_trigger("a")
    };
    let inputs = vec![
        world.request(Command::Trigger { run: first }),
        world.request(trigger("b")),
    ];
    let given = assigned(&world.handle(inputs));
    (held(&given[0]), held(&given[1]))
}

/// Time passes up to this, without another look before.
fn at(world: &mut World, time: TimestampMs) -> Output {
    world.now = time.plus(-1);
    world.handle(vec![Input::Tick])
}

#[test]
fn an_executor_is_terminated_when_it_does_not_say_that_a_step_timed_out() {
    let mut world = World::new(0);
    let (hung, other) = two_at_work(&mut world, None);
    let started = world.handle(vec![step_start(&hung, Some(5_000), Some(retry(1)))]);
    let deadline = world.now.plus(5_000 + BEYOND_MS);
    assert_eq!(started.wake_at, Some(deadline));
    assert_eq!(terminated(&at(&mut world, deadline.plus(-1))), [""; 0]);
    let doomed = at(&mut world, deadline);
    assert_eq!(terminated(&doomed), [X]);
    assert_eq!(event_names(&doomed), ["step:retry", "step:wait"]);

    let step = world.steps(&hung.run_id).remove(0);
    assert_eq!((step.status, step.attempt), (StepStatus::Waiting, 1));
    let error = step.error.expect("its failure");
    assert_eq!((error.code, error.attempt), (FailureCode::Timeout, 1));
    // A terminated worker's messages still arrive, and count for nothing.
    let (_, late) = world.say(X, step_commit(&other, "late"));
    assert_eq!(late.effects, []);
    assert_eq!(world.steps(&other.run_id), []);
}

#[test]
fn what_a_terminated_executor_held_goes_on_elsewhere_when_it_is_dead() {
    let mut world = World::new(0);
    let (hung, other) = two_at_work(&mut world, None);
    world.handle(vec![step_start(&hung, Some(1_000), None)]);
    let deadline = world.now.plus(1_000 + BEYOND_MS);
    assert_eq!(terminated(&at(&mut world, deadline)), [X]);
    assert_eq!(
        assigned(&world.hello(Y, &["a", "b"], 2, &[])),
        [],
        "it may still run what it was given"
    );
    let executor_id = X.into();
    let given = assigned(&world.handle(vec![Input::ExecutorGone { executor_id }]));
    let given: Vec<_> = given
        .iter()
        .map(|one| (&one.run_id, one.generation.0))
        .collect();
    assert_eq!(given.len(), 2);
    for held in [&hung, &other] {
        assert!(
            given.contains(&(&held.run_id, held.generation.0 + 2)),
            "given up, and claimed: {given:?}"
        );
        assert_eq!(world.run(&held.run_id).recoveries, 0, "nothing is counted");
    }
    let failed = world.steps(&hung.run_id).remove(0);
    assert_eq!(
        failed.status,
        StepStatus::Failed,
        "without a policy it is final"
    );
}

#[test]
fn what_a_replaced_executor_held_goes_on_elsewhere_when_it_is_dead_and_nothing_is_counted() {
    let mut world = World::new(0);
    let (first, second) = two_at_work(&mut world, None);
    let replaced = world.handle(vec![Input::ReplaceExecutor {
        executor_id: X.into(),
    }]);
    assert_eq!(terminated(&replaced), [X]);
    assert_eq!(event_names(&replaced), [""; 0], "nothing has failed");
    let (_, late) = world.say(X, step_commit(&first, "late"));
    assert_eq!(late.effects, []);
    assert_eq!(
        assigned(&world.hello(Y, &["a", "b"], 2, &[])),
        [],
        "it may still run what it was given"
    );
    let executor_id = X.into();
    let given = assigned(&world.handle(vec![Input::ExecutorGone { executor_id }]));
    assert_eq!(given.len(), 2);
    for held in [&first, &second] {
        assert_eq!(world.run(&held.run_id).recoveries, 0);
        assert_eq!(world.steps(&held.run_id), []);
    }
}

#[test]
fn replacing_an_executor_that_never_said_hello_does_nothing() {
    let mut world = World::new(0);
    let executor_id = X.into();
    let output = world.handle(vec![Input::ReplaceExecutor { executor_id }]);
    assert_eq!(output.effects, []);
}

#[test]
fn an_executor_whose_death_is_not_told_is_given_three_seconds() {
    let mut world = World::new(0);
    let (hung, _) = two_at_work(&mut world, None);
    world.handle(vec![step_start(&hung, Some(1_000), None)]);
    let deadline = world.now.plus(1_000 + BEYOND_MS);
    let doomed = at(&mut world, deadline);
    assert_eq!(terminated(&doomed), [X]);
    assert_eq!(doomed.wake_at, Some(deadline.plus(3_000)));
    world.hello(Y, &["a", "b"], 2, &[]);
    assert_eq!(assigned(&at(&mut world, deadline.plus(2_999))), []);
    assert_eq!(assigned(&at(&mut world, deadline.plus(3_000))).len(), 2);
}

#[test]
fn an_executor_in_a_page_comes_back_empty_handed() {
    let mut world = World::new(0);
    let (hung, other) = two_at_work(&mut world, None);
    world.handle(vec![step_start(&hung, Some(1_000), None)]);
    let deadline = world.now.plus(1_000 + BEYOND_MS);
    at(&mut world, deadline);
    let output = world.hello(X, &["a", "b"], 2, &[hung.clone(), other.clone()]);
    assert_eq!(adopted(&output), [], "what it held is not its own any more");
    assert_eq!(assigned(&output).len(), 2, "it takes runs again");
}

#[test]
fn a_step_that_ends_in_time_has_no_deadline_left() {
    let mut world = World::new(0);
    let (held, _) = two_at_work(&mut world, None);
    let started = world.handle(vec![step_start(&held, Some(5_000), None)]);
    assert!(started.wake_at.is_some());
    let (_, output) = world.say(X, step_commit(&held, "s"));
    assert_eq!(output.wake_at, None);
    let later = world.now.plus(60_000);
    assert_eq!(terminated(&at(&mut world, later)), [""; 0]);
}

#[test]
fn a_run_that_is_cancelled_has_no_deadline_left() {
    let mut world = World::new(0);
    let (held, _) = two_at_work(&mut world, Some(5_000));
    world.handle(vec![step_start(&held, Some(1_000), None)]);
    let run_id = held.run_id.clone();
    world.ask(Command::Cancel { run_id });
    let later = world.now.plus(60_000);
    assert_eq!(terminated(&at(&mut world, later)), [""; 0]);
}

#[test]
fn a_job_s_timeout_is_kept_by_the_engine_too() {
    let mut world = World::new(0);
    let (hung, other) = two_at_work(&mut world, Some(10_000));
    let deadline = world.now.plus(10_000 + BEYOND_MS);
    assert_eq!(terminated(&at(&mut world, deadline.plus(-1))), [""; 0]);
    let doomed = at(&mut world, deadline);
    assert_eq!(terminated(&doomed), [X]);
    assert_eq!(event_names(&doomed), ["run:fail"]);
    let run = world.run(&hung.run_id);
    let error = run.error.expect("its failure");
    assert_eq!(
        (error.code, error.attempt, error.step_name),
        (FailureCode::Timeout, 1, None)
    );
    assert_eq!(world.run(&other.run_id).status, RunStatus::Running);
}
