//! Two engines on one native SQLite file, each with executors of its own, in turns that a seed decides; one of them dies
//! again and again.

use stepwell_sim::{Counts, Fault, Options, State, simulate};

const SEEDS: u64 = 60;

#[test]
fn two_engines_on_one_file_run_everything_once() {
    let mut counts = Counts::default();
    for seed in 0..SEEDS {
        let outcome = simulate(Options {
            workload: Some("shared"),
            ..Options::of(seed)
        });
        assert_eq!(outcome.violation, None, "seed {seed}");
        counts.add(&outcome.counts);
    }
    for fault in [
        Fault::CrashBefore,
        Fault::CrashInside,
        Fault::CrashAfter,
        Fault::PageKilled,
        Fault::ExecutorDied,
        Fault::Released,
    ] {
        assert!(counts.fault(fault) > 0, "never: {}", fault.name());
    }
    for state in [
        State::ChildrenMade,
        State::ChildCancelled,
        State::SleepEnded,
        State::SignalDelivered,
        State::Resumed,
        State::WokenReplayed,
        State::Reclaimed,
    ] {
        assert!(counts.state(state) > 0, "never: {}", state.name());
    }
    // One would wait for the other, and say so, if a transaction of it stayed open: `SQLITE_BUSY`.
    assert_eq!(counts.fault(Fault::OpenFailed), 0);
    assert_eq!(counts.state(State::PausedAndResumed), 0);
}
