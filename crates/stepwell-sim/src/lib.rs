//! A deterministic world around Stepwell's engine: real SQLite on a disk that loses power, executors and clients that
//! die, clocks that jump. One seed, one course of events; properties judge all that happens.
//!
//! **Owns** the faults, the workloads and the properties. **Must not** be part of what is shipped, nor contain SQL.

mod counts;
mod disk;
mod payloads;
mod properties;
mod report;
mod rng;
mod slips;
mod vfs;
mod workloads;
mod world;

pub use counts::{Counts, Fault, State};
pub use properties::Violation;
pub use report::{Summary, simulate_all};
pub use rng::Rng;
pub use slips::Slip;
pub use workloads::Workload;
pub use world::{CrashAt, Options, Outcome, Victim, simulate};
