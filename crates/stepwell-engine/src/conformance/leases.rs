//! Sessions, claims, adoption, release, expiry.

use stepwell_protocol::{Epoch, Generation, Run, RunStatus};

use super::Open;
use super::fixture::{
    Fixture, NOW, at, claimed_ids, completed, id, lines, messages, new_run, nothing,
};
use crate::store::{Claimed, Fence, Release, fence_of};

pub(super) fn sessions_rise(open: Open<'_>) {
    let mut f = Fixture::new(open);
    assert!(f.session > Epoch(0), "an epoch is above 0");
    let mut last = f.session;
    for _ in 0..3 {
        let next = f.write(|store| store.begin_session(NOW));
        assert!(next > last, "every session has a greater number");
        last = next;
    }
}

pub(super) fn claims_go_by_priority_then_start_then_id(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for (number, start, priority) in [
        (1, 9, 0),
        (2, 5, 0),
        (3, 9, 0),
        (4, 1, 0),
        (5, 5, 0),
        (6, 0, -1),
        (7, 9, 7),
    ] {
        let mut new = new_run(number, if number % 2 == 0 { "a" } else { "b" });
        new.start_at = at(start);
        new.priority = priority;
        f.insert_as(&new);
    }
    f.write(|store| store.promote_due(at(9)));
    let claimed = f.claim(&["b", "a"], 4);
    assert_eq!(
        claimed_ids(&claimed),
        [id(7), id(4), id(2), id(5)],
        "by priority, then start, then id, over all jobs"
    );
    let rest = f.claim(&["b", "a"], 4);
    assert_eq!(claimed_ids(&rest), [id(1), id(3), id(6)]);
}

pub(super) fn claims_keep_to_their_limit_and_jobs(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for number in 1..=6 {
        f.insert(number, ["a", "b", "c"][number as usize % 3]);
    }
    assert_eq!(claimed_ids(&f.claim(&["a", "a"], 1)), [id(3)]);
    assert_eq!(
        claimed_ids(&f.claim(&["a", "c", "a"], 2)),
        [id(2), id(5)],
        "a job that is named twice counts once"
    );
    assert_eq!(f.claim(&[], 5), [], "no job, no run");
    assert_eq!(f.claim(&["nobody's"], 5), []);
    assert_eq!(f.claim(&["b"], 0), []);
    let pending: Vec<_> = f
        .all_runs()
        .into_iter()
        .filter(|run| run.status == RunStatus::Pending)
        .map(|run| run.id)
        .collect();
    assert_eq!(pending, [id(6), id(4), id(1)], "the others are untouched");
}

pub(super) fn a_claim_sets_what_a_claim_sets(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let before = f.insert(1, "job");
    let claimed = f.claim_at(&["job"], 1, at(3));
    let expected = Run {
        status: RunStatus::Running,
        version: 2,
        generation: Generation(1),
        started_at: Some(at(3)),
        updated_at: at(3),
        ..before
    };
    assert_eq!(
        claimed,
        [Claimed {
            run: expected.clone(),
            from: RunStatus::Pending,
            parked: None,
            worked_ms: 0,
        }]
    );
    assert_eq!(f.run(&id(1)), expected, "and it is stored so");
}

pub(super) fn leased_and_ended_runs_are_not_claimed(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let jobs = ["job-1", "job-2", "job-3", "job-4"];
    let fences = [f.running(1), f.running(2), f.running(3), f.running(4)];
    f.complete(&fences[1]);
    f.fail(&fences[2]);
    f.cancel(&id(4));
    assert_eq!(f.claim(&jobs, 9), [], "one is leased, three have ended");
    f.crash();
    assert_eq!(
        claimed_ids(&f.claim(&jobs, 9)),
        [id(1)],
        "after a crash the running one is claimed"
    );
}

pub(super) fn a_claim_raises_the_generation_and_keeps_the_start(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    for generation in 2..=4 {
        f.crash();
        let claimed = f.claim_at(&["job-1"], 1, at(100)).remove(0);
        assert_eq!(claimed.run.generation, Generation(generation));
        assert_eq!(
            claimed.run.started_at,
            Some(NOW),
            "the first claim's time is kept"
        );
    }
}

pub(super) fn only_interrupted_claims_count_a_recovery(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.crash();
    let second = f.claim_one("job-1");
    assert_eq!((second.is_interrupted(), second.run.recoveries), (true, 1));
    let fence = fence_of(&second.run);
    f.write(|store| store.release(&fence, Release::Orderly, NOW));
    let third = f.claim_one("job-1");
    assert_eq!(
        (third.is_interrupted(), third.run.recoveries),
        (true, 1),
        "an orderly release is not counted, and what was counted stays"
    );
    let fence = fence_of(&third.run);
    f.write(|store| store.release(&fence, Release::Interrupted, NOW));
    let fourth = f.claim_one("job-1");
    assert_eq!((fourth.is_interrupted(), fourth.run.recoveries), (true, 2));
}

pub(super) fn a_step_sets_recoveries_to_zero(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.crash();
    let claimed = f.claim_one("job-1").run;
    assert_eq!(claimed.recoveries, 1);
    let fence = fence_of(&claimed);
    f.write(|store| store.write_report(&fence, &lines(1, &["x"]), NOW));
    assert_eq!(f.run(&id(1)).recoveries, 1, "a line alone is no step");
    f.step(&fence, &completed("a", "1"));
    assert_eq!(f.run(&id(1)).recoveries, 0);
}

pub(super) fn claimable_jobs_are_named_once_and_sorted(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for (number, job) in (1..).zip(["b", "a", "b", "ä", "", "a"]) {
        f.insert(number, job);
    }
    let jobs = |f: &mut Fixture| f.read(|store| store.claimable_jobs());
    assert_eq!(jobs(&mut f), ["", "a", "b", "ä"]);
    f.claim(&["a", ""], 9);
    assert_eq!(jobs(&mut f), ["b", "ä"], "leased runs are not claimable");
    f.crash();
    assert_eq!(
        jobs(&mut f),
        ["", "a", "b", "ä"],
        "runs with a void lease are"
    );
    for number in 1..=5 {
        f.cancel(&id(number));
    }
    assert_eq!(jobs(&mut f), ["a"], "ended ones are not");
}

pub(super) fn an_orderly_release_leaves_the_run_running(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let before = f.run(&id(1));
    let head = f.write(|store| store.release(&fence, Release::Orderly, at(8)));
    let expected = Run {
        version: before.version + 1,
        generation: Generation(2),
        updated_at: at(8),
        ..before
    };
    assert_eq!(f.run(&id(1)), expected);
    let head = head.expect("the holder may release");
    assert_eq!((head.run_id, head.job_name), (id(1), "job-1".to_owned()));
    assert_eq!(
        (head.status, head.version),
        (RunStatus::Running, expected.version)
    );
    let adopted = f.read(|store| store.adopt(&fence, Epoch(1), NOW, None));
    assert_eq!(adopted, None, "who gave it up does not get it back so");
}

pub(super) fn an_interrupted_release_leaves_the_run_running(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let head = f.write(|store| store.release(&fence, Release::Interrupted, NOW));
    assert_eq!(
        head.expect("the holder may release").status,
        RunStatus::Running
    );
    assert_eq!(f.run(&id(1)).generation, Generation(2));
    let late = f.read(|store| store.write_step(&fence, &completed("a", "1"), &nothing(), NOW));
    assert_eq!(late, None, "nothing more is written under the old token");
    let adopted = f.read(|store| store.adopt(&fence, Epoch(1), NOW, None));
    assert_eq!(adopted, None, "nor is it adopted by who held it");
    assert!(f.claim_one("job-1").is_interrupted());
}

pub(super) fn a_release_needs_its_fence(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let pending = f.insert(2, "job");
    let before = f.run(&id(1));
    let stale = Fence {
        generation: Generation(fence.generation.0 + 1),
        ..fence
    };
    for how in [Release::Orderly, Release::Interrupted] {
        assert_eq!(f.read(|store| store.release(&stale, how, NOW)), None);
        let unclaimed = fence_of(&pending);
        assert_eq!(f.read(|store| store.release(&unclaimed, how, NOW)), None);
    }
    assert_eq!(f.run(&id(1)), before);
    assert_eq!(f.run(&id(2)), pending);
}

pub(super) fn adoption_takes_a_void_lease_of_the_same_generation(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.write(|store| store.write_report(&fence, &lines(1, &["one", "two"]), NOW));
    let before = f.run(&id(1));
    f.crash();
    assert_eq!(
        f.run(&id(1)).generation,
        fence.generation,
        "voiding a lease leaves the generation"
    );
    let (session, expiry) = (f.session, f.expiry(at(11)));
    let adopted = f
        .write(|store| store.adopt(&fence, session, at(11), expiry))
        .expect("the run must be adopted");
    let expected = Run {
        version: before.version + 1,
        generation: Generation(2),
        updated_at: at(11),
        ..before
    };
    assert_eq!(adopted, expected, "no recovery is counted");
    assert_eq!(f.run(&id(1)), expected, "and it is stored so");
    assert_eq!(f.claim(&["job-1"], 1), [], "it is leased again");
    let adopted = fence_of(&adopted);
    let resent = f.write(|store| store.write_report(&adopted, &lines(2, &["two", "three"]), NOW));
    let stored = resent.expect("the adopter may write").logs;
    assert_eq!(messages(&stored), ["three"], "the line ordinal is kept");
}

pub(super) fn adoption_is_refused_otherwise(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let session = f.session;
    let fence = f.running(1);
    let ended = f.running(2);
    let pending = f.insert(3, "pending");
    let leased = f.read(|store| store.adopt(&fence, session, NOW, None));
    assert_eq!(leased, None, "a lease that is not void is not taken");
    f.complete(&ended);
    f.crash();
    let session = f.session;
    let before = f.run(&id(1));
    for generation in [0, 2] {
        let other = Fence {
            generation: Generation(generation),
            ..fence.clone()
        };
        let refused = f.read(|store| store.adopt(&other, session, NOW, None));
        assert_eq!(refused, None, "another generation has no claim on it");
    }
    assert_eq!(f.run(&id(1)), before);
    let refused = f.read(|store| store.adopt(&ended, session, NOW, None));
    assert_eq!(refused, None, "an ended run is not adopted");
    let refused = f.read(|store| store.adopt(&fence_of(&pending), session, NOW, None));
    assert_eq!(refused, None, "nor is a pending one");
    let unknown = Fence {
        run_id: id(9),
        ..fence.clone()
    };
    let refused = f.read(|store| store.adopt(&unknown, session, NOW, None));
    assert_eq!(refused, None, "nor one that is not there");
    f.claim_one("job-1");
    let refused = f.read(|store| store.adopt(&fence, session, NOW, None));
    assert_eq!(refused, None, "a run that another claimed is his");
}

pub(super) fn a_session_voids_the_leases_of_the_others(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let before = f.run(&id(1));
    f.session = f.write(|store| store.begin_session(at(5)));
    assert_eq!(
        f.run(&id(1)),
        before,
        "nothing that a run shows is changed by that"
    );
    let written = f.step(&fence, &completed("a", "1"));
    assert_eq!(
        written.completed_index, 0,
        "the generation still holds until somebody claims"
    );
    assert!(f.claim_one("job-1").is_interrupted());
}

pub(super) fn a_session_leaves_the_leases_of_the_others(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.session = f.write(|store| store.begin_session(at(5)));
    assert_eq!(
        f.claim(&["job-1"], 1),
        [],
        "another engine still works on it"
    );
}

pub(super) fn leases_expire_by_time(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.insert(2, "later");
    f.claim_at(&["later"], 1, at(500));
    let early = f.read(|store| store.expire_leases(at(999)));
    assert_eq!(early, 0, "a lease lasts until its time");
    let expired = f.write(|store| store.expire_leases(at(1_000)));
    assert_eq!(expired, 1, "and no longer");
    let again = f.read(|store| store.expire_leases(at(1_000)));
    assert_eq!(again, 0, "a void lease expires once");
    let run = f.run(&id(1));
    assert_eq!(
        (run.status, run.generation),
        (RunStatus::Running, fence.generation)
    );
    let claimed = f.claim(&["job-1", "later"], 9);
    assert_eq!(claimed_ids(&claimed), [id(1)]);
    assert!(claimed[0].is_interrupted());
}

pub(super) fn renewed_leases_do_not_expire(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    let before = f.run(&id(1));
    let first = f.session;
    f.session = f.write(|store| store.begin_session(NOW));
    let second = f.session;
    f.running(2);
    f.insert(3, "pending");
    f.write(|store| store.renew_leases(first, at(9_000)));
    assert_eq!(
        f.run(&id(1)),
        before,
        "nothing that a run shows is changed by a renewal"
    );
    let expired = f.write(|store| store.expire_leases(at(8_999)));
    assert_eq!(expired, 1, "only the other session's lease has expired");
    f.read(|store| store.renew_leases(second, at(20_000)));
    let expired = f.write(|store| store.expire_leases(at(9_000)));
    assert_eq!(expired, 1, "a renewed lease expires at its new time");
    let claimed = f.claim(&["job-1", "job-2"], 9);
    assert_eq!(
        claimed_ids(&claimed),
        [id(1), id(2)],
        "a void lease is not renewed"
    );
}
