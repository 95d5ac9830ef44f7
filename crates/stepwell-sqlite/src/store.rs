//! The port's face: transactions here, everything else by delegation to the modules beside.

use rusqlite::Connection;
use stepwell_engine::{
    ChildCount, Claim, Claimed, Deleted, Fence, Inserted, NewRun, OpenWait, Ownership, Release,
    RunHead, RunOutcome, RunWritten, Signal, SignalStored, StepOutcome, StepWait, StepWritten,
    Store, StoreResult, Suspended, Suspension, WaitEnd, WaitEnded, WaitOpened,
};
use stepwell_protocol::{
    BlobId, ChildResult, Epoch, ExecutorId, LogPage, LogQuery, Report, RequestId, Run, RunFilter,
    RunId, RunPage, Step, TimestampMs, WaitingFor,
};

use crate::error::store_error;
use crate::{children, deletion, leases, pages, runs, signals, steps, suspension, waits, writes};

/// A [`Store`] on a SQLite connection.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) connection: Connection,
    ownership: Ownership,
    /// `total_changes` when the transaction began, raised by what was undone since.
    changes_before: u64,
    /// `total_changes` at the open savepoint.
    changes_at_savepoint: u64,
}

impl SqliteStore {
    pub(crate) fn new(connection: Connection, ownership: Ownership) -> Self {
        Self {
            connection,
            ownership,
            changes_before: 0,
            changes_at_savepoint: 0,
        }
    }

    fn execute(&self, sql: &str) -> StoreResult<()> {
        let mut statement = self.connection.prepare_cached(sql).map_err(store_error)?;
        statement.execute([]).map_err(store_error)?;
        Ok(())
    }
}

impl Store for SqliteStore {
    fn ownership(&self) -> Ownership {
        self.ownership
    }

    /// Immediate: a transaction that became a writer halfway could not wait for another one to end.
    fn begin(&mut self) -> StoreResult<()> {
        self.execute("BEGIN IMMEDIATE")?;
        self.changes_before = self.connection.total_changes();
        Ok(())
    }

    fn commit(&mut self) -> StoreResult<bool> {
        let wrote = self.connection.total_changes() > self.changes_before;
        self.execute("COMMIT")?;
        Ok(wrote)
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            // It can only fail where SQLite has rolled back by itself, or will when the journal is next read.
            let _ = self.execute("ROLLBACK");
        }
    }

    fn savepoint(&mut self) -> StoreResult<()> {
        self.execute("SAVEPOINT command")?;
        self.changes_at_savepoint = self.connection.total_changes();
        Ok(())
    }

    fn release_savepoint(&mut self) -> StoreResult<()> {
        self.execute("RELEASE command")
    }

    fn rollback_to_savepoint(&mut self) -> StoreResult<()> {
        self.execute("ROLLBACK TO command")?;
        self.changes_before += self.connection.total_changes() - self.changes_at_savepoint;
        self.execute("RELEASE command")
    }

    fn begin_session(&mut self, now: TimestampMs) -> StoreResult<Epoch> {
        leases::begin_session(&self.connection, self.ownership, now).map_err(store_error)
    }

    fn renew_leases(&mut self, session: Epoch, lease_expires_at: TimestampMs) -> StoreResult<()> {
        leases::renew(&self.connection, session, lease_expires_at).map_err(store_error)
    }

    fn expire_leases(&mut self, now: TimestampMs) -> StoreResult<u64> {
        leases::expire(&self.connection, now).map_err(store_error)
    }

    fn insert_run(&mut self, run: &NewRun) -> StoreResult<Inserted> {
        runs::insert(&self.connection, run).map_err(store_error)
    }

    fn run(&mut self, run_id: &RunId) -> StoreResult<Option<Run>> {
        runs::read(&self.connection, run_id).map_err(store_error)
    }

    fn run_of_request(&mut self, request_id: &RequestId) -> StoreResult<Option<Run>> {
        runs::of_request(&self.connection, request_id).map_err(store_error)
    }

    fn last_requests(&mut self, run_id: &RunId) -> StoreResult<Vec<RequestId>> {
        runs::last_requests(&self.connection, run_id).map_err(store_error)
    }

    fn pending_of_key(&mut self, job_name: &str, key: &str) -> StoreResult<Option<RunId>> {
        runs::pending_of_key(&self.connection, job_name, key).map_err(store_error)
    }

    fn runs(&mut self, filter: &RunFilter) -> StoreResult<RunPage> {
        pages::page(&self.connection, filter).map_err(store_error)
    }

    fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>> {
        steps::all(&self.connection, run_id, outputs).map_err(store_error)
    }

    fn step(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<Step>> {
        steps::one(&self.connection, run_id, step_name).map_err(store_error)
    }

    fn steps_since(&mut self, run_id: &RunId, next_index: u32) -> StoreResult<Vec<Step>> {
        steps::since(&self.connection, run_id, next_index).map_err(store_error)
    }

    fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage> {
        runs::logs(&self.connection, query).map_err(store_error)
    }

    fn claimable_jobs(&mut self) -> StoreResult<Vec<String>> {
        leases::claimable_jobs(&self.connection).map_err(store_error)
    }

    fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>> {
        leases::promote_due(&self.connection, now).map_err(store_error)
    }

    fn due_waits(&mut self, now: TimestampMs, limit: u32) -> StoreResult<Vec<OpenWait>> {
        waits::due(&self.connection, now, limit).map_err(store_error)
    }

    fn next_wait(&mut self) -> StoreResult<Option<TimestampMs>> {
        waits::next(&self.connection).map_err(store_error)
    }

    fn network_waits(&mut self, limit: u32) -> StoreResult<Vec<OpenWait>> {
        waits::for_network(&self.connection, limit).map_err(store_error)
    }

    fn wake_network_runs(&mut self) -> StoreResult<u64> {
        suspension::wake_offline(&self.connection).map_err(store_error)
    }

    fn claim(&mut self, claim: &Claim<'_>) -> StoreResult<Vec<Claimed>> {
        leases::claim(&self.connection, claim).map_err(store_error)
    }

    fn adopt(
        &mut self,
        held: &Fence,
        session: Epoch,
        now: TimestampMs,
        lease_expires_at: Option<TimestampMs>,
    ) -> StoreResult<Option<Run>> {
        leases::adopt(&self.connection, held, session, now, lease_expires_at).map_err(store_error)
    }

    fn release(
        &mut self,
        fence: &Fence,
        how: Release,
        now: TimestampMs,
    ) -> StoreResult<Option<RunHead>> {
        leases::release(&self.connection, fence, how, now).map_err(store_error)
    }

    fn write_step(
        &mut self,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<StepWritten>> {
        writes::step(&self.connection, fence, outcome, report, now).map_err(store_error)
    }

    fn write_report(
        &mut self,
        fence: &Fence,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        writes::report(&self.connection, fence, report, now).map_err(store_error)
    }

    fn finish_run(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        writes::finish(&self.connection, fence, outcome, report, now).map_err(store_error)
    }

    fn retry_later(
        &mut self,
        fence: &Fence,
        waiting_for: &WaitingFor,
        wake_at: TimestampMs,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        suspension::retry_later(&self.connection, fence, waiting_for, wake_at, report, now)
            .map_err(store_error)
    }

    fn open_wait(
        &mut self,
        fence: &Fence,
        wait: &StepWait,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitOpened>> {
        waits::open(&self.connection, fence, wait, report, now).map_err(store_error)
    }

    fn end_wait(
        &mut self,
        run_id: &RunId,
        step_name: &str,
        end: &WaitEnd,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitEnded>> {
        waits::end(&self.connection, run_id, step_name, end, now).map_err(store_error)
    }

    fn suspend(
        &mut self,
        fence: &Fence,
        suspension: &Suspension<'_>,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<Suspended>> {
        suspension::suspend(&self.connection, fence, suspension, report, now).map_err(store_error)
    }

    fn wake(&mut self, suspended: &Fence, now: TimestampMs) -> StoreResult<Option<RunHead>> {
        suspension::wake(&self.connection, suspended, now).map_err(store_error)
    }

    fn parked_by(&mut self, run_id: &RunId) -> StoreResult<Option<ExecutorId>> {
        suspension::parked_by(&self.connection, run_id).map_err(store_error)
    }

    fn store_signal(
        &mut self,
        request_id: &RequestId,
        key: &str,
        signal: &Signal,
        now: TimestampMs,
    ) -> StoreResult<SignalStored> {
        signals::store(&self.connection, request_id, key, signal, now).map_err(store_error)
    }

    fn take_signal(&mut self, key: &str, run_id: &RunId) -> StoreResult<Option<Signal>> {
        signals::take(&self.connection, key, run_id).map_err(store_error)
    }

    fn signal_wait(&mut self, key: &str) -> StoreResult<Option<OpenWait>> {
        signals::awaited_by(&self.connection, key).map_err(store_error)
    }

    fn forget_signals(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<BlobId>> {
        signals::forget(&self.connection, before, limit).map_err(store_error)
    }

    fn children(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Vec<ChildResult>> {
        children::of_step(&self.connection, run_id, step_name).map_err(store_error)
    }

    fn child_ids(&mut self, run_id: &RunId) -> StoreResult<Vec<RunId>> {
        children::ids(&self.connection, run_id).map_err(store_error)
    }

    fn active_children(
        &mut self,
        run_id: &RunId,
        step_name: Option<&str>,
    ) -> StoreResult<Vec<RunId>> {
        children::active(&self.connection, run_id, step_name).map_err(store_error)
    }

    fn child_ended(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<ChildCount>> {
        children::ended(&self.connection, run_id, step_name).map_err(store_error)
    }

    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        runs::cancel(&self.connection, run_id, version, request_id, now).map_err(store_error)
    }

    fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        runs::retry(&self.connection, run_id, version, request_id, now).map_err(store_error)
    }

    fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>> {
        deletion::run(&self.connection, run_id).map_err(store_error)
    }

    fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>> {
        deletion::ended_before(&self.connection, before, limit).map_err(store_error)
    }

    fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>> {
        deletion::unreferenced_blobs(&self.connection, blobs).map_err(store_error)
    }
}
