//! Stepwell's engine, sans-IO: it decides everything about runs, steps and leases, and does no input or output itself.
//!
//! A host feeds [`Engine::handle`] with batches of inputs, the time and some entropy, and carries out what comes back:
//! replies, events, effects, and the one moment at which to call again. Everything that must survive goes through the
//! [`Store`] port; [`MemoryStore`] is its reference implementation.
//!
//! **Must not** read a clock, draw randomness, await, or know of browsers and SQL.

mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod engine;
mod entropy;
mod memory;
#[cfg(feature = "planted")]
pub mod planted;
mod store;

pub use clock::{
    Clock, ClockJump, Observed, STEP_BACK_MS_MAX, WAIT_MS_MAX_FAR, WAIT_MS_MAX_NEAR, wait_ms,
};
pub use engine::{
    ATTEMPTS_MAX, BATCH_RUNS_MAX, CHILDREN_MAX, Engine, EngineOptions, JOB_NAME_BYTES_MAX,
    KEY_CHARS_MAX, LABEL_KEY_CHARS_MAX, LABEL_VALUE_CHARS_MAX, LABELS_MAX, LOGS_PER_PAGE_MAX,
    PAYLOAD_BYTES_MAX, PRIORITY_MAX, PURGE_RUNS_MAX, RETRY_FACTOR_MAX, RUNS_PER_PAGE_MAX,
    SIGNAL_KEY_CHARS_MAX,
};
pub use entropy::Entropy;
pub use memory::MemoryStore;
pub use store::{
    ChildCount, Claim, Claimed, Deleted, Fence, Inserted, KeyOfJob, LAST_REQUESTS_MAX,
    MAX_RECOVERIES, NewRun, OpenWait, Ownership, Parent, Parked, Release, RunHead, RunOutcome,
    RunWritten, Signal, SignalStored, StepOutcome, StepWait, StepWritten, Store, StoreError,
    StoreResult, Suspended, Suspension, UNCLAIMED, Wait, WaitEnd, WaitEnded, WaitOpened, fence_of,
};
