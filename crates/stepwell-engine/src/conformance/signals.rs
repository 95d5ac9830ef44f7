//! Signals that are kept, and the keys of waits.

use stepwell_protocol::{Payload, RequestId, RunStatus, StepKind};

use super::Open;
use super::fixture::{
    Fixture, NOW, at, blobs, failure, id, lines, nothing, over, sent, sleep_until, value,
    wait_for_signal, with_failure, with_output,
};
use crate::store::{Fence, OpenWait, Signal, SignalStored, WaitOpened};

fn with_blobs(ids: &[&str]) -> Signal {
    Signal {
        blobs: blobs(ids),
        ..value("1")
    }
}

pub(super) fn a_signal_is_kept_until_it_is_taken(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    let signals = [
        value("{\"n\":[1]}"),
        Signal {
            result: Ok(Payload::Bytes(vec![0, 255])),
            blobs: blobs(&["b", "a"]),
        },
        Signal {
            result: Err(failure("stop")),
            blobs: Vec::new(),
        },
    ];
    let keys = ["", "key ü", "'; --"];
    for (request, (key, signal)) in (1..).zip(keys.iter().zip(&signals)) {
        f.keep(request, key, signal);
    }
    for (key, signal) in keys.iter().zip(signals) {
        let mut taken = f
            .write(|store| store.take_signal(key, &id(1)))
            .expect("it is kept");
        taken.blobs.sort();
        let mut expected = signal;
        expected.blobs.sort();
        assert_eq!(taken, expected, "with every field");
        let again = f.read(|store| store.take_signal(key, &id(1)));
        assert_eq!(again, None, "it is taken once");
    }
    let nobody = f.read(|store| store.take_signal("KEY Ü", &id(1)));
    assert_eq!(nobody, None, "another key is another key");
}

pub(super) fn a_resent_signal_is_told_what_became_of_the_first(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.keep(1, "k", &value("1"));
    let resend =
        |f: &mut Fixture| f.read(|store| store.store_signal(&sent(1), "k", &value("2"), at(99)));
    assert_eq!(resend(&mut f), SignalStored::RepeatedKept);
    let taken = f.write(|store| store.take_signal("k", &id(1)));
    assert_eq!(taken, Some(value("1")), "a resend changes nothing");
    assert_eq!(resend(&mut f), SignalStored::RepeatedTaken);
    assert_eq!(f.read(|store| store.take_signal("k", &id(1))), None);
}

pub(super) fn the_first_signal_of_a_key_wins(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.running(1);
    f.keep(1, "k", &value("1"));
    f.keep(2, "another", &value("2"));
    let second = |f: &mut Fixture| {
        f.transact(|store| store.store_signal(&sent(3), "k", &with_blobs(&["x"]), at(99)))
    };
    assert_eq!(second(&mut f), (SignalStored::Ignored, false));
    assert_eq!(second(&mut f), (SignalStored::Ignored, false));
    let asked = blobs(&["x"]);
    let unreferenced = f.read(|store| store.unreferenced_blobs(&asked));
    assert_eq!(unreferenced, asked, "what is ignored leaves nothing");
    let taken = f.write(|store| store.take_signal("k", &id(1)));
    assert_eq!(taken, Some(value("1")));
    assert_eq!(
        second(&mut f),
        (SignalStored::Kept, true),
        "the key is free"
    );
    let taken = f.write(|store| store.take_signal("k", &id(1)));
    assert_eq!(taken, Some(with_blobs(&["x"])));
}

pub(super) fn the_wait_of_a_key_is_found(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let wait_of = |f: &mut Fixture, key: &str| f.read(|store| store.signal_wait(key));
    f.open(&fence, &sleep_until("k", 10));
    assert_eq!(wait_of(&mut f, "k"), None, "a name is no key");
    f.open(&fence, &wait_for_signal("asked", "k", None));
    let expected = OpenWait {
        run_id: id(1),
        step_name: "asked".to_owned(),
        kind: StepKind::Signal,
    };
    assert_eq!(wait_of(&mut f, "k"), Some(expected.clone()));
    assert_eq!(wait_of(&mut f, "K"), None);
    f.suspend(&fence, &["asked"]);
    assert_eq!(wait_of(&mut f, "k"), Some(expected), "of a waiting run too");
    f.end(&id(1), "asked", &with_output("1"));
    assert_eq!(wait_of(&mut f, "k"), None);
}

/// Whether a wait for the key is refused, in which case it must write nothing.
fn is_taken(f: &mut Fixture, fence: &Fence, name: &str, key: &str) -> bool {
    let before = (f.run(&fence.run_id), f.steps(&fence.run_id));
    let lines_before = f.all_lines(&fence.run_id);
    let wait = wait_for_signal(name, key, None);
    let report = lines(before.0.log_count + 1, &["a line"]);
    let (opened, wrote) = f.transact(|store| store.open_wait(fence, &wait, &report, at(99)));
    if !matches!(opened, Some(WaitOpened::KeyTaken)) {
        return false;
    }
    assert!(!wrote, "a refused wait writes nothing");
    let after = (f.run(&fence.run_id), f.steps(&fence.run_id));
    assert_eq!(after, before);
    assert_eq!(f.all_lines(&fence.run_id), lines_before);
    true
}

pub(super) fn a_key_belongs_to_one_open_wait(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let (one, two) = (f.running(1), f.running(2));
    f.open(&one, &wait_for_signal("asked", "k", Some(50)));
    assert!(is_taken(&mut f, &two, "asked", "k"), "by another run");
    assert!(is_taken(&mut f, &one, "second", "k"), "by another step");
    let repeat = f.read(|store| {
        let same = wait_for_signal("asked", "k", Some(50));
        store.open_wait(&one, &same, &nothing(), at(99))
    });
    assert!(
        matches!(repeat, Some(WaitOpened::Repeated { .. })),
        "a resend is not in its own way"
    );
    assert!(!is_taken(&mut f, &two, "asked", "another"));
    f.suspend(&one, &["asked"]);
    assert!(is_taken(&mut f, &two, "more", "k"), "by a waiting run");
}

pub(super) fn a_key_is_free_when_its_wait_is_over(open: Open<'_>) {
    let mut f = Fixture::new(open);
    for (number, case) in (1..).zip([
        "used",
        "refused",
        "timeout",
        "completed",
        "failed",
        "cancelled",
        "suspended",
        "later",
    ]) {
        let fence = f.running(number);
        f.open(&fence, &wait_for_signal("asked", "k", Some(50)));
        let stranger = f.running(100 + number);
        assert!(is_taken(&mut f, &stranger, "asked", "k"), "before: {case}");
        match case {
            "used" => drop(f.end(&id(number), "asked", &with_output("1"))),
            "refused" => drop(f.end(&id(number), "asked", &with_failure("no"))),
            "timeout" => drop(f.end(&id(number), "asked", &over())),
            "completed" => drop(f.complete(&fence)),
            "failed" => drop(f.fail(&fence)),
            "cancelled" => drop(f.cancel(&id(number))),
            "suspended" => {
                f.suspend(&fence, &["asked"]);
                f.cancel(&id(number));
            }
            _ => drop(f.put_off(&fence, 60)),
        }
        assert!(!is_taken(&mut f, &stranger, "asked", "k"), "after: {case}");
        f.cancel(&id(100 + number));
        assert_eq!(f.read(|store| store.signal_wait("k")), None);
    }
}

pub(super) fn a_pending_wait_whose_key_is_taken_stays_pending(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.open(&fence, &wait_for_signal("asked", "k", Some(50)));
    f.fail(&fence);
    let other = f.running(2);
    f.open(&other, &wait_for_signal("asked", "k", None));
    let fence = f.retry_and_claim(&id(1));
    assert!(is_taken(&mut f, &fence, "asked", "k"));
    f.end(&id(2), "asked", &over());
    assert!(!is_taken(&mut f, &fence, "asked", "k"));
}

pub(super) fn blobs_of_signals_are_referenced(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    f.keep(1, "taken", &with_blobs(&["a", "both"]));
    f.keep(2, "kept", &with_blobs(&["b", "both"]));
    f.write(|store| store.take_signal("taken", &id(1)));
    let asked = blobs(&["a", "b", "both", "c"]);
    let unreferenced = |f: &mut Fixture| f.read(|store| store.unreferenced_blobs(&asked));
    assert_eq!(unreferenced(&mut f), blobs(&["c"]));
    f.complete(&fence);
    let deleted = f.write(|store| store.delete_run(&id(1)));
    assert_eq!(
        deleted.expect("it is deleted").blobs,
        blobs(&["a"]),
        "a run's signals go with it, and their blobs"
    );
    assert_eq!(unreferenced(&mut f), blobs(&["a", "c"]));
    let mut forgotten = f.write(|store| store.forget_signals(at(1), 9));
    forgotten.sort();
    assert_eq!(forgotten, blobs(&["b", "both"]));
    assert_eq!(unreferenced(&mut f), asked);
}

pub(super) fn old_signals_are_forgotten(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let mut new = super::fixture::new_run(1, "job");
    new.blobs = blobs(&["input"]);
    f.insert_as(&new);
    for (request, time) in [(1, 30), (2, 10), (3, 20), (4, 5)] {
        let blob = format!("blob-{request}");
        let signal = with_blobs(&[blob.as_str(), "input"]);
        let key = format!("key-{request}");
        f.write(|store| store.store_signal(&sent(request), &key, &signal, at(time)));
    }
    f.write(|store| store.take_signal("key-4", &id(1)));
    let forget = |f: &mut Fixture, before: i64, limit: u32| {
        f.transact(|store| store.forget_signals(at(before), limit))
    };
    assert_eq!(forget(&mut f, 10, 9), (vec![], false), "a taken one stays");
    assert_eq!(forget(&mut f, 99, 0), (vec![], false));
    let oldest = forget(&mut f, 99, 1);
    assert_eq!(oldest, (blobs(&["blob-2"]), true), "the oldest first");
    assert_eq!(forget(&mut f, 30, 9), (blobs(&["blob-3"]), true));
    assert_eq!(f.read(|store| store.take_signal("key-3", &id(1))), None);
    f.keep(3, "key-3", &value("again"));
    let last = f.write(|store| store.take_signal("key-1", &id(1)));
    assert!(last.is_some(), "it was not old enough");
}

pub(super) fn signals_go_with_the_run_that_took_them(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fences = [f.running(1), f.running(2)];
    f.keep(1, "one", &value("1"));
    f.keep(2, "two", &value("2"));
    f.keep(3, "nobody's", &value("3"));
    f.write(|store| store.take_signal("one", &id(1)));
    f.write(|store| store.take_signal("two", &id(2)));
    for fence in &fences {
        f.complete(fence);
    }
    f.write(|store| store.delete_run(&id(1)));
    let resend = |f: &mut Fixture, request: u32, key: &str| {
        let request: RequestId = sent(request);
        f.transact(|store| store.store_signal(&request, key, &value("9"), NOW))
            .0
    };
    assert_eq!(resend(&mut f, 2, "two"), SignalStored::RepeatedTaken);
    assert_eq!(resend(&mut f, 3, "nobody's"), SignalStored::RepeatedKept);
    assert_eq!(resend(&mut f, 1, "one"), SignalStored::Kept, "it is gone");
    assert_eq!(f.status(&id(2)), RunStatus::Completed);
}
