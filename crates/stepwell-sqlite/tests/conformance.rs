//! SQLite passes the suite of the Store port: in memory, as OPFS is opened, and on a shared file.

mod support;

use stepwell_engine::Store;
use stepwell_engine::conformance::scenarios;
use stepwell_sqlite::{Durability, SqliteStore};
use support::{Folder, as_opfs, open};

fn check(mut make: impl FnMut() -> SqliteStore) {
    let ownership = make().ownership();
    for scenario in scenarios() {
        if scenario.applies_to(ownership) {
            eprintln!("{ownership:?}: {}", scenario.name);
            (scenario.run)(&mut || Box::new(make()));
        }
    }
}

#[test]
fn memory_conforms() {
    check(|| SqliteStore::open_in_memory(Durability::Strict).expect("memory opens"));
}

#[test]
fn a_file_of_its_own_conforms() {
    let folder = Folder::new();
    let mut number = 0;
    check(|| {
        number += 1;
        let path = folder.file(&format!("{number}.db"));
        open(&path, as_opfs(Durability::Relaxed)).expect("the file opens")
    });
}

#[test]
fn a_shared_file_conforms() {
    let folder = Folder::new();
    let mut number = 0;
    check(|| {
        number += 1;
        let path = folder.file(&format!("{number}.db"));
        SqliteStore::open_file(path, Durability::Relaxed).expect("the file opens")
    });
}
