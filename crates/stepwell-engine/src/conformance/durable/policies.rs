//! Trying again: the policies of steps and of jobs, and a retry by hand.

use stepwell_protocol::{
    EventBody, NewTrigger, RetryPolicy, RunId, RunStatus, StepStatus, WaitingFor,
};

use super::Stage;
use super::combinators::attempts;
use super::function::{Counter, Job, Thrown, Trace, job};
use super::world::{World, new};

/// When the bodies of a job started, each with its attempt, in milliseconds since the trigger.
fn stumbling(trace: &Trace, policy: RetryPolicy, fails: u32) -> Job {
    let trace = trace.clone();
    job("stumbling", async move |ctx, _| {
        let before = Counter::default();
        ctx.step("before", |_| Ok(before.add().to_string())).await?;
        ctx.try_step("stumble", policy, |attempt| {
            trace.push(format!("{attempt} at {}", ctx.clock.now() % 1_000_000));
            match attempt <= fails {
                true => Err(Thrown::new(format!("no {attempt}"))),
                false => Ok(format!("yes {attempt}")),
            }
        })
        .await
    })
}

/// The world's time begins at a multiple of this, so that a trace is short.
fn at_zero(world: &World) {
    assert_eq!(world.now() % 1_000_000, 0, "nothing has happened yet");
}

pub(super) fn a_step_succeeds_at_its_third_attempt(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![stumbling(&trace, attempts(3), 2)]);
    at_zero(&world);
    let run = world.trigger("stumbling", "");
    world.settle();
    let waiting = world.run(&run);
    assert_eq!(waiting.status, RunStatus::Waiting);
    match waiting.waiting_for {
        Some(WaitingFor::Retry {
            step_name,
            attempt,
            until,
            error,
        }) => {
            assert_eq!((step_name.as_deref(), attempt), (Some("stumble"), 2));
            assert_eq!(until.0, world.now() + 1_000);
            assert_eq!(error.message, "no 1");
        }
        other => panic!("it waits for its next attempt, and not for {other:?}"),
    }
    let step = world.step(&run, "stumble");
    assert_eq!((step.status, step.attempt), (StepStatus::Waiting, 1));

    assert_eq!(world.completes(&run), "yes 3");
    assert_eq!(trace.take(), ["1 at 0", "2 at 1000", "3 at 3000"]);
    let step = world.step(&run, "stumble");
    assert_eq!((step.status, step.attempt), (StepStatus::Completed, 3));
    let run = world.run(&run);
    assert_eq!(
        (run.attempt, run.recoveries),
        (1, 0),
        "its run was not tried again, nor recovered"
    );
}

pub(super) fn a_step_fails_with_its_last_attempt(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![stumbling(&trace, attempts(6), 99)]);
    let run = world.trigger("stumbling", "");
    let failure = world.fails(&run);
    assert_eq!((failure.message.as_str(), failure.attempt), ("no 6", 6));
    assert_eq!(failure.step_name.as_deref(), Some("stumble"));
    // 1, 2, 4, 8 and then the cap of 10 seconds.
    let times = [
        "1 at 0",
        "2 at 1000",
        "3 at 3000",
        "4 at 7000",
        "5 at 15000",
        "6 at 25000",
    ];
    assert_eq!(trace.take(), times);
}

pub(super) fn a_step_s_attempts_are_told(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![stumbling(&Trace::default(), attempts(2), 1)]);
    let run = world.trigger("stumbling", "");
    world.completes(&run);
    let told = world
        .events()
        .into_iter()
        .filter_map(|event| match event.body {
            EventBody::StepStart { step_name, attempt } => {
                Some(format!("start {step_name} {attempt}"))
            }
            EventBody::StepRetry { attempt, .. } => Some(format!("retry {attempt}")),
            EventBody::StepWait { attempt, .. } => Some(format!("wait {attempt}")),
            EventBody::StepWake { attempt, .. } => Some(format!("wake {attempt}")),
            EventBody::StepComplete {
                step_name, attempt, ..
            } => Some(format!("complete {step_name} {attempt}")),
            EventBody::RunTrigger => Some("trigger".to_owned()),
            EventBody::RunStart { .. } => Some("run starts".to_owned()),
            EventBody::RunWait { .. } => Some("run waits".to_owned()),
            EventBody::RunResume { recoveries: 0, .. } => Some("run resumes".to_owned()),
            EventBody::RunComplete => Some("run completes".to_owned()),
            _ => None,
        });
    let expected = [
        "trigger",
        "run starts",
        "start before 1",
        "complete before 1",
        "start stumble 1",
        "retry 1",
        "wait 1",
        "run waits",
        "wake 1",
        "run resumes",
        "start stumble 2",
        "complete stumble 2",
        "run completes",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

pub(super) fn what_is_not_retryable_fails_at_once(stage: &mut Stage<'_>) {
    let (bodies, functions) = (Counter::default(), Counter::default());
    let (body, function) = (bodies.clone(), functions.clone());
    let final_step = job("final", async move |ctx, _| {
        function.add();
        let throw = |_| {
            body.add();
            Err(Thrown::new("never").finally())
        };
        ctx.try_step("throw", attempts(5), throw).await?;
        Err(Thrown::new("not reached"))
    });
    let mut world = stage.world(vec![final_step]);
    let run = world.trigger("final", "");
    assert_eq!(world.fails(&run).message, "never");
    assert_eq!((bodies.get(), functions.get()), (1, 1));

    let own = job("own", async |_, _| Err(Thrown::new("own").finally()));
    let mut world = stage.world(vec![own]);
    let run = world.trigger_as(retried("own", 5));
    assert_eq!(world.fails(&run).message, "own");
    assert_eq!(world.run(&run).attempt, 1);
}

pub(super) fn a_failure_may_name_its_delay(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let line = trace.clone();
    let busy = job("busy", async move |ctx, _| {
        let body = |attempt| {
            line.push(format!("step {}", ctx.clock.now() % 1_000_000));
            match attempt {
                1 => Err(Thrown::new("busy").after(12_345)),
                _ => Ok(String::new()),
            }
        };
        ctx.try_step("ask", attempts(2), body).await?;
        match ctx.attempt() {
            1 => Err(Thrown::new("later").after(55_555)),
            _ => Ok(format!("{}", ctx.clock.now() % 1_000_000)),
        }
    });
    let mut world = stage.world(vec![busy]);
    at_zero(&world);
    let run = world.trigger_as(retried("busy", 2));
    // Neither the cap nor the jitter of the policy touches what a failure asks for.
    assert_eq!(world.completes(&run), "67900");
    assert_eq!(trace.take(), ["step 0", "step 12345"]);
}

fn retried(job: &str, max_attempts: u32) -> NewTrigger {
    NewTrigger {
        retry: Some(attempts(max_attempts)),
        ..new(job, "")
    }
}

/// A job whose own code throws in its first attempts.
fn throwing(bodies: &Counter, fails: u32) -> Job {
    let bodies = bodies.clone();
    job("throwing", async move |ctx, _| {
        let value = ctx.step("once", |_| Ok(bodies.add().to_string())).await?;
        match ctx.attempt() <= fails {
            true => Err(Thrown::new(format!("no {}", ctx.attempt()))),
            false => Ok(format!("{value} after {}", ctx.clock.now() % 1_000_000)),
        }
    })
}

pub(super) fn a_job_succeeds_at_its_third_attempt(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let mut world = stage.world(vec![throwing(&bodies, 2)]);
    at_zero(&world);
    let run = world.trigger_as(retried("throwing", 3));
    world.settle();
    let waiting = world.run(&run);
    assert_eq!((waiting.status, waiting.attempt), (RunStatus::Waiting, 2));
    assert!(
        matches!(
            &waiting.waiting_for,
            Some(WaitingFor::Retry {
                step_name: None,
                attempt: 2,
                ..
            })
        ),
        "{waiting:?}"
    );
    assert_eq!(
        waiting.retry,
        attempts(3),
        "the policy is stored with the run"
    );
    assert_eq!(world.completes(&run), "1 after 3000");
    let run = world.run(&run);
    assert_eq!(
        (run.attempt, run.error, bodies.get()),
        (3, None, 1),
        "a completed step survives"
    );
}

pub(super) fn a_job_fails_with_its_last_attempt(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let mut world = stage.world(vec![throwing(&bodies, 99)]);
    let (started, run) = (world.now(), world.trigger_as(retried("throwing", 4)));
    let failure = world.fails(&run);
    assert_eq!((failure.message.as_str(), failure.attempt), ("no 4", 4));
    assert_eq!(world.now() - started, 7_000, "1, 2 and 4 seconds");
    assert_eq!(bodies.get(), 1);
}

/// Within a job's attempt a step has its whole policy again.
pub(super) fn a_job_s_attempt_gives_its_steps_a_fresh_policy(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![stumbling(&trace, attempts(2), 3)]);
    at_zero(&world);
    let run = world.trigger_as(retried("stumbling", 2));
    assert_eq!(world.completes(&run), "yes 4");
    assert_eq!(
        trace.take(),
        ["1 at 0", "2 at 1000", "3 at 2000", "4 at 3000"]
    );
}

pub(super) fn a_retry_by_hand_gives_a_fresh_policy(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![stumbling(&trace, attempts(2), 3)]);
    at_zero(&world);
    let run = world.trigger("stumbling", "");
    assert_eq!(world.fails(&run).message, "no 2");
    assert_eq!(world.retry(&run).status, RunStatus::Pending);
    assert_eq!(world.completes(&run), "yes 4");
    assert_eq!(
        trace.take(),
        ["1 at 0", "2 at 1000", "3 at 1000", "4 at 2000"]
    );
    assert_eq!(world.run(&run).first_attempt, 2);
}

pub(super) fn a_job_s_policy_counts_anew_after_a_retry_by_hand(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![throwing(&Counter::default(), 99)]);
    let run = world.trigger_as(retried("throwing", 2));
    assert_eq!(world.fails(&run).attempt, 2);
    world.retry(&run);
    let failure = world.fails(&run);
    assert_eq!(failure.attempt, 4, "two more attempts");
}

pub(super) fn a_waiting_run_holds_no_slot(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let line = trace.clone();
    let quick = job("quick", async move |_, _| {
        line.push("quick");
        Ok(String::new())
    });
    let mut world = stage.wide_world(1, vec![stumbling(&trace, attempts(2), 1), quick]);
    at_zero(&world);
    let slow = world.trigger("stumbling", "");
    world.settle();
    let quick = world.trigger("quick", "");
    world.completes(&quick);
    world.completes(&slow);
    assert_eq!(trace.take(), ["1 at 0", "quick", "2 at 1000"]);
}

/// The wait for an attempt does not start over with the engine.
pub(super) fn a_wait_for_an_attempt_survives_a_restart(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let mut world = stage.world(vec![
        stumbling(&trace, attempts(2), 1),
        throwing(&Counter::default(), 1),
    ]);
    at_zero(&world);
    let runs: [RunId; 2] = [
        world.trigger("stumbling", ""),
        world.trigger_as(retried("throwing", 2)),
    ];
    world.wait(400);
    world.host().reload();
    world.wait(599);
    for run in &runs {
        assert_eq!(world.run(run).status, RunStatus::Waiting, "not early");
    }
    world.wait(1);
    for run in &runs {
        assert_eq!(world.run(run).status, RunStatus::Completed, "nor late");
    }
    assert_eq!(trace.take(), ["1 at 0", "2 at 1000"]);
}

pub(super) fn lines_of_failed_attempts_are_kept(stage: &mut Stage<'_>) {
    let talking = job("talking", async |ctx, _| {
        let options = super::context::StepOptions {
            retry: Some(attempts(3)),
            ..Default::default()
        };
        ctx.run("talk", options, async |body| {
            body.log(format!("try {}", body.attempt));
            match body.attempt {
                3 => Ok(String::new()),
                _ => Err(Thrown::new("no")),
            }
        })
        .await
    });
    let mut world = stage.world(vec![talking]);
    let run = world.trigger("talking", "");
    world.completes(&run);
    let lines = world.logs(&run);
    let lines: Vec<_> = lines
        .iter()
        .map(|line| (line.message.as_str(), line.attempt))
        .collect();
    assert_eq!(lines, [("try 1", 1), ("try 2", 2), ("try 3", 3)]);
}

pub(super) fn jitter_stays_in_its_bounds(stage: &mut Stage<'_>) {
    let policy = RetryPolicy {
        jitter: 0.5,
        ..attempts(2)
    };
    let trace = Trace::default();
    let mut world = stage.world(vec![stumbling(&trace, policy, 1)]);
    let runs = world.trigger_all(vec![new("stumbling", ""); 40]);
    world.settle();
    let now = world.now();
    let mut delays: Vec<i64> = Vec::new();
    for run in &runs {
        match world.step(run, "stumble").waiting_for {
            Some(WaitingFor::Retry { until, .. }) => delays.push(until.0 - now),
            other => panic!("it waits for its next attempt, and not for {other:?}"),
        }
    }
    assert!(
        delays.iter().all(|ms| (500..=1_500).contains(ms)),
        "{delays:?}"
    );
    delays.sort_unstable();
    delays.dedup();
    assert!(delays.len() > 20, "they are spread: {delays:?}");
}
