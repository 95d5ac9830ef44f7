//! Suspending, resuming and replaying, and what happens meanwhile: ended waits, crashes, lost messages.

use stepwell_protocol::{EventBody, ExecutorMessage, NewTrigger, RunFilter, RunStatus, StepStatus};

use super::combinators::parent_job;
use super::context::StepOptions;
use super::families::{echo, echoes};
use super::function::{Counter, Door, Job, Task, Trace, job, race};
use super::waits::receiver;
use super::world::new;
use super::{Mode, Stage};
use crate::store::Ownership;

/// A sleep and a body that go on by themselves.
fn sleep_and_body(
    ctx: &super::context::Ctx,
    sleep_ms: u64,
    body_ms: i64,
) -> (Task<String>, Task<String>) {
    let (left, right) = (ctx.clone(), ctx.clone());
    let sleep = ctx.spawn(async move {
        let end = left.sleep("sleep", sleep_ms).await;
        end.map_or_else(|thrown| thrown.failure.message, |()| "slept".to_owned())
    });
    let body = ctx.spawn(async move {
        let work = async |body: super::context::Body| {
            body.work(body_ms).await;
            Ok("worked".to_owned())
        };
        let end = right.run("work", StepOptions::default(), work).await;
        end.unwrap_or_else(|thrown| thrown.failure.message)
    });
    (sleep, body)
}

/// Races a sleep and a body, tells who won and when, and goes on after a wait that makes it replay.
fn racer(trace: &Trace, sleep_ms: u64, body_ms: i64) -> Job {
    let trace = trace.clone();
    job("racer", async move |ctx, _| {
        let (sleep, body) = sleep_and_body(&ctx, sleep_ms, body_ms);
        let (_, winner) = race(&sleep, &body).await;
        trace.push(format!("{winner} at {}", ctx.clock.now() % 1_000_000));
        body.get().await;
        sleep.get().await;
        ctx.sleep("later", 1_000).await?;
        Ok(winner)
    })
}

pub(super) fn a_wait_that_ends_while_bodies_run_is_told_at_once(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![racer(&trace, 1_000, 5_000)]);
    let run = world.trigger("racer", "");
    world.wait(1_000);
    assert_eq!(
        world.run(&run).status,
        RunStatus::Running,
        "its body is at work"
    );
    assert_eq!(trace.take(), ["slept at 1000"]);
    assert_eq!(
        world.completes(&run),
        "slept",
        "and so it is when it is replayed"
    );
}

pub(super) fn a_race_is_replayed_as_it_went(stage: &mut Stage<'_>) {
    // The last two end in one batch: the order of their indices is the order in which the function sees them.
    for (sleep_ms, body_ms) in [(1_000, 2_000), (2_000, 1_000), (1_500, 1_500)] {
        let trace = Trace::default();
        let mut world = stage.world(vec![racer(&trace, sleep_ms, body_ms)]);
        let run = world.trigger("racer", "");
        let output = world.completes(&run);
        let steps = world.steps(&run);
        let first = match steps[0].name.as_str() {
            "sleep" => "slept",
            _ => "worked",
        };
        assert_eq!(output, first, "{sleep_ms} and {body_ms}");
        let winners: Vec<_> = trace
            .take()
            .iter()
            .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
            .collect();
        assert!(
            winners.iter().all(|winner| winner == first),
            "{winners:?}, and first was {first}"
        );
    }
}

pub(super) fn ended_waits_are_told_in_the_order_of_their_ends(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let line = trace.clone();
    let many = job("many", async move |ctx, _| {
        let (own, body) = sleep_and_body(&ctx, 300, 1_000);
        let mut tasks = vec![own];
        for (name, ms) in [("c", 300), ("a", 100), ("d", 300), ("b", 200)] {
            let (task, line) = (ctx.clone(), line.clone());
            tasks.push(ctx.spawn(async move {
                let end = task.sleep(name, ms).await;
                line.push(name);
                end.map_or_else(|thrown| thrown.failure.message, |()| String::new())
            }));
        }
        for task in &tasks {
            task.get().await;
        }
        body.get().await;
        Ok(String::new())
    });
    let mut world = stage.world(vec![many]);
    let run = world.trigger("many", "");
    world.completes(&run);
    let steps = world.steps(&run);
    let told = trace.take();
    let stored: Vec<_> = steps
        .iter()
        .map(|step| step.name.as_str())
        .filter(|name| name.len() == 1)
        .collect();
    assert_eq!(told, stored);
    assert_eq!((told[0].as_str(), told[1].as_str()), ("a", "b"));
}

/// A signal comes after `suspend` was posted, and before it is handled.
pub(super) fn a_suspend_races_with_an_ended_wait(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let counter = bodies.clone();
    let two = job("two", async move |ctx, _| {
        ctx.step("body", |_| Ok(counter.add().to_string())).await?;
        let first = ctx.signal("first", "k", None).await?.unwrap_or_default();
        let second = ctx.signal("second", "m", None).await?.unwrap_or_default();
        Ok(format!("{first}{second}"))
    });
    let mut world = stage.world(vec![two]);
    let run = world.trigger("two", "");
    let is_suspend = |message: &ExecutorMessage| matches!(message, ExecutorMessage::Suspend { .. });
    world.until_said(is_suspend);
    world.signal("k", "v");
    assert_eq!(world.run(&run).status, RunStatus::Running, "it goes on");
    world.host().round();
    world.until_said(is_suspend);
    let waits = |world: &mut super::world::World| {
        let events = world.events();
        events
            .iter()
            .filter(|event| matches!(event.body, EventBody::RunWait { .. }))
            .count()
    };
    assert_eq!(waits(&mut world), 0, "it has not waited");
    world.settle();
    assert_eq!(waits(&mut world), 1);
    world.signal("m", "w");
    assert_eq!(world.completes(&run), "vw");
    assert_eq!(bodies.get(), 1);
}

pub(super) fn a_parked_function_goes_on_by_itself(stage: &mut Stage<'_>) {
    if stage.mode == Mode::Replay {
        return;
    }
    let door = Door::default();
    let outside = door.clone();
    let impatient = job("impatient", async move |ctx, _| {
        let never = {
            let ctx = ctx.clone();
            async move { ctx.signal("never", "never", None).await.map(|_| ()) }
        };
        let never = ctx.spawn(never);
        outside.passed().await;
        let value = ctx
            .step("after", |_| Ok(ctx.clock.now().to_string()))
            .await?;
        assert!(never.result().is_none(), "the wait is open still");
        Ok(value)
    });
    let mut world = stage.world(vec![impatient]);
    let run = world.trigger("impatient", "");
    world.wait(1_000);
    assert_eq!(world.run(&run).status, RunStatus::Waiting);
    door.open();
    let opened = world.now();
    assert_eq!(world.completes(&run), opened.to_string());
    assert_eq!(
        world.step(&run, "never").status,
        StepStatus::Pending,
        "nothing waits any more"
    );
}

pub(super) fn a_function_that_is_not_in_memory_any_more_is_replayed(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let counter = bodies.clone();
    let waiting = job("waiting", async move |ctx, key| {
        ctx.step("body", |_| Ok(counter.add().to_string())).await?;
        let value = ctx.signal("signal", &key, None).await?.unwrap_or_default();
        ctx.step("body-2", |_| Ok(format!("{value} {}", counter.add())))
            .await
    });
    let mut world = stage.world(vec![waiting]);
    let run = world.trigger("waiting", "k");
    world.wait(1_000);
    world.host().executors[0].forget(&run);
    world.signal("k", "v");
    assert_eq!(world.completes(&run), "v 2");
    let run = world.run(&run);
    assert_eq!(
        (run.recoveries, run.generation.0),
        (0, 2),
        "a claim, and one that woke it"
    );
}

pub(super) fn the_least_recently_parked_function_is_dropped_first(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    if stage.mode == Mode::Park {
        world.host().executors[0].parked_max = 2;
    }
    let runs: Vec<_> = ["a", "b", "c"]
        .map(|key| {
            let run = world.trigger("receiver", key);
            world.wait(1_000);
            run
        })
        .into();
    if stage.mode == Mode::Park {
        let parked: Vec<_> = runs
            .iter()
            .map(|run| world.host().executors[0].has_parked(run))
            .collect();
        assert_eq!(parked, [false, true, true]);
    }
    for (run, key) in runs.iter().zip(["a", "b", "c"]) {
        world.signal(key, key);
        assert_eq!(world.completes(run), key);
    }
}

pub(super) fn what_a_dead_executor_had_parked_goes_on_elsewhere(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let run = world.trigger("receiver", "k");
    world.wait(1_000);
    world.host().kill(0);
    world.settle();
    assert_eq!(world.run(&run).status, RunStatus::Waiting);
    world.signal("k", "v");
    assert_eq!(world.completes(&run), "v");
    assert_eq!(world.run(&run).recoveries, 0, "it was not interrupted");
}

/// The engine's memory is lost, the executor and what it has parked are not.
pub(super) fn what_is_parked_outlives_an_engine(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let line = trace.clone();
    let waiting = job("waiting", async move |ctx, key| {
        line.push("execution");
        Ok(ctx.signal("signal", &key, None).await?.unwrap_or_default())
    });
    let mut world = stage.world(vec![waiting]);
    let run = world.trigger("waiting", "k");
    world.wait(1_000);
    world.host().crash();
    world.settle();
    world.signal("k", "v");
    assert_eq!(world.completes(&run), "v");
    let executions = match stage.mode {
        Mode::Replay => 2,
        Mode::Park => 1,
    };
    assert_eq!(trace.take().len(), executions);
}

pub(super) fn woken_runs_go_before_new_ones(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let (line, other) = (trace.clone(), trace.clone());
    let woken = job("woken", async move |ctx, _| {
        ctx.signal("signal", "k", None).await?;
        line.push("woken");
        Ok(String::new())
    });
    let plain = job("plain", async move |ctx, name| {
        other.push(name.clone());
        let work = async |body: super::context::Body| {
            body.work(1_000).await;
            Ok(String::new())
        };
        ctx.run("work", StepOptions::default(), work).await
    });
    let mut world = stage.wide_world(1, vec![woken, plain]);
    let first = world.trigger("woken", "");
    world.settle();
    world.trigger("plain", "busy");
    world.wait(100);
    let last = world.trigger_as(NewTrigger {
        priority: Some(1_000),
        ..new("plain", "new")
    });
    world.signal("k", "");
    world.completes(&first);
    world.completes(&last);
    assert_eq!(trace.take(), ["busy", "woken", "new"]);
}

pub(super) fn a_waiting_run_is_cancelled(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let run = world.trigger("receiver", "k");
    world.wait(1_000);
    world.events();
    let cancelled = world.cancel(&run);
    assert_eq!(
        (cancelled.status, cancelled.waiting_for),
        (RunStatus::Cancelled, None)
    );
    let events = world.events();
    let told = events.iter().any(|event| {
        matches!(&event.body, EventBody::StepCancel { step_name, .. } if step_name == "signal")
    });
    assert!(
        told,
        "the step that waited is told as cancelled: {events:?}"
    );
    world.settle();
    assert!(
        !world.host().executors[0].has_parked(&run),
        "what was parked is let go"
    );
    world.wait(10_000);
    assert_eq!(world.run(&run).status, RunStatus::Cancelled);
}

/// A sleep's time comes while there is no engine, and the run's body works on in its executor.
pub(super) fn a_wait_that_ended_without_an_engine_is_told_to_who_works_on(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![racer(&trace, 1_000, 60_000)]);
    let run = world.trigger("racer", "");
    world.wait(500);
    world.jump(1_500);
    world.host().crash();
    world.settle();
    // Where engines share a database nothing is adopted before its lease has expired, and it is replayed after that.
    if world.ownership == Ownership::Exclusive {
        assert_eq!(world.run(&run).status, RunStatus::Running, "it was adopted");
        assert_eq!(trace.take(), ["slept at 2000"]);
    }
    assert_eq!(world.completes(&run), "slept");
    assert_eq!(world.run(&run).recoveries, 0);
}

/// The engine stores a wait and dies before it says so; the wait ends before the executor says it again.
pub(super) fn a_resent_wait_that_has_ended_is_told(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let counter = bodies.clone();
    let sleepy = job("sleepy", async move |ctx, _| {
        ctx.step("before", |_| Ok(counter.add().to_string()))
            .await?;
        ctx.sleep("sleep", 1_000).await?;
        ctx.step("after", |_| Ok(counter.add().to_string())).await
    });
    let mut world = stage.world(vec![sleepy]);
    for gap_ms in [0, 5_000] {
        let run = world.trigger("sleepy", "");
        world.until_said(|message| matches!(message, ExecutorMessage::StepWait { .. }));
        let started = world.now();
        world.host().lose_a_round();
        world.jump(gap_ms);
        world.host().crash();
        world.completes(&run);
        if world.ownership == Ownership::Exclusive {
            assert_eq!(world.now() - started, gap_ms.max(1_000));
            assert_eq!(world.run(&run).recoveries, 0, "it was adopted");
        }
    }
    assert_eq!(bodies.get(), 4);
}

/// The engine suspends a run and dies before it says so: the function is not the run's any more.
pub(super) fn a_lost_suspension_is_replayed(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let run = world.trigger("receiver", "k");
    world.until_said(|message| matches!(message, ExecutorMessage::Suspend { .. }));
    world.host().lose_a_round();
    world.host().crash();
    world.wait(1_000);
    assert_eq!(world.run(&run).status, RunStatus::Waiting);
    world.signal("k", "v");
    assert_eq!(world.completes(&run), "v");
}

/// The engine makes children and dies before it says so: its executor says it again.
pub(super) fn a_resent_invoke_makes_no_second_children(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![parent_job("parent", |_| echoes(5), None), echo()]);
    let run = world.trigger("parent", "");
    world.until_said(|message| matches!(message, ExecutorMessage::StepInvoke { .. }));
    world.host().lose_a_round();
    world.host().crash();
    assert_eq!(world.completes(&run), "0,1,2,3,4");
    assert_eq!(world.children(&run).len(), 5);
}

/// A crash after any round, of the engine or of everything, leaves no parent stuck and no child doubled.
pub(super) fn a_family_survives_a_crash_at_any_point(stage: &mut Stage<'_>) {
    let outer = parent_job(
        "outer",
        |_| vec![new("inner", "a"), new("inner", "b"), new("echo", "c")],
        None,
    );
    let inner = parent_job(
        "inner",
        |key| vec![new("echo", key), new("sleeper", "x")],
        None,
    );
    let sleeper = job("sleeper", async |ctx, input| {
        ctx.sleep("sleep", 1_000).await?;
        Ok(input)
    });
    let mut world = stage.world(vec![outer, inner, echo(), sleeper]);
    for round in 0..24 {
        for loses_all in [false, true] {
            for loses_the_last in [false, true] {
                let run = world.trigger("outer", "");
                for _ in 0..round {
                    world.host().round();
                }
                if loses_the_last {
                    world.host().lose_a_round();
                }
                match loses_all {
                    true => world.host().reload(),
                    false => world.host().crash(),
                }
                assert_eq!(world.completes(&run), "a,x,b,x,c", "after {round} rounds");
                let children = world.children(&run);
                assert_eq!(children.len(), 3);
                for child in &children[..2] {
                    assert_eq!(world.children(&child.id).len(), 2);
                }
            }
        }
    }
    let left = world.runs(RunFilter {
        statuses: vec![RunStatus::Pending, RunStatus::Running, RunStatus::Waiting],
        ..RunFilter::default()
    });
    assert_eq!(left, [], "nothing is left");
}
