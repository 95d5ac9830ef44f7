//! Long waits: an idle engine does nothing between two times, and a year passes.

use stepwell_sim::{Options, State, simulate};

const YEAR_MS: i64 = 365 * 86_400_000;

/// The property `times` judges after each batch that the engine asks to be called for exactly what comes next.
#[test]
fn an_engine_with_sleepers_alone_is_called_once_for_each_time() {
    for seed in 0..10 {
        let outcome = simulate(Options {
            workload: Some("idle"),
            ..Options::of(seed)
        });
        assert_eq!(outcome.violation, None, "seed {seed}");
        assert!(outcome.counts.state(State::SleepEnded) > 10);
    }
}

#[test]
fn a_year_of_sleeps_signals_retries_and_children_passes() {
    let outcome = simulate(Options {
        workload: Some("year"),
        ..Options::of(1)
    });
    assert_eq!(outcome.violation, None);
    assert!(outcome.virtual_ms > YEAR_MS);
    for state in [
        State::SleepEnded,
        State::SignalDelivered,
        State::StepRetried,
        State::ChildrenMade,
        State::Resumed,
        State::WokenReplayed,
    ] {
        assert!(outcome.counts.state(state) > 0, "never: {}", state.name());
    }
}
