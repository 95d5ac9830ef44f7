//! What must hold. Each property is told what happened and says what is wrong with it.
//!
//! | file           | property                                                                                    |
//! |----------------|---------------------------------------------------------------------------------------------|
//! | `history.rs`   | A committed step never changes. Terminal stays, but for retry. Versions rise, no generation falls. |
//! | `reference.rs` | SQLite answers as the reference store does; after a crash it has a state that it may have.   |
//! | `leases.rs`    | A generation is given once. What is acknowledged was written under the generation it names.  |
//! | `bodies.rs`    | A committed step never runs again. A body runs twice only when a crash or lost lease lies between. |
//! | `promises.rs`  | What was acknowledged is there: triggers, step outcomes, ends.                               |
//! | `logs.rs`      | Lines acknowledged, or committed with their step, are there exactly once, in order.          |
//! | `events.rs`    | Events come after their commit, and without gaps within an epoch.                            |
//! | `keys.rs`      | One run of a job and key at work, one pending; one run of a job and idempotency key.          |
//! | `claims.rs`    | Nothing is claimed early, out of order or over a limit; nothing waits beside a free slot.     |
//! | `batches.rs`   | A batch is there whole or not at all.                                                        |
//! | `dispositions.rs`| An answer to a trigger is what the trigger asked for; what was not made wrote nothing.     |
//! | `forgetting.rs`| Only what has ended, and was to go, is deleted, and then all of it; nothing tells of it after. |
//! | `blobs.rs`     | Each blob of a stored run has its file; after a restart no file is without a run.             |
//! | `times.rs`     | No wait ends early, each with the first batch at its time; deadlines stay; the engine asks for that. |
//! | `retries.rs`   | Delays are those of the policy and the entropy; budgets are kept.                             |
//! | `signals.rs`   | A signal is delivered once, the first of a key wins, no wait stays open for one that is kept. |
//! | `children.rs`  | Children are those of the call, once, in order; what ends them ends the wait; none outlives a failed parent. |
//! | `replay.rs`    | A replay is told what the live execution was told, in its order.                              |
//! | `views.rs`     | Every tab shows each run as the store has it, misses no event and applies none twice.           |
//! | `once.rs`      | A command takes effect once, however often it was sent; none where its tab was told that it failed. |
//! | `epochs.rs`    | One engine at a time commits. What is handed over counts no recovery; who drains claims nothing. |
//! | `liveness.rs`  | After the faults stop every run ends, every request is answered, and recoveries have their cap. |

pub(crate) mod batches;
pub(crate) mod blobs;
pub(crate) mod bodies;
pub(crate) mod children;
pub(crate) mod claims;
pub(crate) mod dispositions;
pub(crate) mod epochs;
pub(crate) mod events;
pub(crate) mod forgetting;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod leases;
pub(crate) mod liveness;
pub(crate) mod logs;
pub(crate) mod once;
pub(crate) mod promises;
pub(crate) mod reference;
pub(crate) mod replay;
pub(crate) mod retries;
pub(crate) mod signals;
pub(crate) mod times;
pub(crate) mod views;
mod waited;
mod watched;
pub(crate) mod woken;

/// What a property found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The property.
    pub property: &'static str,
    /// What is wrong.
    pub message: String,
}

/// A property's verdict.
pub(crate) type Verdict = Result<(), String>;

/// Collects verdicts.
#[derive(Debug, Default)]
pub(crate) struct Verdicts(Vec<Violation>);

impl Verdicts {
    pub(crate) fn judge(&mut self, property: &'static str, verdict: Verdict) {
        if let Err(message) = verdict {
            self.0.push(Violation { property, message });
        }
    }

    pub(crate) fn first(&self) -> Option<&Violation> {
        self.0.first()
    }
}

/// A condition as a verdict.
pub(crate) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(message()) }
}
