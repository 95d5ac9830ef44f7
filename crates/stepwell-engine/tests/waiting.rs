//! Waits, suspension and children, message by message.

mod support;

use stepwell_protocol::*;
use support::*;

const X: &str = "x";

/// A run of the job `a` in the hands of the executor `x`.
fn at_work(world: &mut World) -> Holding {
    world.hello(X, &["a"], 4, &[]);
    let request = world.request(trigger("a"));
    let output = world.handle(vec![request]);
    held(&assigned(&output)[0])
}

fn sleep(held: &Holding, name: &str, duration_ms: u64) -> ExecutorMessage {
    wait(held, name, NewWait::Sleep { duration_ms })
}

fn wait(held: &Holding, name: &str, wait: NewWait) -> ExecutorMessage {
    ExecutorMessage::StepWait {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: name.into(),
        wait,
        report: Report::default(),
    }
}

fn signal_wait(held: &Holding, name: &str, key: &str) -> ExecutorMessage {
    let key = key.into();
    let timeout_ms = None;
    wait(held, name, NewWait::Signal { key, timeout_ms })
}

fn suspend(held: &Holding, waits: &[&str]) -> ExecutorMessage {
    ExecutorMessage::Suspend {
        run_id: held.run_id.clone(),
        generation: held.generation,
        waits: waits.iter().map(|&name| name.into()).collect(),
        is_parked: true,
        report: Report::default(),
    }
}

fn invoke(held: &Holding, name: &str, mode: InvokeMode, jobs: &[&str]) -> ExecutorMessage {
    ExecutorMessage::StepInvoke {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: name.into(),
        mode,
        children: jobs.iter().map(|job| new_trigger(job)).collect(),
        report: Report::default(),
    }
}

fn step_fail_retried(
    held: &Holding,
    step: &str,
    attempt: u32,
    retry: StepRetry,
) -> ExecutorMessage {
    ExecutorMessage::StepFail {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: step.into(),
        kind: StepKind::Run,
        attempt,
        error: failure(Some(step), attempt),
        retry: Some(retry),
        duration_ms: 3,
        report: Report::default(),
    }
}

fn resolved(output: &Output) -> Vec<Step> {
    let of = |message| match message {
        EngineMessage::Resolved { step, .. } => Some(*step),
        _ => None,
    };
    messages(output).into_iter().filter_map(of).collect()
}

fn resumed(output: &Output) -> Vec<(Holding, Vec<Step>)> {
    let of = |message| match message {
        EngineMessage::Resume {
            run_id,
            generation,
            steps,
            ..
        } => Some((Holding { run_id, generation }, steps)),
        _ => None,
    };
    messages(output).into_iter().filter_map(of).collect()
}

fn signal(key: &str, value: &str) -> Command {
    Command::Signal {
        key: key.into(),
        value: Some(Payload::from(value)),
        error: None,
        blobs: Vec::new(),
    }
}

fn disposition(reply: &Reply) -> SignalDisposition {
    match reply {
        Reply::Signalled { disposition } => *disposition,
        other => panic!("a signal's answer, not {other:?}"),
    }
}

#[test]
fn a_sleeping_run_gives_its_slot_up_and_resumes_at_its_time_where_it_is_parked() {
    let mut world = World::new(0);
    let held = at_work(&mut world);
    let (_, slept) = world.say(X, sleep(&held, "nap", 10_000));
    let until = slept.wake_at.expect("a timer");
    assert_eq!(until, world.now.plus(10_000));
    let (seq, suspended) = world.say(X, suspend(&held, &["nap"]));
    assert_eq!(acked(&suspended), [seq]);
    assert_eq!(event_names(&suspended), ["run:wait"]);
    let run = world.run(&held.run_id);
    assert_eq!(run.status, RunStatus::Waiting);
    let step_name = "nap".to_owned();
    assert_eq!(
        run.waiting_for,
        Some(WaitingFor::Sleep { step_name, until })
    );

    world.now = until.plus(-3);
    assert_eq!(event_names(&world.after(1)), [""; 0], "not before its time");
    let woken = world.after(0);
    assert_eq!(event_names(&woken), ["step:complete", "run:resume"]);
    let (again, steps) = resumed(&woken).remove(0);
    assert_eq!(again.generation.0, held.generation.0 + 1);
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].status, StepStatus::Completed);
    assert_eq!(world.run(&held.run_id).waiting_for, None);
    let (_, ended) = world.say(X, run_complete(&again));
    assert_eq!(event_names(&ended), ["run:complete"]);
}

#[test]
fn a_wait_that_ends_while_the_run_is_at_work_is_told_after_what_came_before() {
    let mut world = World::new(0);
    let held = at_work(&mut world);
    world.say(X, signal_wait(&held, "go", "k"));
    let (first, third) = (world.seq(), world.seq());
    let request = world.request(signal("k", "1"));
    let output = world.handle(vec![
        from(X, first, step_commit(&held, "one")),
        request,
        from(X, third, step_commit(&held, "two")),
    ]);
    let order: Vec<String> = messages(&output)
        .into_iter()
        .map(|message| match message {
            EngineMessage::Ack { seqs } => format!("ack {seqs:?}"),
            EngineMessage::Resolved { step, .. } => format!("{:?}", step.completed_index),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        order,
        [
            format!("ack [{first}]"),
            "Some(1)".into(),
            format!("ack [{third}]")
        ]
    );
    let (_, refused) = world.say(X, suspend(&held, &["go"]));
    assert_eq!(
        resolved(&refused)[0].output,
        Some(Payload::from("1")),
        "told again"
    );
    assert_eq!(world.run(&held.run_id).status, RunStatus::Running);
}

#[test]
fn an_early_signal_is_kept_and_delivered_once() {
    let mut world = World::new(0);
    let request = world.request(signal("k", "1"));
    let kept = world.handle(vec![request.clone()]);
    assert_eq!(disposition(&reply(&kept)), SignalDisposition::Kept);
    assert_eq!(
        disposition(&world.ask(signal("k", "2"))),
        SignalDisposition::Ignored
    );
    let held = at_work(&mut world);
    let (_, output) = world.say(X, signal_wait(&held, "go", "k"));
    assert_eq!(resolved(&output)[0].output, Some(Payload::from("1")));
    let resent = world.handle(vec![request]);
    assert_eq!(disposition(&reply(&resent)), SignalDisposition::Delivered);
    assert_eq!(
        disposition(&world.ask(signal("k", "3"))),
        SignalDisposition::Kept,
        "the key is free again"
    );
}

#[test]
fn the_last_child_wakes_its_parent_and_the_results_come_in_order() {
    let mut world = World::new(0);
    let held_parent = at_work(&mut world);
    world.hello("y", &["b"], 4, &[]);
    let jobs = ["b", "b", "b"];
    let (_, output) = world.say(X, invoke(&held_parent, "all", InvokeMode::FailFast, &jobs));
    let children: Vec<Holding> = assigned(&output).iter().map(held).collect();
    assert_eq!(children.len(), 3);
    world.say(X, suspend(&held_parent, &["all"]));
    for child in children.iter().rev() {
        let (_, ended) = world.say("y", run_complete(child));
        let is_last = child == &children[0];
        assert_eq!(resumed(&ended).len(), usize::from(is_last));
        if is_last {
            let (_, steps) = resumed(&ended).remove(0);
            let ids: Vec<&RunId> = steps[0].children.iter().map(|one| &one.run_id).collect();
            let expected: Vec<&RunId> = children.iter().map(|one| &one.run_id).collect();
            assert_eq!(ids, expected);
        }
    }
}

#[test]
fn the_first_failure_ends_a_fail_fast_call_and_cancels_the_others() {
    let mut world = World::new(0);
    let held_parent = at_work(&mut world);
    world.hello("y", &["b"], 4, &[]);
    let jobs = ["b", "b"];
    let (_, output) = world.say(X, invoke(&held_parent, "all", InvokeMode::FailFast, &jobs));
    let children: Vec<Holding> = assigned(&output).iter().map(held).collect();
    let (_, failed) = world.say("y", run_fail(&children[1], failure(None, 1)));
    let step = &resolved(&failed)[0];
    let error = step.error.as_ref().expect("a failure");
    assert!(error.message.contains("children[1]"), "{}", error.message);
    assert_eq!(
        world.run(&children[0].run_id).status,
        RunStatus::Cancelled,
        "the sibling is cancelled"
    );
    assert_eq!(
        world.run(&held_parent.run_id).status,
        RunStatus::Running,
        "the parent may catch it"
    );
}

#[test]
fn children_that_clash_over_a_key_are_named_and_none_is_made() {
    let mut world = World::new(0);
    let parent = at_work(&mut world);
    let keyed = || NewTrigger {
        concurrency_key: Some("k".into()),
        ..new_trigger("b")
    };
    let ExecutorMessage::StepInvoke {
        run_id,
        generation,
        step_name,
        mode,
        report,
        ..
    } = invoke(&parent, "all", InvokeMode::Settled, &[])
    else {
        unreachable!()
    };
    let children = vec![keyed(), keyed()];
    let message = ExecutorMessage::StepInvoke {
        run_id,
        generation,
        step_name,
        mode,
        children,
        report,
    };
    let (_, output) = world.say(X, message);
    let error = resolved(&output)[0].error.clone().expect("a failure");
    assert_eq!(error.code, FailureCode::Conflict);
    for part in ["children[1]", "children[0]", "\"k\""] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    assert_eq!(event_names(&output), ["step:fail"], "no child was made");
}

#[test]
fn cancelling_a_parent_cancels_all_below_and_completing_it_does_not() {
    let mut world = World::new(0);
    world.hello("y", &["b"], 4, &[]);
    for (is_cancelled, below) in [(true, RunStatus::Cancelled), (false, RunStatus::Running)] {
        let parent = at_work(&mut world);
        let (_, output) = world.say(X, invoke(&parent, "one", InvokeMode::Settled, &["b"]));
        let child = held(&assigned(&output)[0]);
        let (_, output) = world.say("y", invoke(&child, "one", InvokeMode::Settled, &["b"]));
        let grandchild = held(&assigned(&output)[0]);
        if is_cancelled {
            let run_id = parent.run_id.clone();
            world.ask(Command::Cancel { run_id });
        } else {
            world.say(X, run_complete(&parent));
        }
        assert_eq!(world.run(&child.run_id).status, below);
        assert_eq!(world.run(&grandchild.run_id).status, below);
    }
}

#[test]
fn a_failed_step_waits_for_its_next_attempt_and_is_told_to_run_again() {
    let mut world = World::new(0);
    let held = at_work(&mut world);
    let retry = StepRetry {
        policy: RetryPolicy {
            max_attempts: 2,
            jitter: 0.0,
            ..RetryPolicy::NONE
        },
        failures: 1,
        after_ms: None,
    };
    let retried = step_fail_retried(&held, "s", 1, retry);
    let (_, output) = world.say(X, retried);
    assert_eq!(event_names(&output), ["step:retry", "step:wait"]);
    assert_eq!(output.wake_at, Some(world.now.plus(1_000)));
    let again = world.after(999);
    assert_eq!(event_names(&again), ["step:wake"]);
    assert_eq!(resolved(&again)[0].status, StepStatus::Pending);
    assert_eq!(resolved(&again)[0].attempt, 1);
}

#[test]
fn a_failure_that_is_said_again_after_its_wait_has_ended_opens_it_no_second_time() {
    let mut world = World::new(1);
    let held = at_work(&mut world);
    let failed = |held: &Holding| {
        let retry = StepRetry {
            policy: RetryPolicy::NONE,
            failures: 1,
            after_ms: Some(10),
        };
        step_fail_retried(held, "s", 1, retry)
    };
    world.say(X, failed(&held));
    world.restart(1);
    world.after(2_000);
    assert_eq!(world.steps(&held.run_id)[0].status, StepStatus::Pending);
    let held_before = world.newest_generation(&held.run_id);
    world.hello(X, &["a"], 4, &[held_before]);
    let now_held = world.newest_generation(&held.run_id);
    let (seq, again) = world.say(X, failed(&now_held));
    assert_eq!(acked(&again), [seq]);
    assert_eq!(
        resolved(&again)[0].status,
        StepStatus::Pending,
        "told again"
    );
    assert_eq!(world.steps(&held.run_id)[0].status, StepStatus::Pending);
}

#[test]
fn a_job_is_tried_again_as_its_trigger_fixed_it_and_fails_when_its_attempts_are_used_up() {
    let mut world = World::new(0);
    world.hello(X, &["a"], 4, &[]);
    let retry = RetryPolicy {
        max_attempts: 2,
        jitter: 0.0,
        ..RetryPolicy::NONE
    };
    let run = NewTrigger {
        retry: Some(retry),
        ..new_trigger("a")
    };
    let request = world.request(Command::Trigger { run });
    let first = held(&assigned(&world.handle(vec![request]))[0]);
    world.say(X, step_commit(&first, "one"));
    let (seq, waits) = world.say(X, run_fail(&first, failure(None, 1)));
    assert_eq!(acked(&waits), [seq]);
    assert_eq!(event_names(&waits), ["run:wait"]);
    let assignment = assigned(&world.after(999)).remove(0);
    assert_eq!(assignment.attempt, 2);
    assert_eq!(assignment.memo.len(), 1, "completed steps survive");
    let (_, failed) = world.say(X, run_fail(&held(&assignment), failure(None, 2)));
    assert_eq!(event_names(&failed), ["run:fail"]);
}
