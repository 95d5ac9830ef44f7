//! The Store port: all that the engine asks of a database. Synchronous; called between [`Store::begin`] and
//! [`Store::commit`] for everything that writes.
//!
//! **Contract.** Every write for a leased run is guarded by its [`Fence`] *in the same statement*: it takes effect only
//! while the run is `running` under exactly that generation, and otherwise writes nothing and returns `None`. Every
//! other update is guarded by the run's `version` in the same way. Each write to a run raises its version by one.
//! Lease upkeep in bulk (`begin_session`, `renew_leases`, `expire_leases`) is no such write: it changes nothing that a
//! [`Run`] shows.
//! All implementations pass the one suite in [`crate::conformance`].

use std::collections::BTreeMap;

use stepwell_protocol::{
    BlobId, ChildResult, Epoch, ErrorCode, ErrorInfo, ExecutorId, Generation, Holding, InvokeMode,
    LogLine, LogPage, LogQuery, Payload, Report, RequestId, RetryPolicy, Run, RunFailure,
    RunFilter, RunId, RunPage, RunStatus, ServedJob, Step, StepKind, TimestampMs, WaitingFor,
};

/// Whether other engines may work on the same database at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Only this one (OPFS: the sync access handles see to it). Leases do not expire; at open all of them are void.
    Exclusive,
    /// Several (a file, a server). Leases expire by time and are renewed.
    Shared,
}

/// What went wrong in a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk or the quota is full. Make room; the engine tries again by itself.
    #[error(
        "The storage is full. Free some space; Stepwell tries again by itself and nothing was lost."
    )]
    Full,
    /// Reading or writing failed.
    #[error(
        "The storage could not be read or written ({0}). Stepwell tries again by itself and nothing was lost."
    )]
    Io(String),
    /// Memory ran out.
    #[error("Memory ran out in the database. Stepwell tries again by itself and nothing was lost.")]
    NoMemory,
    /// Another connection holds the database.
    #[error("The database is busy: another connection holds it ({0}).")]
    Busy(String),
    /// The file is damaged, or is no database.
    #[error("The database is damaged ({0}). Export what can be saved before you delete it.")]
    Corrupt(String),
    /// What should be imported is not what was exported.
    #[error("It is no sound database of Stepwell ({0}). Choose a file that exportDatabase made.")]
    NotImportable(String),
    /// A newer version wrote it.
    #[error(
        "The database has schema version {found}, and this build of Stepwell knows versions up to {supported}. \
         Reload the page to get the newer build."
    )]
    SchemaTooNew {
        /// The version in the database.
        found: u32,
        /// The newest version that this build knows.
        supported: u32,
    },
    /// It cannot be opened here.
    #[error("The storage cannot be used here ({0}).")]
    Unavailable(String),
    /// Anything else: a defect.
    #[error("Unexpected database error: {0}. This is a defect of Stepwell; please report it.")]
    Other(String),
}

impl StoreError {
    /// Whether the whole transaction is in doubt, so that nothing of its batch may be acknowledged.
    #[must_use]
    pub const fn fails_batch(&self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// The error as a client is told it.
    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        let code = match self {
            Self::Full => ErrorCode::StorageFull,
            Self::Io(_) | Self::NoMemory | Self::Busy(_) | Self::Unavailable(_) => {
                ErrorCode::StorageUnavailable
            }
            Self::Corrupt(_) | Self::NotImportable(_) => ErrorCode::StorageCorrupt,
            Self::SchemaTooNew { .. } => ErrorCode::SchemaTooNew,
            Self::Other(_) => ErrorCode::Internal,
        };
        ErrorInfo::new(code, self.to_string())
    }
}

/// The recoveries after which a run fails, unless its trigger says otherwise.
pub const MAX_RECOVERIES: u32 = 10;

/// The result of a store call.
pub type StoreResult<T> = Result<T, StoreError>;

/// The right to write to a run: it is `running` under this generation.
pub type Fence = Holding;

/// A run to be inserted as pending, with `attempt` 1, `version` 1 and `generation` 0.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// The request that makes it; unique over all runs.
    pub request_id: RequestId,
    /// Its job.
    pub job_name: String,
    /// Its parsed input.
    pub input: Payload,
    /// The blobs in the input.
    pub blobs: Vec<BlobId>,
    /// The recoveries after which it fails.
    pub max_recoveries: u32,
    /// Unique in its job.
    pub idempotency_key: Option<String>,
    /// Unique among the pending runs of its job.
    pub concurrency_key: Option<String>,
    /// To find it by.
    pub labels: BTreeMap<String, String>,
    /// The first key of the claim order, greatest first.
    pub priority: i32,
    /// How its own failures are tried again.
    pub retry: RetryPolicy,
    /// How long an attempt may be at work.
    pub timeout_ms: Option<u64>,
    /// Whose child it is.
    pub parent: Option<Parent>,
    /// When it is made.
    pub created_at: TimestampMs,
    /// When it may start; the second key of the claim order.
    pub start_at: TimestampMs,
}

impl NewRun {
    /// A run without keys, labels, blobs or delay, of priority 0, that fails after 10 recoveries.
    #[must_use]
    pub fn new(
        id: RunId,
        request_id: RequestId,
        job_name: impl Into<String>,
        input: Payload,
        now: TimestampMs,
    ) -> Self {
        Self {
            id,
            request_id,
            job_name: job_name.into(),
            input,
            blobs: Vec::new(),
            max_recoveries: MAX_RECOVERIES,
            idempotency_key: None,
            concurrency_key: None,
            labels: BTreeMap::new(),
            priority: 0,
            retry: RetryPolicy::NONE,
            timeout_ms: None,
            parent: None,
            created_at: now,
            start_at: now,
        }
    }
}

/// The place of a child: a step of another run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step_name: String,
    /// The place among the step's children, from 0.
    pub index: u32,
    /// The run at the top.
    pub root_id: RunId,
}

/// What became of an insert. Looked up in this order; nothing was written unless the run was made.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// The run was made.
    Created(Run),
    /// The run that this very request made before.
    Existing(Run),
    /// The run of the same job and idempotency key.
    Idempotent(Run),
    /// The pending run of the same job and concurrency key.
    Pending(Run),
}

/// A claim: lease up to `limit` runs to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The session that will own the leases.
    pub session: Epoch,
    /// Only runs of these jobs, each named once. A job's `concurrency` is a limit on all its leases in the store.
    pub jobs: &'a [ServedJob],
    /// At most so many.
    pub limit: u32,
    /// Not these: a run of the same job and concurrency key has lost its lease and its function has not ended.
    pub leaving: &'a [KeyOfJob],
    /// The time.
    pub now: TimestampMs,
    /// When the leases expire; `None` under exclusive ownership.
    pub lease_expires_at: Option<TimestampMs>,
}

/// A concurrency key, which means something in its job only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyOfJob {
    /// The job.
    pub job_name: String,
    /// The key.
    pub key: String,
}

/// A claimed run.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The run, `running` under its new generation.
    pub run: Run,
    /// What it was before: `pending`, `running` with a void lease (interrupted: unless the lease was given up in good
    /// order, its `recoveries` were raised), or `waiting` and woken.
    pub from: RunStatus,
    /// Where its function is parked; only of a run that was `waiting`.
    pub parked: Option<Parked>,
    /// How long this attempt was at work before, in milliseconds: the sum over its suspensions.
    pub worked_ms: u64,
}

impl Claimed {
    /// Whether it was interrupted.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.from == RunStatus::Running
    }
}

/// A function that stayed in memory when its run was suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// In which executor's.
    pub executor_id: ExecutorId,
    /// It knows all outcomes before this `completed_index`.
    pub next_index: u32,
}

/// How a lease is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// In good order: the run stays `running` with a void lease, and the next claim counts no recovery. Not `pending`
    /// again: another run of its concurrency key may be pending by now.
    Orderly,
    /// Its executor died: the run stays `running` with a void lease, and the next claim counts a recovery.
    Interrupted,
}

/// What a run is, as far as an event tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// The run.
    pub run_id: RunId,
    /// Its job.
    pub job_name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The run whose step made it.
    pub parent_id: Option<RunId>,
    /// That step.
    pub parent_step: Option<String>,
    /// Where it stands after the write.
    pub status: RunStatus,
    /// Its version after the write.
    pub version: u64,
}

/// The outcome of a step's function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutcome {
    /// The step.
    pub name: String,
    /// The call that made it.
    pub kind: StepKind,
    /// 1-based.
    pub attempt: u32,
    /// What it returned, or what it threw.
    pub result: Result<Payload, RunFailure>,
    /// The blobs in the result.
    pub blobs: Vec<BlobId>,
    /// When its function was started.
    pub started_at: TimestampMs,
}

/// A stored step outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepWritten {
    /// The run after the write.
    pub head: RunHead,
    /// The step's place in the order of outcomes, from 0.
    pub completed_index: u32,
    /// Whether the outcome stood already (a resend); then only lines not stored yet and progress were written.
    pub repeated: bool,
    /// The log lines that were stored now.
    pub logs: Vec<LogLine>,
}

/// A stored report or end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunWritten {
    /// The run after the write.
    pub head: RunHead,
    /// The log lines that were stored now.
    pub logs: Vec<LogLine>,
}

/// How a run ends by its own function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// It returned.
    Completed {
        /// What.
        output: Payload,
        /// The blobs in it.
        blobs: Vec<BlobId>,
    },
    /// It threw, or may not go on.
    Failed(RunFailure),
}

/// A wait to be stored with its step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepWait {
    /// The step.
    pub name: String,
    /// The call that made it.
    pub kind: StepKind,
    /// The attempts made so far.
    pub attempt: u32,
    /// When it began.
    pub started_at: TimestampMs,
    /// For what.
    pub wait: Wait,
}

/// What ends a wait.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// A time: the step is tried again then.
    Retry {
        /// When.
        wake_at: TimestampMs,
        /// Why the last attempt failed.
        error: RunFailure,
    },
    /// A time.
    Sleep {
        /// When.
        wake_at: TimestampMs,
    },
    /// A signal, or a time.
    Signal {
        /// Its key, which no other open wait of the store has.
        key: String,
        /// When it gives up.
        wake_at: Option<TimestampMs>,
    },
    /// The network.
    Network,
    /// Children.
    Children {
        /// When they end it.
        mode: InvokeMode,
        /// How many there are.
        count: u32,
        /// How many have not ended.
        pending: u32,
    },
}

/// What became of a wait that was to be stored.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitOpened {
    /// It is open.
    Opened {
        /// The run after the write.
        head: RunHead,
        /// The step as it stands now.
        step: Box<Step>,
        /// The log lines that were stored now.
        logs: Vec<LogLine>,
    },
    /// A resend: the step waits already, has its outcome, or has had the wait after that very attempt. Only lines not stored yet and progress were written.
    Repeated {
        /// The run after the write.
        head: RunHead,
        /// The log lines that were stored now.
        logs: Vec<LogLine>,
    },
    /// Another wait has the signal's key. Nothing was written.
    KeyTaken,
}

/// An open wait, by its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWait {
    /// The run.
    pub run_id: RunId,
    /// The step.
    pub step_name: String,
    /// The call that made the step.
    pub kind: StepKind,
}

/// How a wait ends.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitEnd {
    /// With the step's outcome. `Ok(None)`: a sleep is over, a signal did not come in time, children have ended.
    Outcome {
        /// The outcome.
        result: Result<Option<Payload>, RunFailure>,
        /// The blobs in it.
        blobs: Vec<BlobId>,
    },
    /// The step has to run (again).
    Again,
}

/// A wait that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitEnded {
    /// The run after the write: `running`, or `waiting` and claimable now.
    pub head: RunHead,
    /// The call that made the step.
    pub kind: StepKind,
    /// The step's attempts so far.
    pub attempt: u32,
    /// When it began.
    pub started_at: TimestampMs,
    /// Its place in the order of outcomes; `None` where it has to run (again).
    pub completed_index: Option<u32>,
}

/// A run that gives up its lease to wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspension<'a> {
    /// The steps that it waits for, all of which must be open waits; empty where it is the run itself that waits.
    pub waits: &'a [String],
    /// What is shown.
    pub waiting_for: &'a WaitingFor,
    /// In whose memory its function stays.
    pub parked_by: Option<&'a ExecutorId>,
    /// It was claimed in this very transaction and not started: `started_at` goes back to what it was.
    pub is_unstarted: bool,
    /// How long it was at work since its claim.
    pub worked_ms: u64,
}

/// What became of a suspension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspended {
    /// The run after the write.
    pub head: RunHead,
    /// Whether it waits now. Not where one of its waits had ended: then only the report was written.
    pub is_suspended: bool,
    /// The log lines that were stored now.
    pub logs: Vec<LogLine>,
}

/// What became of a signal that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalStored {
    /// It is kept until it is taken.
    Kept,
    /// A resend of one that is kept still.
    RepeatedKept,
    /// A resend of one that was taken.
    RepeatedTaken,
    /// Another one of its key is kept. Nothing was written.
    Ignored,
}

/// A signal that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// What was sent.
    pub result: Result<Payload, RunFailure>,
    /// The blobs in it.
    pub blobs: Vec<BlobId>,
}

/// The children of a step, after one of them has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildCount {
    /// How many have not ended.
    pub pending: u32,
    /// When they end the wait.
    pub mode: InvokeMode,
}

/// A run that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The run as it was.
    pub head: RunHead,
    /// Its blobs that no other run refers to.
    pub blobs: Vec<BlobId>,
}

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
    /// The request of the client command that changed the run last (trigger, cancel, retry).
    fn last_request(&mut self, run_id: &RunId) -> StoreResult<Option<RequestId>>;
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
    /// children. `None` where it has not
    /// ended or is not there.
    fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>>;
    /// Runs without a parent that ended before that time and have no active descendant, oldest end first.
    fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>>;
    /// Those of the blobs to which no run and no signal, kept or taken, refers.
    fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>>;
}

/// The fence of a run as it was just claimed or adopted.
#[must_use]
pub fn fence_of(run: &Run) -> Fence {
    Fence {
        run_id: run.id.clone(),
        generation: run.generation,
    }
}

/// The generation before the first claim.
pub const UNCLAIMED: Generation = Generation(0);
