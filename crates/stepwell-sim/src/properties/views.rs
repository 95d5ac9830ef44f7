//! Every tab sees each run as the store has it: what it reads when it follows an engine anew, and the events from there
//! on, of which it misses none and applies none twice, and hears none after an answer that came later.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{EventBody, Run, RunEvent, RunId, RunStatus};

use super::history::History;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "views";

/// What a tab shows.
#[derive(Debug, Default)]
pub(crate) struct View {
    runs: BTreeMap<RunId, (u64, RunStatus)>,
    /// Deleted while everything was read.
    gone: BTreeSet<RunId>,
    /// Of the last event.
    sequence: u64,
}

impl View {
    /// Whether it has shown nothing yet.
    pub(crate) fn is_new(&self) -> bool {
        self.runs.is_empty() && self.sequence == 0
    }

    /// Another engine, or one of which something was missed: the next event follows that one.
    pub(crate) fn follow(&mut self, sequence: u64) {
        self.sequence = sequence;
    }

    /// Everything is read again; what comes meanwhile counts too.
    pub(crate) fn forget(&mut self) {
        self.runs.clear();
        self.gone.clear();
    }

    pub(crate) fn apply(&mut self, event: &RunEvent) -> Verdict {
        let head = &event.head;
        let expected = self.sequence + 1;
        ensure(head.sequence == expected, || {
            format!("the event {expected} should come, and {event:?} did")
        })?;
        self.sequence = head.sequence;
        if matches!(event.body, EventBody::RunDelete) {
            self.runs.remove(&head.run_id);
            self.gone.insert(head.run_id.clone());
        } else {
            self.show(&head.run_id, head.version, head.status);
        }
        Ok(())
    }

    /// An answer of a batch before which events up to `told` were told.
    pub(crate) fn answered(&self, told: u64) -> Verdict {
        ensure(self.sequence >= told, || {
            format!(
                "an answer came before the events {} to {told} of earlier batches",
                self.sequence + 1
            )
        })
    }

    /// What was asked for has been read.
    pub(crate) fn read(&mut self, runs: &[Run]) {
        for run in runs {
            if !self.gone.contains(&run.id) {
                self.show(&run.id, run.version, run.status);
            }
        }
    }

    fn show(&mut self, run_id: &RunId, version: u64, status: RunStatus) {
        let shown = self.runs.entry(run_id.clone()).or_insert((version, status));
        if version >= shown.0 {
            *shown = (version, status);
        }
    }

    /// At the end.
    pub(crate) fn is_of(&self, history: &History) -> Verdict {
        let stored: BTreeMap<RunId, (u64, RunStatus)> = history
            .all()
            .map(|(run, _)| (run.id.clone(), (run.version, run.status)))
            .collect();
        let differs = |id: &&RunId| stored.get(*id) != self.runs.get(*id);
        let other = stored.keys().chain(self.runs.keys()).find(differs);
        ensure(other.is_none(), || {
            let of = |runs: &BTreeMap<RunId, (u64, RunStatus)>| {
                other.and_then(|id| runs.get(id)).copied()
            };
            format!(
                "{other:?} is stored as {:?}, and shown as {:?}",
                of(&stored),
                of(&self.runs)
            )
        })
    }
}
