//! Waiting runs that may be claimed, which no read of the port shows: noted as they are woken.

use std::collections::BTreeSet;

use stepwell_protocol::RunId;

/// Those of the open transaction, and those before it.
#[derive(Debug, Default)]
pub(crate) struct Woken {
    committed: BTreeSet<RunId>,
    open: BTreeSet<RunId>,
    at_savepoint: BTreeSet<RunId>,
}

impl Woken {
    pub(super) fn wake(&mut self, run_id: &RunId) {
        self.open.insert(run_id.clone());
    }

    /// It is claimed, or has ended, or waits anew.
    pub(super) fn sleep(&mut self, run_id: &RunId) {
        self.open.remove(run_id);
    }

    pub(crate) fn has(&self, run_id: &RunId) -> bool {
        self.open.contains(run_id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn savepoint(&mut self) {
        self.at_savepoint.clone_from(&self.open);
    }

    pub(super) fn rollback_to_savepoint(&mut self) {
        self.open.clone_from(&self.at_savepoint);
    }

    pub(super) fn commit(&mut self) {
        self.committed.clone_from(&self.open);
    }

    pub(super) fn rollback(&mut self) {
        self.open.clone_from(&self.committed);
    }
}
