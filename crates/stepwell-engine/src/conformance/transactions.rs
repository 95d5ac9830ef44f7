//! Transactions and savepoints.

use super::Open;
use super::fixture::{Fixture, NOW, completed, id, lines, messages, new_run};

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
