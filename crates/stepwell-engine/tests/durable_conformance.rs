//! The engine does on the reference store what it must do on every store.
#![cfg(feature = "conformance")]

use std::panic::catch_unwind;

use stepwell_engine::conformance::durable::durable_scenarios;
use stepwell_engine::{MemoryStore, Ownership};

/// Runs all, so that one failure does not hide another.
fn check(ownership: Ownership) {
    let mut failed = Vec::new();
    for scenario in durable_scenarios() {
        eprintln!("{ownership:?}: {}", scenario.name);
        let run = || (scenario.run)(&mut || Box::new(MemoryStore::new(ownership)));
        if catch_unwind(run).is_err() {
            failed.push(scenario.name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:#?}");
}

#[test]
fn exclusive_memory_carries_the_engine() {
    check(Ownership::Exclusive);
}

#[test]
fn shared_memory_carries_the_engine() {
    check(Ownership::Shared);
}
