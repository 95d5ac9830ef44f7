//! Two thousand seeds, the ones that failed once, and the promise that a seed replays exactly.
#![allow(
    clippy::disallowed_methods,
    reason = "whole simulations side by side; inside of one there is a single thread"
)]

use std::thread;

use stepwell_sim::{Options, Summary, Workload, simulate, simulate_all};

const SEEDS: u64 = 2_000;
/// Of each workload of tabs.
const SEEDS_OF_TABS: u64 = 100;
/// As many as the machines have on which this must be quick.
const THREADS: u64 = 2;

/// Seeds that found something, in which workload, and what it was. What a workload does not do leaves its courses alone,
/// so that these are still the ones that found it; what the engine did wrong is also told step by step in its own
/// `tests/recovery.rs`.
const REGRESSIONS: &[(u64, &str, &str)] = &[
    (
        584,
        "failing",
        "a dead executor's late hello: the host tells its death again",
    ),
    (
        647,
        "crowd",
        "a successor opened the gate for one still to come",
    ),
    (
        850,
        "poison",
        "giving up a second message aborted the run's new lease",
    ),
    (1_750, "poison", "a clock put back kept the gate closed"),
    (1_771, "long", "a clock put back kept the gate closed"),
    (103_208, "failing", "a dead executor was not expected again"),
    (
        103_730,
        "failing",
        "a second hello before the welcome left a run behind",
    ),
    (
        103_958,
        "failing",
        "a second hello before the welcome left a run behind",
    ),
    (100_199, "crowd", "a lease lost at a hello, judged too late"),
    (
        59,
        "timeouts",
        "a failure said again after its wait opened it once more",
    ),
    (
        47,
        "network",
        "a new engine forgot what waited for the network",
    ),
    (
        1_181,
        "children",
        "the model ran an attempt again that had failed, told twice of the one before",
    ),
    (
        702,
        "handover",
        "a run was tried again between its hand-over and its claim, judged too strictly",
    ),
    (
        1,
        "handover",
        "a read failed on a full disk for what a commit had left to write",
    ),
    (
        243,
        "children",
        "a checkpoint's write failed in a call whose errors SQLite ignores, and was lost",
    ),
];

#[test]
fn what_was_found_once_stays_found() {
    for (seed, workload, what) in REGRESSIONS {
        let outcome = simulate(Options {
            workload: Some(workload),
            ..Options::of(*seed)
        });
        assert_eq!(outcome.workload, *workload);
        assert_eq!(outcome.violation, None, "seed {seed}: {what}");
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..36 {
        let (first, second) = (simulate(Options::of(seed)), simulate(Options::of(seed)));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.counts, second.counts, "seed {seed}");
    }
    let (one, other) = (simulate(Options::of(1)), simulate(Options::of(13)));
    assert_ne!(one.trace, other.trace, "two seeds, two courses");
}

#[test]
fn two_thousand_seeds_find_nothing_and_every_fault_strikes() {
    let share = SEEDS / THREADS;
    let threads: Vec<_> = (0..THREADS)
        .map(|part| {
            thread::spawn(move || {
                let mut summary = simulate_all(part * share, share, None);
                let share = SEEDS_OF_TABS / THREADS;
                for workload in Workload::TABS {
                    summary.merge(simulate_all(part * share, share, Some(workload)));
                }
                summary
            })
        })
        .collect();
    let mut summary = Summary::default();
    for thread in threads {
        summary.merge(thread.join().expect("a simulation that ends"));
    }
    assert!(summary.passed(), "{summary}");
}
