//! The reference store passes the suite that it is the reference of.
#![cfg(feature = "conformance")]

use stepwell_engine::conformance::scenarios;
use stepwell_engine::{MemoryStore, Ownership};

fn check(ownership: Ownership) {
    for scenario in scenarios() {
        if scenario.applies_to(ownership) {
            eprintln!("{ownership:?}: {}", scenario.name);
            (scenario.run)(&mut || Box::new(MemoryStore::new(ownership)));
        }
    }
}

#[test]
fn exclusive_memory_conforms() {
    check(Ownership::Exclusive);
}

#[test]
fn shared_memory_conforms() {
    check(Ownership::Shared);
}
