//! Forgetting runs, and the files of blobs that nobody refers to.

mod support;

use stepwell_engine::{Engine, EngineOptions, Entropy, Ownership};
use stepwell_protocol::*;
use support::faulty::FaultyStore;
use support::*;

fn deleted_blobs(output: &Output) -> Vec<BlobId> {
    let ids = output.effects.iter().filter_map(|effect| match effect {
        Effect::DeleteBlobs { ids } => Some(ids.clone()),
        Effect::Send { .. } | Effect::TerminateExecutor { .. } => None,
    });
    ids.flatten().collect()
}

fn with_blob(job: &str, blob: &str) -> NewTrigger {
    NewTrigger {
        blobs: vec![blob.into()],
        ..new_trigger(job)
    }
}

fn handle(world: &mut World, command: Command) -> Output {
    let request = world.request(command);
    world.handle(vec![request])
}

fn run_of(output: &Output) -> RunId {
    match reply(output) {
        Reply::Triggered { result } => result.run.id,
        other => panic!("triggered, not {other:?}"),
    }
}

/// Triggers and ends a run.
fn ended(world: &mut World) -> RunId {
    let run_id = world.trigger("job");
    let held = world.newest_generation(&run_id);
    world.say("ex", run_complete(&held));
    run_id
}

#[test]
fn only_ended_runs_are_deleted_and_everybody_is_told() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run_id = world.trigger("job");
    let delete = |run_id: &RunId| Command::DeleteRun {
        run_id: run_id.clone(),
    };
    let refused = world.ask(delete(&run_id));
    assert_eq!(error_code(&refused), ErrorCode::Conflict);
    let held = world.newest_generation(&run_id);
    world.say("ex", run_complete(&held));
    let output = handle(&mut world, delete(&run_id));
    assert_eq!(event_names(&output), ["run:delete"]);
    assert_eq!(
        reply(&output),
        Reply::Deleted {
            count: 1,
            has_more: false
        }
    );
    let gone = world.ask(delete(&run_id));
    assert_eq!(error_code(&gone), ErrorCode::NotFound);
}

#[test]
fn a_purge_takes_the_oldest_ends_first_up_to_its_limit() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let old: Vec<RunId> = (0..3).map(|_| ended(&mut world)).collect();
    world.after(10_000);
    let young = ended(&mut world);
    let purge = |limit: u32| Command::PurgeRuns {
        older_than_ms: 5_000,
        limit,
    };
    let output = handle(&mut world, purge(2));
    assert_eq!(
        reply(&output),
        Reply::Deleted {
            count: 2,
            has_more: true
        }
    );
    let gone: Vec<RunId> = output
        .events
        .iter()
        .map(|e| e.head.run_id.clone())
        .collect();
    assert_eq!(gone, old[..2]);
    let last = world.ask(purge(2));
    assert_eq!(
        last,
        Reply::Deleted {
            count: 1,
            has_more: false
        }
    );
    assert_eq!(world.run(&young).status, RunStatus::Completed);
    for limit in [0, 101] {
        let refused = world.ask(purge(limit));
        assert_eq!(error_code(&refused), ErrorCode::InvalidInput);
    }
}

#[test]
fn upkeep_deletes_what_is_older_than_the_retention_in_small_batches() {
    let now = TimestampMs(1_800_000_000_000);
    let options = EngineOptions {
        build_id: BUILD.into(),
        retention_ms: Some(1_000),
        ..EngineOptions::default()
    };
    let store = FaultyStore::new(Ownership::Exclusive);
    let (engine, _) = Engine::open(store, options, now, Entropy([9; 16])).expect("opens");
    let mut world = World::new(1);
    world.engine = Some(engine);
    world.hello("ex", &["job"], 1, &[]);
    for _ in 0..25 {
        ended(&mut world);
    }
    let active = world.trigger("job");
    let early = world.handle(vec![Input::Upkeep]);
    assert_eq!((early.events.len(), early.more_upkeep), (0, false));
    world.after(2_000);
    let first = world.handle(vec![Input::Upkeep]);
    assert_eq!((first.events.len(), first.more_upkeep), (20, true));
    let second = world.handle(vec![Input::Upkeep]);
    assert_eq!((second.events.len(), second.more_upkeep), (5, false));
    assert_eq!(event_names(&second), ["run:delete"; 5]);
    assert_eq!(world.run(&active).status, RunStatus::Running);
}

#[test]
fn the_files_of_a_deleted_run_go_and_shared_ones_stay() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let run = with_blob("job", "input");
    let run_id = run_of(&handle(&mut world, Command::Trigger { run }));
    let held = world.newest_generation(&run_id);
    let step = ExecutorMessage::StepCommit {
        run_id: run_id.clone(),
        generation: held.generation,
        step_name: "a".into(),
        attempt: 1,
        output: Payload::from("1"),
        blobs: vec!["step".into()],
        duration_ms: 1,
        report: Report::default(),
    };
    let (_, output) = world.say("ex", step);
    assert_eq!(deleted_blobs(&output), []);
    world.say("ex", run_complete(&held));
    let again = Command::Retrigger {
        run_id: run_id.clone(),
        input: Payload::from("{}"),
        blobs: vec!["input".into()],
    };
    let second = run_of(&handle(&mut world, again));
    let delete = |run_id: RunId| Command::DeleteRun { run_id };
    let output = handle(&mut world, delete(run_id));
    assert_eq!(deleted_blobs(&output), [BlobId::from("step")]);
    let held = world.newest_generation(&second);
    world.say("ex", run_complete(&held));
    let output = handle(&mut world, delete(second));
    assert_eq!(deleted_blobs(&output), [BlobId::from("input")]);
}

#[test]
fn what_came_with_a_message_that_stored_nothing_is_deleted() {
    let mut world = World::new(1);
    world.hello("ex", &["job"], 1, &[]);
    let refused = Command::Trigger {
        run: NewTrigger {
            priority: Some(9_999),
            ..with_blob("job", "refused")
        },
    };
    let output = handle(&mut world, refused);
    assert_eq!(deleted_blobs(&output), [BlobId::from("refused")]);

    let once = |blob: &str| Command::Trigger {
        run: NewTrigger {
            idempotency_key: Some("k".into()),
            ..with_blob("job", blob)
        },
    };
    let request = world.request(once("first"));
    let output = world.handle(vec![request.clone()]);
    let run_id = run_of(&output);
    assert_eq!(deleted_blobs(&output), []);
    let resent = world.handle(vec![request]);
    assert_eq!(deleted_blobs(&resent), [], "a resend's file is the run's");
    let output = handle(&mut world, once("second"));
    assert_eq!(deleted_blobs(&output), [BlobId::from("second")]);

    let held = world.newest_generation(&run_id);
    world.ask(Command::Cancel { run_id });
    let late = ExecutorMessage::RunComplete {
        run_id: held.run_id,
        generation: held.generation,
        output: Payload::from("1"),
        blobs: vec!["late".into()],
        report: Report::default(),
    };
    let (_, output) = world.say("ex", late);
    assert_eq!(deleted_blobs(&output), [BlobId::from("late")]);
}
