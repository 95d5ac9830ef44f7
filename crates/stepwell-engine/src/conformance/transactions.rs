//! Transactions and savepoints.

use stepwell_protocol::{InvokeMode, Run, RunId, Step};

use super::Open;
use super::fixture::{
    FOR_NETWORK, Fixture, NOW, at, completed, id, lines, messages, names, new_child, new_run,
    nothing, over, sent, sleep_until, suspension, value, wait_for_children, wait_for_network,
    wait_for_signal,
};
use crate::store::{Fence, OpenWait, Signal, Store, StoreResult, fence_of};

pub(super) fn a_rollback_leaves_no_trace(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let before = f.all_runs();
    f.store.begin().expect("a transaction begins");
    f.store
        .insert_run(&new_run(2, "job"))
        .expect("the insert works");
    f.store
        .write_step(&fence, &completed("a", "1"), &lines(1, &["line"]), NOW)
        .expect("the step is written");
    f.store.begin_session(NOW).expect("a session begins");
    f.store.rollback();
    assert_eq!(f.all_runs(), before);
    assert_eq!(f.steps(&id(1)), []);
    assert_eq!(f.all_lines(&id(1)), []);
    let written = f.step(&fence, &completed("a", "1"));
    assert!(
        !written.repeated,
        "what was rolled back was never there, and the lease still holds"
    );
    f.insert(2, "job");
}

pub(super) fn a_rollback_without_a_transaction_is_harmless(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.insert(1, "job");
    f.store.rollback();
    f.store.rollback();
    assert_eq!(f.all_runs().len(), 1);
    f.insert(2, "job");
}

pub(super) fn a_savepoint_undoes_its_own_part_only(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(9);
    f.write(|store| {
        store.insert_run(&new_run(1, "job"))?;
        for number in [2, 3] {
            store.savepoint()?;
            store.insert_run(&new_run(number, "job"))?;
            store.write_report(&fence, &lines(1, &["undone"]), NOW)?;
            assert!(store.run(&id(number))?.is_some(), "it is seen until then");
            store.rollback_to_savepoint()?;
            assert_eq!(store.run(&id(number))?, None, "and not after");
        }
        store.insert_run(&new_run(4, "job"))
    });
    let ids: Vec<_> = f.all_runs().into_iter().map(|run| run.id).collect();
    assert_eq!(ids, [id(9), id(4), id(1)]);
    assert_eq!(f.all_lines(&id(9)), []);
    let kept = f.write(|store| store.write_report(&fence, &lines(1, &["kept"]), NOW));
    let kept = kept.expect("the holder may report").logs;
    assert_eq!(messages(&kept), ["kept"], "the ordinal was undone too");
}

pub(super) fn a_released_savepoint_keeps_its_part(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.write(|store| {
        for number in [1, 2] {
            store.savepoint()?;
            store.insert_run(&new_run(number, "job"))?;
            store.release_savepoint()?;
        }
        Ok(())
    });
    assert_eq!(f.all_runs().len(), 2);
    f.store.begin().expect("a transaction begins");
    f.store.savepoint().expect("a savepoint is set");
    f.store
        .insert_run(&new_run(3, "job"))
        .expect("the insert works");
    f.store.release_savepoint().expect("it is released");
    f.store.rollback();
    assert_eq!(
        f.all_runs().len(),
        2,
        "a rollback takes a released savepoint's part along"
    );
}

pub(super) fn a_commit_tells_whether_it_wrote(open: Open<'_>) {
    let mut f = Fixture::new(open);
    f.read(|_| Ok(()));
    f.read(|store| store.claimable_jobs());
    f.read(|store| {
        store.savepoint()?;
        store.insert_run(&new_run(1, "job"))?;
        store.rollback_to_savepoint()
    });
    f.write(|store| {
        store.insert_run(&new_run(1, "job"))?;
        store.savepoint()?;
        store.insert_run(&new_run(2, "job"))?;
        store.rollback_to_savepoint()
    });
    f.write(|store| {
        store.savepoint()?;
        store.insert_run(&new_run(2, "job"))?;
        store.release_savepoint()
    });
    f.read(|store| store.insert_run(&new_run(2, "job")));
    f.store.begin().expect("a transaction begins");
    f.store
        .insert_run(&new_run(3, "job"))
        .expect("the insert works");
    f.store.rollback();
    f.read(|store| store.run(&id(3)));
}

pub(super) fn ids_after_a_rollback_still_rise(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fence = f.running(1);
    let stored = f.write(|store| store.write_report(&fence, &lines(1, &["a"]), NOW));
    let first = stored.expect("the holder may report").logs[0].id;
    f.store.begin().expect("a transaction begins");
    f.store
        .write_report(&fence, &lines(2, &["undone"]), NOW)
        .expect("the report is written");
    f.store.rollback();
    let stored = f.write(|store| store.write_report(&fence, &lines(2, &["b"]), NOW));
    assert!(stored.expect("the holder may report").logs[0].id > first);
    let session = f.write(|store| store.begin_session(NOW));
    assert!(session > f.session);
}

/// The holders of runs 1 to 4. Run 1 waits for children, a time, a signal and the network; 2 waits for the network
/// itself and is parked; 3 waits for its next attempt; 4 sleeps. A signal is kept.
fn a_little_of_everything(f: &mut Fixture) -> [Fence; 4] {
    let one = f.running(1);
    f.open(&one, &wait_for_children("all", 2, InvokeMode::Settled));
    f.insert_as(&new_child(10, &id(1), "all", 0));
    f.open(&one, &sleep_until("nap", 10));
    f.open(&one, &wait_for_signal("asked", "k", Some(50)));
    f.open(&one, &wait_for_network("upload", 0));
    let two = f.running(2);
    f.suspend_as(&two, &suspension(&names(&[]), &FOR_NETWORK));
    let three = f.running(3);
    f.put_off(&three, 60);
    let four = f.sleeping(4, 10);
    f.keep(1, "kept", &value("1"));
    [one, two, three, four]
}

/// Does what can be done about all that.
fn change_everything(store: &mut dyn Store, fences: &[Fence; 4]) -> StoreResult<()> {
    let [one, two, ..] = fences;
    assert!(store.child_ended(&id(1), "all")?.is_some());
    assert!(store.end_wait(&id(1), "nap", &over(), NOW)?.is_some());
    assert!(store.end_wait(&id(1), "asked", &over(), NOW)?.is_some());
    let again = wait_for_signal("more", "k", None);
    assert!(store.open_wait(one, &again, &nothing(), NOW)?.is_some());
    assert!(store.take_signal("kept", &id(1))?.is_some());
    store.store_signal(&sent(2), "other", &value("2"), NOW)?;
    store.insert_run(&new_child(11, &id(1), "all", 1))?;
    let waits = names(&["upload"]);
    let suspended = store.suspend(one, &suspension(&waits, &FOR_NETWORK), &nothing(), NOW)?;
    assert!(suspended.is_some_and(|it| it.is_suspended));
    assert!(store.wake(two, NOW)?.is_some());
    assert_eq!(store.wake_network_runs()?, 1, "of run 1");
    assert_eq!(store.promote_due(at(60))?, None);
    assert!(store.end_wait(&id(4), "nap", &over(), NOW)?.is_some());
    assert_eq!(store.claimable_jobs()?.len(), 6, "all have been woken");
    assert_eq!(store.forget_signals(at(99), 9)?, []);
    Ok(())
}

/// All that can be read of it.
#[derive(Debug, PartialEq)]
struct Everything {
    runs: Vec<Run>,
    steps: Vec<Step>,
    due: Vec<OpenWait>,
    network: Vec<OpenWait>,
    of_key: Option<OpenWait>,
    claimable: Vec<String>,
    children: Vec<RunId>,
}

fn everything(f: &mut Fixture) -> Everything {
    let mut steps = f.steps(&id(1));
    steps.extend(f.steps(&id(4)));
    Everything {
        runs: f.all_runs(),
        steps,
        due: f.read(|store| store.due_waits(at(99), 9)),
        network: f.read(|store| store.network_waits(9)),
        of_key: f.read(|store| store.signal_wait("k")),
        claimable: f.read(|store| store.claimable_jobs()),
        children: f.read(|store| store.child_ids(&id(1))),
    }
}

/// Counts, signals and times that nothing shows are as they were.
fn nothing_has_happened(f: &mut Fixture, before: &Everything) {
    assert_eq!(&everything(f), before);
    let next = f.read(|store| store.promote_due(at(59)));
    assert_eq!(next, Some(at(60)), "run 3 is not due");
    let kept: Option<Signal> = f.write(|store| store.take_signal("kept", &id(1)));
    assert_eq!(kept, Some(value("1")), "it was not taken");
    assert_eq!(f.read(|store| store.take_signal("other", &id(1))), None);
    let count = f.write(|store| store.child_ended(&id(1), "all"));
    assert_eq!(count.map(|count| count.pending), Some(1), "of two");
    assert_eq!(f.write(|store| store.wake_network_runs()), 1, "run 2");
    let claimed = f.claim_one("job-2");
    assert_eq!(fence_of(&claimed.run).run_id, id(2));
    let fence = fence_of(&f.run(&id(1)));
    assert_eq!(f.step(&fence, &completed("a", "1")).completed_index, 0);
}

pub(super) fn a_savepoint_undoes_waits_signals_and_counts(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fences = a_little_of_everything(&mut f);
    let before = everything(&mut f);
    f.read(|store| {
        store.savepoint()?;
        change_everything(store, &fences)?;
        store.rollback_to_savepoint()
    });
    nothing_has_happened(&mut f, &before);
}

pub(super) fn a_rollback_undoes_waits_signals_and_counts(open: Open<'_>) {
    let mut f = Fixture::new(open);
    let fences = a_little_of_everything(&mut f);
    let before = everything(&mut f);
    f.store.begin().expect("a transaction begins");
    change_everything(&mut *f.store, &fences).expect("all of it works");
    f.store.rollback();
    nothing_has_happened(&mut f, &before);
}
