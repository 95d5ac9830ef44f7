//! A boxed store is a store, so that one engine type runs a scenario over any of them.

use stepwell_protocol::{
    BlobId, ChildResult, Epoch, ExecutorId, LogPage, LogQuery, Report, RequestId, Run, RunFilter,
    RunId, RunPage, Step, TimestampMs, WaitingFor,
};

use crate::store::{
    ChildCount, Claim, Claimed, Deleted, Fence, Inserted, NewRun, OpenWait, Ownership, Release,
    RunHead, RunOutcome, RunWritten, Signal, SignalStored, StepOutcome, StepWait, StepWritten,
    Store, StoreResult, Suspended, Suspension, WaitEnd, WaitEnded, WaitOpened,
};

macro_rules! delegate {
    ($(fn $name:ident(&mut self $(, $arg:ident: $type:ty)* $(,)?) -> $result:ty;)+) => {
        $(fn $name(&mut self $(, $arg: $type)*) -> $result {
            (**self).$name($($arg),*)
        })+
    };
}

impl Store for Box<dyn Store> {
    fn ownership(&self) -> Ownership {
        (**self).ownership()
    }

    fn rollback(&mut self) {
        (**self).rollback();
    }

    delegate! {
        fn begin(&mut self) -> StoreResult<()>;
        fn commit(&mut self) -> StoreResult<bool>;
        fn savepoint(&mut self) -> StoreResult<()>;
        fn release_savepoint(&mut self) -> StoreResult<()>;
        fn rollback_to_savepoint(&mut self) -> StoreResult<()>;
        fn begin_session(&mut self, now: TimestampMs) -> StoreResult<Epoch>;
        fn renew_leases(&mut self, session: Epoch, lease_expires_at: TimestampMs) -> StoreResult<()>;
        fn expire_leases(&mut self, now: TimestampMs) -> StoreResult<u64>;
        fn insert_run(&mut self, run: &NewRun) -> StoreResult<Inserted>;
        fn run(&mut self, run_id: &RunId) -> StoreResult<Option<Run>>;
        fn run_of_request(&mut self, request_id: &RequestId) -> StoreResult<Option<Run>>;
        fn last_requests(&mut self, run_id: &RunId) -> StoreResult<Vec<RequestId>>;
        fn pending_of_key(&mut self, job_name: &str, key: &str) -> StoreResult<Option<RunId>>;
        fn runs(&mut self, filter: &RunFilter) -> StoreResult<RunPage>;
        fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>>;
        fn step(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<Step>>;
        fn steps_since(&mut self, run_id: &RunId, next_index: u32) -> StoreResult<Vec<Step>>;
        fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage>;
        fn claimable_jobs(&mut self) -> StoreResult<Vec<String>>;
        fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>>;
        fn due_waits(&mut self, now: TimestampMs, limit: u32) -> StoreResult<Vec<OpenWait>>;
        fn next_wait(&mut self) -> StoreResult<Option<TimestampMs>>;
        fn network_waits(&mut self, limit: u32) -> StoreResult<Vec<OpenWait>>;
        fn wake_network_runs(&mut self) -> StoreResult<u64>;
        fn claim(&mut self, claim: &Claim<'_>) -> StoreResult<Vec<Claimed>>;
        fn adopt(&mut self, held: &Fence, session: Epoch, now: TimestampMs, lease_expires_at: Option<TimestampMs>) -> StoreResult<Option<Run>>;
        fn release(&mut self, fence: &Fence, how: Release, now: TimestampMs) -> StoreResult<Option<RunHead>>;
        fn write_step(&mut self, fence: &Fence, outcome: &StepOutcome, report: &Report, now: TimestampMs) -> StoreResult<Option<StepWritten>>;
        fn write_report(&mut self, fence: &Fence, report: &Report, now: TimestampMs) -> StoreResult<Option<RunWritten>>;
        fn finish_run(&mut self, fence: &Fence, outcome: &RunOutcome, report: &Report, now: TimestampMs) -> StoreResult<Option<RunWritten>>;
        fn retry_later(&mut self, fence: &Fence, waiting_for: &WaitingFor, wake_at: TimestampMs, report: &Report, now: TimestampMs) -> StoreResult<Option<RunWritten>>;
        fn open_wait(&mut self, fence: &Fence, wait: &StepWait, report: &Report, now: TimestampMs) -> StoreResult<Option<WaitOpened>>;
        fn end_wait(&mut self, run_id: &RunId, step_name: &str, end: &WaitEnd, now: TimestampMs) -> StoreResult<Option<WaitEnded>>;
        fn suspend(&mut self, fence: &Fence, suspension: &Suspension<'_>, report: &Report, now: TimestampMs) -> StoreResult<Option<Suspended>>;
        fn wake(&mut self, suspended: &Fence, now: TimestampMs) -> StoreResult<Option<RunHead>>;
        fn parked_by(&mut self, run_id: &RunId) -> StoreResult<Option<ExecutorId>>;
        fn store_signal(&mut self, request_id: &RequestId, key: &str, signal: &Signal, now: TimestampMs) -> StoreResult<SignalStored>;
        fn take_signal(&mut self, key: &str, run_id: &RunId) -> StoreResult<Option<Signal>>;
        fn signal_wait(&mut self, key: &str) -> StoreResult<Option<OpenWait>>;
        fn forget_signals(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<BlobId>>;
        fn children(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Vec<ChildResult>>;
        fn child_ids(&mut self, run_id: &RunId) -> StoreResult<Vec<RunId>>;
        fn active_children(&mut self, run_id: &RunId, step_name: Option<&str>) -> StoreResult<Vec<RunId>>;
        fn child_ended(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<ChildCount>>;
        fn cancel_run(&mut self, run_id: &RunId, version: u64, request_id: &RequestId, now: TimestampMs) -> StoreResult<Option<Run>>;
        fn retry_run(&mut self, run_id: &RunId, version: u64, request_id: &RequestId, now: TimestampMs) -> StoreResult<Option<Run>>;
        fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>>;
        fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>>;
        fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>>;
    }
}
