//! Time and signals.

use stepwell_protocol::{
    Command, ErrorCode, FailureCode, RunFailure, RunStatus, SignalDisposition, StepStatus,
    WaitingFor,
};

use super::Stage;
use super::function::{Counter, Job, Thrown, Trace, all, job};
use super::world::new;
use crate::store::Ownership;

fn sleeper() -> Job {
    job("sleeper", async |ctx, ms| {
        ctx.sleep("sleep", ms.parse().unwrap_or_default()).await?;
        Ok(ctx.clock.now().to_string())
    })
}

/// Waits for the key that is its input.
pub(super) fn receiver() -> Job {
    job("receiver", async |ctx, key| {
        let value = ctx.signal("signal", &key, None).await?;
        Ok(value.unwrap_or_else(|| "nothing".to_owned()))
    })
}

pub(super) fn a_sleep_is_exact(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![sleeper()]);
    let started = world.now();
    let run = world.trigger("sleeper", "12345");
    world.settle();
    let waiting = world.run(&run);
    assert_eq!(waiting.status, RunStatus::Waiting);
    match waiting.waiting_for {
        Some(WaitingFor::Sleep { step_name, until }) => {
            assert_eq!((step_name.as_str(), until.0), ("sleep", started + 12_345));
        }
        other => panic!("it sleeps, and does not wait for {other:?}"),
    }
    world.wait(12_344);
    assert_eq!(world.run(&run).status, RunStatus::Waiting, "never early");
    assert_eq!(world.completes(&run), (started + 12_345).to_string());
}

pub(super) fn sleeps_until_a_time_that_may_be_over(stage: &mut Stage<'_>) {
    let until = job("until", async |ctx, ms| {
        let at = ctx.clock.now() + ms.parse::<i64>().unwrap_or_default();
        // The same in every execution, as it is the store's.
        let at = ctx.step("at", |_| Ok(at.to_string())).await?;
        ctx.sleep_until("sleep", at.parse().unwrap_or_default())
            .await?;
        Ok(ctx.clock.now().to_string())
    });
    let mut world = stage.world(vec![until, sleeper()]);
    let started = world.now();
    for (job, ms) in [
        ("until", -5_000),
        ("until", 0),
        ("sleeper", 0),
        ("until", 700),
    ] {
        let run = world.trigger(job, &ms.to_string());
        assert_eq!(world.completes(&run), (started + ms.max(0)).to_string());
    }
}

/// Over a reload, and over one from which the machine comes back too late.
pub(super) fn a_sleep_keeps_its_deadline_over_a_restart(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![sleeper()]);
    let started = world.now();
    let run = world.trigger("sleeper", "60000");
    for _ in 0..5 {
        world.wait(5_000);
        world.host().reload();
    }
    world.wait(5_000);
    world.host().crash();
    assert_eq!(world.completes(&run), (started + 60_000).to_string());
    assert_eq!(world.run(&run).recoveries, 0, "nothing was interrupted");

    let run = world.trigger("sleeper", "1000");
    world.settle();
    world.jump(3_600_000);
    world.host().reload();
    let late = world.now();
    assert_eq!(world.completes(&run), late.to_string());
}

/// An open sleep of a run that is at work when its engine dies.
pub(super) fn a_sleep_under_way_keeps_its_deadline_over_an_interruption(stage: &mut Stage<'_>) {
    let busy = job("busy", async |ctx, _| {
        let sleep = {
            let ctx = ctx.clone();
            async move { ctx.sleep("sleep", 10_000).await.map(|()| String::new()) }
        };
        let sleep = ctx.spawn(sleep);
        ctx.run("work", Default::default(), async |body| {
            body.work(3_000).await;
            Ok(String::new())
        })
        .await?;
        sleep.get().await?;
        Ok(ctx.clock.now().to_string())
    });
    let mut world = stage.world(vec![busy]);
    let started = world.now();
    let run = world.trigger("busy", "");
    world.wait(2_000);
    assert_eq!(
        world.run(&run).status,
        RunStatus::Running,
        "its body is at work"
    );
    world.host().reload();
    world.completes(&run);
    let ended_at = world.step(&run, "sleep").completed_at.map(|at| at.0);
    // The run itself waits for its lease to expire where engines share a database.
    assert_eq!(ended_at, Some(started + 10_000));
}

/// One timer, and no batch before it is due.
pub(super) fn ten_thousand_sleepers_cost_one_timer(stage: &mut Stage<'_>) {
    let mut world = stage.wide_world(1_000, vec![sleeper()]);
    let nap_ms = 600_000_i64;
    for second in 0..10 {
        let ms = (nap_ms + second * 1_000).to_string();
        world.trigger_all(vec![new("sleeper", &ms); 1_000]);
        world.settle();
    }
    let started = world.now();
    let shared = world.ownership == Ownership::Shared;
    if !shared {
        assert_eq!(world.host().wake_at.map(|at| at.0), Some(started + nap_ms));
    }
    let before = world.host().batches;
    world.wait(nap_ms - 1);
    let batches = world.host().batches - before;
    // An engine that shares its database renews its leases every ten seconds, and looks for what others left.
    let heartbeats = if shared { 61 } else { 0 };
    assert!(
        batches <= heartbeats,
        "{batches} batches in ten minutes of sleep"
    );
    world.wait(10_001);
    let filter = stepwell_protocol::RunFilter {
        statuses: vec![RunStatus::Waiting],
        ..Default::default()
    };
    assert_eq!(world.runs(filter).len(), 0, "all have woken");
}

pub(super) fn a_signal_comes_after_the_wait(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let run = world.trigger("receiver", "k");
    world.wait(1_000);
    match world.run(&run).waiting_for {
        Some(WaitingFor::Signal {
            step_name,
            key,
            until,
        }) => {
            assert_eq!(
                (step_name.as_str(), key.as_str(), until),
                ("signal", "k", None)
            );
        }
        other => panic!("it waits for a signal, and not for {other:?}"),
    }
    assert_eq!(world.signal("k", "v"), SignalDisposition::Delivered);
    assert_eq!(world.completes(&run), "v");
}

pub(super) fn a_signal_that_comes_before_its_wait_is_kept(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    assert_eq!(world.signal("k", "first"), SignalDisposition::Kept);
    assert_eq!(
        world.signal("k", "second"),
        SignalDisposition::Ignored,
        "the first wins"
    );
    world.host().reload();
    let run = world.trigger("receiver", "k");
    assert_eq!(world.completes(&run), "first");
    let run = world.trigger("receiver", "k");
    world.wait(1_000);
    assert_eq!(
        world.run(&run).status,
        RunStatus::Waiting,
        "it was delivered once"
    );
    assert_eq!(
        world.signal("k", "third"),
        SignalDisposition::Delivered,
        "the key is free again"
    );
    assert_eq!(world.completes(&run), "third");
}

pub(super) fn a_signal_s_resend_is_answered_alike(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let (kept, delivered) = (world.request(), world.request());
    for _ in 0..2 {
        assert_eq!(
            world.signal_as(kept.clone(), "early", Ok("v")),
            SignalDisposition::Kept
        );
    }
    let run = world.trigger("receiver", "late");
    world.settle();
    for _ in 0..2 {
        let disposition = world.signal_as(delivered.clone(), "late", Ok("w"));
        assert_eq!(disposition, SignalDisposition::Delivered);
        world.settle();
    }
    assert_eq!(world.completes(&run), "w");
    let run = world.trigger("receiver", "late");
    world.wait(1_000);
    assert_eq!(
        world.run(&run).status,
        RunStatus::Waiting,
        "a resend is not kept for the next one"
    );
    world.cancel(&run);
}

pub(super) fn an_error_may_be_sent(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let error = |message: &str| RunFailure {
        name: "Rejected".to_owned(),
        ..*Thrown::new(message).by(None, 1).failure
    };
    let run = world.trigger("receiver", "k");
    world.settle();
    let request = world.request();
    world.signal_as(request, "k", Err(error("late")));
    let failure = world.fails(&run);
    assert_eq!(
        (failure.name.as_str(), failure.message.as_str()),
        ("Rejected", "late")
    );
    assert_eq!(
        failure.step_name.as_deref(),
        Some("signal"),
        "the wait throws it"
    );

    let request = world.request();
    world.signal_as(request, "k", Err(error("early")));
    let run = world.trigger("receiver", "k");
    assert_eq!(world.fails(&run).message, "early");
    assert_eq!(world.step(&run, "signal").status, StepStatus::Failed);
}

pub(super) fn a_signal_that_does_not_come_in_time_is_a_result(stage: &mut Stage<'_>) {
    let patient = job("patient", async |ctx, _| {
        let value = ctx.signal("signal", "k", Some(5_000)).await?;
        Ok(format!("{value:?} at {}", ctx.clock.now() % 1_000_000))
    });
    let mut world = stage.world(vec![patient, receiver()]);
    let run = world.trigger("patient", "");
    assert_eq!(world.completes(&run), "None at 5000");
    let step = world.step(&run, "signal");
    assert_eq!((step.status, step.output), (StepStatus::Completed, None));
    assert_eq!(
        world.signal("k", "v"),
        SignalDisposition::Kept,
        "the key is free again"
    );
    let run = world.trigger("receiver", "k");
    assert_eq!(world.completes(&run), "v");

    let run = world.trigger("patient", "");
    world.wait(4_999);
    world.signal("k", "just in time");
    assert_eq!(world.completes(&run), "Some(\"just in time\") at 9999");
}

pub(super) fn an_empty_value_is_no_timeout(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let run = world.trigger("receiver", "k");
    world.settle();
    world.signal("k", "");
    assert_eq!(world.completes(&run), "", "a bare `undefined` is a value");
}

pub(super) fn two_waits_on_one_key_conflict(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let first = world.trigger("receiver", "k");
    world.settle();
    let second = world.trigger("receiver", "k");
    let failure = world.fails(&second);
    assert_eq!(failure.code, FailureCode::Conflict, "{failure:?}");
    assert!(
        failure.message.contains("\"k\""),
        "it names the key: {failure:?}"
    );
    world.signal("k", "v");
    assert_eq!(world.completes(&first), "v", "the first one still has it");

    let twice = job("twice", async |ctx, key| {
        let waits = ["a", "b"].map(|name| {
            let (ctx, key) = (ctx.clone(), key.clone());
            async move { ctx.signal(name, &key, Some(1_000)).await }
        });
        let results = all(waits.into()).await;
        Ok(results
            .iter()
            .map(|one| one.is_ok().to_string())
            .collect::<Vec<_>>()
            .join(","))
    });
    let mut world = stage.world(vec![twice]);
    let run = world.trigger("twice", "k");
    assert_eq!(world.completes(&run), "true,false", "within one run too");
}

pub(super) fn a_key_is_free_when_its_run_has_ended(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let first = world.trigger("receiver", "k");
    world.settle();
    world.cancel(&first);
    assert_eq!(world.signal("k", "v"), SignalDisposition::Kept);
    let second = world.trigger("receiver", "k");
    assert_eq!(world.completes(&second), "v");
    world.retry(&first);
    world.wait(1_000);
    assert_eq!(
        world.run(&first).status,
        RunStatus::Waiting,
        "it waits again"
    );
    world.signal("k", "w");
    assert_eq!(world.completes(&first), "w");
}

pub(super) fn a_bad_signal_is_refused(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![receiver()]);
    let signal = |key: &str, value: Option<&str>, error: Option<RunFailure>| Command::Signal {
        key: key.to_owned(),
        value: value.map(Into::into),
        error,
        blobs: Vec::new(),
    };
    let error = || Some(*Thrown::new("no").failure);
    for (command, code, named) in [
        (signal("", Some("v"), None), ErrorCode::InvalidInput, "key"),
        (
            signal(&"k".repeat(513), Some("v"), None),
            ErrorCode::InvalidInput,
            "key",
        ),
        (signal("k", None, None), ErrorCode::InvalidInput, "value"),
        (
            signal("k", Some("v"), error()),
            ErrorCode::InvalidInput,
            "value",
        ),
        (
            signal("k", Some(&"v".repeat(5_000_000)), None),
            ErrorCode::PayloadTooLarge,
            "value",
        ),
    ] {
        let (refused, message) = world.refused(command);
        assert_eq!(refused, code, "{message}");
        assert!(message.contains(named), "{message}");
    }
    assert_eq!(
        world.signal("k", "v"),
        SignalDisposition::Kept,
        "nothing was kept before"
    );
    assert_eq!(world.signal(&"é".repeat(512), "v"), SignalDisposition::Kept);
}

/// Events and rows of a sleep between two steps.
pub(super) fn waits_and_steps_are_indexed_by_their_ends(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let bodies = Counter::default();
    let (line, counter) = (trace.clone(), bodies.clone());
    let mixed = job("mixed", async move |ctx, _| {
        line.push("execution");
        ctx.step("a", |_| Ok(counter.add().to_string())).await?;
        ctx.sleep("b", 1_000).await?;
        ctx.signal("c", "k", Some(1_000)).await?;
        ctx.step("d", |_| Ok(counter.add().to_string())).await
    });
    let mut world = stage.world(vec![mixed]);
    let run = world.trigger("mixed", "");
    assert_eq!(world.completes(&run), "2");
    assert_eq!(bodies.get(), 2, "no body runs twice");
    let steps = world.steps(&run);
    let rows: Vec<_> = steps
        .iter()
        .map(|step| (step.name.as_str(), step.completed_index))
        .collect();
    assert_eq!(
        rows,
        [
            ("a", Some(0)),
            ("b", Some(1)),
            ("c", Some(2)),
            ("d", Some(3))
        ]
    );
    let executions = match world.mode {
        super::Mode::Replay => 3,
        super::Mode::Park => 1,
    };
    assert_eq!(trace.take().len(), executions);
}
