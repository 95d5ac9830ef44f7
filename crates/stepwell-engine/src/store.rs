//! The Store port: all that the engine asks of a database. Synchronous; called between [`Store::begin`] and
//! [`Store::commit`] for everything that writes.
//!
//! **Contract.** Every write for a leased run is guarded by its [`Fence`], *in the same statement* or by a look in the same
//! transaction if none but this one can write until it commits: it takes effect only
//! while the run is `running` under exactly that generation, and otherwise writes nothing and returns `None`. Every
//! other update is guarded by the run's `version` in the same way. Each write to a run raises its version by one.
//! Lease upkeep in bulk (`begin_session`, `renew_leases`, `expire_leases`) is no such write: it changes nothing that a
//! [`Run`] shows.
//! All implementations pass the one suite in [`crate::conformance`].

mod error;
mod runs;
mod waits;

use stepwell_protocol::{
    BlobId, ChildResult, Epoch, ExecutorId, LogPage, LogQuery, Report, RequestId, Run, RunFilter,
    RunId, RunPage, Step, TimestampMs, WaitingFor,
};

pub use self::error::{StoreError, StoreResult};
pub use self::runs::{
    Claim, Claimed, Deleted, Fence, Inserted, KeyOfJob, LAST_REQUESTS_MAX, MAX_RECOVERIES, NewRun,
    Ownership, Parent, Parked, Release, RunHead, RunOutcome, RunWritten, StepOutcome, StepWritten,
    UNCLAIMED, fence_of,
};
pub use self::waits::{
    ChildCount, OpenWait, Signal, SignalStored, StepWait, Suspended, Suspension, Wait, WaitEnd,
    WaitEnded, WaitOpened,
};

/// A database, as the engine sees it.
pub trait Store {
    /// Whether other engines may be at work on the same database.
    fn ownership(&self) -> Ownership;

    /// Starts a transaction that may write.
    fn begin(&mut self) -> StoreResult<()>;
    /// Commits it. Whether anything was written: a transaction that wrote nothing costs no flush.
    fn commit(&mut self) -> StoreResult<bool>;
    /// Undoes it. Never fails: where the database has rolled back by itself there is nothing to do.
    fn rollback(&mut self);
    /// Marks a point in the open transaction. One at a time: savepoints do not nest.
    fn savepoint(&mut self) -> StoreResult<()>;
    /// Keeps what was written since the savepoint.
    fn release_savepoint(&mut self) -> StoreResult<()>;
    /// Undoes what was written since the savepoint.
    fn rollback_to_savepoint(&mut self) -> StoreResult<()>;

    /// Opens a session: inserts its row and, under exclusive ownership, voids the leases of every other session without
    /// raising their generations, so that a run can still be adopted by whoever holds it.
    fn begin_session(&mut self, now: TimestampMs) -> StoreResult<Epoch>;
    /// Shared ownership: renews all leases of a session.
    fn renew_leases(&mut self, session: Epoch, lease_expires_at: TimestampMs) -> StoreResult<()>;
    /// Shared ownership: voids the leases that expired at or before `now`. How many.
    fn expire_leases(&mut self, now: TimestampMs) -> StoreResult<u64>;

    /// Inserts a pending run, or finds the one that stands in its way.
    fn insert_run(&mut self, run: &NewRun) -> StoreResult<Inserted>;
    /// Reads a run.
    fn run(&mut self, run_id: &RunId) -> StoreResult<Option<Run>>;
    /// The run that a request made.
    fn run_of_request(&mut self, request_id: &RequestId) -> StoreResult<Option<Run>>;
    /// The requests of the client commands that changed the run (trigger, cancel, retry), the newest first and at most
    /// [`LAST_REQUESTS_MAX`] of them. None where there is no such run.
    fn last_requests(&mut self, run_id: &RunId) -> StoreResult<Vec<RequestId>>;
    /// The pending run of a job and concurrency key.
    fn pending_of_key(&mut self, job_name: &str, key: &str) -> StoreResult<Option<RunId>>;
    /// Reads a page of runs, newest (greatest id) first.
    fn runs(&mut self, filter: &RunFilter) -> StoreResult<RunPage>;
    /// Reads a run's steps by `completed_index`, then those that have none, by name. `output` is `None`, and `children`
    /// empty, where outputs are not asked for.
    fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>>;
    /// Reads one step, with its output and children.
    fn step(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<Step>>;
    /// Reads, with outputs and children, the steps whose `completed_index` is at least this, then the pending ones by
    /// name: what a function that is parked does not know.
    fn steps_since(&mut self, run_id: &RunId, next_index: u32) -> StoreResult<Vec<Step>>;
    /// Reads a page of a run's log.
    fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage>;
    /// The names of the jobs that have claimable runs, sorted.
    fn claimable_jobs(&mut self) -> StoreResult<Vec<String>>;
    /// Lets runs be claimed whose time has come (the `start_at` of a pending one, the next attempt of a waiting one), and
    /// tells the next such time that has not. No write to a run: its version stays.
    fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>>;
    /// Open waits of steps whose `wake_at` has come, earliest first, then by run and step.
    fn due_waits(&mut self, now: TimestampMs, limit: u32) -> StoreResult<Vec<OpenWait>>;
    /// The earliest `wake_at` of all open waits of steps.
    fn next_wait(&mut self) -> StoreResult<Option<TimestampMs>>;
    /// Open waits of steps for the network, by run and step.
    fn network_waits(&mut self, limit: u32) -> StoreResult<Vec<OpenWait>>;
    /// Lets runs be claimed that wait for the network themselves. How many were not claimable before. No write to a run:
    /// its version stays.
    fn wake_network_runs(&mut self) -> StoreResult<u64>;

    /// Finds and leases runs, so that no other engine can come between: `pending` ones that are due (at insert, by
    /// [`Store::promote_due`], or by a retry), `running` ones whose lease is void, and `waiting` ones that were woken;
    /// woken ones first, then by priority, greatest first, then `start_at`, then id. Passes over pending ones while another run of their job and concurrency key is `running` or
    /// `waiting`. Raises the generation, keeps `started_at`, sets the line ordinal back to 0, clears `waiting_for`
    /// and where it was parked, and raises `recoveries` of interrupted ones.
    fn claim(&mut self, claim: &Claim<'_>) -> StoreResult<Vec<Claimed>>;
    /// Takes over a `running` run with a void lease whose generation is still the one held: raises it and gives the
    /// lease to `session`. Does not count a recovery and keeps the line ordinal.
    fn adopt(
        &mut self,
        held: &Fence,
        session: Epoch,
        now: TimestampMs,
        lease_expires_at: Option<TimestampMs>,
    ) -> StoreResult<Option<Run>>;
    /// Gives up a lease and raises the generation, so that nothing more is written under the old one.
    fn release(
        &mut self,
        fence: &Fence,
        how: Release,
        now: TimestampMs,
    ) -> StoreResult<Option<RunHead>>;

    /// Stores a step's outcome with the next `completed_index`, the report, and `recoveries` back at 0. A pending step
    /// of that name is replaced but keeps its `first_attempt`.
    fn write_step(
        &mut self,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<StepWritten>>;
    /// Stores lines whose ordinal is above the run's, and progress where there is any.
    fn write_report(
        &mut self,
        fence: &Fence,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>>;
    /// Ends a run. Its open waits become pending steps.
    fn finish_run(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>>;
    /// Lets a run wait for its next attempt: `waiting`, `waiting_for` as given, claimable at `wake_at`, without its lease,
    /// `attempt` + 1, `first_attempt` as it was, `recoveries` 0. Its open waits become pending, then its steps as by
    /// [`Store::retry_run`].
    fn retry_later(
        &mut self,
        fence: &Fence,
        waiting_for: &WaitingFor,
        wake_at: TimestampMs,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>>;

    /// Stores an open wait, the report, and `recoveries` back at 0. A pending step of that name is replaced, its error
    /// too, but a sleep or signal whose open wait became pending at an end or a new attempt of its run keeps the `wake_at`
    /// that it had, if it had one, and every step its `first_attempt`.
    fn open_wait(
        &mut self,
        fence: &Fence,
        wait: &StepWait,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitOpened>>;
    /// Ends an open wait of a run that is `running` or `waiting`, whoever holds its lease: an outcome gets the next
    /// `completed_index`; a waiting run becomes claimable, and keeps its `waiting_for` until then. `None`, and nothing written, where the wait is not open.
    fn end_wait(
        &mut self,
        run_id: &RunId,
        step_name: &str,
        end: &WaitEnd,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitEnded>>;
    /// Lets a run wait: `waiting`, not claimable, without its lease, under the same generation.
    fn suspend(
        &mut self,
        fence: &Fence,
        suspension: &Suspension<'_>,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<Suspended>>;
    /// Makes a run claimable that is `waiting` under this generation, though none of its waits has ended.
    fn wake(&mut self, suspended: &Fence, now: TimestampMs) -> StoreResult<Option<RunHead>>;
    /// In whose memory a waiting run's function is.
    fn parked_by(&mut self, run_id: &RunId) -> StoreResult<Option<ExecutorId>>;

    /// Keeps a signal.
    fn store_signal(
        &mut self,
        request_id: &RequestId,
        key: &str,
        signal: &Signal,
        now: TimestampMs,
    ) -> StoreResult<SignalStored>;
    /// Takes the signal that is kept under a key, for a step's wait. It goes with its run then.
    fn take_signal(&mut self, key: &str, run_id: &RunId) -> StoreResult<Option<Signal>>;
    /// The open wait for a signal.
    fn signal_wait(&mut self, key: &str) -> StoreResult<Option<OpenWait>>;
    /// Deletes signals that were kept before that time and never taken. Their blobs that nothing else refers to.
    fn forget_signals(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<BlobId>>;

    /// The children of a step, in their order, with outputs and failures.
    fn children(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Vec<ChildResult>>;
    /// All children of a run, by id.
    fn child_ids(&mut self, run_id: &RunId) -> StoreResult<Vec<RunId>>;
    /// Those children of a run, or of one of its steps, that have not ended, by id.
    fn active_children(
        &mut self,
        run_id: &RunId,
        step_name: Option<&str>,
    ) -> StoreResult<Vec<RunId>>;
    /// One child less to wait for, in one statement; `None`, and nothing written, where the step does not wait for
    /// children (any more), or for none that has not ended. No write to the run: its version stays.
    fn child_ended(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<ChildCount>>;

    /// Ends a run that is not terminal as cancelled, if its version is still `version`. Its generation stays: the
    /// status alone refuses what its holder still sends. Its open waits become pending steps.
    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>>;
    /// Makes a failed or cancelled run pending again, if its version is still `version`: `attempt` + 1, `first_attempt` the
    /// same number, `recoveries` 0, no error, no `completed_at`, due now; no other run of its concurrency key may be pending.
    /// Failed steps become pending and lose their `completed_index`; all pending ones get a `first_attempt` of their own
    /// `attempt` + 1; completed ones stay.
    fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>>;

    /// Deletes an ended run with its input, steps, log lines, labels, signals and references to blobs, but not its
    /// children. `None` where it has not ended or is not there.
    fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>>;
    /// Runs without a parent that ended before that time and have no active descendant, oldest end first.
    fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>>;
    /// Those of the blobs to which no run and no signal, kept or taken, refers.
    fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>>;
}
