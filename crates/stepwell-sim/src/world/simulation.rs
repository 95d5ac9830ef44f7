//! One simulation from outside: what is asked for, how it ended, and the trace of its course.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};

use super::World;
use crate::counts::Counts;
use crate::properties::Violation;
use crate::slips::Slip;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The seed, from which everything follows.
    pub seed: u64,
    /// The workload by name; the seed's own where it is `None`.
    pub workload: Option<&'static str>,
    /// Whether SQLite's answers are compared with the reference store's. Off, the other properties must find what is
    /// wrong.
    pub reference: bool,
    /// Whether everything that happens is told on standard error.
    pub tells: bool,
    /// The one crash of a workload without faults.
    pub crash_at: Option<CrashAt>,
    /// What a tab does wrong.
    pub slip: Option<Slip>,
}

/// What dies at which transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashAt {
    /// The transaction, counted from 0 among those that write.
    pub commit: u64,
    /// Whether it is committed first; else it is gone.
    pub is_committed: bool,
    /// What dies.
    pub victim: Victim,
}

/// What a crash takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The engine; executors live on.
    Engine,
    /// All executors; the engine lives on.
    Executors,
    /// Both, and the clients.
    Page,
}

impl Options {
    /// The seed with everything that judges it, in silence.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self {
            seed,
            workload: None,
            reference: true,
            tells: false,
            crash_at: None,
            slip: None,
        }
    }
}

/// How a simulation ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Its workload.
    pub workload: &'static str,
    /// A hash of everything that happened.
    pub trace: u64,
    /// The first property that was violated.
    pub violation: Option<Violation>,
    /// What struck and what was reached.
    pub counts: Counts,
    /// How much virtual time passed.
    pub virtual_ms: i64,
    /// How many batches the engines handled.
    pub batches: u64,
    /// How many transactions wrote.
    pub commits: u64,
}

/// Runs one simulation to its end.
#[must_use]
pub fn simulate(options: Options) -> Outcome {
    let mut world = World::new(options);
    world.run();
    world.outcome()
}

/// A hash of everything that happens: two courses that differ anywhere have two hashes.
pub(super) struct Trace {
    pub(super) hasher: DefaultHasher,
    pub(super) line: String,
    pub(super) tells: bool,
}

impl Trace {
    pub(super) fn note(&mut self, at: i64, what: &impl std::fmt::Debug) {
        if self.tells {
            eprintln!("{at:>6} {what:?}");
        }
        self.line.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.line, "{at}{what:?}");
        self.hasher.write(self.line.as_bytes());
    }
}
