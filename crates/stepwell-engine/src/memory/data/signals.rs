//! Signals: kept until a wait takes them, then for as long as its run.

use std::collections::BTreeSet;

use stepwell_protocol::{BlobId, RequestId, RunId, TimestampMs};

use super::Data;
use crate::store::{OpenWait, Signal, SignalStored, Wait};

/// A signal by its request.
#[derive(Clone, Debug)]
pub(super) struct SignalRow {
    key: String,
    signal: Signal,
    kept_at: TimestampMs,
    /// The run whose step has it; kept where there is none.
    taken_by: Option<RunId>,
}

impl SignalRow {
    fn is_kept(&self) -> bool {
        self.taken_by.is_none()
    }
}

impl Data {
    pub(in crate::memory) fn store_signal(
        &mut self,
        request_id: &RequestId,
        key: &str,
        signal: &Signal,
        now: TimestampMs,
    ) -> SignalStored {
        if let Some(row) = self.signals.get(request_id) {
            return if row.is_kept() {
                SignalStored::RepeatedKept
            } else {
                SignalStored::RepeatedTaken
            };
        }
        if self
            .signals
            .values()
            .any(|row| row.is_kept() && row.key == key)
        {
            return SignalStored::Ignored;
        }
        let row = SignalRow {
            key: key.to_owned(),
            signal: signal.clone(),
            kept_at: now,
            taken_by: None,
        };
        self.signals.insert(request_id.clone(), row);
        self.dirty = true;
        SignalStored::Kept
    }

    pub(in crate::memory) fn take_signal(&mut self, key: &str, run_id: &RunId) -> Option<Signal> {
        let row = self
            .signals
            .values_mut()
            .find(|row| row.is_kept() && row.key == key)?;
        row.taken_by = Some(run_id.clone());
        self.dirty = true;
        Some(row.signal.clone())
    }

    pub(in crate::memory) fn signal_wait(&self, key: &str) -> Option<OpenWait> {
        let is_for_key = |wait: &Wait| matches!(wait, Wait::Signal { key: its, .. } if its == key);
        self.open_waits()
            .find(|(_, wait)| is_for_key(wait))
            .map(|(open, _)| open)
    }

    pub(in crate::memory) fn forget_signals(
        &mut self,
        before: TimestampMs,
        limit: u32,
    ) -> Vec<BlobId> {
        let mut old: Vec<(TimestampMs, RequestId)> = self
            .signals
            .iter()
            .filter(|(_, row)| row.is_kept() && row.kept_at < before)
            .map(|(id, row)| (row.kept_at, id.clone()))
            .collect();
        old.sort();
        old.truncate(limit as usize);
        let mut blobs = BTreeSet::new();
        for (_, id) in old {
            if let Some(row) = self.signals.remove(&id) {
                blobs.extend(row.signal.blobs);
                self.dirty = true;
            }
        }
        let blobs: Vec<BlobId> = blobs.into_iter().collect();
        self.unreferenced_blobs(&blobs)
    }

    /// Deletes the signals that a run has taken. Their blobs.
    pub(super) fn delete_signals_of(&mut self, run_id: &RunId) -> BTreeSet<BlobId> {
        let is_its = |row: &SignalRow| row.taken_by.as_ref() == Some(run_id);
        let taken = self.signals.values().filter(|row| is_its(row));
        let blobs = taken.flat_map(|row| row.signal.blobs.clone()).collect();
        self.signals.retain(|_, row| !is_its(row));
        blobs
    }

    /// Whether a signal, kept or taken, refers to a blob.
    pub(super) fn is_in_signal(&self, blob: &BlobId) -> bool {
        self.signals
            .values()
            .any(|row| row.signal.blobs.contains(blob))
    }
}
