//! A batch is there whole or not at all, whatever struck.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{Command, RequestId, Run};

use super::{Verdict, ensure};
use crate::payloads::mark_of;

pub(crate) const NAME: &str = "batches";

/// What was asked for, and what of it was ever seen.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    /// The triggers that nothing can stand in the way of, which are there or not as one.
    free: BTreeMap<String, BTreeSet<usize>>,
    made: BTreeMap<String, BTreeSet<usize>>,
    changed: BTreeSet<String>,
}

impl Batches {
    /// A client asks.
    pub(crate) fn ask(&mut self, request_id: &RequestId, command: &Command) {
        if let Command::BatchTrigger { runs } = command {
            let is_free = |index: &usize| {
                let run = &runs[*index];
                run.idempotency_key.is_none() && run.concurrency_key.is_none()
            };
            let free = (0..runs.len()).filter(is_free).collect();
            self.free.insert(request_id.0.clone(), free);
        }
    }

    /// A run as it stands after a commit.
    pub(crate) fn see(&mut self, run: &Run) {
        if let Some((request, index)) = mark_of(&run.input)
            && self.made.entry(request.clone()).or_default().insert(index)
        {
            self.changed.insert(request);
        }
    }

    /// When all that a commit changed has been seen.
    pub(crate) fn whole(&mut self) -> Verdict {
        for request in std::mem::take(&mut self.changed) {
            let (Some(free), Some(made)) = (self.free.get(&request), self.made.get(&request))
            else {
                continue;
            };
            ensure(free.is_subset(made), || {
                format!("of the batch {request} {made:?} are there, and {free:?} should be")
            })?;
        }
        Ok(())
    }

    /// Whether any run of a request was ever seen.
    pub(crate) fn has_made(&self, request_id: &RequestId) -> bool {
        self.made.contains_key(request_id.as_str())
    }
}
