//! Random calls, to the reference store and to SQLite in step: every answer must be the same.

mod call;
mod maker;
#[path = "../support/mod.rs"]
mod support;
mod values;
mod waits;

use stepwell_engine::{MemoryStore, Ownership, Store};
use stepwell_protocol::{LogQuery, Order, RunFilter};
use stepwell_sqlite::{Durability, SqliteStore};
use support::random::Random;
use support::{Folder, as_opfs, open};

use call::{Call, ask};
use maker::Maker;

/// What must have been answered, or the calls have missed what they are for.
const ANSWERS: [&str; 18] = [
    "Some(Opened",
    "Some(Repeated",
    "KeyTaken",
    "waiting_for: Some(Retry",
    "waiting_for: Some(Sleep",
    "waiting_for: Some(Signal",
    "waiting_for: Some(Children",
    "waiting_for: Some(Network",
    "children: [ChildResult",
    "Some(WaitEnded",
    "is_suspended: true",
    "is_suspended: false",
    "from: Waiting, parked: Some",
    "ChildCount { pending: 0",
    "Ok(RepeatedKept)",
    "Ok(RepeatedTaken)",
    "Ok(Ignored)",
    "Some(Signal {",
];

/// Those of [`ANSWERS`] that were not among the answers.
fn compare(
    seed: u64,
    ownership: Ownership,
    sqlite: &mut SqliteStore,
    transactions: u32,
) -> Vec<&'static str> {
    let mut reference = MemoryStore::new(ownership);
    let mut maker = Maker {
        random: Random(seed),
        now: 0,
        runs: 0,
        shared: ownership == Ownership::Shared,
        sessions: 0,
        in_savepoint: false,
    };
    let mut missed = ANSWERS.to_vec();
    for transaction in 0..transactions {
        reference.begin().expect("a transaction begins");
        sqlite.begin().expect("a transaction begins");
        for _ in 0..maker.random.below(6) {
            let call = maker.call(&mut reference);
            let now = maker.at(0);
            let expected = ask(&mut reference, &call, now);
            let answer = ask(sqlite, &call, now);
            assert_eq!(
                answer, expected,
                "seed {seed}, transaction {transaction}: {call:?}"
            );
            missed.retain(|text| !answer.contains(text));
        }
        // A transaction may end with its savepoint open.
        maker.in_savepoint = false;
        if maker.random.chance(20) {
            reference.rollback();
            sqlite.rollback();
        } else {
            let expected = reference.commit();
            assert_eq!(
                sqlite.commit(),
                expected,
                "seed {seed}, transaction {transaction}: wrote"
            );
        }
    }
    everything_is_the_same(&mut reference, sqlite, &mut maker);
    missed
}

fn everything_is_the_same(
    reference: &mut MemoryStore,
    sqlite: &mut SqliteStore,
    maker: &mut Maker,
) {
    let filter = RunFilter {
        limit: 100_000,
        ..RunFilter::default()
    };
    let now = maker.at(0);
    let mut calls = vec![
        Call::Runs(filter.clone()),
        Call::DueWaits(u32::MAX),
        Call::NetworkWaits(u32::MAX),
    ];
    let runs = reference.runs(&filter).expect("the reference reads").runs;
    assert!(runs.len() > 100, "the sequence must have made runs");
    for run in runs {
        calls.push(Call::Steps(run.id.clone(), true));
        calls.push(Call::ChildIds(run.id.clone()));
        calls.push(Call::ParkedBy(run.id.clone()));
        calls.push(Call::Logs(LogQuery {
            run_id: run.id,
            level: None,
            order: Order::Desc,
            cursor: None,
            limit: 100_000,
        }));
    }
    for call in calls {
        assert_eq!(
            ask(sqlite, &call, now),
            ask(reference, &call, now),
            "{call:?}"
        );
    }
    assert_eq!(sqlite.integrity_check(), Ok(vec![]));
}

#[test]
fn sqlite_in_memory_answers_as_the_reference_does() {
    let mut missed = ANSWERS.to_vec();
    for seed in 1..=4 {
        eprintln!("seed {seed}");
        let mut sqlite = SqliteStore::open_in_memory(Durability::Strict).expect("memory opens");
        let of_seed = compare(seed, Ownership::Exclusive, &mut sqlite, 1_600);
        missed.retain(|text| of_seed.contains(text));
    }
    assert_eq!(missed, [""; 0], "never answered");
}

#[test]
fn sqlite_on_a_file_of_its_own_answers_as_the_reference_does() {
    let folder = Folder::new();
    let mut sqlite =
        open(&folder.file("a.db"), as_opfs(Durability::Relaxed)).expect("the file opens");
    compare(5, Ownership::Exclusive, &mut sqlite, 1_200);
}

#[test]
fn sqlite_on_a_shared_file_answers_as_the_reference_does() {
    let folder = Folder::new();
    let mut sqlite =
        SqliteStore::open_file(folder.file("a.db"), Durability::Relaxed).expect("the file opens");
    compare(6, Ownership::Shared, &mut sqlite, 1_200);
}
