//! Runs, leases and outcomes, as they go into a store and come out of it.

use std::collections::BTreeMap;

use stepwell_protocol::{
    BlobId, Epoch, ExecutorId, Generation, Holding, LogLine, Payload, RequestId, RetryPolicy, Run,
    RunFailure, RunId, RunStatus, ServedJob, StepKind, TimestampMs,
};

/// Whether other engines may work on the same database at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// Only this one (OPFS: the sync access handles see to it). Leases do not expire; at open all of them are void.
    Exclusive,
    /// Several (a file, a server). Leases expire by time and are renewed.
    Shared,
}

/// The recoveries after which a run fails, unless its trigger says otherwise.
pub const MAX_RECOVERIES: u32 = 10;
/// By how many of its last commands a run knows a resend: other tabs may have changed it since.
pub const LAST_REQUESTS_MAX: usize = 8;

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

/// A run that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The run as it was.
    pub head: RunHead,
    /// Its blobs that no other run refers to.
    pub blobs: Vec<BlobId>,
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
