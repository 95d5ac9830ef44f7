//! What both stores are asked.

use stepwell_engine::{
    Claim, Fence, KeyOfJob, NewRun, Release, RunOutcome, Signal, StepOutcome, StepWait, Store,
    StoreError, Suspension, WaitEnd,
};
use stepwell_protocol::{
    BlobId, Epoch, ExecutorId, LogQuery, Report, RequestId, RunFilter, RunId, ServedJob,
    TimestampMs, WaitingFor,
};

/// What both stores are asked; made once, so that both get the same.
#[derive(Debug)]
pub(crate) enum Call {
    BeginSession,
    Renew(Epoch, TimestampMs),
    Expire,
    Insert(NewRun),
    Read(RunId),
    Runs(RunFilter),
    Steps(RunId, bool),
    Logs(LogQuery),
    Claim(
        Epoch,
        Vec<ServedJob>,
        u32,
        Vec<KeyOfJob>,
        Option<TimestampMs>,
    ),
    Adopt(Fence, Epoch, Option<TimestampMs>),
    Release(Fence, Release),
    WriteStep(Fence, StepOutcome, Report),
    Report(Fence, Report),
    Finish(Fence, RunOutcome, Report),
    Cancel(RunId, u64, RequestId),
    PromoteDue,
    PendingOfKey(String, String),
    Delete(RunId),
    EndedBefore(TimestampMs, u32),
    Unreferenced(Vec<BlobId>),
    Retry(RunId, u64, RequestId),
    Step(RunId, String),
    StepsSince(RunId, u32),
    DueWaits(u32),
    NextWait,
    NetworkWaits(u32),
    WakeNetworkRuns,
    RetryLater(Fence, WaitingFor, TimestampMs, Report),
    OpenWait(Fence, StepWait, Report),
    EndWait(RunId, String, WaitEnd),
    Suspend(Fence, Suspend, Report),
    Wake(Fence),
    ParkedBy(RunId),
    StoreSignal(RequestId, String, Signal),
    TakeSignal(String, RunId),
    SignalWait(String),
    ForgetSignals(TimestampMs, u32),
    Children(RunId, String),
    ChildIds(RunId),
    ActiveChildren(RunId, Option<String>),
    ChildEnded(RunId, String),
    Savepoint,
    ReleaseSavepoint,
    RollbackToSavepoint,
}

/// A [`Suspension`] that owns what it names.
#[derive(Debug)]
pub(crate) struct Suspend {
    pub(crate) waits: Vec<String>,
    pub(crate) waiting_for: WaitingFor,
    pub(crate) parked_by: Option<ExecutorId>,
    pub(crate) is_unstarted: bool,
    pub(crate) worked_ms: u64,
}

impl Suspend {
    fn suspension(&self) -> Suspension<'_> {
        Suspension {
            waits: &self.waits,
            waiting_for: &self.waiting_for,
            parked_by: self.parked_by.as_ref(),
            is_unstarted: self.is_unstarted,
            worked_ms: self.worked_ms,
        }
    }
}

/// The answer as text: equal texts, equal answers. Of an unexpected error only the kind is the same.
pub(crate) fn ask(store: &mut dyn Store, call: &Call, now: TimestampMs) -> String {
    match call {
        Call::BeginSession => text(store.begin_session(now)),
        Call::Renew(session, at) => text(store.renew_leases(*session, *at)),
        Call::Expire => text(store.expire_leases(now)),
        Call::Insert(new) => text(store.insert_run(new)),
        Call::Read(id) => text(
            store
                .run(id)
                .and_then(|run| Ok((run, store.last_requests(id)?, store.claimable_jobs()?))),
        ),
        Call::Runs(filter) => text(store.runs(filter)),
        Call::Steps(id, outputs) => text(store.steps(id, *outputs)),
        Call::Logs(query) => text(store.logs(query)),
        Call::Claim(session, jobs, limit, leaving, lease_expires_at) => text(store.claim(&Claim {
            session: *session,
            jobs,
            limit: *limit,
            leaving,
            now,
            lease_expires_at: *lease_expires_at,
        })),
        Call::Adopt(held, session, expiry) => text(store.adopt(held, *session, now, *expiry)),
        Call::Release(fence, how) => text(store.release(fence, *how, now)),
        Call::WriteStep(fence, outcome, report) => {
            text(store.write_step(fence, outcome, report, now))
        }
        Call::Report(fence, report) => text(store.write_report(fence, report, now)),
        Call::Finish(fence, outcome, report) => text(store.finish_run(fence, outcome, report, now)),
        Call::Cancel(id, version, request) => text(store.cancel_run(id, *version, request, now)),
        Call::PromoteDue => text(store.promote_due(now)),
        Call::PendingOfKey(job, key) => text(store.pending_of_key(job, key)),
        Call::Delete(id) => text(store.delete_run(id).map(|deleted| {
            deleted.map(|mut deleted| {
                deleted.blobs.sort();
                deleted
            })
        })),
        Call::EndedBefore(at, limit) => text(store.ended_before(*at, *limit)),
        Call::Unreferenced(blobs) => text(store.unreferenced_blobs(blobs)),
        Call::Retry(id, version, request) => text(store.retry_run(id, *version, request, now)),
        Call::Savepoint => text(store.savepoint()),
        Call::ReleaseSavepoint => text(store.release_savepoint()),
        Call::RollbackToSavepoint => text(store.rollback_to_savepoint()),
        waiting => ask_of_waits(store, waiting, now),
    }
}

/// The calls about waits, signals and children.
fn ask_of_waits(store: &mut dyn Store, call: &Call, now: TimestampMs) -> String {
    match call {
        Call::Step(id, name) => text(store.step(id, name)),
        Call::StepsSince(id, next_index) => text(store.steps_since(id, *next_index)),
        Call::DueWaits(limit) => text(store.due_waits(now, *limit)),
        Call::NextWait => text(store.next_wait()),
        Call::NetworkWaits(limit) => text(store.network_waits(*limit)),
        Call::WakeNetworkRuns => text(store.wake_network_runs()),
        Call::RetryLater(fence, waiting_for, at, report) => {
            text(store.retry_later(fence, waiting_for, *at, report, now))
        }
        Call::OpenWait(fence, wait, report) => text(store.open_wait(fence, wait, report, now)),
        Call::EndWait(id, name, end) => text(store.end_wait(id, name, end, now)),
        Call::Suspend(fence, suspend, report) => {
            text(store.suspend(fence, &suspend.suspension(), report, now))
        }
        Call::Wake(fence) => text(store.wake(fence, now)),
        Call::ParkedBy(id) => text(store.parked_by(id)),
        Call::StoreSignal(request, key, signal) => {
            text(store.store_signal(request, key, signal, now))
        }
        Call::TakeSignal(key, id) => text(store.take_signal(key, id).map(|signal| {
            signal.map(|mut signal| {
                signal.blobs.sort();
                signal.blobs.dedup();
                signal
            })
        })),
        Call::SignalWait(key) => text(store.signal_wait(key)),
        Call::ForgetSignals(at, limit) => text(store.forget_signals(*at, *limit)),
        Call::Children(id, name) => text(store.children(id, name)),
        Call::ChildIds(id) => text(store.child_ids(id)),
        Call::ActiveChildren(id, name) => text(store.active_children(id, name.as_deref())),
        Call::ChildEnded(id, name) => text(store.child_ended(id, name)),
        other => unreachable!("{other:?} is asked above"),
    }
}

fn text<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Other(_)) => "Other".to_owned(),
        answer => format!("{answer:?}"),
    }
}
