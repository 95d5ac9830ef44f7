//! Failed attempts of runs that are followed by others, and the budgets of their steps.

use stepwell_protocol::{Report, RequestId, Run, RunStatus, StepStatus, WaitingFor};

use super::Open;
use super::fixture::{
    Fixture, at, claimed_ids, completed, failed, failure, id, lines, messages, new_run, over,
    progress, retry_at, sleep_until, wait_for_network,
};
use crate::store::{WaitEnd, fence_of};

pub(super) fn a_failed_attempt_waits_for_the_next(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.crash();
    let fence = fence_of(&f.claim_one("job-1").run);
    let before = f.run(&id(1));
    assert_eq!(before.recoveries, 1);
    let why = WaitingFor::Retry {
        step_name: None,
        attempt: 2,
        until: at(300),
        error: failure("not yet"),
    };
    let report = Report {
        progress: progress(0.5).progress,
        ..lines(1, &["so far"])
    };
    let written = f
        .write(|store| store.retry_later(&fence, &why, at(300), &report, at(25)))
        .expect("the holder may put its run off");
    assert_eq!(messages(&written.logs), ["so far"]);
    let expected = Run {
        status: RunStatus::Waiting,
        version: before.version + 1,
        attempt: 2,
        recoveries: 0,
        waiting_for: Some(why),
        progress: progress(0.5).progress,
        log_count: 1,
        updated_at: at(25),
        ..before
    };
    assert_eq!(
        (written.head.status, written.head.version),
        (RunStatus::Waiting, expected.version)
    );
    assert_eq!(f.run(&id(1)), expected, "it has not ended");
    let last = f.read(|store| store.last_requests(&id(1)));
    assert_eq!(last, [RequestId::from("request-1")], "nobody asked for it");
    assert_eq!(f.read(|store| store.promote_due(at(299))), Some(at(300)));
    f.crash();
    assert_eq!(f.claim(&["job-1"], 1), [], "not before its time");
    assert_eq!(f.write(|store| store.promote_due(at(300))), None);
    assert_eq!(f.read(|store| store.promote_due(at(300))), None);
    assert_eq!(f.run(&id(1)), expected, "being due is no write to a run");
    let claimed = f.claim_one("job-1");
    assert_eq!((claimed.from, claimed.worked_ms), (RunStatus::Waiting, 0));
    assert_eq!((claimed.run.attempt, claimed.run.first_attempt), (2, 1));
    assert_eq!((claimed.run.recoveries, claimed.run.waiting_for), (0, None));
}

pub(super) fn the_next_attempt_is_among_the_next_times(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let put_off = |f: &mut Fixture, number: u32, until: i64| {
        let fence = f.running(number);
        f.put_off(&fence, until);
    };
    put_off(&mut f, 1, 500);
    put_off(&mut f, 2, 300);
    let mut new = new_run(3, "job-3");
    new.start_at = at(400);
    f.insert_as(&new);
    put_off(&mut f, 4, 200);
    f.cancel(&id(4));
    let mut next = |now: i64| f.transact(|store| store.promote_due(at(now)));
    assert_eq!(
        next(100),
        (Some(at(300)), false),
        "an ended one has no time"
    );
    assert_eq!(next(300), (Some(at(400)), true));
    assert_eq!(next(400), (Some(at(500)), true));
    let jobs = ["job-1", "job-2", "job-3", "job-4"];
    assert_eq!(claimed_ids(&f.claim(&jobs, 9)), [id(2), id(3)]);
}

pub(super) fn the_time_of_an_attempt_counts_once(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.put_off(&fence, 300);
    f.write(|store| store.promote_due(at(300)));
    let fence = fence_of(&f.claim_one("job-1").run);
    f.open(&fence, &sleep_until("nap", 9_000));
    f.suspend(&fence, &["nap"]);
    assert_eq!(f.read(|store| store.promote_due(at(9_999))), None);
    assert_eq!(
        f.claim(&["job-1"], 1),
        [],
        "it waits for something else now"
    );
    f.end(&id(1), "nap", &over());
    assert_eq!(f.read(|store| store.promote_due(at(9_999))), None);
}

pub(super) fn a_new_attempt_has_a_budget_of_its_own(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.step(&fence, &completed("done", "1"));
    f.step(&fence, &failed("failed", 3));
    f.open(&fence, &retry_at("again", 2, 100));
    f.open(&fence, &wait_for_network("upload", 0));
    f.open(&fence, &retry_at("woken", 1, 100));
    f.end(&id(1), "woken", &WaitEnd::Again);
    assert_eq!(f.one_step(&id(1), "woken").first_attempt, 1, "one budget");
    let done = f.one_step(&id(1), "done");
    f.put_off(&fence, 30);
    let budgets = |f: &mut Fixture| -> Vec<(String, u32, u32)> {
        let mut steps = f.steps(&id(1));
        steps.retain(|step| step.status == StepStatus::Pending);
        steps
            .into_iter()
            .map(|step| (step.name, step.attempt, step.first_attempt))
            .collect()
    };
    let one = |name: &str, attempt, first| (name.to_owned(), attempt, first);
    let expected = [
        one("again", 2, 3),
        one("failed", 3, 4),
        one("upload", 0, 1),
        one("woken", 1, 2),
    ];
    assert_eq!(budgets(&mut f), expected);
    assert_eq!(f.one_step(&id(1), "done"), done, "it stays as it is");
    assert_eq!(f.one_step(&id(1), "failed").error, Some(failure("no")));
    assert_eq!(f.run(&id(1)).step_count, 1, "a pending step is no outcome");
    f.write(|store| store.promote_due(at(30)));
    let fence = fence_of(&f.claim_one("job-1").run);
    let waits = f.open(&fence, &retry_at("again", 3, 100));
    assert_eq!(waits.first_attempt, 3, "a wait keeps it");
    f.end(&id(1), "again", &WaitEnd::Again);
    f.step(&fence, &failed("again", 4));
    let step = f.one_step(&id(1), "again");
    assert_eq!(step.first_attempt, 3, "so does an outcome");
    assert_eq!(
        step.completed_index,
        Some(2),
        "the failed one had the second"
    );
    f.fail(&fence);
    let retried = f.retry(&id(1));
    assert_eq!((retried.attempt, retried.first_attempt), (3, 3));
    assert_eq!(budgets(&mut f)[0], one("again", 4, 5));
}
