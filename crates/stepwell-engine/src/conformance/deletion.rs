//! Deleting runs, and blobs that no run refers to.

use stepwell_protocol::{BlobId, LogQuery, Order, RunFilter, RunId};

use super::Open;
use super::fixture::{Fixture, at, completed, ended, failure, id, labels, lines, new_run, nothing};
use crate::store::{RunOutcome, fence_of};

fn blobs(names: &[&str]) -> Vec<BlobId> {
    names.iter().map(|&name| name.into()).collect()
}

fn unreferenced(f: &mut Fixture, names: &[&str]) -> Vec<BlobId> {
    let asked = blobs(names);
    f.read(|store| store.unreferenced_blobs(&asked))
}

pub(super) fn a_deleted_run_takes_everything_along(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut new = new_run(1, "job");
    new.labels = labels(&[("a", "1"), ("b", "2")]);
    f.insert_as(&new);
    let fence = fence_of(&f.claim_one("job").run);
    f.write(|store| store.write_step(&fence, &completed("s", "1"), &lines(1, &["x"]), at(1)));
    f.complete(&fence);
    let mut other = new_run(2, "job");
    other.labels = new.labels.clone();
    f.insert_as(&other);
    let before = f.run(&id(1));
    let deleted = f
        .write(|store| store.delete_run(&id(1)))
        .expect("an ended run can be deleted");
    assert_eq!(deleted.head.run_id, id(1));
    assert_eq!(deleted.head.job_name, "job");
    assert_eq!(deleted.head.labels, new.labels);
    assert_eq!(
        (deleted.head.status, deleted.head.version),
        (before.status, before.version),
        "the run is told as it was"
    );
    assert_eq!(f.read(|store| store.run(&id(1))), None);
    assert_eq!(f.steps(&id(1)), []);
    let query = LogQuery {
        run_id: id(1),
        level: None,
        order: Order::Asc,
        cursor: None,
        limit: 9,
    };
    assert_eq!(f.read(|store| store.logs(&query)).logs, []);
    let filter = RunFilter {
        labels: labels(&[("a", "1")]),
        limit: 9,
        ..RunFilter::default()
    };
    let page = f.read(|store| store.runs(&filter));
    assert_eq!(page.runs.len(), 1, "another run of the labels stays");
    // Id, request and all are free again.
    f.insert_as(&new);
}

pub(super) fn only_ended_runs_are_deleted(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.insert(1, "job");
    f.running(2);
    for number in [1, 2, 3] {
        assert_eq!(f.read(|store| store.delete_run(&id(number))), None);
    }
    assert_eq!(f.all_runs().len(), 2);
    f.cancel(&id(1));
    f.cancel(&id(2));
    for number in [1, 2] {
        let deleted = f.write(|store| store.delete_run(&id(number)));
        assert!(deleted.is_some(), "a cancelled run has ended");
    }
}

pub(super) fn ended_runs_are_listed_by_their_end(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fences: Vec<_> = (1..=4).map(|number| f.running(number)).collect();
    for (index, end) in [(2, 10), (0, 30), (1, 20)] {
        let outcome = RunOutcome::Failed(failure("no"));
        f.write(|store| store.finish_run(&fences[index], &outcome, &nothing(), at(end)));
    }
    let mut before =
        |end: i64, limit: u32| -> Vec<RunId> { f.read(|store| store.ended_before(at(end), limit)) };
    assert_eq!(before(10, 9), []);
    assert_eq!(before(11, 9), [id(3)]);
    assert_eq!(before(99, 9), [id(3), id(2), id(1)]);
    assert_eq!(before(99, 2), [id(3), id(2)]);
    f.retry(&id(3));
    let left = f.read(|store| store.ended_before(at(99), 9));
    assert_eq!(left, [id(2), id(1)], "a retried run has not ended");
}

pub(super) fn blobs_are_referenced_by_inputs_steps_and_outputs(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut new = new_run(1, "job");
    new.blobs = blobs(&["input", "shared"]);
    f.insert_as(&new);
    let mut second = new_run(2, "other");
    second.blobs = blobs(&["shared"]);
    f.insert_as(&second);
    let fence = fence_of(&f.claim_one("job").run);
    let mut step = completed("s", "1");
    step.blobs = blobs(&["step", "input"]);
    f.step(&fence, &step);
    f.finish(&fence, &ended("1", &["output"]));
    let all = ["input", "shared", "step", "output"];
    assert_eq!(unreferenced(&mut f, &all), []);
    assert_eq!(
        unreferenced(&mut f, &["x", "step", "y"]),
        blobs(&["x", "y"])
    );
    let mut deleted = f
        .write(|store| store.delete_run(&id(1)))
        .expect("it is deleted")
        .blobs;
    deleted.sort();
    assert_eq!(deleted, blobs(&["input", "output", "step"]));
    assert_eq!(
        unreferenced(&mut f, &all),
        blobs(&["input", "step", "output"])
    );
    f.cancel(&id(2));
    let deleted = f.write(|store| store.delete_run(&id(2)));
    assert_eq!(deleted.expect("it is deleted").blobs, blobs(&["shared"]));
}

pub(super) fn refused_writes_reference_no_blobs(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.crash();
    f.claim_one("job-1");
    let mut step = completed("s", "1");
    step.blobs = blobs(&["step"]);
    let refused = f.read(|store| store.write_step(&fence, &step, &nothing(), at(1)));
    assert_eq!(refused, None);
    let end = ended("1", &["output"]);
    let refused = f.read(|store| store.finish_run(&fence, &end, &nothing(), at(1)));
    assert_eq!(refused, None);
    let mut again = new_run(2, "job");
    again.request_id = new_run(1, "job").request_id;
    again.blobs = blobs(&["input"]);
    f.read(|store| store.insert_run(&again));
    let all = ["step", "output", "input"];
    assert_eq!(unreferenced(&mut f, &all), blobs(&all));
}
