//! The reference store with faults that a test plans.

use stepwell_engine::*;
use stepwell_protocol::*;

pub struct FaultyStore {
    inner: MemoryStore,
    /// The next so many commits fail with this.
    pub failing_commits: Option<(u32, StoreError)>,
    /// Inserting a run of this job fails unexpectedly, after it wrote.
    pub poisoned_job: Option<String>,
    /// Storing this step fails unexpectedly.
    pub poisoned_step: Option<String>,
    /// The next so many cancels find a stale version.
    pub stale_cancels: u32,
}

impl FaultyStore {
    pub fn new(ownership: Ownership) -> Self {
        Self {
            inner: MemoryStore::new(ownership),
            failing_commits: None,
            poisoned_job: None,
            poisoned_step: None,
            stale_cancels: 0,
        }
    }
}

macro_rules! delegate {
    ($(fn $name:ident(&mut self $(, $arg:ident: $kind:ty)*) -> $out:ty;)*) => {
        $(fn $name(&mut self $(, $arg: $kind)*) -> $out { self.inner.$name($($arg),*) })*
    };
}

impl Store for FaultyStore {
    fn ownership(&self) -> Ownership {
        self.inner.ownership()
    }

    fn commit(&mut self) -> StoreResult<bool> {
        if let Some((left, error)) = &mut self.failing_commits
            && *left > 0
        {
            *left -= 1;
            return Err(error.clone());
        }
        self.inner.commit()
    }

    fn insert_run(&mut self, run: &NewRun) -> StoreResult<Inserted> {
        let inserted = self.inner.insert_run(run)?;
        if self.poisoned_job.as_ref() == Some(&run.job_name) {
            return Err(StoreError::Other("planned".into()));
        }
        Ok(inserted)
    }

    fn write_step(
        &mut self,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<StepWritten>> {
        if self.poisoned_step.as_ref() == Some(&outcome.name) {
            return Err(StoreError::Other("planned".into()));
        }
        self.inner.write_step(fence, outcome, report, now)
    }

    fn open_wait(
        &mut self,
        fence: &Fence,
        wait: &StepWait,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitOpened>> {
        let opened = self.inner.open_wait(fence, wait, report, now)?;
        if self.poisoned_step.as_ref() == Some(&wait.name) {
            return Err(StoreError::Other("planned".into()));
        }
        Ok(opened)
    }

    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        let stale = self.stale_cancels > 0;
        self.stale_cancels = self.stale_cancels.saturating_sub(1);
        self.inner.cancel_run(
            run_id,
            if stale { version + 1 } else { version },
            request_id,
            now,
        )
    }

    delegate! {
        fn begin(&mut self) -> StoreResult<()>;
        fn rollback(&mut self) -> ();
        fn savepoint(&mut self) -> StoreResult<()>;
        fn release_savepoint(&mut self) -> StoreResult<()>;
        fn rollback_to_savepoint(&mut self) -> StoreResult<()>;
        fn begin_session(&mut self, now: TimestampMs) -> StoreResult<Epoch>;
        fn renew_leases(&mut self, session: Epoch, expires_at: TimestampMs) -> StoreResult<()>;
        fn expire_leases(&mut self, now: TimestampMs) -> StoreResult<u64>;
        fn run(&mut self, run_id: &RunId) -> StoreResult<Option<Run>>;
        fn run_of_request(&mut self, request_id: &RequestId) -> StoreResult<Option<Run>>;
        fn last_requests(&mut self, run_id: &RunId) -> StoreResult<Vec<RequestId>>;
        fn runs(&mut self, filter: &RunFilter) -> StoreResult<RunPage>;
        fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>>;
        fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage>;
        fn claimable_jobs(&mut self) -> StoreResult<Vec<String>>;
        fn pending_of_key(&mut self, job_name: &str, key: &str) -> StoreResult<Option<RunId>>;
        fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>>;
        fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>>;
        fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>>;
        fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>>;
        fn claim(&mut self, claim: &Claim<'_>) -> StoreResult<Vec<Claimed>>;
        fn adopt(&mut self, held: &Fence, session: Epoch, now: TimestampMs, expires_at: Option<TimestampMs>) -> StoreResult<Option<Run>>;
        fn release(&mut self, fence: &Fence, how: Release, now: TimestampMs) -> StoreResult<Option<RunHead>>;
        fn write_report(&mut self, fence: &Fence, report: &Report, now: TimestampMs) -> StoreResult<Option<RunWritten>>;
        fn finish_run(&mut self, fence: &Fence, outcome: &RunOutcome, report: &Report, now: TimestampMs) -> StoreResult<Option<RunWritten>>;
        fn retry_run(&mut self, run_id: &RunId, version: u64, request_id: &RequestId, now: TimestampMs) -> StoreResult<Option<Run>>;
        fn step(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<Step>>;
        fn steps_since(&mut self, run_id: &RunId, next_index: u32) -> StoreResult<Vec<Step>>;
        fn due_waits(&mut self, now: TimestampMs, limit: u32) -> StoreResult<Vec<OpenWait>>;
        fn next_wait(&mut self) -> StoreResult<Option<TimestampMs>>;
        fn network_waits(&mut self, limit: u32) -> StoreResult<Vec<OpenWait>>;
        fn wake_network_runs(&mut self) -> StoreResult<u64>;
        fn retry_later(&mut self, fence: &Fence, waiting_for: &WaitingFor, wake_at: TimestampMs, report: &Report, now: TimestampMs) -> StoreResult<Option<RunWritten>>;
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
    }
}
