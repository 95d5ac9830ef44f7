//! Parents and children that end well, or badly, as their functions decide.

use std::cell::RefCell;
use std::rc::Rc;

use stepwell_protocol::{FailureCode, InvokeMode, NewTrigger, RunFilter, RunStatus, StepStatus};

use super::Stage;
use super::combinators::{parent_job, poll, sequence, tell, told};
use super::function::{Counter, Job, Thrown, all, job};
use super::world::new;

/// Its output is its input.
pub(super) fn echo() -> Job {
    job("echo", async |ctx, input| {
        ctx.step("echo", |_| Ok(input.clone())).await
    })
}

/// It throws its input.
pub(super) fn failing() -> Job {
    job("failing", async |_, input| Err(Thrown::new(input)))
}

pub(super) fn echoes(count: usize) -> Vec<NewTrigger> {
    (0..count)
        .map(|number| new("echo", &number.to_string()))
        .collect()
}

fn numbers(count: usize) -> String {
    (0..count)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

pub(super) fn a_parent_of_parents_is_finalized(stage: &mut Stage<'_>) {
    let inner = parent_job(
        "inner",
        |input| vec![new("echo", input), new("echo", "x")],
        Some(tell),
    );
    let outer = parent_job(
        "outer",
        |_| vec![new("inner", "a"), new("inner", "b")],
        Some(tell),
    );
    let mut world = stage.world(vec![outer, inner, echo()]);
    let root = world.trigger("outer", "");
    assert_eq!(world.completes(&root), "a,x,b,x");

    let children = world.children(&root);
    assert_eq!(children.len(), 2);
    for (index, child) in (0..).zip(&children) {
        assert_eq!(child.job_name, "inner");
        assert_eq!(child.parent_id, Some(root.clone()));
        assert_eq!(child.parent_step.as_deref(), Some("children"));
        assert_eq!(child.child_index, Some(index));
        assert_eq!(child.root_id, root);
        for grandchild in world.children(&child.id) {
            assert_eq!(grandchild.parent_id, Some(child.id.clone()));
            assert_eq!(grandchild.root_id, root, "the root is at the top");
        }
    }
    let roots = world.runs(RunFilter {
        roots_only: true,
        ..RunFilter::default()
    });
    assert_eq!(roots.len(), 1, "children are no roots");
    assert_eq!(roots[0].id, root);
    assert_eq!((&roots[0].root_id, &roots[0].parent_id), (&root, &None));
}

pub(super) fn a_sequence_feeds_outputs_to_inputs(stage: &mut Stage<'_>) {
    let append = |name, letter: &'static str| {
        job(name, async move |ctx, input| {
            ctx.step("append", |_| Ok(format!("{input}{letter}"))).await
        })
    };
    let jobs = vec![
        sequence("sequence", &["first", "second", "third"]),
        append("first", "a"),
        append("second", "b"),
        append("third", "c"),
    ];
    let mut world = stage.world(jobs);
    let run = world.trigger("sequence", "-");
    assert_eq!(world.completes(&run), "-abc");
}

pub(super) fn a_sequence_names_the_index_of_its_failure(stage: &mut Stage<'_>) {
    let after = Counter::default();
    let counter = after.clone();
    let last = job("last", async move |_, _| Ok(counter.add().to_string()));
    let jobs = vec![
        sequence("sequence", &["echo", "failing", "last"]),
        echo(),
        failing(),
        last,
    ];
    let mut world = stage.world(jobs);
    let run = world.trigger("sequence", "no");
    let failure = world.fails(&run);
    assert!(failure.message.starts_with("jobs[1]: "), "{failure:?}");
    assert!(failure.message.contains("no"), "{failure:?}");
    assert_eq!(after.get(), 0, "it stops at the first failure");
}

pub(super) fn runs_at_once_have_outputs_of_their_own(stage: &mut Stage<'_>) {
    let both = job("both", async |ctx, input| {
        let steps = ["left", "right"].map(|side| {
            let (ctx, input) = (ctx.clone(), input.clone());
            async move { ctx.step(side, |_| Ok(format!("{side} {input}"))).await }
        });
        let outputs: Result<Vec<_>, _> = all(steps.into()).await.into_iter().collect();
        Ok(outputs?.join("/"))
    });
    let mut world = stage.world(vec![both]);
    let runs = (0..250)
        .map(|number| new("both", &number.to_string()))
        .collect();
    for (number, run) in world.trigger_all(runs).iter().enumerate() {
        assert_eq!(
            world.completes(run),
            format!("left {number}/right {number}")
        );
    }
}

pub(super) fn five_hundred_children_come_in_order(stage: &mut Stage<'_>) {
    let parent = parent_job("parent", |_| echoes(500), None);
    let mut world = stage.world(vec![parent, echo()]);
    let run = world.trigger("parent", "");
    assert_eq!(world.completes(&run), numbers(500));
    assert_eq!(world.children(&run).len(), 500);
}

pub(super) fn a_thousand_children_settle(stage: &mut Stage<'_>) {
    let some = |_: &str| {
        let one = |number: usize| match number % 10 {
            3 => new("failing", &number.to_string()),
            _ => new("echo", &number.to_string()),
        };
        (0..1_000).map(one).collect()
    };
    let mut world = stage.world(vec![
        parent_job("parent", some, Some(tell)),
        echo(),
        failing(),
    ]);
    let run = world.trigger("parent", "");
    let expected = |number: usize| match number % 10 {
        3 => format!("failed: {number}"),
        _ => number.to_string(),
    };
    let expected: Vec<_> = (0..1_000).map(expected).collect();
    assert_eq!(world.completes(&run), expected.join(","));
}

pub(super) fn no_children_are_an_empty_result(stage: &mut Stage<'_>) {
    let jobs = vec![
        parent_job("parent", |_| vec![], None),
        parent_job("settled", |_| vec![], Some(tell)),
    ];
    let mut world = stage.world(jobs);
    for name in ["parent", "settled"] {
        let run = world.trigger(name, "");
        assert_eq!(world.completes(&run), "");
    }
}

pub(super) fn a_failing_child_fails_its_parent(stage: &mut Stage<'_>) {
    let children = |_: &str| vec![new("echo", "a"), new("failing", "boom")];
    let mut world = stage.world(vec![
        parent_job("parent", children, None),
        echo(),
        failing(),
    ]);
    let run = world.trigger("parent", "");
    let failure = world.fails(&run);
    assert!(
        failure.message.contains("boom"),
        "it is the child's: {failure:?}"
    );
    assert!(
        failure.message.contains("children[1]"),
        "it says which one: {failure:?}"
    );
    assert_eq!(failure.step_name.as_deref(), Some("children"));
    assert_eq!(world.step(&run, "children").status, StepStatus::Failed);
}

pub(super) fn a_failing_child_is_told_to_finalize(stage: &mut Stage<'_>) {
    let children = |_: &str| vec![new("echo", "a"), new("failing", "boom"), new("echo", "c")];
    let mut world = stage.world(vec![
        parent_job("parent", children, Some(tell)),
        echo(),
        failing(),
    ]);
    let run = world.trigger("parent", "");
    assert_eq!(world.completes(&run), "a,failed: boom,c");
    assert_eq!(world.step(&run, "children").status, StepStatus::Completed);
}

pub(super) fn a_cancelled_child_is_told_to_finalize(stage: &mut Stage<'_>) {
    let waiting = job("waiting", async |ctx, _| {
        Ok(ctx.signal("go", "nobody", None).await?.unwrap_or_default())
    });
    let children = |_: &str| vec![new("echo", "a"), new("waiting", "")];
    let mut world = stage.world(vec![
        parent_job("parent", children, Some(tell)),
        echo(),
        waiting,
    ]);
    let run = world.trigger("parent", "");
    world.until_status(&run, RunStatus::Waiting);
    world.settle();
    let child = world.children(&run)[1].id.clone();
    world.cancel(&child);
    assert_eq!(world.completes(&run), "a,cancelled");
}

pub(super) fn a_cancelled_child_fails_a_fail_fast_parent(stage: &mut Stage<'_>) {
    let waiting = job("waiting", async |ctx, _| {
        Ok(ctx.signal("go", "nobody", None).await?.unwrap_or_default())
    });
    let children = |_: &str| vec![new("waiting", "")];
    let mut world = stage.world(vec![parent_job("parent", children, None), waiting]);
    let run = world.trigger("parent", "");
    world.settle();
    let child = world.children(&run)[0].id.clone();
    world.cancel(&child);
    let failure = world.fails(&run);
    assert_eq!(failure.code, FailureCode::Cancelled, "{failure:?}");
}

pub(super) fn a_finalize_that_throws_fails_the_run(stage: &mut Stage<'_>) {
    let parent = parent_job(
        "parent",
        |_| echoes(2),
        Some(|_| Err(Thrown::new("no finalize"))),
    );
    let mut world = stage.world(vec![parent, echo()]);
    let run = world.trigger("parent", "");
    let failure = world.fails(&run);
    assert_eq!(failure.message, "no finalize");
    assert_eq!(failure.step_name.as_deref(), Some("finalize"));
    let statuses: Vec<_> = world
        .children(&run)
        .iter()
        .map(|child| child.status)
        .collect();
    assert_eq!(statuses, [RunStatus::Completed, RunStatus::Completed]);
}

pub(super) fn poll_goes_on_until_a_value_appears(stage: &mut Stage<'_>) {
    let shelf = Rc::new(RefCell::new(None::<String>));
    let (looks, seen) = (Counter::default(), Rc::clone(&shelf));
    let counter = looks.clone();
    let look = job("look", async move |_, _| {
        counter.add();
        Ok(seen
            .borrow()
            .as_ref()
            .map_or("not yet".to_owned(), |value| format!("done:{value}")))
    });
    let mut world = stage.world(vec![poll("poll", "look", 10, 1_000), look]);
    let run = world.trigger("poll", "");
    world.wait(2_500);
    assert_eq!(looks.get(), 3, "at 0, 1 and 2 s");
    shelf.replace(Some("it".to_owned()));
    assert_eq!(world.completes(&run), "it");
    assert_eq!(looks.get(), 4);
    assert_eq!(
        world.children(&run).len(),
        4,
        "flat: all are children of the one run"
    );
}

pub(super) fn an_exhausted_poll_is_a_result(stage: &mut Stage<'_>) {
    let look = job("look", async |_, _| Ok("not yet".to_owned()));
    let mut world = stage.world(vec![poll("poll", "look", 3, 1_000), look]);
    let started = world.now();
    let run = world.trigger("poll", "");
    assert_eq!(world.completes(&run), "exhausted");
    assert_eq!(
        world.now() - started,
        2_000,
        "no delay after the last attempt"
    );
}

/// A child that waits for a key, whose signal comes after or before it waits.
pub(super) fn a_child_is_woken_by_its_key(stage: &mut Stage<'_>) {
    let approval = job("approval", async |ctx, key| {
        ctx.sleep("first", 1_000).await?;
        Ok(ctx
            .signal("approved", &key, None)
            .await?
            .unwrap_or_default())
    });
    let children = |_: &str| vec![new("approval", "early"), new("approval", "late")];
    let mut world = stage.world(vec![parent_job("parent", children, Some(tell)), approval]);
    let run = world.trigger("parent", "");
    world.settle();
    world.signal("early", "one");
    world.wait(5_000);
    assert_eq!(world.run(&run).status, RunStatus::Waiting);
    world.signal("late", "two");
    assert_eq!(world.completes(&run), "one,two");
}

pub(super) fn a_child_s_place_is_told_by_its_events(stage: &mut Stage<'_>) {
    let mut world = stage.world(vec![parent_job("parent", |_| echoes(1), None), echo()]);
    let run = world.trigger("parent", "");
    world.completes(&run);
    let child = world.children(&run)[0].id.clone();
    for event in world.events() {
        let expected = (event.head.run_id == child).then(|| run.clone());
        assert_eq!(event.head.parent_id, expected, "{event:?}");
    }
}

/// What an invoke of several calls at once comes to.
pub(super) fn several_invokes_wait_at_once(stage: &mut Stage<'_>) {
    let slow = job("slow", async |ctx, ms| {
        ctx.sleep("sleep", ms.parse().unwrap_or_default()).await?;
        Ok(ms)
    });
    let parent = job("parent", async |ctx, _| {
        let calls = ["300", "100", "200"].map(|ms| {
            let ctx = ctx.clone();
            async move {
                let children = vec![new("slow", ms), new("slow", "50")];
                ctx.invoke_all(ms, InvokeMode::Settled, children).await
            }
        });
        let results: Result<Vec<_>, _> = all(calls.into()).await.into_iter().collect();
        Ok(results?
            .iter()
            .map(|one| told(one))
            .collect::<Vec<_>>()
            .join("/"))
    });
    let mut world = stage.world(vec![parent, slow]);
    let started = world.now();
    let run = world.trigger("parent", "");
    assert_eq!(world.completes(&run), "300,50/100,50/200,50");
    assert_eq!(world.now() - started, 300);
}
