//! SQLite carries the engine: in memory, as OPFS is opened, on a shared file, and with two engines on one file.

mod support;

use std::panic::catch_unwind;

use stepwell_engine::conformance::durable::{durable_scenarios, shared_scenarios};
use stepwell_sqlite::{Durability, SqliteStore};
use support::{Folder, as_opfs, open};

/// Runs all, so that one failure does not hide another.
fn check(make: impl Fn(u32) -> SqliteStore + std::panic::RefUnwindSafe) {
    let (mut failed, mut number) = (Vec::new(), 0);
    for scenario in durable_scenarios() {
        eprintln!("{}", scenario.name);
        let first = number;
        let run = || {
            let mut next = first;
            (scenario.run)(&mut || {
                next += 1;
                Box::new(make(next))
            });
        };
        if catch_unwind(run).is_err() {
            failed.push(scenario.name);
        }
        number += 1_000;
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[test]
fn memory_carries_the_engine() {
    check(|_| SqliteStore::open_in_memory(Durability::Strict).expect("memory opens"));
}

#[test]
fn a_file_of_its_own_carries_the_engine() {
    let folder = Folder::new();
    check(|number| {
        let path = folder.file(&format!("{number}.db"));
        open(&path, as_opfs(Durability::Relaxed)).expect("the file opens")
    });
}

#[test]
fn a_shared_file_carries_the_engine() {
    let folder = Folder::new();
    check(|number| {
        let path = folder.file(&format!("{number}.db"));
        SqliteStore::open_file(path, Durability::Relaxed).expect("the file opens")
    });
}

#[test]
fn a_shared_file_carries_two_engines() {
    let folder = Folder::new();
    for (index, scenario) in shared_scenarios().into_iter().enumerate() {
        eprintln!("{}", scenario.name);
        let mut number = 0;
        (scenario.run)(&mut || {
            number += 1;
            let path = folder.file(&format!("{index}-{number}.db"));
            [(), ()].map(|()| {
                let store = SqliteStore::open_file(&path, Durability::Relaxed);
                Box::new(store.expect("the file opens")) as _
            })
        });
    }
}
