//! Many seeds, and what is printed of them.

use std::fmt;

use crate::counts::{Counts, Fault, State};
use crate::world::{Options, Outcome, simulate};

/// From so many seeds on, a fault that never struck fails the run: the world would be kinder than it says.
const SEEDS_FOR_EVERY_FAULT: u64 = 200;

/// What many simulations came to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many seeds were simulated.
    pub seeds: u64,
    /// The ones in which a property was violated.
    pub failures: Vec<Outcome>,
    /// What struck and what was reached, over all seeds.
    pub counts: Counts,
    /// How much virtual time passed.
    pub virtual_ms: i64,
    /// How many batches the engines handled.
    pub batches: u64,
}

/// Simulates `count` seeds from `first` on, each with its own workload or all with this one.
#[must_use]
pub fn simulate_all(first: u64, count: u64, workload: Option<&'static str>) -> Summary {
    let mut summary = Summary::default();
    for seed in first..first + count {
        summary.add(simulate(Options {
            workload,
            ..Options::of(seed)
        }));
    }
    summary
}

impl Summary {
    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.counts.add(&outcome.counts);
        self.virtual_ms += outcome.virtual_ms;
        self.batches += outcome.batches;
        if outcome.violation.is_some() {
            self.failures.push(outcome);
        }
    }

    /// Adds another summary.
    pub fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.failures.extend(other.failures);
        self.counts.add(&other.counts);
        self.virtual_ms += other.virtual_ms;
        self.batches += other.batches;
    }

    /// The faults that should have struck and did not. Empty where the seeds are too few to ask.
    #[must_use]
    pub fn missing_faults(&self) -> Vec<Fault> {
        if self.seeds < SEEDS_FOR_EVERY_FAULT {
            return Vec::new();
        }
        Fault::ALL
            .iter()
            .copied()
            .filter(|fault| self.counts.fault(*fault) == 0)
            .collect()
    }

    /// Whether all is well.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.missing_faults().is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds, {} batches, {} s of virtual time",
            self.seeds,
            self.batches,
            self.virtual_ms / 1_000
        )?;
        writeln!(f, "\nfaults that struck")?;
        for fault in Fault::ALL {
            writeln!(f, "{:>10}  {}", self.counts.fault(*fault), fault.name())?;
        }
        writeln!(f, "\nrare states reached")?;
        for state in State::ALL {
            writeln!(f, "{:>10}  {}", self.counts.state(*state), state.name())?;
        }
        for fault in self.missing_faults() {
            writeln!(f, "\nnever struck: {}", fault.name())?;
        }
        for Outcome {
            seed,
            workload,
            violation,
            ..
        } in &self.failures
        {
            if let Some(violation) = violation {
                writeln!(
                    f,
                    "\nseed {seed} ({workload}): {}: {}",
                    violation.property, violation.message
                )?;
            }
        }
        Ok(())
    }
}
