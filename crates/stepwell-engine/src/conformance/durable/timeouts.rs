//! Attempts that take too long, executors that hang, and the network.

use stepwell_protocol::{FailureCode, NewTrigger, RunStatus, WaitingFor};

use super::Stage;
use super::combinators::attempts;
use super::context::StepOptions;
use super::function::{Counter, Job, Thrown, Trace, job};
use super::world::new;

const TIMEOUT: StepOptions = StepOptions {
    retry: None,
    timeout_ms: Some(2_000),
    needs_network: false,
};

pub(super) fn a_step_that_ignores_its_signal_is_cut_off(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let counter = bodies.clone();
    let slow = job("slow", async move |ctx, _| {
        let options = StepOptions {
            retry: Some(attempts(2)),
            ..TIMEOUT
        };
        ctx.run("work", options, async |body| {
            counter.add();
            body.work(if body.attempt == 1 { 60_000 } else { 100 })
                .await;
            Ok(format!("in attempt {}", body.attempt))
        })
        .await
    });
    let mut world = stage.world(vec![slow]);
    let started = world.now();
    let run = world.trigger("slow", "");
    assert_eq!(world.completes(&run), "in attempt 2");
    assert_eq!(
        world.now() - started,
        2_000 + 1_000 + 1_000 + 100,
        "timeout, grace, delay, work"
    );
    assert_eq!(bodies.get(), 2);
    assert!(
        world.host().terminated.is_empty(),
        "its executor was not to blame"
    );
}

pub(super) fn a_step_that_ends_by_its_signal_has_timed_out(stage: &mut Stage<'_>) {
    let obedient = job("obedient", async |ctx, kind| {
        ctx.run("work", TIMEOUT, async |body| {
            body.aborted().await;
            body.work(500).await;
            match kind.as_str() {
                "throws" => Err(Thrown::new("aborted")),
                _ => Ok("a value".to_owned()),
            }
        })
        .await
    });
    let mut world = stage.world(vec![obedient]);
    let started = world.now();
    let run = world.trigger("obedient", "throws");
    let failure = world.fails(&run);
    assert_eq!(
        (failure.code, failure.attempt),
        (FailureCode::Timeout, 1),
        "{failure:?}"
    );
    assert_eq!(failure.step_name.as_deref(), Some("work"));
    assert_eq!(world.now() - started, 2_500);
    let run = world.trigger("obedient", "returns");
    assert_eq!(world.completes(&run), "a value", "it was made, if late");
}

/// Hangs in its first attempt.
fn hanging(timeout_ms: Option<u64>) -> Job {
    job("hanging", async move |ctx, _| {
        let options = StepOptions {
            retry: Some(attempts(2)),
            timeout_ms,
            needs_network: false,
        };
        ctx.run("hang", options, async |body| {
            if body.attempt == 1 && ctx.attempt() == 1 {
                body.hang().await;
            }
            Ok(format!("in attempt {}", body.attempt))
        })
        .await
    })
}

/// Three steps of a minute.
fn bystander(bodies: &Counter) -> Job {
    let bodies = bodies.clone();
    job("bystander", async move |ctx, _| {
        for step in ["first", "second", "third"] {
            let work = async |body: super::context::Body| {
                bodies.add();
                body.work(3_000).await;
                Ok(String::new())
            };
            ctx.run(step, StepOptions::default(), work).await?;
        }
        Ok("done".to_owned())
    })
}

pub(super) fn an_executor_that_hangs_is_terminated(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let mut world = stage.world(vec![hanging(Some(5_000)), bystander(&bodies)]);
    let started = world.now();
    let other = world.trigger("bystander", "");
    world.wait(4_000);
    let run = world.trigger("hanging", "");
    assert_eq!(world.completes(&run), "in attempt 2");
    let terminated: Vec<_> = world
        .host()
        .terminated
        .iter()
        .map(|id| id.0.clone())
        .collect();
    assert_eq!(terminated, ["executor-a1"]);
    assert_eq!(
        world.now() - started,
        4_000 + 5_000 + 1_000 + 2_000 + 1_000,
        "when it came, timeout, grace, margin and delay"
    );
    assert_eq!(world.completes(&other), "done");
    assert_eq!(bodies.get(), 4, "only the step that was at work ran twice");
    for run in [run, other] {
        assert_eq!(world.run(&run).recoveries, 0, "and nothing is counted");
    }
}

pub(super) fn a_hung_step_without_a_policy_fails_its_run(stage: &mut Stage<'_>) {
    let hanging = job("hanging", async |ctx, _| {
        ctx.run("hang", TIMEOUT, async |body| {
            body.hang().await;
            Ok(String::new())
        })
        .await
    });
    let mut world = stage.world(vec![hanging]);
    let run = world.trigger("hanging", "");
    let failure = world.fails(&run);
    assert_eq!(
        (failure.code, failure.attempt),
        (FailureCode::Timeout, 1),
        "{failure:?}"
    );
    assert_eq!(failure.step_name.as_deref(), Some("hang"));
}

/// A terminated executor whose death is never told has three seconds.
pub(super) fn an_executor_that_does_not_die_loses_its_runs(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let mut world = stage.world(vec![hanging(Some(1_000)), bystander(&bodies)]);
    world.host().lets_die = false;
    let other = world.trigger("bystander", "");
    world.wait(1_000);
    let started = world.now();
    let run = world.trigger("hanging", "");
    world.wait(4_000);
    assert_eq!(world.host().terminated.len(), 1);
    world.host().spawn();
    world.wait(2_999);
    assert_eq!(bodies.get(), 1, "it may still be at work");
    world.wait(1);
    assert_eq!(bodies.get(), 2, "it had its time");
    assert_eq!(world.completes(&run), "in attempt 2");
    assert!(world.now() - started >= 7_000);
    assert_eq!(world.completes(&other), "done");
    assert_eq!(world.run(&other).recoveries, 0);
}

fn limited(job: &str, input: &str, timeout_ms: u64, max_attempts: u32) -> NewTrigger {
    NewTrigger {
        timeout_ms: Some(timeout_ms),
        retry: Some(attempts(max_attempts)),
        ..new(job, input)
    }
}

/// Works, sleeps for a minute, and works again: so long as its input says, in seconds.
fn worker(trace: &Trace) -> Job {
    let trace = trace.clone();
    job("worker", async move |ctx, input| {
        let mut seconds = input
            .split(',')
            .map(|text| text.parse::<i64>().unwrap_or_default());
        for step in ["before", "after"] {
            let ms = 1_000 * seconds.next().unwrap_or_default();
            let work = async |body: super::context::Body| {
                trace.push(format!("{step} in attempt {}", ctx.attempt()));
                body.work(if ctx.attempt() == 1 { ms } else { 100 }).await;
                Ok(String::new())
            };
            ctx.run(step, StepOptions::default(), work).await?;
            if step == "before" {
                ctx.sleep("sleep", 60_000).await?;
            }
        }
        Ok("done".to_owned())
    })
}

pub(super) fn a_job_s_timeout_counts_no_waits(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![worker(&Trace::default())]);
    let run = world.trigger_as(limited("worker", "3,1", 5_000, 1));
    assert_eq!(world.completes(&run), "done");

    let started = world.now();
    let run = world.trigger_as(limited("worker", "3,9", 5_000, 1));
    let failure = world.fails(&run);
    assert_eq!(
        (failure.code, failure.attempt),
        (FailureCode::Timeout, 1),
        "{failure:?}"
    );
    assert_eq!(
        world.now() - started,
        3_000 + 60_000 + 2_000 + 1_000,
        "and a grace"
    );
}

pub(super) fn a_job_s_next_attempt_has_the_whole_time(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![worker(&trace)]);
    let started = world.now();
    let run = world.trigger_as(limited("worker", "3,9", 5_000, 2));
    assert_eq!(world.completes(&run), "done");
    assert_eq!(
        world.now() - started,
        3_000 + 60_000 + 2_000 + 1_000 + 1_000 + 100
    );
    assert_eq!(
        trace.take(),
        [
            "before in attempt 1",
            "after in attempt 1",
            "after in attempt 2"
        ]
    );
    assert_eq!(world.run(&run).attempt, 2);
}

pub(super) fn a_job_that_hangs_takes_its_executor_with_it(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![hanging(None)]);
    let started = world.now();
    let run = world.trigger_as(limited("hanging", "", 5_000, 2));
    assert_eq!(world.completes(&run), "in attempt 1");
    assert_eq!(world.host().terminated.len(), 1);
    assert_eq!(world.now() - started, 5_000 + 3_000 + 1_000);
    let run = world.run(&run);
    assert_eq!((run.attempt, run.recoveries), (2, 0));
}

/// Needs the network in its second step.
fn online_step(bodies: &Counter) -> Job {
    let bodies = bodies.clone();
    job("online", async move |ctx, _| {
        ctx.step("local", |_| Ok(bodies.add().to_string())).await?;
        let options = StepOptions {
            needs_network: true,
            ..StepOptions::default()
        };
        ctx.run("remote", options, async |body| {
            Ok(format!("in attempt {}", body.attempt))
        })
        .await
    })
}

pub(super) fn a_step_waits_for_the_network(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let mut world = stage.world(vec![online_step(&bodies)]);
    let run = world.trigger("online", "");
    assert_eq!(
        world.completes(&run),
        "in attempt 1",
        "nobody has said that it is offline"
    );
    world.network(false);
    world.settle();
    let run = world.trigger("online", "");
    world.wait(60_000);
    let waiting = world.run(&run);
    assert_eq!(waiting.status, RunStatus::Waiting);
    let step_name = Some("remote".to_owned());
    assert_eq!(waiting.waiting_for, Some(WaitingFor::Network { step_name }));
    world.network(false);
    world.wait(60_000);
    assert_eq!(world.run(&run).status, RunStatus::Waiting);
    world.network(true);
    assert_eq!(
        world.completes(&run),
        "in attempt 1",
        "the wait uses no attempt"
    );
    assert_eq!(bodies.get(), 2, "the other step ran once in each run");
}

/// The browser goes online just when the step says that it waits.
pub(super) fn a_network_that_came_back_is_not_waited_for(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![online_step(&Counter::default())]);
    world.network(false);
    world.settle();
    let run = world.trigger("online", "");
    world.until_said(|message| {
        matches!(message, stepwell_protocol::ExecutorMessage::StepWait { .. })
    });
    world.network(true);
    assert_eq!(world.completes(&run), "in attempt 1");
}

pub(super) fn a_job_waits_for_the_network(stage: &mut Stage<'_>) {
    let mut online = online_step(&Counter::default());
    online.needs_network = true;
    let mut world = stage.world(vec![online]);
    world.network(false);
    world.settle();
    let run = world.trigger("online", "");
    world.wait(60_000);
    let waiting = world.run(&run);
    assert_eq!(waiting.status, RunStatus::Waiting);
    assert_eq!(
        waiting.waiting_for,
        Some(WaitingFor::Network { step_name: None })
    );
    assert_eq!(
        (waiting.attempt, waiting.started_at, waiting.recoveries),
        (1, None, 0)
    );
    // A restarted engine is told by its page.
    world.host().reload();
    world.network(false);
    world.settle();
    world.wait(60_000);
    assert_eq!(world.run(&run).started_at, None);
    world.network(true);
    assert_eq!(world.completes(&run), "in attempt 1");
}
