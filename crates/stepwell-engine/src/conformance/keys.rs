//! Idempotency keys, concurrency keys, limits of jobs, delays.

use stepwell_protocol::{RequestId, RunStatus};

use super::Open;
use super::fixture::{Fixture, NOW, at, claimed_ids, id, new_run, served};
use crate::store::{Inserted, KeyOfJob, NewRun, Release, fence_of};

fn keyed(number: u32, job: &str, key: &str) -> NewRun {
    NewRun {
        concurrency_key: Some(key.to_owned()),
        ..new_run(number, job)
    }
}

fn idempotent(number: u32, job: &str, key: &str) -> NewRun {
    NewRun {
        idempotency_key: Some(key.to_owned()),
        ..new_run(number, job)
    }
}

pub(super) fn an_idempotency_key_finds_the_run_of_its_job(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let first = f.insert_as(&idempotent(1, "job", "k"));
    let found = f.read(|store| store.insert_run(&idempotent(2, "job", "k")));
    assert_eq!(found, Inserted::Idempotent(first));
    f.insert_as(&idempotent(3, "another", "k"));
    f.insert_as(&idempotent(4, "job", "K"));
    f.insert(5, "job");
    f.insert(6, "job");
    assert_eq!(f.all_runs().len(), 5, "another job, another key, no key");
    let fence = fence_of(&f.claim_one("job").run);
    let ended = f.complete(&fence);
    let found = f.read(|store| store.insert_run(&idempotent(7, "job", "k")));
    assert_eq!(found, Inserted::Idempotent(ended), "whatever its status");
    f.write(|store| store.delete_run(&id(1)));
    f.insert_as(&idempotent(8, "job", "k"));
}

pub(super) fn a_request_is_looked_up_before_the_keys_and_idempotency_before_concurrency(
    open: Open<'_>,
) {
    let mut f = Fixture::new(open);
    let by_request = f.insert_as(&keyed(1, "job", "a"));
    let mut both = keyed(2, "job", "b");
    both.idempotency_key = Some("k".to_owned());
    let by_key = f.insert_as(&both);
    let mut again = keyed(3, "job", "a");
    again.idempotency_key = Some("k".to_owned());
    let found = f.read(|store| store.insert_run(&again));
    assert_eq!(found, Inserted::Idempotent(by_key));
    again.request_id = new_run(1, "job").request_id;
    let found = f.read(|store| store.insert_run(&again));
    assert_eq!(found, Inserted::Existing(by_request));
}

pub(super) fn one_run_of_a_concurrency_key_is_pending(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let first = f.insert_as(&keyed(1, "job", "k"));
    let found = f.read(|store| store.insert_run(&keyed(2, "job", "k")));
    assert_eq!(found, Inserted::Pending(first));
    let pending = f.read(|store| store.pending_of_key("job", "k"));
    assert_eq!(pending, Some(id(1)));
    f.insert_as(&keyed(3, "another", "k"));
    f.insert_as(&keyed(4, "job", "other"));
    f.claim_one("another");
    let claimed = f.claim(&["job"], 9);
    assert_eq!(claimed_ids(&claimed), [id(1), id(4)]);
    let pending = f.read(|store| store.pending_of_key("job", "k"));
    assert_eq!(pending, None, "a running one is not pending");
    f.insert_as(&keyed(5, "job", "k"));
    let found = f.read(|store| store.insert_run(&keyed(6, "job", "k")));
    assert!(matches!(found, Inserted::Pending(run) if run.id == id(5)));
    f.cancel(&id(5));
    f.insert_as(&keyed(7, "job", "k"));
}

pub(super) fn one_run_of_a_concurrency_key_is_at_work(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.insert_as(&keyed(1, "job", "k"));
    let first = fence_of(&f.claim_one("job").run);
    f.insert_as(&keyed(2, "job", "k"));
    f.insert(3, "job");
    f.insert_as(&keyed(4, "another", "k"));
    let claimed = f.claim(&["job", "another"], 9);
    assert_eq!(
        claimed_ids(&claimed),
        [id(3), id(4)],
        "the pending one of the key is passed over, not waited for"
    );
    f.write(|store| store.release(&first, Release::Interrupted, NOW));
    let claimed = f.claim(&["job"], 9);
    assert_eq!(claimed_ids(&claimed), [id(1)], "what was begun comes first");
    let first = fence_of(&claimed[0].run);
    f.write(|store| store.release(&first, Release::Orderly, NOW));
    let first = fence_of(&f.claim_one("job").run);
    assert_eq!(first.run_id, id(1), "after an orderly release too");
    f.complete(&first);
    assert_eq!(claimed_ids(&f.claim(&["job"], 9)), [id(2)]);
}

pub(super) fn a_key_whose_function_is_leaving_is_not_claimed(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.insert_as(&keyed(1, "job", "k"));
    f.insert_as(&keyed(2, "job", "other"));
    f.insert(3, "job");
    let leaving = |job: &str, key: &str| KeyOfJob {
        job_name: job.to_owned(),
        key: key.to_owned(),
    };
    let job = [served("job", None)];
    let claimed = f.claim_jobs(
        &job,
        9,
        &[leaving("another", "other"), leaving("job", "k")],
        NOW,
    );
    assert_eq!(claimed_ids(&claimed), [id(2), id(3)]);
    assert_eq!(claimed_ids(&f.claim(&["job"], 9)), [id(1)]);
}

pub(super) fn a_job_s_limit_counts_all_its_leases(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for number in 1..=4 {
        f.insert(number, "limited");
    }
    let mut urgent = new_run(5, "free");
    urgent.priority = -1;
    f.insert_as(&urgent);
    let jobs = [served("limited", Some(2)), served("free", None)];
    let claimed = f.claim_jobs(&jobs, 1, &[], NOW);
    assert_eq!(claimed_ids(&claimed), [id(1)]);
    let claimed = f.claim_jobs(&jobs, 9, &[], NOW);
    assert_eq!(
        claimed_ids(&claimed),
        [id(2), id(5)],
        "the limit of one job leaves room for others"
    );
    assert_eq!(f.claim_jobs(&jobs, 9, &[], NOW), []);
    let fence = fence_of(&f.running_of("limited"));
    f.complete(&fence);
    assert_eq!(claimed_ids(&f.claim_jobs(&jobs, 9, &[], NOW)), [id(3)]);
    let none = [served("limited", Some(0))];
    assert_eq!(f.claim_jobs(&none, 9, &[], NOW), [], "no room at all");
}

pub(super) fn a_delayed_run_is_claimed_when_it_is_due(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for (number, start) in [(1, 500), (2, 300), (3, 0)] {
        let mut new = new_run(number, "job");
        new.start_at = at(start);
        f.insert_as(&new);
    }
    let mut other = new_run(4, "another");
    other.start_at = at(900);
    f.insert_as(&other);
    assert_eq!(claimed_ids(&f.claim_at(&["job"], 9, at(999))), [id(3)]);
    let jobs = f.read(|store| store.claimable_jobs());
    assert!(jobs.is_empty(), "what is not due is not claimable");
    let next = f.read(|store| store.promote_due(at(299)));
    assert_eq!(next, Some(at(300)), "nothing is early");
    let next = f.write(|store| store.promote_due(at(300)));
    assert_eq!(next, Some(at(500)), "to the millisecond");
    assert_eq!(claimed_ids(&f.claim(&["job"], 9)), [id(2)]);
    assert_eq!(f.run(&id(1)).version, 1, "being due is no write to a run");
    let next = f.write(|store| store.promote_due(at(1_000)));
    assert_eq!(next, None);
    assert_eq!(
        claimed_ids(&f.claim(&["job", "another"], 9)),
        [id(1), id(4)]
    );
}

pub(super) fn a_retry_does_not_wait_for_the_start(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut new = new_run(1, "job");
    new.start_at = at(5_000);
    f.insert_as(&new);
    f.cancel(&id(1));
    let retried = f.retry(&id(1));
    assert_eq!(retried.start_at, at(50), "it starts at the retry");
    assert_eq!(claimed_ids(&f.claim(&["job"], 1)), [id(1)]);
    let next = f.read(|store| store.promote_due(at(9_000)));
    assert_eq!(next, None);
}

pub(super) fn a_cancelled_run_is_never_due(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut new = new_run(1, "job");
    new.start_at = at(5);
    new.request_id = RequestId::from("r");
    f.insert_as(&new);
    f.cancel(&id(1));
    assert_eq!(f.read(|store| store.promote_due(at(3))), None);
    assert_eq!(f.read(|store| store.promote_due(at(9))), None);
    assert_eq!(f.run(&id(1)).status, RunStatus::Cancelled);
}
