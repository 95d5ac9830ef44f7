//! Crashes, restarts, zombies: nothing acknowledged is lost, nothing runs twice at once, nothing loops for ever.

mod support;

use stepwell_engine::StoreError;
use stepwell_protocol::*;
use support::*;

#[test]
fn a_restarted_engine_adopts_what_its_executor_holds_and_runs_it_no_second_time() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 2, &[]);
    let run_id = world.trigger("job");
    let before = world.newest_generation(&run_id);
    world.say("ex", step_commit(&before, "a"));

    world.restart(1);
    assert_eq!(
        assigned(&world.after(10)),
        [],
        "nothing is claimed before hello"
    );
    let output = world.hello("ex", &["job"], 2, std::slice::from_ref(&before));
    let [after] = adopted(&output).try_into().expect("adopted");
    assert_eq!(assigned(&output), [], "and not assigned");
    assert_eq!(event_names(&output), ["run:resume"]);
    assert!(after.generation > before.generation);
    assert_eq!(
        world.run(&run_id).recoveries,
        0,
        "an adoption is no recovery"
    );

    let (_, output) = world.say("ex", step_commit(&before, "b"));
    assert_eq!(
        refusals(&output),
        [RefusalReason::LeaseLost],
        "the old generation is fenced"
    );
}

#[test]
fn a_step_commit_resent_under_the_new_generation_is_answered_from_the_store() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let before = world.newest_generation(&run_id);
    world.say(
        "ex",
        step_commit_with(&before, "a", lines(1, &["one", "two"])),
    );
    world.restart(1);
    let [after] = adopted(&world.hello("ex", &["job"], 1, &[before]))
        .try_into()
        .expect("adopted");

    let (seq, output) = world.say(
        "ex",
        step_commit_with(&after, "a", lines(1, &["one", "two", "three"])),
    );
    assert_eq!(acked(&output), [seq]);
    assert_eq!(
        event_names(&output),
        ["log:write"],
        "no second step:complete, only the line not stored yet"
    );
    assert_eq!(world.steps(&run_id).len(), 1);
    let texts: Vec<String> = world
        .logs(&run_id)
        .into_iter()
        .map(|line| line.message)
        .collect();
    assert_eq!(texts, ["one", "two", "three"]);
}

#[test]
fn a_run_end_whose_ack_was_lost_is_acknowledged_again() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);
    world.say("ex", run_complete(&held));
    let (seq, output) = world.say("ex", run_complete(&held));
    assert_eq!((acked(&output), event_names(&output)), (vec![seq], vec![]));
    world.restart(1);
    let output = world.hello("ex", &["job"], 1, &[held]);
    assert_eq!(adopted(&output), [], "there is nothing left to do");
    assert_eq!(world.run(&run_id).status, RunStatus::Completed);
}

#[test]
fn what_no_executor_holds_is_claimed_again_with_its_memo_and_counted() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let before = world.newest_generation(&run_id);
    world.say("ex", step_commit(&before, "a"));
    let started_at = world.run(&run_id).started_at;

    world.restart(1);
    let output = world.hello("ex-2", &["job"], 1, &[]);
    let [assignment] = assigned(&output).try_into().expect("claimed");
    assert_eq!(assignment.memo[0].output, Some(Payload::from("\"a\"")));
    assert_eq!(event_names(&output), ["run:resume"]);
    let run = world.run(&run_id);
    assert_eq!((run.recoveries, run.started_at), (1, started_at));
    let (_, output) = world.say("ex", step_commit(&before, "b"));
    assert_eq!(refusals(&output), [RefusalReason::LeaseLost]);
}

#[test]
fn a_run_that_kills_its_host_every_time_fails_at_its_cap() {
    let mut world = World::new(1);
    let run = NewTrigger {
        max_recoveries: Some(3),
        ..new_trigger("job")
    };
    let Reply::Triggered { result } = world.ask(Command::Trigger { run }) else {
        panic!("triggered")
    };
    let run = result.run;
    let mut bodies = assigned(&world.hello("ex", &["job"], 1, &[])).len();
    let mut last = Output::default();
    for round in 0..6 {
        world.restart(1);
        last = world.hello(&format!("ex-{round}"), &["job"], 1, &[]);
        bodies += assigned(&last).len();
        if world.run(&run.id).status.is_terminal() {
            break;
        }
    }
    assert_eq!(bodies, 4, "the first try and three recoveries");
    assert_eq!(event_names(&last), ["run:fail"]);
    let run = world.run(&run.id);
    assert_eq!(
        run.error.expect("a failure").code,
        FailureCode::LimitExceeded
    );
}

#[test]
fn a_run_that_commits_a_step_between_crashes_never_meets_the_cap() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    for round in 0..25 {
        let held = world.newest_generation(&run_id);
        let (_, output) = world.say("ex", step_commit(&held, &format!("step-{round}")));
        assert_eq!(refusals(&output), []);
        world.restart(1);
        world.hello("ex", &["job"], 1, &[]);
    }
    let run = world.run(&run_id);
    assert_eq!(
        (run.status, run.recoveries, run.step_count),
        (RunStatus::Running, 1, 25)
    );
}

#[test]
fn claims_wait_for_hello_but_not_longer_than_a_second() {
    let mut world = World::new(2);
    assert_eq!(world.opened.wake_at, Some(world.now.plus(1_000)));
    world.trigger("job");
    assert_eq!(
        assigned(&world.hello("one", &["job"], 1, &[])),
        [],
        "the other may hold it"
    );
    assert_eq!(assigned(&world.after(1_000)).len(), 1);
    assert_eq!(world.after(1).wake_at, None);
}

#[test]
fn a_dead_executors_runs_go_to_another_and_its_late_messages_are_refused() {
    let mut world = World::new(2);
    world.hello("one", &["job"], 1, &[]);
    world.hello("two", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let first = world.newest_generation(&run_id);
    let output = world.handle(vec![Input::ExecutorGone {
        executor_id: "one".into(),
    }]);
    let [assignment] = assigned(&output).try_into().expect("given to the other");
    assert!(assignment.generation > first.generation);
    let (_, output) = world.say("one", step_commit(&first, "late"));
    assert_eq!(refusals(&output), [RefusalReason::LeaseLost]);
    assert_eq!(world.run(&run_id).recoveries, 1);
}

#[test]
fn an_executor_that_comes_back_on_a_new_port_keeps_what_it_still_holds() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 2, &[]);
    let (kept, lost) = (world.trigger("job"), world.trigger("job"));
    let kept_held = world.newest_generation(&kept);
    let lost_held = world.newest_generation(&lost);
    let output = world.hello("ex", &["job"], 2, std::slice::from_ref(&kept_held));
    assert_eq!(
        adopted(&output),
        std::slice::from_ref(&kept_held),
        "under the same generation"
    );
    let [again] = assigned(&output)
        .try_into()
        .expect("the other is given anew");
    assert_eq!(again.run_id, lost);
    assert!(again.generation > lost_held.generation);
    let (seq, output) = world.say("ex", step_commit(&kept_held, "a"));
    assert_eq!(acked(&output), [seq]);
}

#[test]
fn a_release_in_good_order_counts_no_recovery() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);
    let output = world.handle(vec![Input::Release]);
    assert!(matches!(
        messages(&output).as_slice(),
        [EngineMessage::Abort { .. }]
    ));
    assert_eq!(
        world.run(&run_id).status,
        RunStatus::Running,
        "nobody sees it step back"
    );
    let (_, output) = world.say("ex", step_commit(&held, "late"));
    assert_eq!(refusals(&output), [RefusalReason::LeaseLost]);
    world.trigger("job");
    assert_eq!(
        assigned(&world.after(1)),
        [],
        "a releasing engine claims nothing"
    );

    world.restart(1);
    let output = world.hello("ex", &["job"], 1, &[]);
    assert_eq!(assigned(&output)[0].run_id, run_id);
    assert_eq!(world.run(&run_id).recoveries, 0);
}

#[test]
fn a_failed_batch_leaves_no_trace_in_memory() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    world.engine().store_mut().failing_commits =
        Some((1, stepwell_engine::StoreError::Io("x".into())));
    let refused = world.ask(trigger("job"));
    assert_eq!(error_code(&refused), ErrorCode::StorageUnavailable);
    let run_id = world.trigger("job");
    assert_eq!(
        world.run(&run_id).status,
        RunStatus::Running,
        "its slot was not lost to the failed batch"
    );
}

#[test]
fn a_second_hello_and_a_successor_do_not_stand_for_an_executor_that_is_still_to_come() {
    let mut world = World::new(2);
    world.hello("slow", &["job"], 1, &[]);
    world.hello("quick", &["other"], 1, &[]);
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);

    world.restart(2);
    let mut early = assigned(&world.hello("quick", &["job"], 1, &[]));
    early.extend(assigned(&world.hello("quick", &["job"], 1, &[])));
    let gone = Input::ExecutorGone {
        executor_id: "quick".into(),
    };
    early.extend(assigned(&world.handle(vec![gone])));
    early.extend(assigned(&world.hello("successor", &["job"], 1, &[])));
    assert_eq!(early, [], "the executor whose body runs has not come yet");
    let welcomed = world.hello("slow", &["job"], 1, std::slice::from_ref(&held));
    assert_eq!(adopted(&welcomed).len(), 1);
}

#[test]
fn messages_that_fail_one_after_the_other_take_their_own_lease_only() {
    let mut store = support::faulty::FaultyStore::new(stepwell_engine::Ownership::Exclusive);
    store.poisoned_step = Some("bad".into());
    let mut world = World::with_store(store, 0);
    world.hello("ex", &["job"], 2, &[]);
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);
    let batch = vec![
        from("ex", 1, step_commit(&held, "bad")),
        from("ex", 2, step_commit(&held, "bad")),
    ];
    let output = world.handle(batch);
    let again = assigned(&output).pop().expect("assigned again");
    let told_to_stop: Vec<Generation> = messages(&output)
        .into_iter()
        .filter_map(|message| match message {
            EngineMessage::Abort { generation, .. } => Some(generation),
            _ => None,
        })
        .collect();
    assert_eq!(told_to_stop, [held.generation], "the new lease lives");
    let held = support::held(&again);
    world.say("ex", step_commit(&held, "good"));
    world.say("ex", run_complete(&held));
    assert_eq!(world.run(&run_id).status, RunStatus::Completed);
}

#[test]
fn a_clock_put_back_does_not_keep_the_gate_closed() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    world.restart(2);
    world.hello("other", &["job"], 1, &[]);
    let an_hour_ms = 3_600_000;
    let waiting = world.after(-an_hour_ms);
    assert_eq!(waiting.wake_at, Some(world.now.plus(1_000)));
    let claimed = assigned(&world.after(1_000));
    assert_eq!(claimed[0].run_id, run_id);
}

#[test]
fn a_hello_said_again_before_the_welcome_came_leaves_no_run_behind() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);
    world.restart(1);
    let hello = || from("ex", 0, hello(&["job"], 1, std::slice::from_ref(&held)));
    let output = world.handle(vec![hello(), hello()]);
    let again = assigned(&output).pop().expect("assigned anew");
    world.say("ex", run_complete(&support::held(&again)));
    assert_eq!(world.run(&run_id).status, RunStatus::Completed);
}

#[test]
fn a_run_given_again_while_its_old_function_ends_takes_two_places() {
    let mut world = World::new(1);
    let message = ExecutorMessage::Hello {
        build_id: BUILD.into(),
        jobs: vec![ServedJob {
            name: "job".into(),
            concurrency: Some(2),
            needs_network: false,
        }],
        slots: 8,
        holding: vec![],
    };
    world.handle(vec![from("ex", 0, message)]);
    let first = world.trigger("job");
    let old = world.newest_generation(&first);
    let run_id = first.clone();
    world.ask(Command::Cancel { run_id });
    let run_id = first.clone();
    let retry = world.request(Command::Retry { run_id });
    let output = world.handle(vec![retry]);
    assert_eq!(
        assigned(&output)[0].run_id,
        first,
        "there is one place left"
    );
    let second = world.trigger("job");
    assert_eq!(
        world.run(&second).status,
        RunStatus::Pending,
        "the old function and the new one are two"
    );
    let released = ExecutorMessage::Released {
        run_id: old.run_id,
        generation: old.generation,
    };
    let output = world.handle(vec![from("ex", 0, released)]);
    assert_eq!(assigned(&output)[0].run_id, second, "the old one has ended");
    let new = world.newest_generation(&first);
    let (seq, output) = world.say("ex", run_complete(&new));
    assert_eq!(acked(&output), [seq]);
}

#[test]
fn a_full_disk_is_not_asked_all_the_time_because_a_delayed_run_is_due() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run = NewTrigger {
        delay_ms: Some(500),
        ..new_trigger("job")
    };
    world.ask(Command::Trigger { run });
    world.engine().store_mut().failing_commits = Some((1, StoreError::Full));
    let output = world.after(2_000);
    assert_eq!(output.wake_at, Some(world.now.plus(1_000)), "not at once");
    assert_eq!(
        assigned(&world.after(1_000)).len(),
        1,
        "there is room again"
    );
}

#[test]
fn a_cancel_sent_again_leaves_another_tabs_retry_alone() {
    let mut world = World::new(1);
    let run_id = world.trigger("job");
    let cancel = || {
        let run_id = run_id.clone();
        request_as("c", Command::Cancel { run_id })
    };
    world.handle(vec![cancel()]);
    world.restart(1);
    let run_id = run_id.clone();
    world.handle(vec![request_as(
        "r",
        Command::Retry {
            run_id: run_id.clone(),
        },
    )]);
    let answer = reply(&world.handle(vec![cancel()]));
    assert!(matches!(answer, Reply::Run { run: Some(_) }));
    assert_eq!(world.run(&run_id).status, RunStatus::Pending);
}
