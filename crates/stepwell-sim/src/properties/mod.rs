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
//! | `liveness.rs`  | After the faults stop every run ends, every request is answered, and recoveries have their cap. |

pub(crate) mod bodies;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod leases;
pub(crate) mod liveness;
pub(crate) mod logs;
pub(crate) mod promises;
pub(crate) mod reference;
mod watched;

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
