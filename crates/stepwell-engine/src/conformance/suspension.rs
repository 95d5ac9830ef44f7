//! Runs that wait: suspended, woken, claimed again.

use stepwell_protocol::{ExecutorId, Generation, InvokeMode, Report, Run, RunStatus, WaitingFor};

use super::Open;
use super::fixture::{
    FOR_NETWORK, Fixture, NOW, at, claimed_ids, completed, id, lines, messages, names, new_run,
    nothing, over, progress, retry_at, served, sleep_until, suspension, wait_for_children,
    wait_for_network, wait_for_signal,
};
use crate::store::{Fence, Parked, Release, Suspension, WaitEnd, fence_of};

pub(super) fn a_suspended_run_waits(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &sleep_until("nap", 100));
    let before = f.run(&id(1));
    let waiting_for = WaitingFor::Sleep {
        step_name: "nap".to_owned(),
        until: at(100),
    };
    let report = Report {
        progress: progress(0.5).progress,
        ..lines(1, &["good night"])
    };
    let suspended = f
        .write(|store| {
            let waits = names(&["nap"]);
            store.suspend(&fence, &suspension(&waits, &waiting_for), &report, at(22))
        })
        .expect("the holder may suspend its run");
    assert!(suspended.is_suspended);
    assert_eq!(messages(&suspended.logs), ["good night"]);
    let expected = Run {
        status: RunStatus::Waiting,
        version: before.version + 1,
        waiting_for: Some(waiting_for),
        progress: progress(0.5).progress,
        log_count: 1,
        updated_at: at(22),
        ..before
    };
    assert_eq!(
        (suspended.head.status, suspended.head.version),
        (RunStatus::Waiting, expected.version)
    );
    assert_eq!(f.run(&id(1)), expected, "and keeps its generation");
    assert_eq!(f.claim(&["job-1"], 1), [], "nothing has woken it");
    assert!(f.read(|store| store.claimable_jobs()).is_empty());
    f.crash();
    assert_eq!(f.claim(&["job-1"], 1), [], "it had no lease to lose");
    assert_eq!(f.read(|store| store.promote_due(at(9_999))), None);
    assert_eq!(f.run(&id(1)), expected);
}

pub(super) fn what_a_run_waits_for_comes_back(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let waits = [
        retry_at("a", 4, 100),
        sleep_until("b", 200),
        wait_for_signal("c", "key", Some(300)),
        wait_for_signal("d", "other", None),
        wait_for_network("e", 0),
        wait_for_children("f", 3, InvokeMode::FailFast),
    ];
    for (number, wait) in (1..).zip(waits) {
        let fence = f.running(number);
        let step = f.open(&fence, &wait);
        f.suspend(&fence, &[&wait.name]);
        assert_eq!(f.run(&id(number)).waiting_for, step.waiting_for);
    }
}

pub(super) fn a_suspension_is_refused_where_a_wait_has_ended(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &sleep_until("open", 100));
    f.open(&fence, &sleep_until("over", 10));
    f.open(&fence, &retry_at("again", 1, 10));
    f.end(&id(1), "over", &over());
    f.end(&id(1), "again", &WaitEnd::Again);
    for (ordinal, ended) in (1..).zip(["over", "again", "unknown"]) {
        let waits = names(&["open", ended]);
        let both = suspension(&waits, &FOR_NETWORK);
        let before = f.run(&id(1));
        let refused = f
            .read(|store| store.suspend(&fence, &both, &nothing(), at(99)))
            .expect("the holder is answered");
        assert!(!refused.is_suspended, "{ended} is not open");
        assert_eq!(refused.head.version, before.version);
        assert_eq!(f.run(&id(1)), before);
        let report = lines(ordinal, &["news"]);
        let refused = f
            .write(|store| store.suspend(&fence, &both, &report, at(99)))
            .expect("the holder is answered");
        assert!(!refused.is_suspended);
        assert_eq!(messages(&refused.logs), ["news"], "the report is stored");
        let expected = Run {
            version: before.version + 1,
            log_count: ordinal,
            updated_at: at(99),
            ..before
        };
        assert_eq!(refused.head.status, RunStatus::Running);
        assert_eq!(refused.head.version, expected.version);
        assert_eq!(f.run(&id(1)), expected);
    }
    assert_eq!(f.claim(&["job-1"], 1), [], "it is leased still");
    f.step(&fence, &completed("a", "1"));
    f.suspend(&fence, &["open"]);
}

pub(super) fn nothing_is_written_for_a_waiting_run(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.sleeping(1, 100);
    let session = f.session;
    let before = (f.run(&id(1)), f.steps(&id(1)));
    f.read(|store| {
        let step = store.write_step(&fence, &completed("x", "1"), &lines(1, &["x"]), at(99))?;
        assert_eq!(step, None);
        let report = store.write_report(&fence, &lines(1, &["x"]), at(99))?;
        assert_eq!(report, None);
        let wait = store.open_wait(&fence, &sleep_until("x", 1), &nothing(), at(99))?;
        assert_eq!(wait, None);
        let again = store.open_wait(&fence, &sleep_until("nap", 1), &nothing(), at(99))?;
        assert_eq!(again, None, "not even a repeat");
        let waits = names(&["nap"]);
        let twice = suspension(&waits, &FOR_NETWORK);
        assert_eq!(store.suspend(&fence, &twice, &nothing(), at(99))?, None);
        let later = store.retry_later(&fence, &FOR_NETWORK, at(99), &nothing(), at(99))?;
        assert_eq!(later, None);
        let end = super::fixture::ended("1", &[]);
        assert_eq!(store.finish_run(&fence, &end, &nothing(), at(99))?, None);
        for how in [Release::Orderly, Release::Interrupted] {
            assert_eq!(store.release(&fence, how, at(99))?, None);
        }
        assert_eq!(store.adopt(&fence, session, at(99), None)?, None);
        Ok(())
    });
    assert_eq!((f.run(&id(1)), f.steps(&id(1))), before);
}

pub(super) fn a_run_waits_for_the_network_itself(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let no_waits = names(&[]);
    for number in [1, 2] {
        let fence = f.running(number);
        f.suspend_as(&fence, &suspension(&no_waits, &FOR_NETWORK));
    }
    let fence = f.running(3);
    f.open(&fence, &wait_for_network("upload", 0));
    f.suspend(&fence, &["upload"]);
    f.sleeping(4, 100);
    f.running(5);
    let fence = f.running(6);
    f.suspend_as(&fence, &suspension(&no_waits, &FOR_NETWORK));
    f.cancel(&id(6));
    let before = f.all_runs();
    let jobs = ["job-1", "job-2", "job-3", "job-4", "job-5", "job-6"];
    assert_eq!(f.claim(&jobs, 9), []);
    assert_eq!(f.write(|store| store.wake_network_runs()), 2);
    assert_eq!(f.read(|store| store.wake_network_runs()), 0, "once");
    assert_eq!(f.all_runs(), before, "a run shows nothing of that");
    let claimed = f.claim(&jobs, 9);
    assert_eq!(claimed_ids(&claimed), [id(1), id(2)]);
    assert_eq!(f.read(|store| store.wake_network_runs()), 0);
}

pub(super) fn the_end_of_a_wait_wakes_its_run(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.crash();
    let fence = fence_of(&f.claim_one("job-1").run);
    f.open(&fence, &sleep_until("nap", 100));
    f.write(|store| store.write_report(&fence, &lines(1, &["a", "b"]), NOW));
    f.suspend(&fence, &["nap"]);
    f.end(&id(1), "nap", &over());
    assert_eq!(f.read(|store| store.claimable_jobs()), ["job-1"]);
    let before = f.run(&id(1));
    let claimed = f.claim_at(&["job-1"], 1, at(500)).remove(0);
    assert_eq!(claimed.from, RunStatus::Waiting);
    assert!(!claimed.is_interrupted());
    assert_eq!(claimed.parked, None);
    let expected = Run {
        status: RunStatus::Running,
        version: before.version + 1,
        generation: Generation(before.generation.0 + 1),
        waiting_for: None,
        updated_at: at(500),
        ..before
    };
    assert_eq!(claimed.run, expected, "no recovery; the start is kept");
    assert_eq!(f.run(&id(1)), expected, "and it is stored so");
    let fence = fence_of(&claimed.run);
    let written = f.write(|store| store.write_report(&fence, &lines(1, &["c"]), NOW));
    let stored = written.expect("the new holder may report").logs;
    assert_eq!(messages(&stored), ["c"], "the ordinals start again");
    f.crash();
    let claimed = f.claim_one("job-1");
    assert_eq!(
        (claimed.from, claimed.run.recoveries),
        (RunStatus::Running, 1)
    );
}

pub(super) fn a_step_to_run_again_wakes_its_run(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &retry_at("a", 1, 100));
    f.open(&fence, &sleep_until("nap", 100));
    f.suspend(&fence, &["a", "nap"]);
    f.end(&id(1), "a", &WaitEnd::Again);
    let claimed = f.claim_one("job-1");
    let fence = fence_of(&claimed.run);
    let mut again = completed("a", "1");
    again.attempt = 2;
    f.step(&fence, &again);
    f.suspend(&fence, &["nap"]);
    assert_eq!(f.claim(&["job-1"], 1), [], "it waits again");
    f.wake_up(&fence);
}

pub(super) fn where_a_function_is_parked_comes_with_the_claim(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut fence = f.running(1);
    f.step(&fence, &completed("a", "1"));
    f.open(&fence, &sleep_until("nap", 100));
    let parked_by = |f: &mut Fixture| f.read(|store| store.parked_by(&id(1)));
    assert_eq!(parked_by(&mut f), None);
    f.park(&fence, "nap", "executor ü", 700);
    assert_eq!(parked_by(&mut f), Some(ExecutorId::from("executor ü")));
    f.end(&id(1), "nap", &over());
    assert_eq!(
        parked_by(&mut f),
        Some(ExecutorId::from("executor ü")),
        "until it is claimed"
    );
    let claimed = f.claim_one("job-1");
    let parked = Parked {
        executor_id: ExecutorId::from("executor ü"),
        next_index: 1,
    };
    assert_eq!(
        claimed.parked,
        Some(parked),
        "it does not know of the sleep"
    );
    assert_eq!(claimed.worked_ms, 700);
    assert_eq!(parked_by(&mut f), None, "it is told once");
    let missed = f.read(|store| store.steps_since(&id(1), 1));
    assert_eq!(super::fixture::step_names(&missed), ["nap"]);
    fence = fence_of(&claimed.run);
    f.open(&fence, &sleep_until("again", 100));
    f.suspend(&fence, &["again"]);
    f.end(&id(1), "again", &over());
    let claimed = f.claim_one("job-1");
    assert_eq!(claimed.parked, None, "this time it did not stay");
    assert_eq!(f.read(|store| store.parked_by(&id(9))), None);
}

pub(super) fn the_time_at_work_adds_up_in_an_attempt(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut fence = f.running(1);
    for (name, worked, sum) in [
        ("a", 300, 300),
        ("b", 0, 300),
        ("c", 1 << 40, 300 + (1 << 40)),
    ] {
        f.open(&fence, &sleep_until(name, 100));
        f.park(&fence, name, "executor", worked);
        f.end(&id(1), name, &over());
        let claimed = f.claim_one("job-1");
        assert_eq!(claimed.worked_ms, sum);
        fence = fence_of(&claimed.run);
    }
    f.crash();
    let claimed = f.claim_one("job-1");
    assert_eq!(
        claimed.worked_ms,
        300 + (1 << 40),
        "a crash forgets no more"
    );
    assert_eq!(claimed.parked, None);
    f.fail(&fence_of(&claimed.run));
    f.retry(&id(1));
    assert_eq!(f.claim_one("job-1").worked_ms, 0, "an attempt starts at 0");
}

pub(super) fn woken_runs_are_claimed_before_others(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for (number, start, priority) in [(1, 5, 0), (2, 5, -9), (3, 5, 0), (4, 0, 0), (5, 5, 7)] {
        let mut new = new_run(number, "job");
        new.start_at = at(start);
        new.priority = priority;
        f.insert_as(&new);
    }
    f.write(|store| store.promote_due(at(5)));
    let claimed = f.claim(&["job"], 5);
    for claimed in claimed {
        let fence = fence_of(&claimed.run);
        f.open(&fence, &sleep_until("nap", 10));
        f.suspend(&fence, &["nap"]);
        f.end(&claimed.run.id, "nap", &over());
    }
    let mut urgent = new_run(6, "job");
    urgent.priority = 100;
    f.insert_as(&urgent);
    f.insert(7, "interrupted");
    f.claim_one("interrupted");
    f.crash();
    let claimed = f.claim(&["job", "interrupted"], 6);
    assert_eq!(
        claimed_ids(&claimed),
        [id(5), id(4), id(1), id(3), id(2), id(6)],
        "woken ones, by priority, start and id; then the others"
    );
    assert_eq!(claimed_ids(&f.claim(&["interrupted"], 1)), [id(7)]);
}

pub(super) fn a_run_is_woken_though_it_still_waits(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.sleeping(1, 100);
    let running = f.running(2);
    let pending = fence_of(&f.insert(3, "pending"));
    let before = f.run(&id(1));
    let with_generation = |generation| Fence {
        generation: Generation(generation),
        ..fence.clone()
    };
    let unknown = Fence {
        run_id: id(9),
        ..fence.clone()
    };
    for stranger in [
        with_generation(0),
        with_generation(2),
        unknown,
        running,
        pending,
    ] {
        let woken = f.read(|store| store.wake(&stranger, at(99)));
        assert_eq!(woken, None, "{stranger:?} wakes nobody");
    }
    assert_eq!(f.claim(&["job-1"], 1), []);
    let head = f
        .write(|store| store.wake(&fence, at(60)))
        .expect("it waits under this generation");
    let expected = Run {
        version: before.version + 1,
        updated_at: at(60),
        ..before
    };
    assert_eq!(
        (head.status, head.version),
        (RunStatus::Waiting, expected.version)
    );
    assert_eq!(f.run(&id(1)), expected);
    assert_eq!(f.one_step(&id(1), "nap").completed_index, None);
    let claimed = f.claim_one("job-1");
    assert_eq!(claimed.from, RunStatus::Waiting);
    let late = f.read(|store| store.wake(&fence, at(99)));
    assert_eq!(late, None, "it is at work");
    f.suspend(&fence_of(&claimed.run), &["nap"]);
    let late = f.read(|store| store.wake(&fence, at(99)));
    assert_eq!(late, None, "it waits under another generation");
    f.cancel(&id(1));
    let ended = fence_of(&f.run(&id(1)));
    assert_eq!(f.read(|store| store.wake(&ended, at(99))), None);
}

pub(super) fn what_was_not_started_has_no_start(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let no_waits = names(&[]);
    let unstarted = Suspension {
        is_unstarted: true,
        ..suspension(&no_waits, &FOR_NETWORK)
    };
    let suspend = |f: &mut Fixture, now: i64| {
        let fence = fence_of(&f.claim_at(&["job"], 1, at(now)).remove(0).run);
        assert!(f.run(&id(1)).started_at.is_some());
        f.suspend_as(&fence, &unstarted);
        f.write(|store| store.wake_network_runs());
    };
    f.insert(1, "job");
    for now in [1, 2] {
        suspend(&mut f, now);
        assert_eq!(f.run(&id(1)).started_at, None);
    }
    let claimed = f.claim_at(&["job"], 1, at(3)).remove(0).run;
    assert_eq!(claimed.started_at, Some(at(3)));
    f.suspend_as(&fence_of(&claimed), &suspension(&no_waits, &FOR_NETWORK));
    assert_eq!(f.run(&id(1)).started_at, Some(at(3)), "that was a start");
    f.write(|store| store.wake_network_runs());
    suspend(&mut f, 4);
    assert_eq!(f.run(&id(1)).started_at, Some(at(3)), "the first one stays");
}

pub(super) fn a_waiting_run_holds_its_key_but_no_slot(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let keyed = |number| {
        let mut new = new_run(number, "job");
        new.concurrency_key = Some("k".to_owned());
        new
    };
    f.insert_as(&keyed(1));
    let fence = fence_of(&f.claim_one("job").run);
    f.open(&fence, &sleep_until("nap", 100));
    f.insert_as(&keyed(2));
    f.suspend(&fence, &["nap"]);
    assert_eq!(f.claim(&["job"], 9), [], "one run of a key at a time");
    f.insert(3, "job");
    f.insert(4, "job");
    let limited = [served("job", Some(1))];
    let claimed = f.claim_jobs(&limited, 9, &[], NOW);
    assert_eq!(claimed_ids(&claimed), [id(3)], "a waiting run is no lease");
    f.end(&id(1), "nap", &over());
    assert_eq!(
        f.claim_jobs(&limited, 9, &[], NOW),
        [],
        "a woken one needs one"
    );
    f.complete(&fence_of(&claimed[0].run));
    let claimed = f.claim_jobs(&limited, 9, &[], NOW);
    assert_eq!(claimed_ids(&claimed), [id(1)], "and is not in its own way");
    f.complete(&fence_of(&claimed[0].run));
    assert_eq!(claimed_ids(&f.claim(&["job"], 9)), [id(2), id(4)]);
}

pub(super) fn a_waiting_run_is_cancelled_and_retried(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &sleep_until("nap", 100));
    f.park(&fence, "nap", "executor", 9);
    let before = f.run(&id(1));
    let cancelled = f.cancel(&id(1));
    let expected = Run {
        status: RunStatus::Cancelled,
        version: before.version + 1,
        waiting_for: None,
        completed_at: Some(at(40)),
        updated_at: at(40),
        ..before
    };
    assert_eq!(cancelled, expected, "it waits for nothing any more");
    assert_eq!(f.run(&id(1)), expected);
    assert_eq!(f.read(|store| store.parked_by(&id(1))), None);
    assert_eq!(f.claim(&["job-1"], 1), []);
    f.retry(&id(1));
    let claimed = f.claim_one("job-1");
    assert_eq!((claimed.from, claimed.parked), (RunStatus::Pending, None));
    assert_eq!(claimed.worked_ms, 0);
    assert_eq!(claimed.run.generation.0, fence.generation.0 + 1);
}
