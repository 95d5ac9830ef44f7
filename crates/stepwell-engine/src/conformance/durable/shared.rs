//! Two engines at work on one database, each with an executor, and neither told of the other.
//!
//! What one of them did the other finds at its heartbeat, or when it meets it in the store.

use stepwell_protocol::{
    Command, NewTrigger, Reply, RunFilter, RunId, RunStatus, SignalDisposition,
};

use super::Stage;
use super::combinators::{parent_job, tell};
use super::context::{Body, StepOptions};
use super::families::echo;
use super::function::{Job, Thrown, job};
use super::waits::receiver;
use super::world::{World, new};

/// How long a lease lasts.
const LEASE_MS: i64 = 30_000;

/// Works for three seconds; throws where its input says so.
fn slow() -> Job {
    job("slow", async |ctx, input| {
        let work = async |body: Body| {
            body.work(3_000).await;
            match input.starts_with("no") {
                true => Err(Thrown::new(input.clone())),
                false => Ok(input.clone()),
            }
        };
        ctx.run("work", StepOptions::default(), work).await
    })
}

fn slow_ones(count: usize) -> Vec<NewTrigger> {
    (0..count)
        .map(|number| new("slow", &number.to_string()))
        .collect()
}

fn trigger_at(world: &mut World, host: usize, run: NewTrigger) -> RunId {
    let request_id = world.request();
    match world.ask_as(host, request_id, Command::Trigger { run }) {
        Reply::Triggered { result } => result.run.id,
        other => panic!("triggered, and not {other:?}"),
    }
}

fn assert_nothing_is_left(world: &mut World) {
    let left = world.runs(RunFilter {
        statuses: vec![RunStatus::Pending, RunStatus::Running, RunStatus::Waiting],
        ..RunFilter::default()
    });
    assert_eq!(left, [], "nothing is left");
}

/// Children of one parent end in both engines: whichever is the last one wakes the parent.
pub(super) fn the_last_child_wakes_its_parent_in_whichever_engine(stage: &mut Stage<'_>) {
    let jobs = vec![parent_job("parent", |_| slow_ones(100), Some(tell)), slow()];
    let mut world = stage.world(jobs);
    let runs: Vec<RunId> = (0..6)
        .map(|number| trigger_at(&mut world, number % 2, new("parent", "")))
        .collect();
    let expected = (0..100)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(",");
    for run in &runs {
        assert_eq!(world.completes(run), expected);
        assert_eq!(world.children(run).len(), 100);
    }
    for host in &world.hosts {
        assert!(host.leases() > 100, "both were at work");
    }
    assert_nothing_is_left(&mut world);
}

/// One engine dies in the middle: what it held goes on in the other one when its leases have expired.
pub(super) fn the_other_engine_takes_over(stage: &mut Stage<'_>) {
    let jobs = vec![parent_job("parent", |_| slow_ones(50), None), slow()];
    let mut world = stage.world(jobs);
    let run = trigger_at(&mut world, 1, new("parent", ""));
    world.wait(11_000);
    let before = world.now();
    world.hosts[1].close();
    let expected = (0..50)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(",");
    assert_eq!(world.completes(&run), expected);
    assert!(
        world.now() >= before + LEASE_MS - 11_000,
        "a lease that lives is respected"
    );
    let children = world.children(&run);
    assert_eq!(children.len(), 50);
    let interrupted = children
        .iter()
        .filter(|child| child.generation.0 > 1)
        .count();
    assert!(
        (1..=16).contains(&interrupted),
        "{interrupted} were at work in it"
    );
    assert_nothing_is_left(&mut world);
}

/// What waits in one engine is woken by what happens in the other.
pub(super) fn a_signal_reaches_a_run_of_the_other_engine(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver(), echo()]);
    let run = trigger_at(&mut world, 1, new("receiver", "k"));
    world.wait(1_000);
    assert_eq!(world.run(&run).status, RunStatus::Waiting);
    assert_eq!(world.signal("k", "v"), SignalDisposition::Delivered);
    assert_eq!(world.completes(&run), "v");
    assert_eq!(world.run(&run).recoveries, 0);
}

/// The signal comes while the run is at work: its own engine finds it when the run would wait.
pub(super) fn a_signal_reaches_a_run_that_is_at_work_in_the_other_engine(stage: &mut Stage<'_>) {
    let busy = job("busy", async |ctx, _| {
        let signal = {
            let ctx = ctx.clone();
            async move { ctx.signal("signal", "k", None).await }
        };
        let signal = ctx.spawn(signal);
        let work = async |body: Body| {
            body.work(5_000).await;
            Ok(String::new())
        };
        ctx.run("work", StepOptions::default(), work).await?;
        Ok(signal.get().await?.unwrap_or_default())
    });
    let mut world = stage.world(vec![busy]);
    let run = trigger_at(&mut world, 1, new("busy", ""));
    world.wait(1_000);
    assert_eq!(world.signal("k", "v"), SignalDisposition::Delivered);
    assert_eq!(world.completes(&run), "v");
    assert_eq!(
        world.run(&run).generation.0,
        1,
        "it never left its executor"
    );
}

/// A failing child in one engine cancels what the other has at work.
pub(super) fn fail_fast_reaches_the_other_engine(stage: &mut Stage<'_>) {
    let children = |_: &str| {
        let mut children = slow_ones(60);
        children[40] = new("slow", "no");
        children
    };
    let mut world = stage.world(vec![parent_job("parent", children, None), slow()]);
    let run = trigger_at(&mut world, 0, new("parent", ""));
    let failure = world.fails(&run);
    assert!(failure.message.contains("children[40]"), "{failure:?}");
    world.wait(60_000);
    for child in world.children(&run) {
        assert!(child.status.is_terminal(), "{child:?}");
    }
    assert_nothing_is_left(&mut world);
}

/// Time is shared: whoever looks first ends a wait, and nobody ends it twice.
pub(super) fn a_sleep_ends_once(stage: &mut Stage<'_>) {
    let sleeper = job("sleeper", async |ctx, _| {
        ctx.sleep("sleep", 25_000).await?;
        let value = ctx
            .step("after", |_| Ok(ctx.clock.now().to_string()))
            .await?;
        Ok(value)
    });
    let mut world = stage.world(vec![sleeper]);
    let started = world.now();
    let runs: Vec<RunId> = (0..40)
        .map(|number| trigger_at(&mut world, number % 2, new("sleeper", "")))
        .collect();
    for run in &runs {
        let ended_at: i64 = world.completes(run).parse().unwrap_or_default();
        // The other engine may have claimed it, at the latest at its heartbeat.
        assert!(
            (25_000..=35_000).contains(&(ended_at - started)),
            "{ended_at}"
        );
    }
    assert_nothing_is_left(&mut world);
}
