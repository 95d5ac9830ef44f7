//! Reading open waits in their order, and what a function that waits has missed.

use stepwell_protocol::{InvokeMode, Payload, StepKind};

use super::Open;
use super::fixture::{
    Fixture, at, completed, id, over, retry_at, sleep_until, step_names, wait_for_children,
    wait_for_network, wait_for_signal,
};
use crate::store::WaitEnd;

pub(super) fn due_waits_come_by_time_then_run_then_step(open: Open<'_>) {
    let mut f = Fixture::new(open);
    assert_eq!(f.read(|store| store.next_wait()), None);
    assert_eq!(f.read(|store| store.due_waits(at(99), 9)), []);
    let fences = [f.running(2), f.running(1)];
    for fence in &fences {
        f.open(fence, &sleep_until("b", 30));
        f.open(fence, &retry_at("a", 1, 30));
    }
    f.open(&fences[0], &wait_for_signal("late", "k", Some(40)));
    f.open(&fences[0], &wait_for_signal("never", "l", None));
    f.open(&fences[1], &wait_for_network("upload", 0));
    f.open(
        &fences[1],
        &wait_for_children("all", 1, InvokeMode::FailFast),
    );
    f.open(&fences[1], &sleep_until("z", 29));
    let due = |f: &mut Fixture, now: i64, limit: u32| -> Vec<(u32, String, StepKind)> {
        let waits = f.read(|store| store.due_waits(at(now), limit));
        let number = |run_id| (1..=2).find(|&number| id(number) == run_id);
        waits
            .into_iter()
            .map(|wait| (number(wait.run_id).unwrap_or(0), wait.step_name, wait.kind))
            .collect()
    };
    let (run, sleep) = (StepKind::Run, StepKind::Sleep);
    let one = |number: u32, name: &str, kind| (number, name.to_owned(), kind);
    let all = [
        one(1, "z", sleep),
        one(1, "a", run),
        one(1, "b", sleep),
        one(2, "a", run),
        one(2, "b", sleep),
        one(2, "late", StepKind::Signal),
    ];
    assert_eq!(f.read(|store| store.next_wait()), Some(at(29)));
    assert_eq!(due(&mut f, 28, 9), []);
    assert_eq!(due(&mut f, 29, 9), all[..1], "to the millisecond");
    assert_eq!(due(&mut f, 39, 9), all[..5]);
    assert_eq!(due(&mut f, 40, 9), all);
    assert_eq!(due(&mut f, 40, 3), all[..3]);
    assert_eq!(due(&mut f, 40, 0), []);
    f.end(&id(1), "z", &over());
    f.end(&id(1), "a", &WaitEnd::Again);
    assert_eq!(due(&mut f, 40, 9), all[2..], "ended ones are gone");
    f.suspend(&fences[0], &["a", "b"]);
    assert_eq!(due(&mut f, 40, 9), all[2..], "a waiting run's stay");
    assert_eq!(f.read(|store| store.next_wait()), Some(at(30)));
}

pub(super) fn network_waits_come_by_run_and_step(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fences = [f.running(2), f.running(1)];
    for (fence, names) in fences.iter().zip([["b", "a"], ["d", "c"]]) {
        for name in names {
            f.open(fence, &wait_for_network(name, 0));
        }
        f.open(fence, &sleep_until("nap", 10));
        f.open(fence, &wait_for_children("all", 1, InvokeMode::Settled));
        let key = fence.run_id.to_string();
        f.open(fence, &wait_for_signal("asked", &key, None));
    }
    let waits = |f: &mut Fixture, limit: u32| -> Vec<String> {
        let waits = f.read(|store| store.network_waits(limit));
        assert!(waits.iter().all(|wait| wait.kind == StepKind::Run));
        waits.into_iter().map(|wait| wait.step_name).collect()
    };
    assert_eq!(waits(&mut f, 9), ["c", "d", "a", "b"]);
    assert_eq!(waits(&mut f, 3), ["c", "d", "a"]);
    f.suspend(&fences[0], &["a"]);
    f.end(&id(1), "d", &WaitEnd::Again);
    f.cancel(&id(2));
    assert_eq!(waits(&mut f, 9), ["c"]);
}

pub(super) fn one_step_is_read_by_its_name(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let other = f.running(2);
    f.step(&fence, &completed("a", "[1]"));
    f.step(&other, &completed("a", "[2]"));
    let steps = f.steps(&id(1));
    assert_eq!(f.one_step(&id(1), "a"), steps[0], "with its output");
    assert_eq!(f.read(|store| store.step(&id(1), "b")), None);
    assert_eq!(f.read(|store| store.step(&id(9), "a")), None);
}

pub(super) fn a_parked_function_is_told_what_it_does_not_know(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    for (index, name) in ["d", "c", "b"].into_iter().enumerate() {
        f.step(&fence, &completed(name, &index.to_string()));
    }
    f.open(&fence, &retry_at("z", 1, 10));
    f.open(&fence, &retry_at("y", 1, 10));
    f.open(&fence, &sleep_until("nap", 10));
    f.end(&id(1), "z", &WaitEnd::Again);
    f.end(&id(1), "y", &WaitEnd::Again);
    let since = |f: &mut Fixture, index: u32| f.read(|store| store.steps_since(&id(1), index));
    let told = since(&mut f, 1);
    assert_eq!(step_names(&told), ["c", "b", "y", "z"], "no open wait");
    assert_eq!(told[0].output, Some(Payload::from("1")), "with outputs");
    assert_eq!(step_names(&since(&mut f, 0)), ["d", "c", "b", "y", "z"]);
    assert_eq!(step_names(&since(&mut f, 3)), ["y", "z"]);
    f.end(&id(1), "nap", &over());
    assert_eq!(step_names(&since(&mut f, 3)), ["nap", "y", "z"]);
    assert_eq!(f.read(|store| store.steps_since(&id(9), 0)), []);
}
