//! The reference store: plain maps, a copy of everything at `begin`. Obviously right rather than fast; the other stores
//! are judged by it.
//!
//! **Must not** grow cleverness: where it and another store disagree, it should be the one that is read and believed.

mod data;

use stepwell_protocol::{
    BlobId, ChildResult, Epoch, ExecutorId, LogPage, LogQuery, Report, RequestId, Run, RunFilter,
    RunId, RunPage, Step, TimestampMs, WaitingFor,
};

use self::data::Data;
use crate::store::{
    ChildCount, Claim, Claimed, Deleted, Fence, Inserted, NewRun, OpenWait, Ownership, Release,
    RunHead, RunOutcome, RunWritten, Signal, SignalStored, StepOutcome, StepWait, StepWritten,
    Store, StoreError, StoreResult, Suspended, Suspension, WaitEnd, WaitEnded, WaitOpened,
};

/// A [`Store`] in memory.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    ownership: Ownership,
    data: Data,
    /// What stood when the open transaction began.
    before_transaction: Option<Data>,
    /// What stood at the open savepoint.
    before_savepoint: Option<Data>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(ownership: Ownership) -> Self {
        Self {
            ownership,
            data: Data::default(),
            before_transaction: None,
            before_savepoint: None,
        }
    }
}

fn misuse<T>(message: &str) -> StoreResult<T> {
    Err(StoreError::Other(message.to_owned()))
}

impl Store for MemoryStore {
    fn ownership(&self) -> Ownership {
        self.ownership
    }

    fn begin(&mut self) -> StoreResult<()> {
        if self.before_transaction.is_some() {
            return misuse("begin inside a transaction");
        }
        self.data.dirty = false;
        self.before_transaction = Some(self.data.clone());
        Ok(())
    }

    fn commit(&mut self) -> StoreResult<bool> {
        if self.before_transaction.take().is_none() {
            return misuse("commit without a transaction");
        }
        self.before_savepoint = None;
        Ok(self.data.dirty)
    }

    fn rollback(&mut self) {
        self.before_savepoint = None;
        if let Some(before) = self.before_transaction.take() {
            self.data = before;
        }
    }

    fn savepoint(&mut self) -> StoreResult<()> {
        if self.before_savepoint.is_some() {
            return misuse("a savepoint inside a savepoint");
        }
        self.before_savepoint = Some(self.data.clone());
        Ok(())
    }

    fn release_savepoint(&mut self) -> StoreResult<()> {
        match self.before_savepoint.take() {
            Some(_) => Ok(()),
            None => misuse("no savepoint to release"),
        }
    }

    fn rollback_to_savepoint(&mut self) -> StoreResult<()> {
        match self.before_savepoint.take() {
            Some(before) => {
                self.data = before;
                Ok(())
            }
            None => misuse("no savepoint to go back to"),
        }
    }

    fn begin_session(&mut self, _now: TimestampMs) -> StoreResult<Epoch> {
        if self.ownership == Ownership::Exclusive {
            self.data.void_leases(|_| true);
        }
        Ok(self.data.insert_session())
    }

    fn renew_leases(&mut self, session: Epoch, lease_expires_at: TimestampMs) -> StoreResult<()> {
        self.data.renew_leases(session, lease_expires_at);
        Ok(())
    }

    fn expire_leases(&mut self, now: TimestampMs) -> StoreResult<u64> {
        Ok(self
            .data
            .void_leases(|lease| lease.expires_at.is_some_and(|at| at <= now)))
    }

    fn insert_run(&mut self, run: &NewRun) -> StoreResult<Inserted> {
        self.data.insert_run(run)
    }

    fn run(&mut self, run_id: &RunId) -> StoreResult<Option<Run>> {
        Ok(self.data.run(run_id))
    }

    fn run_of_request(&mut self, request_id: &RequestId) -> StoreResult<Option<Run>> {
        Ok(self.data.run_of_request(request_id))
    }

    fn last_requests(&mut self, run_id: &RunId) -> StoreResult<Vec<RequestId>> {
        Ok(self.data.last_requests(run_id))
    }

    fn pending_of_key(&mut self, job_name: &str, key: &str) -> StoreResult<Option<RunId>> {
        Ok(self.data.pending_of_key(job_name, key))
    }

    fn runs(&mut self, filter: &RunFilter) -> StoreResult<RunPage> {
        Ok(self.data.runs(filter))
    }

    fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>> {
        Ok(self.data.steps(run_id, outputs))
    }

    fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage> {
        Ok(self.data.logs(query))
    }

    fn claimable_jobs(&mut self) -> StoreResult<Vec<String>> {
        Ok(self.data.claimable_jobs())
    }

    fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>> {
        Ok(self.data.promote_due(now))
    }

    fn claim(&mut self, claim: &Claim<'_>) -> StoreResult<Vec<Claimed>> {
        Ok(self.data.claim(claim))
    }

    fn adopt(
        &mut self,
        held: &Fence,
        session: Epoch,
        now: TimestampMs,
        lease_expires_at: Option<TimestampMs>,
    ) -> StoreResult<Option<Run>> {
        Ok(self.data.adopt(held, session, now, lease_expires_at))
    }

    fn release(
        &mut self,
        fence: &Fence,
        how: Release,
        now: TimestampMs,
    ) -> StoreResult<Option<RunHead>> {
        Ok(self.data.release(fence, how, now))
    }

    fn write_step(
        &mut self,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<StepWritten>> {
        Ok(self.data.write_step(fence, outcome, report, now))
    }

    fn write_report(
        &mut self,
        fence: &Fence,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        Ok(self.data.write_report(fence, report, now))
    }

    fn finish_run(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        Ok(self.data.finish_run(fence, outcome, report, now))
    }

    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        Ok(self.data.cancel_run(run_id, version, request_id, now))
    }

    fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        self.data.retry_run(run_id, version, request_id, now)
    }

    fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>> {
        Ok(self.data.delete_run(run_id))
    }

    fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>> {
        Ok(self.data.ended_before(before, limit))
    }

    fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>> {
        Ok(self.data.unreferenced_blobs(blobs))
    }

    fn step(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<Step>> {
        Ok(self.data.step(run_id, step_name))
    }

    fn steps_since(&mut self, run_id: &RunId, next_index: u32) -> StoreResult<Vec<Step>> {
        Ok(self.data.steps_since(run_id, next_index))
    }

    fn due_waits(&mut self, now: TimestampMs, limit: u32) -> StoreResult<Vec<OpenWait>> {
        Ok(self.data.due_waits(now, limit))
    }

    fn next_wait(&mut self) -> StoreResult<Option<TimestampMs>> {
        Ok(self.data.next_wait())
    }

    fn network_waits(&mut self, limit: u32) -> StoreResult<Vec<OpenWait>> {
        Ok(self.data.network_waits(limit))
    }

    fn wake_network_runs(&mut self) -> StoreResult<u64> {
        Ok(self.data.wake_network_runs())
    }

    fn retry_later(
        &mut self,
        fence: &Fence,
        waiting_for: &WaitingFor,
        wake_at: TimestampMs,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        Ok(self
            .data
            .retry_later(fence, waiting_for, wake_at, report, now))
    }

    fn open_wait(
        &mut self,
        fence: &Fence,
        wait: &StepWait,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitOpened>> {
        Ok(self.data.open_wait(fence, wait, report, now))
    }

    fn end_wait(
        &mut self,
        run_id: &RunId,
        step_name: &str,
        end: &WaitEnd,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitEnded>> {
        Ok(self.data.end_wait(run_id, step_name, end, now))
    }

    fn suspend(
        &mut self,
        fence: &Fence,
        suspension: &Suspension<'_>,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<Suspended>> {
        Ok(self.data.suspend(fence, suspension, report, now))
    }

    fn wake(&mut self, suspended: &Fence, now: TimestampMs) -> StoreResult<Option<RunHead>> {
        Ok(self.data.wake(suspended, now))
    }

    fn parked_by(&mut self, run_id: &RunId) -> StoreResult<Option<ExecutorId>> {
        Ok(self.data.parked_by(run_id))
    }

    fn store_signal(
        &mut self,
        request_id: &RequestId,
        key: &str,
        signal: &Signal,
        now: TimestampMs,
    ) -> StoreResult<SignalStored> {
        Ok(self.data.store_signal(request_id, key, signal, now))
    }

    fn take_signal(&mut self, key: &str, run_id: &RunId) -> StoreResult<Option<Signal>> {
        Ok(self.data.take_signal(key, run_id))
    }

    fn signal_wait(&mut self, key: &str) -> StoreResult<Option<OpenWait>> {
        Ok(self.data.signal_wait(key))
    }

    fn forget_signals(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<BlobId>> {
        Ok(self.data.forget_signals(before, limit))
    }

    fn children(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Vec<ChildResult>> {
        Ok(self.data.children(run_id, step_name))
    }

    fn child_ids(&mut self, run_id: &RunId) -> StoreResult<Vec<RunId>> {
        Ok(self.data.child_ids(run_id))
    }

    fn active_children(
        &mut self,
        run_id: &RunId,
        step_name: Option<&str>,
    ) -> StoreResult<Vec<RunId>> {
        Ok(self.data.active_children(run_id, step_name))
    }

    fn child_ended(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<ChildCount>> {
        Ok(self.data.child_ended(run_id, step_name))
    }
}
