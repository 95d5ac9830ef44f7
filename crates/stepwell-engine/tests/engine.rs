//! What the engine decides, batch by batch, over the reference store.

mod support;

use stepwell_engine::{Ownership, StoreError};
use stepwell_protocol::*;
use support::faulty::FaultyStore;
use support::*;

#[test]
fn a_run_goes_from_trigger_to_completed_with_events_in_order() {
    let mut world = World::new(1);
    let run_id = world.trigger("job");
    let started = world.hello("ex", &["job"], 1, &[]);
    let [assignment] = assigned(&started).try_into().expect("one run");
    let held = held(&assignment);
    assert_eq!(assignment.attempt, 1);
    assert_eq!(event_names(&started), ["run:start"]);

    let start = ExecutorMessage::StepStart {
        run_id: run_id.clone(),
        generation: held.generation,
        step_name: "a".into(),
        attempt: 1,
        timeout_ms: None,
        retry: None,
    };
    let (_, output) = world.say("ex", start);
    assert_eq!(event_names(&output), ["step:start"]);
    assert_eq!(world.steps(&run_id)[0].status, StepStatus::Running);

    let (seq, output) = world.say(
        "ex",
        step_commit_with(&held, "a", lines(1, &["one", "two"])),
    );
    assert_eq!(acked(&output), [seq]);
    assert_eq!(
        event_names(&output),
        ["log:write", "log:write", "step:complete"]
    );

    let (seq, output) = world.say("ex", run_complete(&held));
    assert_eq!(
        (acked(&output), event_names(&output)),
        (vec![seq], vec!["run:complete"])
    );

    let run = world.run(&run_id);
    assert_eq!(
        (run.status, run.output),
        (RunStatus::Completed, Some(Payload::from("42")))
    );
    assert!(run.completed_at.is_some() && run.started_at.is_some());
    let [step] = world.steps(&run_id).try_into().expect("one step");
    assert_eq!(
        (step.status, step.completed_index),
        (StepStatus::Completed, Some(0))
    );
    assert_eq!(step.output, Some(Payload::from("\"a\"")));
}

#[test]
fn events_are_numbered_without_gaps_and_carry_run_job_and_version() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 4, &[]);
    let mut last = 0;
    for _ in 0..3 {
        let input = world.request(trigger("job"));
        for event in world.handle(vec![input]).events {
            last += 1;
            assert_eq!(event.head.sequence, last);
            assert_eq!(event.head.job_name, "job");
            assert!(event.head.version > 0 && event.head.labels.is_empty());
        }
    }
    assert_eq!(last, 6, "a trigger and a start for each");
}

#[test]
fn a_trigger_is_claimed_in_its_own_transaction() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let before = world.counters().commits;
    let input = world.request(trigger("job"));
    let output = world.handle(vec![input]);
    assert_eq!(
        assigned(&output).len(),
        1,
        "no tick and no polling lie between"
    );
    assert_eq!(world.counters().commits, before + 1);
}

#[test]
fn a_completion_and_the_next_claim_share_a_transaction() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let first = world.trigger("job");
    let second = world.trigger("job");
    let before = world.counters().commits;
    let held = world.newest_generation(&first);
    let (_, output) = world.say("ex", run_complete(&held));
    assert_eq!(assigned(&output)[0].run_id, second);
    assert_eq!(world.counters().commits, before + 1);
}

#[test]
fn a_batch_of_16_step_commits_is_one_commit_and_a_step_start_is_none() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 16, &[]);
    let runs: Vec<RunId> = (0..16).map(|_| world.trigger("job")).collect();
    let held: Vec<Holding> = runs.iter().map(|id| world.newest_generation(id)).collect();
    let before = world.counters();
    let batch = held
        .iter()
        .enumerate()
        .map(|(at, held)| from("ex", 100 + at as u64, step_commit(held, "a")))
        .collect();
    world.handle(batch);
    let start = ExecutorMessage::StepStart {
        run_id: runs[0].clone(),
        generation: held[0].generation,
        step_name: "b".into(),
        attempt: 1,
        timeout_ms: None,
        retry: None,
    };
    world.say("ex", start);
    let after = world.counters();
    assert_eq!(
        (after.commits - before.commits, after.steps - before.steps),
        (1, 16)
    );
}

#[test]
fn a_resent_trigger_has_one_effect() {
    let mut world = World::new(1);
    let output = world.handle(vec![
        request_as("r", trigger("job")),
        request_as("r", trigger("job")),
    ]);
    let ids: Vec<RunId> = output
        .replies
        .iter()
        .map(|addressed| match &addressed.reply.reply {
            Reply::Triggered { result } if result.disposition == Disposition::Created => {
                result.run.id.clone()
            }
            other => panic!("triggered, not {other:?}"),
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(event_names(&output), ["run:trigger"]);
    world.restart(1);
    assert_eq!(
        world.handle(vec![request_as("r", trigger("job"))]).events,
        []
    );
}

#[test]
fn a_run_whose_job_nobody_serves_stays_pending_and_is_reported() {
    let mut world = World::new(1);
    let run_id = world.trigger("gone");
    let output = world.hello("ex", &["job"], 1, &[]);
    assert_eq!(assigned(&output), []);
    assert_eq!(output.status.clone().expect("told").unserved_jobs, ["gone"]);
    assert_eq!(world.run(&run_id).status, RunStatus::Pending);
    let output = world.hello("ex", &["job", "gone"], 1, &[]);
    assert_eq!(
        output.status.clone().expect("told again").unserved_jobs,
        Vec::<String>::new()
    );
    assert_eq!(assigned(&output).len(), 1);
}

#[test]
fn an_executor_of_another_build_gets_no_work() {
    let mut world = World::new(1);
    world.trigger("job");
    let message = ExecutorMessage::Hello {
        build_id: "other".into(),
        jobs: vec![ServedJob {
            name: "job".into(),
            concurrency: None,
            needs_network: false,
        }],
        slots: 1,
        holding: vec![],
    };
    let output = world.handle(vec![from("ex", 0, message)]);
    assert_eq!(assigned(&output), []);
    assert_eq!(output.status.clone().expect("told").unserved_jobs, ["job"]);
}

#[test]
fn runs_are_claimed_in_the_order_of_their_triggers() {
    let mut world = World::new(1);
    let batch = (0..5)
        .map(|n| request_as(&format!("same-ms-{n}"), trigger("job")))
        .collect();
    let triggered: Vec<RunId> = world
        .handle(batch)
        .events
        .into_iter()
        .map(|event| event.head.run_id)
        .collect();
    let output = world.hello("ex", &["job"], 5, &[]);
    let claimed: Vec<RunId> = assigned(&output)
        .into_iter()
        .map(|run| run.run_id)
        .collect();
    assert_eq!(claimed, triggered);
}

#[test]
fn cancel_answers_by_status() {
    let mut world = World::new(1);
    let pending = world.trigger("job");
    match world.ask(Command::Cancel {
        run_id: pending.clone(),
    }) {
        Reply::Run { run: Some(run) } => assert_eq!(run.status, RunStatus::Cancelled),
        other => panic!("cancelled, not {other:?}"),
    }
    let again = world.ask(Command::Cancel { run_id: pending });
    assert_eq!(error_code(&again), ErrorCode::AlreadyTerminal);
    let unknown = world.ask(Command::Cancel {
        run_id: "nobody".into(),
    });
    assert_eq!(error_code(&unknown), ErrorCode::NotFound);
}

#[test]
fn cancel_of_a_running_run_aborts_it_and_refuses_what_comes_late() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let next = world.trigger("job");
    let held = world.newest_generation(&run_id);
    let input = world.request(Command::Cancel {
        run_id: run_id.clone(),
    });
    let output = world.handle(vec![input]);
    assert!(matches!(
        messages(&output).as_slice(),
        [EngineMessage::Abort {
            reason: AbortReason::Cancelled,
            ..
        }]
    ));
    let (_, output) = world.say("ex", step_commit(&held, "late"));
    assert_eq!(refusals(&output), [RefusalReason::Cancelled]);
    let (_, output) = world.say("ex", run_complete(&held));
    assert_eq!(refusals(&output), [RefusalReason::Cancelled]);
    assert_eq!(world.run(&run_id).status, RunStatus::Cancelled);
    assert_eq!(world.steps(&run_id), []);
    assert_eq!(
        world.run(&next).status,
        RunStatus::Pending,
        "the body still has the slot"
    );
    let released = ExecutorMessage::Released {
        run_id: held.run_id.clone(),
        generation: held.generation,
    };
    let output = world.handle(vec![from("ex", 0, released)]);
    assert_eq!(assigned(&output)[0].run_id, next);
}

#[test]
fn a_resent_cancel_is_answered_with_the_run() {
    let mut world = World::new(1);
    let run_id = world.trigger("job");
    let cancel = || {
        request_as(
            "c",
            Command::Cancel {
                run_id: run_id.clone(),
            },
        )
    };
    world.handle(vec![cancel()]);
    world.restart(1);
    assert!(matches!(
        reply(&world.handle(vec![cancel()])),
        Reply::Run { run: Some(_) }
    ));
}

#[test]
fn a_stale_version_is_tried_again_within_a_bound_and_then_reported() {
    let mut world = World::new(1);
    let run_id = world.trigger("job");
    world.engine().store_mut().stale_cancels = 2;
    let cancelled = world.ask(Command::Cancel { run_id });
    assert!(matches!(cancelled, Reply::Run { run: Some(_) }));
    let run_id = world.trigger("job");
    world.engine().store_mut().stale_cancels = 100;
    let reply = world.ask(Command::Cancel {
        run_id: run_id.clone(),
    });
    assert_eq!(error_code(&reply), ErrorCode::Conflict);
    assert_eq!(world.run(&run_id).status, RunStatus::Pending);
}

#[test]
fn retry_goes_on_from_the_failed_step_and_keeps_completed_ones() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let first = world.newest_generation(&run_id);
    world.say("ex", step_commit(&first, "good"));
    let (_, output) = world.say("ex", step_fail(&first, "bad", 1));
    assert_eq!(event_names(&output), ["step:fail"]);
    let (_, output) = world.say("ex", run_fail(&first, failure(Some("bad"), 1)));
    assert_eq!(event_names(&output), ["run:fail"]);
    let failed = world.run(&run_id);
    assert_eq!(
        failed.error.expect("a failure").step_name.as_deref(),
        Some("bad")
    );
    let refused = world.ask(Command::Retry {
        run_id: "nobody".into(),
    });
    assert_eq!(error_code(&refused), ErrorCode::NotFound);

    let input = world.request(Command::Retry {
        run_id: run_id.clone(),
    });
    let output = world.handle(vec![input]);
    assert_eq!(event_names(&output), ["run:retry", "run:start"]);
    let [assignment] = assigned(&output).try_into().expect("claimed at once");
    assert_eq!(assignment.attempt, 2);
    assert!(assignment.generation > first.generation);
    let memo: Vec<(&str, StepStatus, u32)> = assignment
        .memo
        .iter()
        .map(|step| (step.name.as_str(), step.status, step.attempt))
        .collect();
    assert_eq!(
        memo,
        [
            ("good", StepStatus::Completed, 1),
            ("bad", StepStatus::Pending, 1)
        ]
    );
    let running = world.ask(Command::Retry { run_id });
    assert_eq!(error_code(&running), ErrorCode::Conflict);
}

#[test]
fn a_completed_run_cannot_be_retried() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);
    world.say("ex", run_complete(&held));
    let reply = world.ask(Command::Retry { run_id });
    assert_eq!(error_code(&reply), ErrorCode::AlreadyTerminal);
}

#[test]
fn bad_limits_and_names_are_invalid_input_and_write_nothing() {
    let mut world = World::new(1);
    let before = world.counters().commits;
    for limit in [0, 1_001] {
        let filter = RunFilter {
            limit,
            ..RunFilter::default()
        };
        assert_eq!(
            error_code(&world.ask(Command::GetRuns { filter })),
            ErrorCode::InvalidInput
        );
    }
    assert_eq!(error_code(&world.ask(trigger(""))), ErrorCode::InvalidInput);
    assert_eq!(
        error_code(&world.ask(trigger(&"x".repeat(257)))),
        ErrorCode::InvalidInput
    );
    assert_eq!(world.counters().commits, before);
}

#[test]
fn an_unexpected_error_of_one_command_takes_no_other_with_it() {
    let mut world = World::new(1);
    world.engine().store_mut().poisoned_job = Some("bad".into());
    let batch = vec![
        request_as("1", trigger("good")),
        request_as("2", trigger("bad")),
        request_as("3", trigger("good")),
    ];
    let output = world.handle(batch);
    assert_eq!(event_names(&output), ["run:trigger", "run:trigger"]);
    assert_eq!(
        error_code(&output.replies[1].reply.reply),
        ErrorCode::Internal
    );
    let page = match world.ask(Command::GetRuns {
        filter: RunFilter {
            limit: 10,
            ..Default::default()
        },
    }) {
        Reply::Runs { page } => page,
        other => panic!("runs, not {other:?}"),
    };
    assert_eq!(page.runs.len(), 2, "the failed insert was undone");
}

#[test]
fn an_unexpected_error_of_one_step_commit_interrupts_only_its_run() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 2, &[]);
    let (bad, good) = (world.trigger("job"), world.trigger("job"));
    let (bad_held, good_held) = (
        world.newest_generation(&bad),
        world.newest_generation(&good),
    );
    world.engine().store_mut().poisoned_step = Some("poison".into());
    let output = world.handle(vec![
        from("ex", 1, step_commit(&bad_held, "poison")),
        from("ex", 2, step_commit(&good_held, "fine")),
    ]);
    assert_eq!(acked(&output), [2]);
    assert_eq!(refusals(&output), [RefusalReason::LeaseLost]);
    assert_eq!(world.steps(&good).len(), 1);
    assert!(
        world.run(&bad).generation > bad_held.generation,
        "its fence fell"
    );
}

#[test]
fn a_full_disk_acknowledges_nothing_and_loses_nothing() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);
    world.engine().store_mut().failing_commits = Some((2, StoreError::Full));
    let output = world.handle(vec![
        from("ex", 7, step_commit(&held, "a")),
        request_as("t", trigger("job")),
    ]);
    assert_eq!(acked(&output), Vec::<u64>::new());
    assert_eq!(error_code(&reply(&output)), ErrorCode::StorageFull);
    assert_eq!(output.events, []);
    assert_eq!(
        output
            .status
            .clone()
            .expect("told")
            .paused
            .expect("paused")
            .code,
        ErrorCode::StorageFull
    );
    let again_at = output.wake_at.expect("tries again");
    assert!(again_at > world.now);

    let output = world.after(1_000);
    assert_eq!(acked(&output), Vec::<u64>::new(), "still full");
    let output = world.after(1_000);
    assert_eq!(acked(&output), [7]);
    assert_eq!(event_names(&output), ["step:complete"]);
    assert_eq!(output.status.clone().expect("told").paused, None);
    assert_eq!(output.wake_at, None);
    let run = world.run(&run_id);
    assert_eq!((run.step_count, run.status), (1, RunStatus::Running));
}

#[test]
fn shared_ownership_renews_its_leases_and_takes_over_expired_ones() {
    let mut world = World::with_store(FaultyStore::new(Ownership::Shared), 1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    for _ in 0..10 {
        world.after(10_000);
    }
    let held = world.newest_generation(&run_id);
    let (seq, output) = world.say("ex", step_commit(&held, "a"));
    assert_eq!(acked(&output), [seq], "renewed for 100 s");

    world.restart(1);
    let output = world.hello("new", &["job"], 1, &[]);
    assert_eq!(
        assigned(&output),
        [],
        "the dead engine's lease has not expired"
    );
    let mut claimed = Vec::new();
    for _ in 0..4 {
        claimed.extend(assigned(&world.after(10_000)));
    }
    assert_eq!(claimed.len(), 1);
    assert!(claimed[0].generation > held.generation);
    assert_eq!(world.run(&run_id).recoveries, 1);
}
