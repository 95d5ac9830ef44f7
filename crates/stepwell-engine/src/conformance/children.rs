//! Runs that a step of another run made.

use stepwell_protocol::{
    ChildResult, InvokeMode, Payload, RunFilter, RunId, RunStatus, Step, StepStatus,
};

use super::Open;
use super::fixture::{
    Fixture, at, completed, ended, failure, id, new_child, over, sleep_until, wait_for_children,
};
use crate::store::{ChildCount, Fence, NewRun, Parent, RunOutcome, WaitEnd, fence_of};

/// A parent that waits in `all` for children 10, 11, … and is suspended.
fn parent_of(f: &mut Fixture, count: u32, mode: InvokeMode) -> Fence {
    let fence = f.running(1);
    for index in 0..count {
        f.insert_as(&new_child(10 + index, &id(1), "all", index));
    }
    f.open(&fence, &wait_for_children("all", count, mode));
    f.suspend(&fence, &["all"]);
    fence
}

/// Claims a child.
fn start(f: &mut Fixture, number: u32) -> Fence {
    fence_of(&f.claim_one(&format!("job-{number}")).run)
}

fn counted(f: &mut Fixture, step: &str) -> Option<ChildCount> {
    f.write(|store| store.child_ended(&id(1), step))
}

fn not_counted(f: &mut Fixture, number: u32, step: &str) {
    let count = f.read(|store| store.child_ended(&id(number), step));
    assert_eq!(count, None, "{step} waits for no children");
}

fn numbers(numbers: &[u32]) -> Vec<RunId> {
    numbers.iter().map(|&number| id(number)).collect()
}

pub(super) fn children_come_in_their_order(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    // Their ids are not in the order of the call.
    for (number, index) in [(13, 0), (12, 1), (14, 2), (11, 3), (15, 10)] {
        f.insert_as(&new_child(number, &id(1), "all", index));
    }
    f.insert_as(&new_child(16, &id(1), "other", 0));
    f.insert_as(&new_child(17, &id(2), "all", 0));
    let fence = start(&mut f, 13);
    f.finish(&fence, &ended("[13]", &[]));
    let fence = start(&mut f, 12);
    f.finish(&fence, &RunOutcome::Failed(failure("child")));
    f.cancel(&id(14));
    start(&mut f, 11);
    let child = |number: u32, status| ChildResult {
        run_id: id(number),
        job_name: format!("job-{number}"),
        status,
        output: None,
        error: None,
    };
    let expected = [
        ChildResult {
            output: Some(Payload::from("[13]")),
            ..child(13, RunStatus::Completed)
        },
        ChildResult {
            error: Some(failure("child")),
            ..child(12, RunStatus::Failed)
        },
        child(14, RunStatus::Cancelled),
        child(11, RunStatus::Running),
        child(15, RunStatus::Pending),
    ];
    assert_eq!(f.read(|store| store.children(&id(1), "all")), expected);
    let other = f.read(|store| store.children(&id(1), "other"));
    assert_eq!(other, [child(16, RunStatus::Pending)]);
    assert_eq!(f.read(|store| store.children(&id(1), "none")), []);
    assert_eq!(f.read(|store| store.children(&id(9), "all")), []);
}

pub(super) fn a_step_has_its_children(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.insert_as(&new_child(10, &id(1), "all", 0));
    f.insert_as(&new_child(11, &id(1), "all", 1));
    let opened = f.open(&fence, &wait_for_children("all", 2, InvokeMode::Settled));
    f.step(&fence, &completed("plain", "1"));
    let children = |f: &mut Fixture| f.read(|store| store.children(&id(1), "all"));
    let pending = children(&mut f);
    assert_eq!(opened.children, pending, "from the start");
    assert_eq!(pending.len(), 2);
    for number in [10, 11] {
        let child = start(&mut f, number);
        f.finish(&child, &ended("[1]", &[]));
    }
    f.end(&id(1), "all", &over());
    let expected = children(&mut f);
    let step = f.one_step(&id(1), "all");
    assert_eq!((&step.children, &step.output), (&expected, &None));
    assert_eq!(step.status, StepStatus::Completed);
    assert_eq!(expected[1].output, Some(Payload::from("[1]")));
    let steps = f.steps(&id(1));
    assert_eq!((&steps[0].children, &steps[1]), (&vec![], &step));
    let since = f.read(|store| store.steps_since(&id(1), 1));
    assert_eq!(since, std::slice::from_ref(&step));
    let without = f.read(|store| store.steps(&id(1), false));
    let expected = Step {
        children: Vec::new(),
        ..step
    };
    assert_eq!(without[1], expected, "only where outputs are asked for");
}

pub(super) fn children_are_listed_by_id(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    for (number, step, index) in [(12, "b", 0), (10, "a", 1), (11, "a", 0), (13, "a", 2)] {
        f.insert_as(&new_child(number, &id(1), step, index));
    }
    f.insert_as(&new_child(14, &id(2), "a", 0));
    let mut grandchild = new_child(15, &id(10), "a", 0);
    if let Some(parent) = &mut grandchild.parent {
        parent.root_id = id(1);
    }
    f.insert_as(&grandchild);
    let all = f.read(|store| store.child_ids(&id(1)));
    assert_eq!(all, numbers(&[10, 11, 12, 13]));
    assert_eq!(f.read(|store| store.child_ids(&id(9))), []);
    let active =
        |f: &mut Fixture, step: Option<&str>| f.read(|store| store.active_children(&id(1), step));
    assert_eq!(active(&mut f, None), numbers(&[10, 11, 12, 13]));
    let fence = start(&mut f, 10);
    f.complete(&fence);
    let fence = start(&mut f, 11);
    f.open(&fence, &sleep_until("nap", 10));
    f.suspend(&fence, &["nap"]);
    f.cancel(&id(13));
    assert_eq!(active(&mut f, None), numbers(&[11, 12]), "a waiting one is");
    assert_eq!(active(&mut f, Some("a")), numbers(&[11]));
    assert_eq!(active(&mut f, Some("c")), []);
    assert_eq!(f.read(|store| store.child_ids(&id(1))), all, "all stay");
}

pub(super) fn children_are_counted_down_to_none(open: Open<'_>) {
    for mode in [InvokeMode::FailFast, InvokeMode::Settled] {
        let mut f = Fixture::new(open);
        let fence = f.running(1);
        f.open(&fence, &wait_for_children("all", 3, mode));
        f.open(&fence, &wait_for_children("one", 1, InvokeMode::FailFast));
        f.open(&fence, &sleep_until("nap", 10));
        let before = (f.run(&id(1)), f.steps(&id(1)));
        let count = |pending| Some(ChildCount { pending, mode });
        assert_eq!(counted(&mut f, "all"), count(2));
        assert_eq!((f.run(&id(1)), f.steps(&id(1))), before, "not shown");
        f.suspend(&fence, &["all"]);
        assert_eq!(counted(&mut f, "all"), count(1), "of a waiting run too");
        assert_eq!(f.claim(&["job-1"], 1), [], "that wakes nobody");
        assert_eq!(counted(&mut f, "all"), count(0));
        not_counted(&mut f, 1, "all");
        let one = counted(&mut f, "one").expect("each step has its own count");
        assert_eq!((one.pending, one.mode), (0, InvokeMode::FailFast));
        for (number, step) in [(1, "nap"), (1, "unknown"), (9, "all")] {
            not_counted(&mut f, number, step);
        }
    }
}

pub(super) fn a_wait_may_begin_with_fewer_children_than_it_has(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let mut wait = wait_for_children("all", 5, InvokeMode::Settled);
    let crate::store::Wait::Children { pending, .. } = &mut wait.wait else {
        unreachable!("it waits for children");
    };
    *pending = 2;
    f.open(&fence, &wait);
    let left = |count: Option<ChildCount>| count.map(|count| count.pending);
    assert_eq!(left(counted(&mut f, "all")), Some(1), "some had ended");
    assert_eq!(left(counted(&mut f, "all")), Some(0));
    not_counted(&mut f, 1, "all");
}

pub(super) fn a_wait_that_is_over_counts_no_children(open: Open<'_>) {
    for case in ["ended", "again", "cancelled", "later"] {
        let mut f = Fixture::new(open);
        let fence = f.running(1);
        f.open(&fence, &wait_for_children("all", 3, InvokeMode::Settled));
        counted(&mut f, "all");
        match case {
            "ended" => drop(f.end(&id(1), "all", &over())),
            "again" => drop(f.end(&id(1), "all", &WaitEnd::Again)),
            "cancelled" => drop(f.cancel(&id(1))),
            _ => drop(f.put_off(&fence, 60)),
        }
        not_counted(&mut f, 1, "all");
    }
}

pub(super) fn a_parent_waits_for_its_children_anew(open: Open<'_>) {
    let mut f = Fixture::new(open);
    parent_of(&mut f, 3, InvokeMode::FailFast);
    counted(&mut f, "all");
    f.cancel(&id(1));
    let fence = f.retry_and_claim(&id(1));
    let step = f.open(&fence, &wait_for_children("all", 3, InvokeMode::Settled));
    assert_eq!(step.children.len(), 3, "the same runs");
    let anew = ChildCount {
        pending: 2,
        mode: InvokeMode::Settled,
    };
    assert_eq!(
        counted(&mut f, "all"),
        Some(anew),
        "the count is the new one"
    );
}

pub(super) fn heads_tell_whose_child_a_run_is(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.insert_as(&new_child(10, &id(1), "all", 0));
    let fence = start(&mut f, 10);
    let nap = sleep_until("nap", 10);
    f.open(&fence, &nap);
    let head = f.suspend(&fence, &["nap"]);
    assert_eq!(head.parent_id, Some(id(1)));
    assert_eq!(head.parent_step.as_deref(), Some("all"));
    let ended = f.end(&id(10), "nap", &over()).head;
    assert_eq!(
        (ended.parent_id, ended.parent_step),
        (head.parent_id, head.parent_step)
    );
    let fence = start(&mut f, 10);
    let written = f.step(&fence, &completed("a", "1")).head;
    assert_eq!(written.parent_id, Some(id(1)));
    f.complete(&fence);
    let deleted = f.write(|store| store.delete_run(&id(10)));
    let head = deleted.expect("it is deleted").head;
    assert_eq!(head.parent_id, Some(id(1)));
    assert_eq!(head.parent_step.as_deref(), Some("all"));
    let claimed = f.run(&id(1));
    assert_eq!((claimed.parent_id, claimed.root_id), (None, id(1)));
}

pub(super) fn runs_are_filtered_by_parent(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.running(2);
    for (number, parent) in [(10, 1), (11, 2), (12, 1), (13, 1)] {
        f.insert_as(&new_child(number, &id(parent), "all", number - 10));
    }
    f.cancel(&id(12));
    let list = |f: &mut Fixture, filter: RunFilter| -> Vec<RunId> {
        let page = f.read(|store| store.runs(&filter));
        page.runs.into_iter().map(|run| run.id).collect()
    };
    let of_one = RunFilter {
        parent_id: Some(id(1)),
        limit: 9,
        ..RunFilter::default()
    };
    let roots = RunFilter {
        roots_only: true,
        limit: 9,
        ..RunFilter::default()
    };
    assert_eq!(list(&mut f, of_one.clone()), numbers(&[13, 12, 10]));
    assert_eq!(list(&mut f, roots.clone()), numbers(&[2, 1]));
    let active = RunFilter {
        statuses: vec![RunStatus::Pending],
        ..of_one.clone()
    };
    assert_eq!(list(&mut f, active), numbers(&[13, 10]));
    let first = RunFilter {
        limit: 2,
        ..of_one.clone()
    };
    let page = f.read(|store| store.runs(&first));
    assert_eq!(page.next_cursor, Some(id(12)));
    let rest = RunFilter {
        cursor: page.next_cursor,
        ..of_one.clone()
    };
    assert_eq!(list(&mut f, rest), numbers(&[10]));
    let older = RunFilter {
        cursor: Some(id(2)),
        ..roots
    };
    assert_eq!(list(&mut f, older), numbers(&[1]));
    let neither = RunFilter {
        roots_only: true,
        ..of_one
    };
    assert_eq!(list(&mut f, neither), [], "both must hold");
}

pub(super) fn retention_passes_over_children_and_active_families(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let grandchild = |number: u32, parent: u32, root: u32| NewRun {
        parent: Some(Parent {
            run_id: id(parent),
            step_name: "all".to_owned(),
            index: 0,
            root_id: id(root),
        }),
        ..super::fixture::new_run(number, &format!("job-{number}"))
    };
    for number in 1..=3 {
        let fence = f.running(number);
        f.complete(&fence);
    }
    f.insert_as(&grandchild(10, 1, 1));
    f.insert_as(&grandchild(11, 10, 1));
    f.insert_as(&grandchild(12, 2, 2));
    let old = |f: &mut Fixture, limit: u32| f.read(|store| store.ended_before(at(999), limit));
    assert_eq!(
        old(&mut f, 9),
        numbers(&[3]),
        "the others' families are active"
    );
    f.cancel(&id(10));
    f.cancel(&id(12));
    assert_eq!(old(&mut f, 9), numbers(&[2, 3]), "a child is no root");
    assert_eq!(old(&mut f, 1), numbers(&[2]));
    let fence = start(&mut f, 11);
    f.open(&fence, &sleep_until("nap", 10));
    f.suspend(&fence, &["nap"]);
    assert_eq!(old(&mut f, 9), numbers(&[2, 3]), "a grandchild waits");
    f.cancel(&id(11));
    assert_eq!(old(&mut f, 9), numbers(&[1, 2, 3]));
    assert_eq!(old(&mut f, 2), numbers(&[1, 2]));
}

pub(super) fn a_deleted_parent_leaves_its_children(open: Open<'_>) {
    let mut f = Fixture::new(open);
    parent_of(&mut f, 2, InvokeMode::Settled);
    let child = f.run(&id(10));
    f.cancel(&id(1));
    let deleted = f.write(|store| store.delete_run(&id(1)));
    assert!(deleted.is_some(), "who deletes it sees to its children");
    assert_eq!(f.run(&id(10)), child);
    assert_eq!(f.read(|store| store.child_ids(&id(1))), numbers(&[10, 11]));
    not_counted(&mut f, 1, "all");
}
