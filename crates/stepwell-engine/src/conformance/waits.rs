//! Opening and ending the waits of steps.

use stepwell_protocol::{
    InvokeMode, Payload, Report, Run, RunStatus, Step, StepKind, StepStatus, WaitingFor,
};

use super::Open;
use super::fixture::{
    Fixture, NOW, at, blobs, completed, failed, failure, id, lines, messages, nothing, over,
    progress, retry_at, sleep_until, step_names, wait_for_children, wait_for_network,
    wait_for_signal, with_failure, with_output,
};
use crate::store::{StepWait, WaitEnd, WaitOpened, fence_of};

/// A step that waits, as it must come back.
fn waiting(wait: &StepWait, waiting_for: WaitingFor) -> Step {
    Step {
        name: wait.name.clone(),
        kind: wait.kind,
        status: StepStatus::Waiting,
        completed_index: None,
        attempt: wait.attempt,
        output: None,
        error: None,
        first_attempt: 1,
        waiting_for: Some(waiting_for),
        children: Vec::new(),
        started_at: at(-5),
        completed_at: None,
    }
}

/// One wait of each kind, and its step.
fn every_kind() -> Vec<(StepWait, Step)> {
    let named = |name: &str| name.to_owned();
    let retry = retry_at("retry", 2, 700);
    let for_retry = WaitingFor::Retry {
        step_name: Some(named("retry")),
        attempt: 3,
        until: at(700),
        error: failure("try again"),
    };
    let sleep = sleep_until("sleep", i64::from(u32::MAX));
    let for_sleep = WaitingFor::Sleep {
        step_name: named("sleep"),
        until: at(i64::from(u32::MAX)),
    };
    let signal = wait_for_signal("signal", "key 'ü'", Some(5));
    let for_signal = |name: &str, key: &str, until| WaitingFor::Signal {
        step_name: named(name),
        key: named(key),
        until,
    };
    let patient = wait_for_signal("patient", "", None);
    let network = wait_for_network("upload", 0);
    let for_network = WaitingFor::Network {
        step_name: Some(named("upload")),
    };
    let children = wait_for_children("all", 500, InvokeMode::Settled);
    let for_children = WaitingFor::Children {
        step_name: named("all"),
        count: 500,
    };
    let mut retried = waiting(&retry, for_retry);
    retried.error = Some(failure("try again"));
    vec![
        (retry, retried),
        (sleep.clone(), waiting(&sleep, for_sleep)),
        (
            signal.clone(),
            waiting(&signal, for_signal("signal", "key 'ü'", Some(at(5)))),
        ),
        (
            patient.clone(),
            waiting(&patient, for_signal("patient", "", None)),
        ),
        (network.clone(), waiting(&network, for_network)),
        (children.clone(), waiting(&children, for_children)),
    ]
}

pub(super) fn every_kind_of_wait_comes_back(open: Open<'_>) {
    for (wait, expected) in every_kind() {
        let mut f = Fixture::new(open);
        let fence = f.running(1);
        let before = f.run(&id(1));
        let report = Report {
            progress: progress(0.5).progress,
            ..lines(1, &["so far"])
        };
        let opened = f.write(|store| store.open_wait(&fence, &wait, &report, at(20)));
        let Some(WaitOpened::Opened { head, step, logs }) = opened else {
            panic!("the wait of {} must open, not be {opened:?}", wait.name);
        };
        assert_eq!(*step, expected, "it is told as it is stored");
        assert_eq!(messages(&logs), ["so far"]);
        let version = before.version + 1;
        assert_eq!((head.status, head.version), (RunStatus::Running, version));
        assert_eq!(f.one_step(&id(1), &wait.name), expected);
        assert_eq!(f.steps(&id(1)), std::slice::from_ref(&expected));
        assert_eq!(f.read(|store| store.steps(&id(1), false)), [expected]);
        let after = Run {
            version,
            progress: progress(0.5).progress,
            log_count: 1,
            updated_at: at(20),
            ..before
        };
        assert_eq!(f.run(&id(1)), after, "a wait is no outcome");
    }
}

pub(super) fn a_wait_sets_recoveries_to_zero(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.crash();
    let claimed = f.claim_one("job-1").run;
    assert_eq!(claimed.recoveries, 1);
    f.open(&fence_of(&claimed), &sleep_until("nap", 100));
    assert_eq!(f.run(&id(1)).recoveries, 0, "it has come further");
}

pub(super) fn waits_come_after_outcomes_by_name(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &sleep_until("m", 10));
    f.open(&fence, &retry_at("a", 1, 10));
    f.step(&fence, &completed("z", "1"));
    f.step(&fence, &completed("b", "1"));
    assert_eq!(step_names(&f.steps(&id(1))), ["z", "b", "a", "m"]);
}

pub(super) fn a_repeated_wait_changes_nothing(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &sleep_until("open", 100));
    f.open(&fence, &wait_for_signal("had", "k", None));
    f.end(&id(1), "had", &with_output("1"));
    f.step(&fence, &failed("failed", 1));
    let again = [
        sleep_until("open", 900),
        wait_for_signal("had", "other", Some(5)),
        retry_at("failed", 1, 300),
    ];
    for (ordinal, wait) in (1..).zip(again) {
        let before = (f.run(&id(1)), f.steps(&id(1)));
        let repeat = f.read(|store| store.open_wait(&fence, &wait, &nothing(), at(99)));
        let Some(WaitOpened::Repeated { head, logs }) = repeat else {
            panic!("{} must be a repeat, not {repeat:?}", wait.name);
        };
        assert_eq!((head.version, logs), (before.0.version, vec![]));
        assert_eq!((f.run(&id(1)), f.steps(&id(1))), before);
        let report = lines(ordinal, &["new"]);
        let repeat = f.write(|store| store.open_wait(&fence, &wait, &report, at(99)));
        let Some(WaitOpened::Repeated { head, logs }) = repeat else {
            panic!("{} must be a repeat, not {repeat:?}", wait.name);
        };
        assert_eq!(messages(&logs), ["new"], "but its new lines are stored");
        assert_eq!(head.version, before.0.version + 1);
        assert_eq!(f.steps(&id(1)), before.1);
    }
    assert_eq!(f.read(|store| store.next_wait()), Some(at(100)));
}

pub(super) fn a_wait_replaces_a_pending_step(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &retry_at("a", 1, 100));
    f.end(&id(1), "a", &WaitEnd::Again);
    let second = f.open(&fence, &retry_at("a", 2, 400));
    assert_eq!((second.status, second.attempt), (StepStatus::Waiting, 2));
    let until = f.read(|store| store.next_wait());
    assert_eq!(until, Some(at(400)), "its time is its own");
    f.end(&id(1), "a", &WaitEnd::Again);
    let third = f.open(&fence, &wait_for_network("a", 2));
    assert_eq!((third.attempt, third.error), (2, None));
    f.end(&id(1), "a", &WaitEnd::Again);
    f.step(&fence, &completed("a", "1"));
    let step = f.one_step(&id(1), "a");
    assert_eq!(
        (step.status, step.completed_index, step.waiting_for),
        (StepStatus::Completed, Some(0), None)
    );
    assert_eq!(f.run(&id(1)).step_count, 1);
}

pub(super) fn a_sleep_keeps_its_time_over_a_new_attempt(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &sleep_until("nap", 100));
    f.fail(&fence);
    let mut fence = f.retry_and_claim(&id(1));
    for _ in 0..2 {
        let step = f.open(&fence, &sleep_until("nap", 9_000));
        let until = WaitingFor::Sleep {
            step_name: "nap".to_owned(),
            until: at(100),
        };
        assert_eq!(step.waiting_for, Some(until), "as it was told first");
        assert_eq!(f.read(|store| store.next_wait()), Some(at(100)));
        f.put_off(&fence, 30);
        f.write(|store| store.promote_due(at(30)));
        fence = fence_of(&f.claim_one("job-1").run);
    }
}

pub(super) fn a_signal_keeps_its_timeout_over_a_new_attempt(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &wait_for_signal("timed", "a", Some(100)));
    f.open(&fence, &wait_for_signal("patient", "b", None));
    f.open(&fence, &wait_for_signal("had", "c", Some(200)));
    f.end(&id(1), "had", &with_failure("no"));
    f.fail(&fence);
    let fence = f.retry_and_claim(&id(1));
    let mut until = |name: &str| match f
        .open(&fence, &wait_for_signal(name, name, Some(900)))
        .waiting_for
    {
        Some(WaitingFor::Signal { key, until, .. }) => {
            assert_eq!(key, name, "the key is the new one");
            until
        }
        other => panic!("it waits for a signal, not for {other:?}"),
    };
    assert_eq!(until("timed"), Some(at(100)), "an open wait goes on");
    assert_eq!(until("patient"), Some(at(900)), "it had no time to keep");
    assert_eq!(until("had"), Some(at(900)), "its wait was over");
}

pub(super) fn an_outcome_of_a_wait_comes_back(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let ends = [with_output("{\"a\":[1]}"), over(), with_failure("told")];
    for (index, end) in (0..).zip(ends) {
        let name = format!("s{index}");
        let opened = f.open(&fence, &wait_for_signal(&name, &name, Some(9)));
        let before = f.run(&id(1));
        let ended = f.end(&id(1), &name, &end);
        let version = before.version + 1;
        assert_eq!(
            (ended.head.status, ended.head.version),
            (RunStatus::Running, version)
        );
        assert_eq!((ended.kind, ended.attempt), (StepKind::Signal, 1));
        assert_eq!(
            (ended.started_at, ended.completed_index),
            (at(-5), Some(index))
        );
        let WaitEnd::Outcome { result, .. } = end else {
            unreachable!("all of them are outcomes");
        };
        let status = if result.is_ok() {
            StepStatus::Completed
        } else {
            StepStatus::Failed
        };
        let expected = Step {
            status,
            completed_index: Some(index),
            error: result.as_ref().err().cloned(),
            output: result.ok().flatten(),
            waiting_for: None,
            completed_at: Some(at(25)),
            ..opened
        };
        assert_eq!(f.one_step(&id(1), &name), expected);
        let after = Run {
            version,
            step_count: index + 1,
            updated_at: at(25),
            ..before
        };
        assert_eq!(f.run(&id(1)), after);
    }
}

pub(super) fn an_outcome_of_a_wait_clears_the_error_of_its_retry(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &retry_at("a", 1, 100));
    f.end(&id(1), "a", &with_output("1"));
    let step = f.one_step(&id(1), "a");
    assert_eq!(
        (step.output, step.error),
        (Some(Payload::from("1")), None),
        "a completed step has no error"
    );
}

pub(super) fn a_step_that_has_to_run_again_is_pending(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    for wait in [retry_at("a", 3, 100), wait_for_network("b", 0)] {
        let opened = f.open(&fence, &wait);
        let before = f.run(&id(1));
        let ended = f.end(&id(1), &wait.name, &WaitEnd::Again);
        assert_eq!((ended.completed_index, ended.attempt), (None, wait.attempt));
        assert_eq!(ended.kind, StepKind::Run);
        let expected = Step {
            status: StepStatus::Pending,
            waiting_for: None,
            ..opened
        };
        assert_eq!(f.one_step(&id(1), &wait.name), expected);
        let after = Run {
            version: before.version + 1,
            updated_at: at(25),
            ..before
        };
        assert_eq!(f.run(&id(1)), after, "that is no outcome");
        f.cannot_end(&id(1), &wait.name);
    }
}

pub(super) fn a_wait_for_an_attempt_is_had_once(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let wait = retry_at("s", 1, 10);
    f.write(|store| store.open_wait(&fence, &wait, &nothing(), at(1)));
    f.write(|store| store.end_wait(&id(1), "s", &WaitEnd::Again, at(10)));
    let again = f.read(|store| store.open_wait(&fence, &wait, &nothing(), at(11)));
    assert!(
        matches!(again, Some(WaitOpened::Repeated { .. })),
        "a resend of a failure whose wait has ended opens nothing, and was {again:?}"
    );
    assert_eq!(f.one_step(&id(1), "s").status, StepStatus::Pending);
    let next = retry_at("s", 2, 20);
    let opened = f.write(|store| store.open_wait(&fence, &next, &nothing(), at(12)));
    assert!(
        matches!(opened, Some(WaitOpened::Opened { .. })),
        "the next failure does, and was {opened:?}"
    );
}

pub(super) fn a_wait_ends_once(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &sleep_until("nap", 10));
    f.open(&fence, &wait_for_signal("asked", "k", None));
    f.step(&fence, &completed("done", "1"));
    f.end(&id(1), "nap", &over());
    f.end(&id(1), "asked", &with_failure("no"));
    let before = (f.run(&id(1)), f.steps(&id(1)));
    for name in ["nap", "asked", "done", "unknown"] {
        f.cannot_end(&id(1), name);
    }
    f.cannot_end(&id(9), "nap");
    assert_eq!((f.run(&id(1)), f.steps(&id(1))), before);
}

pub(super) fn a_wait_ends_whoever_holds_the_lease(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    for name in ["a", "b", "c"] {
        f.open(&fence, &sleep_until(name, 10));
    }
    f.crash();
    let ended = f.end(&id(1), "a", &over());
    assert_eq!(ended.head.status, RunStatus::Running, "nobody holds it");
    let claimed = f.claim_one("job-1");
    assert!(claimed.is_interrupted(), "a void lease is no wait");
    assert_eq!(f.end(&id(1), "b", &over()).completed_index, Some(1));
    f.suspend(&fence_of(&claimed.run), &["c"]);
    let before = f.run(&id(1));
    let ended = f.end(&id(1), "c", &over());
    assert_eq!(
        (ended.head.status, ended.completed_index),
        (RunStatus::Waiting, Some(2))
    );
    let after = Run {
        version: before.version + 1,
        step_count: 3,
        updated_at: at(25),
        ..before
    };
    assert_eq!(f.run(&id(1)), after, "it shows what it waited for");
}

pub(super) fn outcomes_of_waits_and_steps_share_one_order(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    for name in ["x", "y", "z"] {
        f.open(&fence, &sleep_until(name, 10));
    }
    assert_eq!(f.end(&id(1), "z", &over()).completed_index, Some(0));
    assert_eq!(f.step(&fence, &completed("b", "1")).completed_index, 1);
    let failed = f.end(&id(1), "x", &with_failure("no"));
    assert_eq!(failed.completed_index, Some(2));
    assert_eq!(f.step(&fence, &completed("a", "1")).completed_index, 3);
    let names = ["z", "b", "x", "a", "y"];
    assert_eq!(step_names(&f.steps(&id(1))), names);
    f.fail(&fence);
    let fence = f.retry_and_claim(&id(1));
    f.open(&fence, &sleep_until("x", 10));
    let ended = f.end(&id(1), "x", &over());
    assert_eq!(ended.completed_index, Some(4), "an index is given once");
}

pub(super) fn waits_of_an_ended_run_are_pending(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for number in 1..=4 {
        let fence = f.running(number);
        let key = format!("key-{number}");
        f.open(&fence, &sleep_until("nap", 10));
        f.open(&fence, &retry_at("again", 2, 10));
        f.open(&fence, &wait_for_signal("asked", &key, None));
        f.open(&fence, &wait_for_network("upload", 1));
        f.open(&fence, &wait_for_children("all", 2, InvokeMode::Settled));
        let open = f.steps(&id(number));
        match number {
            1 => drop(f.complete(&fence)),
            2 => drop(f.fail(&fence)),
            3 => drop(f.cancel(&id(3))),
            _ => {
                f.suspend(&fence, &["nap"]);
                f.cancel(&id(4));
            }
        }
        let pending = |step: Step| Step {
            status: StepStatus::Pending,
            waiting_for: None,
            ..step
        };
        let expected: Vec<Step> = open.into_iter().map(pending).collect();
        assert_eq!(f.steps(&id(number)), expected);
        for step in &expected {
            f.cannot_end(&id(number), &step.name);
        }
        assert_eq!(f.read(|store| store.signal_wait(&key)), None);
        let counted = f.read(|store| store.child_ended(&id(number), "all"));
        assert_eq!(counted, None, "it waits for no children any more");
        assert_eq!(f.run(&id(number)).step_count, 0);
    }
    assert_eq!(f.read(|store| store.due_waits(at(99), 9)), []);
    assert_eq!(f.read(|store| store.next_wait()), None);
    assert_eq!(f.read(|store| store.network_waits(9)), []);
}

pub(super) fn blobs_of_an_outcome_of_a_wait_are_referenced(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &wait_for_signal("asked", "k", None));
    let end = |ids: &[&str]| WaitEnd::Outcome {
        result: Ok(Some(Payload::from("1"))),
        blobs: blobs(ids),
    };
    let asked = blobs(&["in", "late"]);
    f.write(|store| store.end_wait(&id(1), "asked", &end(&["in"]), NOW));
    f.read(|store| store.end_wait(&id(1), "asked", &end(&["late"]), NOW));
    let unreferenced = f.read(|store| store.unreferenced_blobs(&asked));
    assert_eq!(unreferenced, blobs(&["late"]));
    f.complete(&fence);
    let deleted = f.write(|store| store.delete_run(&id(1)));
    assert_eq!(deleted.expect("it is deleted").blobs, blobs(&["in"]));
}
