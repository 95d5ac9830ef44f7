//! Children, a signal and a sleep survive a crash at every single transaction: right before its commit and right after,
//! of the engine, of all executors, and of both.

use stepwell_sim::{CrashAt, Options, Outcome, State, Victim, simulate};

/// More transactions than the scenario has.
const COMMITS_MAX: u64 = 500;

fn course(seed: u64, crash_at: Option<CrashAt>) -> Outcome {
    simulate(Options {
        workload: Some("scenario"),
        crash_at,
        ..Options::of(seed)
    })
}

#[test]
fn the_scenario_has_all_that_it_should_have() {
    let outcome = course(0, None);
    assert_eq!(outcome.violation, None);
    for state in [
        State::ChildrenMade,
        State::FailedFast,
        State::ChildCancelled,
        State::SignalDelivered,
        State::SleepEnded,
        State::Suspended,
        State::Resumed,
        State::StepRetried,
    ] {
        assert!(outcome.counts.state(state) > 0, "{}", state.name());
    }
}

#[test]
fn a_crash_at_any_transaction_leaves_no_parent_waiting_and_no_child_twice() {
    let mut crashes = 0;
    for seed in 0..3 {
        for victim in [Victim::Engine, Victim::Executors, Victim::Page] {
            for is_committed in [false, true] {
                for commit in 0..COMMITS_MAX {
                    let crash_at = CrashAt {
                        commit,
                        is_committed,
                        victim,
                    };
                    let outcome = course(seed, Some(crash_at));
                    assert_eq!(outcome.violation, None, "seed {seed}, {crash_at:?}");
                    if outcome.commits <= commit {
                        break;
                    }
                    crashes += 1;
                }
            }
        }
    }
    assert!(crashes > 500, "{crashes} crashes");
}
