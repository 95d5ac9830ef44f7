//! What cancelling, failing, retrying and deleting do to the family of a run.

use stepwell_protocol::{
    Command, ErrorCode, EventBody, InvokeMode, NewTrigger, Reply, Run, RunId, RunStatus,
};

use super::Stage;
use super::combinators::{attempts, parent_job, tell, told};
use super::families::{echo, failing};
use super::function::{Counter, Job, Thrown, job};
use super::waits::receiver;
use super::world::{World, new};

fn statuses(runs: &[Run]) -> Vec<RunStatus> {
    runs.iter().map(|run| run.status).collect()
}

/// Grandparent, parents and children, of which the last ones wait for ever.
fn three_levels() -> Vec<Job> {
    let top = parent_job(
        "top",
        |_| vec![new("middle", "a"), new("middle", "b"), new("echo", "c")],
        None,
    );
    let middle = parent_job(
        "middle",
        |key| vec![new("receiver", key), new("echo", key)],
        None,
    );
    vec![top, middle, echo(), receiver()]
}

pub(super) fn cancelling_a_parent_cancels_its_descendants_level_by_level(stage: &mut Stage<'_>) {
    let mut world = stage.world(three_levels());
    let root = world.trigger("top", "");
    world.wait(1_000);
    world.events();
    assert_eq!(world.cancel(&root).status, RunStatus::Cancelled);
    let cancelled: Vec<RunId> = world
        .events()
        .into_iter()
        .filter(|event| matches!(event.body, EventBody::RunCancel))
        .map(|event| event.head.run_id)
        .collect();
    let level = |world: &mut World, runs: &[RunId]| -> Vec<RunId> {
        let children = runs
            .iter()
            .flat_map(|run| world.children(run))
            .collect::<Vec<_>>();
        children
            .into_iter()
            .filter(|run| run.status == RunStatus::Cancelled)
            .map(|run| run.id)
            .collect()
    };
    let first = level(&mut world, std::slice::from_ref(&root));
    let second = level(&mut world, &first);
    assert_eq!((first.len(), second.len()), (2, 2));
    assert_eq!(
        cancelled,
        [vec![root.clone()], first.clone(), second].concat()
    );
    let completed = world.children(&root).remove(2);
    assert_eq!(
        completed.status,
        RunStatus::Completed,
        "what has ended stays as it is"
    );
    world.settle();
    assert!(
        !world
            .host()
            .executors
            .iter()
            .any(|one| one.works_on(&root) || one.has_parked(&root))
    );
}

pub(super) fn a_completed_parent_leaves_its_children_alone(stage: &mut Stage<'_>) {
    let parent = job("parent", async |ctx, _| {
        let children = {
            let ctx = ctx.clone();
            async move {
                ctx.invoke_all("children", InvokeMode::Settled, vec![new("receiver", "k")])
                    .await
            }
        };
        let _children = ctx.spawn(children);
        ctx.sleep("sleep", 1_000).await?;
        Ok("done".to_owned())
    });
    let mut world = stage.world(vec![parent, receiver()]);
    let run = world.trigger("parent", "");
    assert_eq!(world.completes(&run), "done");
    world.wait(1_000);
    let child = world.children(&run).remove(0);
    assert_eq!(child.status, RunStatus::Waiting);
    let refused = world.refused(Command::DeleteRun {
        run_id: run.clone(),
    });
    assert_eq!(
        refused.0,
        ErrorCode::Conflict,
        "a descendant is active: {}",
        refused.1
    );
    world.signal("k", "v");
    assert_eq!(world.completes(&child.id), "v");
    assert_eq!(world.run(&run).status, RunStatus::Completed);
}

pub(super) fn a_failed_parent_cancels_its_descendants(stage: &mut Stage<'_>) {
    let parent = job("parent", async |ctx, _| {
        let children = {
            let ctx = ctx.clone();
            async move {
                ctx.invoke_all("children", InvokeMode::Settled, vec![new("middle", "k")])
                    .await
            }
        };
        let _children = ctx.spawn(children);
        ctx.sleep("sleep", 1_000).await?;
        Err(Thrown::new("no"))
    });
    let mut jobs = three_levels();
    jobs.push(parent);
    let mut world = stage.world(jobs);
    let run = world.trigger("parent", "");
    world.fails(&run);
    let middle = world.children(&run);
    assert_eq!(statuses(&middle), [RunStatus::Cancelled]);
    assert_eq!(
        statuses(&world.children(&middle[0].id)),
        [RunStatus::Cancelled, RunStatus::Completed]
    );
}

pub(super) fn fail_fast_cancels_the_siblings(stage: &mut Stage<'_>) {
    let children = |_: &str| {
        vec![
            new("echo", "a"),
            new("middle", "k"),
            new("late", "boom"),
            new("receiver", "m"),
        ]
    };
    let late = job("late", async |ctx, input| {
        ctx.sleep("sleep", 1_000).await?;
        Err(Thrown::new(input))
    });
    let mut jobs = three_levels();
    jobs.extend([parent_job("parent", children, None), late]);
    let mut world = stage.world(jobs);
    let run = world.trigger("parent", "");
    let failure = world.fails(&run);
    assert!(
        failure.message.contains("children[2]") && failure.message.contains("boom"),
        "{failure:?}"
    );
    let children = world.children(&run);
    let expected = [
        RunStatus::Completed,
        RunStatus::Cancelled,
        RunStatus::Failed,
        RunStatus::Cancelled,
    ];
    assert_eq!(statuses(&children), expected);
    let grandchildren = world.children(&children[1].id);
    assert_eq!(
        statuses(&grandchildren),
        [RunStatus::Cancelled, RunStatus::Completed]
    );
}

/// Fails until it has been tried so often over all its attempts.
pub(super) fn healing(after: u32, bodies: &Counter) -> Job {
    let bodies = bodies.clone();
    job("healing", async move |ctx, input| {
        ctx.step("once", |_| Ok(bodies.add().to_string())).await?;
        match ctx.attempt() > after {
            true => Ok(input),
            false => Err(Thrown::new(format!("not in attempt {}", ctx.attempt()))),
        }
    })
}

pub(super) fn a_retried_parent_keeps_what_completed_and_retries_the_rest(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let children = |_: &str| vec![new("echo", "a"), new("healing", "b"), new("receiver", "k")];
    let mut world = stage.world(vec![
        parent_job("parent", children, None),
        echo(),
        healing(1, &bodies),
        receiver(),
    ]);
    let run = world.trigger("parent", "");
    world.fails(&run);
    let before = world.children(&run);
    let ended = [
        RunStatus::Completed,
        RunStatus::Failed,
        RunStatus::Cancelled,
    ];
    assert_eq!(statuses(&before), ended);

    world.retry(&run);
    world.wait(1_000);
    world.signal("k", "c");
    assert_eq!(world.completes(&run), "a,b,c");
    let after = world.children(&run);
    let ids = |runs: &[Run]| runs.iter().map(|run| run.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&before), ids(&after), "they are the same runs");
    let made: Vec<_> = after.iter().map(|child| child.attempt).collect();
    assert_eq!(made, [1, 2, 2]);
    assert_eq!(
        before[0].version, after[0].version,
        "the completed one was not touched"
    );
    assert_eq!(
        bodies.get(),
        1,
        "a completed step of a retried child stands"
    );
}

pub(super) fn a_retry_goes_down_to_the_leaves(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let top = parent_job(
        "top",
        |_| vec![new("middle", "a"), new("middle", "b")],
        None,
    );
    let middle = parent_job(
        "middle",
        |key| vec![new("healing", key), new("echo", "x")],
        None,
    );
    let mut world = stage.world(vec![top, middle, echo(), healing(1, &bodies)]);
    let run = world.trigger("top", "");
    world.fails(&run);
    world.retry(&run);
    assert_eq!(world.completes(&run), "a,x,b,x");
    let middles = world.children(&run);
    let leaves: Vec<Run> = middles
        .iter()
        .flat_map(|one| world.children(&one.id))
        .collect();
    assert_eq!((middles.len(), leaves.len()), (2, 4));
}

pub(super) fn a_retry_takes_up_a_cancelled_family(stage: &mut Stage<'_>) {
    let mut world = stage.world(three_levels());
    let root = world.trigger("top", "");
    world.wait(1_000);
    world.cancel(&root);
    world.settle();
    world.retry(&root);
    world.wait(1_000);
    world.signal("a", "one");
    world.signal("b", "two");
    assert_eq!(world.completes(&root), "one,a,two,b,c");
}

/// Its own policy lets a parent invoke again, with the children that failed.
pub(super) fn a_parent_s_policy_retries_its_children(stage: &mut Stage<'_>) {
    let bodies = Counter::default();
    let children = |_: &str| vec![new("echo", "a"), new("healing", "b")];
    let mut world = stage.world(vec![
        parent_job("parent", children, None),
        echo(),
        healing(2, &bodies),
    ]);
    let started = world.now();
    let run = world.trigger_as(NewTrigger {
        retry: Some(attempts(3)),
        ..new("parent", "")
    });
    assert_eq!(world.completes(&run), "a,b");
    assert_eq!(world.now() - started, 3_000);
    let children = world.children(&run);
    assert_eq!((children.len(), children[1].attempt), (2, 3));
}

/// A parent's next attempt comes while a child is at work: it is waited for, and not made again.
pub(super) fn a_parent_s_next_attempt_waits_for_what_still_runs(stage: &mut Stage<'_>) {
    let parent = job("parent", async |ctx, _| {
        let children = {
            let ctx = ctx.clone();
            async move {
                ctx.invoke_all(
                    "children",
                    InvokeMode::Settled,
                    vec![new("receiver", "k"), new("echo", "e")],
                )
                .await
            }
        };
        let children = ctx.spawn(children);
        if ctx.attempt() == 1 {
            ctx.step("first", |_| Ok(String::new())).await?;
            return Err(Thrown::new("once"));
        }
        Ok(told(&children.get().await?))
    });
    let mut world = stage.world(vec![parent, receiver(), echo()]);
    let run = world.trigger_as(NewTrigger {
        retry: Some(attempts(2)),
        ..new("parent", "")
    });
    world.wait(5_000);
    assert_eq!(world.run(&run).attempt, 2);
    world.signal("k", "v");
    assert_eq!(world.completes(&run), "v,e");
    assert_eq!(world.children(&run).len(), 2);
}

pub(super) fn a_child_is_neither_retried_nor_deleted_alone(stage: &mut Stage<'_>) {
    let children = |_: &str| vec![new("failing", "no"), new("echo", "a")];
    let mut world = stage.world(vec![
        parent_job("parent", children, Some(tell)),
        echo(),
        failing(),
    ]);
    let run = world.trigger("parent", "");
    world.completes(&run);
    let child = world.children(&run)[0].id.clone();
    for command in [
        Command::Retry {
            run_id: child.clone(),
        },
        Command::DeleteRun {
            run_id: child.clone(),
        },
    ] {
        let (code, message) = world.refused(command);
        assert_eq!(code, ErrorCode::Conflict, "{message}");
        assert!(
            message.contains(run.as_str()),
            "it names its parent or root: {message}"
        );
    }
    let again = world.ask(Command::Retrigger {
        run_id: child,
        input: "again".into(),
        blobs: Vec::new(),
    });
    let Reply::Triggered { result } = again else {
        panic!("a child is triggered again as a run of its own, and not {again:?}");
    };
    let again = result.run;
    assert_eq!((&again.parent_id, &again.root_id), (&None, &again.id));
    assert_eq!(world.fails(&again.id).message, "again");
    assert_eq!(world.children(&run).len(), 2, "it is no child");
}

pub(super) fn deleting_a_root_takes_everything(stage: &mut Stage<'_>) {
    let mut world = stage.world(three_levels());
    let root = world.trigger("top", "");
    world.wait(1_000);
    let delete = Command::DeleteRun {
        run_id: root.clone(),
    };
    let (code, message) = world.refused(delete.clone());
    assert_eq!(code, ErrorCode::Conflict, "it is active: {message}");
    world.cancel(&root);
    world.settle();
    let mut family = world.children(&root);
    let grandchildren: Vec<Run> = family
        .iter()
        .flat_map(|run| world.children(&run.id))
        .collect();
    family.extend(grandchildren);
    assert_eq!(family.len(), 7);
    world.events();
    match world.ask(delete) {
        Reply::Deleted {
            has_more: false, ..
        } => {}
        other => panic!("deleted, and not {other:?}"),
    }
    for run in family.iter().map(|run| &run.id).chain([&root]) {
        assert_eq!(world.find(run), None);
    }
    let events = world.events();
    let deleted = events
        .iter()
        .filter(|event| matches!(event.body, EventBody::RunDelete));
    assert_eq!(deleted.count(), 8, "each is told");
    assert_eq!(world.runs(Default::default()).len(), 0);
}

pub(super) fn retention_looks_at_roots(stage: &mut Stage<'_>) {
    let children = |_: &str| vec![new("echo", "a"), new("receiver", "k")];
    let mut world = stage.world(vec![
        parent_job("parent", children, None),
        echo(),
        receiver(),
    ]);
    let run = world.trigger("parent", "");
    world.wait(86_400_000);
    let purge = Command::PurgeRuns {
        older_than_ms: 1_000,
        limit: 100,
    };
    let count = |reply| match reply {
        Reply::Deleted { count, .. } => count,
        other => panic!("deleted, and not {other:?}"),
    };
    assert_eq!(
        count(world.ask(purge.clone())),
        0,
        "its parent needs the child that ended long ago"
    );
    world.signal("k", "v");
    assert_eq!(world.completes(&run), "a,v");
    world.wait(86_400_000);
    assert_eq!(count(world.ask(purge)), 1, "descendants are not counted");
    assert_eq!(world.runs(Default::default()).len(), 0);
}
