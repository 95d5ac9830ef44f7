//! Times, by criterion.

use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion};
use stepwell_engine::Store;

use super::World;
use super::cases::{Case, Measurement};

/// Short, because there are many and the machine is shared: what is read off is a factor, not a percent.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}

/// As many as asked for where times are measured, a few where `cargo test --benches` only looks whether a bench works.
pub fn stored(runs: usize) -> usize {
    const RUNS_MAX_IN_TEST: usize = 200;
    match std::env::args().any(|argument| argument == "--bench") {
        true => runs,
        false => runs.min(RUNS_MAX_IN_TEST),
    }
}

/// The world is made where the bench is wanted, and once: criterion calls for each sample, and an engine that has just
/// started is slower.
pub fn bench<S: Store>(
    criterion: &mut Criterion,
    name: &str,
    case: Case,
    make: impl Fn() -> World<S>,
) {
    let mut made = None;
    criterion.bench_function(name, |bencher| {
        let measurement = made.get_or_insert_with(|| Measurement::new(case, make()));
        time(bencher, measurement);
    });
}

/// Only the operation is timed, not what makes it ready and cleans up after it.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn time<S: Store>(bencher: &mut Bencher<'_>, measurement: &mut Measurement<S>) {
    bencher.iter_custom(|operations| {
        let mut sum = Duration::ZERO;
        for _ in 0..operations {
            let operation = measurement.prepare();
            let begun = Instant::now();
            let done = measurement.run(operation);
            sum += begun.elapsed();
            measurement.settle(done);
        }
        sum
    });
}
