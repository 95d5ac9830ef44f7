//! What a call that makes children makes of them, and when it makes none.

use std::collections::BTreeMap;

use stepwell_protocol::{
    ExecutorMessage, FailureCode, InvokeMode, NewTrigger, RunStatus, StepStatus,
};

use super::Stage;
use super::combinators::{attempts, parent_job, tell, told};
use super::families::{echo, echoes, failing};
use super::function::{Counter, Outcome, Thrown, Trace, job};
use super::kinship::healing;
use super::world::new;

pub(super) fn children_inherit_the_priority(stage: &mut Stage<'_>) {
    let children = |_: &str| {
        let own = NewTrigger {
            priority: Some(-3),
            ..new("echo", "own")
        };
        vec![new("echo", "inherited"), own, new("inner", "")]
    };
    let inner = parent_job("inner", |_| echoes(1), None);
    let mut world = stage.world(vec![
        parent_job("parent", children, Some(tell)),
        inner,
        echo(),
    ]);
    let run = world.trigger_as(NewTrigger {
        priority: Some(7),
        ..new("parent", "")
    });
    world.completes(&run);
    let children = world.children(&run);
    let priorities: Vec<_> = children.iter().map(|child| child.priority).collect();
    assert_eq!(priorities, [7, -3, 7]);
    assert_eq!(world.children(&children[2].id)[0].priority, 7);
}

pub(super) fn children_have_options_of_their_own(stage: &mut Stage<'_>) {
    let children = |_: &str| {
        vec![NewTrigger {
            labels: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
            concurrency_key: Some("c".to_owned()),
            max_recoveries: Some(3),
            retry: Some(attempts(2)),
            timeout_ms: Some(60_000),
            delay_ms: Some(5_000),
            ..new("healing", "a")
        }]
    };
    let mut world = stage.world(vec![
        parent_job("parent", children, None),
        healing(1, &Counter::default()),
    ]);
    let started = world.now();
    let run = world.trigger("parent", "");
    assert_eq!(world.completes(&run), "a");
    assert_eq!(
        world.now() - started,
        6_000,
        "its delay, and that of its second attempt"
    );
    let child = world.children(&run).remove(0);
    assert_eq!(
        child.labels,
        BTreeMap::from([("k".to_owned(), "v".to_owned())])
    );
    assert_eq!(child.concurrency_key.as_deref(), Some("c"));
    assert_eq!(
        (child.max_recoveries, child.retry, child.timeout_ms),
        (3, attempts(2), Some(60_000))
    );
}

fn with(change: impl FnOnce(&mut NewTrigger)) -> NewTrigger {
    let mut child = new("echo", "bad");
    change(&mut child);
    child
}

type Bad = fn() -> (NewTrigger, FailureCode, &'static str);

/// Every option of a child that is wrong fails the parent's step, names child and option, and inserts nothing.
pub(super) fn a_bad_child_fails_the_step_and_inserts_nothing(stage: &mut Stage<'_>) {
    use FailureCode::{Conflict, InvalidInput, LimitExceeded, PayloadTooLarge};
    const BAD: [Bad; 12] = [
        || (with(|it| it.job_name.clear()), InvalidInput, "jobName"),
        || {
            (
                with(|it| it.input = "x".repeat(5_000_000).into()),
                PayloadTooLarge,
                "input",
            )
        },
        || {
            (
                with(|it| it.labels = [("a b".to_owned(), String::new())].into()),
                InvalidInput,
                "label",
            )
        },
        || {
            (
                with(|it| it.labels = (0..33).map(|n| (n.to_string(), String::new())).collect()),
                LimitExceeded,
                "labels",
            )
        },
        || {
            (
                with(|it| it.priority = Some(1_001)),
                InvalidInput,
                "priority",
            )
        },
        || {
            (
                with(|it| it.concurrency_key = Some(String::new())),
                InvalidInput,
                "concurrencyKey",
            )
        },
        || {
            (
                with(|it| it.idempotency_key = Some("i".to_owned())),
                InvalidInput,
                "idempotencyKey",
            )
        },
        || (with(|it| it.coalesce = true), InvalidInput, "coalesce"),
        || {
            (
                with(|it| it.retry = Some(attempts(0))),
                InvalidInput,
                "maxAttempts",
            )
        },
        || (with(|it| it.timeout_ms = Some(0)), InvalidInput, "timeout"),
        || {
            (
                with(|it| {
                    (it.delay_ms, it.start_at) = (Some(1), Some(stepwell_protocol::TimestampMs(1)));
                }),
                InvalidInput,
                "delay",
            )
        },
        || {
            (
                with(|it| it.concurrency_key = Some("taken".to_owned())),
                Conflict,
                "taken",
            )
        },
    ];
    let parent = job("parent", async |ctx, input| {
        let (bad, code, named) = BAD[input.parse::<usize>().unwrap_or_default()]();
        let first = with(|it| it.concurrency_key = Some("taken".to_owned()));
        let children = vec![first, bad, new("echo", "c")];
        match ctx
            .invoke_all("children", InvokeMode::Settled, children)
            .await
        {
            Ok(results) => Err(Thrown::new(format!("{named} was taken: {results:?}"))),
            Err(Thrown { failure, .. }) => {
                assert_eq!(failure.code, code, "{failure:?}");
                assert!(failure.message.contains("children[1]: "), "{failure:?}");
                assert!(failure.message.contains(named), "{failure:?}");
                assert_eq!(failure.step_name.as_deref(), Some("children"));
                Ok("caught".to_owned())
            }
        }
    });
    let mut world = stage.world(vec![parent, echo()]);
    for index in 0..BAD.len() {
        let run = world.trigger("parent", &index.to_string());
        assert_eq!(world.completes(&run), "caught");
        assert_eq!(world.children(&run).len(), 0, "nothing was inserted");
        assert_eq!(world.step(&run, "children").status, StepStatus::Failed);
    }
}

pub(super) fn too_many_children_fail_the_step(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![parent_job("parent", |_| echoes(1_001), None), echo()]);
    let run = world.trigger("parent", "");
    let failure = world.fails(&run);
    assert_eq!(failure.code, FailureCode::LimitExceeded, "{failure:?}");
    assert!(
        failure.message.contains("1000") && failure.message.contains("1001"),
        "{failure:?}"
    );
    assert_eq!(world.children(&run).len(), 0);
}

pub(super) fn other_children_in_a_later_attempt_are_a_mismatch(stage: &mut Stage<'_>) {
    async fn call(ctx: &super::context::Ctx, children: Vec<NewTrigger>) -> Outcome {
        let results = ctx
            .invoke_all("children", InvokeMode::FailFast, children)
            .await?;
        Ok(told(&results))
    }
    let count = job("count", async |ctx, _| {
        let more = ctx.attempt() as usize;
        call(&ctx, vec![new("failing", "no"); more]).await
    });
    let kind = job("kind", async |ctx, _| {
        let name = if ctx.attempt() == 1 {
            "failing"
        } else {
            "echo"
        };
        call(&ctx, vec![new(name, "no")]).await
    });
    let mut world = stage.world(vec![count, kind, echo(), failing()]);
    for name in ["count", "kind"] {
        let run = world.trigger(name, "");
        world.fails(&run);
        world.retry(&run);
        let failure = world.fails(&run);
        assert_eq!(failure.code, FailureCode::HistoryMismatch, "{failure:?}");
        assert_eq!(world.children(&run).len(), 1, "nothing was inserted");
    }
}

pub(super) fn a_cancelled_parent_makes_no_children(stage: &mut Stage<'_>) {
    let trace = Trace::default();
    let line = trace.clone();
    let child = job("child", async move |_, _| {
        line.push("a child runs");
        Ok(String::new())
    });
    let mut world = stage.world(vec![
        parent_job("parent", |_| vec![new("child", "")], None),
        child,
    ]);
    let run = world.trigger("parent", "");
    world.until_said(|message| matches!(message, ExecutorMessage::StepInvoke { .. }));
    world.cancel(&run);
    world.wait(10_000);
    assert_eq!(world.run(&run).status, RunStatus::Cancelled);
    assert_eq!(world.children(&run).len(), 0);
    assert!(trace.take().is_empty());
}
