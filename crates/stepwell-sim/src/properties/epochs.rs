//! One engine at a time: epochs grow, and only the newest one commits. What it hands over in good order it gives back
//! uncounted, and claims nothing more from the moment on that it was told to come to an end.

use std::collections::BTreeMap;

use stepwell_protocol::{Effect, EngineMessage, Epoch, Output, Run, RunId};

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "epochs";

/// Engines, in their order.
#[derive(Debug, Default)]
pub(crate) struct Epochs {
    newest: Epoch,
    /// Runs that were given back, as they were.
    handed_over: BTreeMap<RunId, (u64, u32)>,
}

impl Epochs {
    pub(crate) fn opened(&mut self, epoch: Epoch) -> Verdict {
        let before = std::mem::replace(&mut self.newest, epoch);
        ensure(epoch > before, || {
            format!("the engine after epoch {before} has epoch {epoch}")
        })
    }

    /// An engine handles a batch.
    pub(crate) fn works(&self, epoch: Epoch) -> Verdict {
        ensure(epoch == self.newest, || {
            format!(
                "the engine of epoch {epoch} works, and {} is open",
                self.newest
            )
        })
    }

    /// An engine that was told to drain says something.
    pub(crate) fn drained(output: &Output) -> Verdict {
        let gives = |effect: &&Effect| {
            matches!(
                effect,
                Effect::Send {
                    message: EngineMessage::Assign { .. } | EngineMessage::Resume { .. },
                    ..
                }
            )
        };
        let given = output.effects.iter().find(gives);
        ensure(given.is_none(), || {
            format!("told to come to an end, and it claims: {given:?}")
        })
    }

    /// A run is given back in good order.
    pub(crate) fn hand_over(&mut self, run: &Run) {
        let held = (run.generation.0, run.recoveries);
        self.handed_over.insert(run.id.clone(), held);
    }

    /// A run is claimed.
    pub(crate) fn claimed(&mut self, run: &Run) -> Verdict {
        let Some((generation, recoveries)) = self.handed_over.remove(&run.id) else {
            return Ok(());
        };
        let is_next = run.generation.0 == generation + 1;
        // Fewer, where it was tried again since.
        ensure(!is_next || run.recoveries <= recoveries, || {
            format!("handed over with {recoveries} recoveries, and claimed as {run:?}")
        })
    }
}
