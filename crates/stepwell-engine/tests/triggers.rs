//! What triggers may ask for: keys, labels, delays, priorities, batches, fresh runs of old ones.

mod support;

use std::collections::BTreeMap;

use stepwell_engine::{KEY_CHARS_MAX, LABELS_MAX, PRIORITY_MAX};
use stepwell_protocol::*;
use support::*;

fn keyed(job: &str, key: &str) -> NewTrigger {
    NewTrigger {
        concurrency_key: Some(key.into()),
        ..new_trigger(job)
    }
}

fn coalescing(job: &str, key: &str) -> NewTrigger {
    NewTrigger {
        coalesce: true,
        ..keyed(job, key)
    }
}

fn idempotent(job: &str, key: &str) -> NewTrigger {
    NewTrigger {
        idempotency_key: Some(key.into()),
        ..new_trigger(job)
    }
}

fn result(reply: Reply) -> TriggerResult {
    match reply {
        Reply::Triggered { result } => result,
        other => panic!("triggered, not {other:?}"),
    }
}

fn ask(world: &mut World, run: NewTrigger) -> Reply {
    world.ask(Command::Trigger { run })
}

fn message(reply: &Reply) -> &str {
    match reply {
        Reply::Error { error } => &error.message,
        other => panic!("an error, not {other:?}"),
    }
}

fn run_count(world: &mut World) -> usize {
    let filter = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    match world.ask(Command::GetRuns { filter }) {
        Reply::Runs { page } => page.runs.len(),
        other => panic!("runs, not {other:?}"),
    }
}

#[test]
fn an_idempotent_trigger_returns_the_run_whatever_its_status_and_tells_nobody() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let first = result(ask(&mut world, idempotent("job", "k")));
    assert_eq!(first.disposition, Disposition::Created);
    let held = world.newest_generation(&first.run.id);
    world.say("ex", run_complete(&held));
    let other = NewTrigger {
        input: Payload::from("\"other\""),
        ..idempotent("job", "k")
    };
    let request = world.request(Command::Trigger { run: other });
    let output = world.handle(vec![request]);
    assert_eq!(event_names(&output), [] as [&str; 0]);
    let again = result(reply(&output));
    assert_eq!(again.disposition, Disposition::Idempotent);
    assert_eq!(again.run.id, first.run.id);
    assert_eq!(again.run.status, RunStatus::Completed);
    assert_eq!(again.run.input, Payload::from("{}"), "its original input");
}

#[test]
fn a_second_pending_run_of_a_key_is_a_conflict_and_with_coalesce_the_first() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let running = result(ask(&mut world, keyed("job", "k"))).run;
    let pending = result(ask(&mut world, keyed("job", "k"))).run;
    assert_eq!(world.run(&running.id).status, RunStatus::Running);
    let refused = ask(&mut world, keyed("job", "k"));
    assert_eq!(error_code(&refused), ErrorCode::Conflict);
    assert!(message(&refused).contains("coalesce: 'skip'"));
    let skipping = NewTrigger {
        labels: BTreeMap::from([("why".into(), "again".into())]),
        ..coalescing("job", "k")
    };
    let request = world.request(Command::Trigger { run: skipping });
    let output = world.handle(vec![request]);
    assert_eq!(event_names(&output), ["run:coalesced"]);
    let EventBody::RunCoalesced { skipped } = &output.events[0].body else {
        panic!("coalesced")
    };
    assert_eq!(skipped.labels["why"], "again");
    let coalesced = result(reply(&output));
    assert_eq!(coalesced.disposition, Disposition::Coalesced);
    assert_eq!(coalesced.run.id, pending.id);
    assert_eq!(run_count(&mut world), 2);
}

#[test]
fn the_next_run_of_a_key_starts_with_the_end_of_the_one_before_in_its_transaction() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 4, &[]);
    let first = result(ask(&mut world, keyed("job", "k"))).run;
    let second = result(ask(&mut world, keyed("job", "k"))).run;
    assert_eq!(world.run(&second.id).status, RunStatus::Pending);
    let held = world.newest_generation(&first.id);
    let (_, output) = world.say("ex", run_complete(&held));
    assert_eq!(assigned(&output)[0].run_id, second.id);
}

#[test]
fn a_cancelled_function_keeps_its_key_and_its_jobs_place_until_it_has_ended() {
    let mut world = World::new(1);
    let limited = ExecutorMessage::Hello {
        build_id: BUILD.into(),
        jobs: ["job", "limited"]
            .map(|name| ServedJob {
                name: name.into(),
                concurrency: (name == "limited").then_some(1),
                needs_network: false,
            })
            .to_vec(),
        slots: 8,
        holding: vec![],
    };
    world.handle(vec![from("ex", 0, limited)]);
    let keyed_run = result(ask(&mut world, keyed("job", "k"))).run;
    let limited_run = result(ask(&mut world, new_trigger("limited"))).run;
    ask(&mut world, keyed("job", "k"));
    ask(&mut world, new_trigger("limited"));
    for run in [&keyed_run, &limited_run] {
        let held = world.newest_generation(&run.id);
        let run_id = run.id.clone();
        let request = world.request(Command::Cancel { run_id });
        let output = world.handle(vec![request]);
        assert_eq!(assigned(&output), [], "its function has not ended");
        let released = ExecutorMessage::Released {
            run_id: held.run_id,
            generation: held.generation,
        };
        let output = world.handle(vec![from("ex", 0, released)]);
        assert_eq!(assigned(&output).len(), 1, "now it has");
    }
}

#[test]
fn a_jobs_limit_holds_over_executors_and_leaves_room_for_other_jobs() {
    let mut world = World::new(2);
    let hello = |id: &str| {
        let jobs = ["limited", "free"].map(|name| ServedJob {
            name: name.into(),
            concurrency: (name == "limited").then_some(3),
            needs_network: false,
        });
        let message = ExecutorMessage::Hello {
            build_id: BUILD.into(),
            jobs: jobs.to_vec(),
            slots: 2,
            holding: vec![],
        };
        from(id, 0, message)
    };
    for _ in 0..5 {
        world.trigger("limited");
    }
    let free = world.trigger("free");
    let output = world.handle(vec![hello("one"), hello("two")]);
    let started = assigned(&output);
    assert_eq!(started.len(), 4);
    assert_eq!(started[3].run_id, free, "one slot is left for it");
    let (_, output) = world.say("one", run_complete(&held(&started[0])));
    assert_eq!(assigned(&output).len(), 1, "and the next takes its place");
}

#[test]
fn runs_go_to_the_executor_with_the_most_free_slots() {
    let mut world = World::new(2);
    let hello = |id: &str, slots: u32| from(id, 0, hello(&["job"], slots, &[]));
    world.handle(vec![hello("one", 2), hello("two", 4)]);
    let takers = |output: &Output| -> Vec<String> {
        let sent = output.effects.iter().filter_map(|effect| match effect {
            Effect::Send {
                executor_id,
                message: EngineMessage::Assign { .. },
            } => Some(executor_id.0.clone()),
            _ => None,
        });
        sent.collect()
    };
    let mut one_by_one = Vec::new();
    for _ in 0..6 {
        let request = world.request(trigger("job"));
        one_by_one.extend(takers(&world.handle(vec![request])));
    }
    assert_eq!(one_by_one, ["two", "two", "one", "two", "one", "two"]);

    let mut world = World::new(2);
    for _ in 0..4 {
        world.trigger("job");
    }
    let output = world.handle(vec![hello("one", 8), hello("two", 8)]);
    assert_eq!(takers(&output), ["one", "two", "one", "two"]);
}

#[test]
fn a_delayed_run_starts_at_its_time_and_the_engine_asks_to_be_woken_then() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let delayed = NewTrigger {
        delay_ms: Some(500),
        ..new_trigger("job")
    };
    let request = world.request(Command::Trigger { run: delayed });
    let output = world.handle(vec![request]);
    let due = world.now.plus(500);
    assert_eq!(output.wake_at, Some(due));
    let run = result(reply(&output)).run;
    assert_eq!((run.status, run.start_at), (RunStatus::Pending, due));
    assert_eq!(assigned(&world.after(498)), [], "a millisecond early");
    assert_eq!(world.engine().status().unserved_jobs, [] as [String; 0]);
    let output = world.after(0);
    assert_eq!(assigned(&output)[0].run_id, run.id);
    assert_eq!(output.wake_at, None);
}

#[test]
fn a_delay_survives_a_restart_and_does_not_start_over() {
    let mut world = World::new(1);
    let at = NewTrigger {
        start_at: Some(world.now.plus(10_000)),
        ..new_trigger("job")
    };
    let due = at.start_at;
    ask(&mut world, at);
    world.restart(0);
    assert_eq!(world.opened.wake_at, due);
    world.hello("ex", &["job"], 1, &[]);
    let output = world.after(20_000);
    assert_eq!(assigned(&output).len(), 1);
}

#[test]
fn a_start_in_the_past_is_now_and_overtakes_nobody() {
    let mut world = World::new(1);
    let first = world.trigger("job");
    let past = NewTrigger {
        start_at: Some(TimestampMs(0)),
        ..new_trigger("job")
    };
    let second = result(ask(&mut world, past)).run;
    assert_eq!(second.start_at, second.created_at);
    let output = world.hello("ex", &["job"], 1, &[]);
    assert_eq!(assigned(&output)[0].run_id, first);
}

#[test]
fn greater_priorities_are_claimed_first() {
    let mut world = World::new(1);
    let mut ids = Vec::new();
    for priority in [0, 5, -5, 5] {
        let run = NewTrigger {
            priority: Some(priority),
            ..new_trigger("job")
        };
        ids.push(result(ask(&mut world, run)).run.id);
    }
    let output = world.hello("ex", &["job"], 4, &[]);
    let order: Vec<RunId> = assigned(&output)
        .into_iter()
        .map(|one| one.run_id)
        .collect();
    assert_eq!(order, [1, 3, 0, 2].map(|index| ids[index].clone()));
}

#[test]
fn a_batch_is_all_or_nothing_and_coalesces_within_itself() {
    let mut world = World::new(1);
    let runs = vec![
        new_trigger("job"),
        coalescing("job", "k"),
        coalescing("job", "k"),
        idempotent("job", "i"),
        idempotent("job", "i"),
    ];
    let request = world.request(Command::BatchTrigger { runs });
    let Reply::BatchTriggered { results } = reply(&world.handle(vec![request.clone()])) else {
        panic!("triggered")
    };
    use Disposition::{Coalesced, Created, Idempotent};
    let dispositions: Vec<Disposition> = results.iter().map(|one| one.disposition).collect();
    assert_eq!(
        dispositions,
        [Created, Created, Coalesced, Created, Idempotent]
    );
    assert_eq!(results[1].run.id, results[2].run.id);
    assert_eq!(run_count(&mut world), 3);

    let runs = vec![new_trigger("job"), keyed("job", "k")];
    let output = {
        let request = world.request(Command::BatchTrigger { runs });
        world.handle(vec![request])
    };
    let refused = reply(&output);
    assert_eq!(error_code(&refused), ErrorCode::Conflict);
    assert!(message(&refused).starts_with("runs[1]: "), "{refused:?}");
    assert_eq!(event_names(&output), [] as [&str; 0]);
    assert_eq!(run_count(&mut world), 3, "nothing of it was written");

    world.handle(vec![request]);
    assert_eq!(run_count(&mut world), 3, "a resend has no second effect");
    let empty = world.ask(Command::BatchTrigger { runs: vec![] });
    assert_eq!(empty, Reply::BatchTriggered { results: vec![] });
}

#[test]
fn a_retrigger_makes_a_fresh_run_like_the_old_one() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let new = NewTrigger {
        idempotency_key: Some("once".into()),
        labels: BTreeMap::from([("a".into(), "b".into())]),
        priority: Some(3),
        max_recoveries: Some(2),
        ..keyed("job", "k")
    };
    let old = result(ask(&mut world, new)).run;
    let retrigger = |run_id: &RunId| Command::Retrigger {
        run_id: run_id.clone(),
        input: Payload::from("\"today\""),
        blobs: vec![],
    };
    let refused = world.ask(retrigger(&old.id));
    assert_eq!(error_code(&refused), ErrorCode::Conflict, "it is active");
    let held = world.newest_generation(&old.id);
    world.say("ex", run_fail(&held, failure(None, 1)));
    let request = world.request(retrigger(&old.id));
    let fresh = result(reply(&world.handle(vec![request.clone()])));
    assert_eq!(fresh.disposition, Disposition::Created);
    assert_ne!(fresh.run.id, old.id);
    assert_eq!(fresh.run.input, Payload::from("\"today\""));
    assert_eq!(fresh.run.labels, old.labels);
    assert_eq!(fresh.run.concurrency_key, old.concurrency_key);
    assert_eq!((fresh.run.priority, fresh.run.max_recoveries), (3, 2));
    assert_eq!(fresh.run.idempotency_key, None);
    assert_eq!(fresh.run.attempt, 1);
    world.ask(Command::DeleteRun {
        run_id: old.id.clone(),
    });
    let resent = result(reply(&world.handle(vec![request])));
    assert_eq!(
        resent.run.id, fresh.run.id,
        "a resend is not asked about the old run again"
    );
    let unknown = world.ask(retrigger(&RunId::from("nobody")));
    assert_eq!(error_code(&unknown), ErrorCode::NotFound);
}

#[test]
fn a_retry_beside_a_pending_run_of_its_key_is_a_conflict() {
    let mut world = World::new(1);
    let first = result(ask(&mut world, keyed("job", "k"))).run;
    let run_id = first.id.clone();
    world.ask(Command::Cancel { run_id });
    let second = result(ask(&mut world, keyed("job", "k"))).run;
    let run_id = first.id.clone();
    let refused = world.ask(Command::Retry { run_id });
    assert_eq!(error_code(&refused), ErrorCode::Conflict);
    assert!(message(&refused).contains(second.id.as_str()));
}

#[test]
fn bad_triggers_are_refused_by_name_and_write_nothing() {
    use ErrorCode::{InvalidInput, LimitExceeded, PayloadTooLarge};
    let mut world = World::new(1);
    let long = "k".repeat(KEY_CHARS_MAX + 1);
    let label = |key: &str, value: &str| NewTrigger {
        labels: BTreeMap::from([(key.into(), value.into())]),
        ..new_trigger("job")
    };
    let many = (0..=LABELS_MAX).map(|n| (format!("l{n}"), String::new()));
    let bad = [
        (new_trigger(""), InvalidInput, "jobName"),
        (new_trigger(&"j".repeat(257)), InvalidInput, "jobName"),
        (idempotent("job", ""), InvalidInput, "idempotencyKey"),
        (idempotent("job", &long), InvalidInput, "idempotencyKey"),
        (keyed("job", ""), InvalidInput, "concurrencyKey"),
        (keyed("job", &long), InvalidInput, "concurrencyKey"),
        (
            NewTrigger {
                coalesce: true,
                ..new_trigger("job")
            },
            InvalidInput,
            "coalesce",
        ),
        (
            NewTrigger {
                priority: Some(PRIORITY_MAX + 1),
                ..new_trigger("job")
            },
            InvalidInput,
            "priority",
        ),
        (
            NewTrigger {
                priority: Some(i32::MIN),
                ..new_trigger("job")
            },
            InvalidInput,
            "priority",
        ),
        (
            NewTrigger {
                delay_ms: Some(1),
                start_at: Some(TimestampMs(1)),
                ..new_trigger("job")
            },
            InvalidInput,
            "startAt",
        ),
        (
            NewTrigger {
                delay_ms: Some(u64::MAX),
                ..new_trigger("job")
            },
            InvalidInput,
            "startAt",
        ),
        (
            NewTrigger {
                start_at: Some(TimestampMs(-1)),
                ..new_trigger("job")
            },
            InvalidInput,
            "startAt",
        ),
        (label("", "x"), InvalidInput, "label"),
        (label("a b", "x"), InvalidInput, "a b"),
        (label("ü", "x"), InvalidInput, "ü"),
        (label(&"k".repeat(65), "x"), InvalidInput, "label"),
        (label("k", &"v".repeat(257)), InvalidInput, "\"k\""),
        (
            NewTrigger {
                labels: many.collect(),
                ..new_trigger("job")
            },
            LimitExceeded,
            "labels",
        ),
        (
            NewTrigger {
                input: Payload::Bytes(vec![0; 4 * 1024 * 1024 + 1]),
                ..new_trigger("job")
            },
            PayloadTooLarge,
            "input",
        ),
    ];
    for (new, code, named) in bad {
        let refused = ask(&mut world, new.clone());
        assert_eq!(error_code(&refused), code, "{named}");
        assert!(message(&refused).contains(named), "{refused:?}");
        let in_batch = world.ask(Command::BatchTrigger {
            runs: vec![new_trigger("job"), new],
        });
        assert!(message(&in_batch).starts_with("runs[1]: "), "{in_batch:?}");
    }
    let too_many = vec![new_trigger("job"); 1_001];
    let refused = world.ask(Command::BatchTrigger { runs: too_many });
    assert_eq!(error_code(&refused), LimitExceeded);
    assert_eq!(run_count(&mut world), 0);
}
