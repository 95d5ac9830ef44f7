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
    BlobId, Epoch, ErrorCode, ErrorInfo, Generation, Holding, LogLine, LogPage, LogQuery, Payload,
    Report, RequestId, Run, RunFailure, RunFilter, RunId, RunPage, RunStatus, ServedJob, Step,
    StepKind, TimestampMs,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
            created_at: now,
            start_at: now,
        }
    }
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
    /// Whether it goes on (it was `running` with a void lease). Unless its lease was given up in good order, its
    /// `recoveries` were raised.
    pub interrupted: bool,
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
    /// Reads a run's steps by `completed_index`, pending ones last; `output` is `None` where outputs are not asked for.
    fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>>;
    /// Reads a page of a run's log.
    fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage>;
    /// The names of the jobs that have claimable runs, sorted.
    fn claimable_jobs(&mut self) -> StoreResult<Vec<String>>;
    /// Lets pending runs be claimed whose `start_at` has come, and tells the next `start_at` that has not.
    fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>>;

    /// Finds and leases runs, so that no other engine can come between: `pending` ones that are due (at insert, by
    /// [`Store::promote_due`], or by a retry) and `running` ones whose lease is void; by priority, greatest first, then
    /// `start_at`, then id. Passes over pending ones while another run of their job and concurrency key is `running` or
    /// `waiting`. Raises the generation, keeps `started_at`, sets the line ordinal back to 0, and raises `recoveries`
    /// of interrupted ones.
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

    /// Stores a step's outcome with the next `completed_index`, the report, and `recoveries` back at 0.
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
    /// Ends a run.
    fn finish_run(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>>;

    /// Ends a run that is not terminal as cancelled, if its version is still `version`. Its generation stays: the
    /// status alone refuses what its holder still sends.
    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>>;
    /// Makes a failed or cancelled run pending again, if its version is still `version`: `attempt` + 1, `recoveries` 0,
    /// no error, no `completed_at`, due now; no other run of its concurrency key may be pending; failed steps become pending and lose their `completed_index`; completed ones stay.
    fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>>;

    /// Deletes an ended run with its input, steps, log lines, labels and references to blobs. `None` where it has not
    /// ended or is not there.
    fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>>;
    /// Runs that ended before that time, oldest end first.
    fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>>;
    /// Those of the blobs to which no run refers.
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
