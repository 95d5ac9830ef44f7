//! The port's face of SQLite with the reference beside it: each call goes to both, and what it did is noted.

use stepwell_engine::{
    ChildCount, Claim, Claimed, Deleted, Fence, Inserted, MemoryStore, NewRun, OpenWait, Ownership,
    Release, RunHead, RunOutcome, RunWritten, Signal, SignalStored, StepOutcome, StepWait,
    StepWritten, Store, StoreError, StoreResult, Suspended, Suspension, WaitEnd, WaitEnded,
    WaitOpened,
};
use stepwell_protocol::{
    BlobId, ChildResult, Epoch, ExecutorId, LogPage, LogQuery, Report, RequestId, Run, RunFilter,
    RunId, RunPage, RunStatus, Step, TimestampMs, WaitingFor,
};

use super::forgetting;
use super::reference::{ReferenceStore, distinct};
use crate::counts::State;

macro_rules! both {
    ($self:ident.$call:ident($($arg:expr),*)) => {{
        let real = $self.sqlite.$call($($arg),*)?;
        $self.watch.borrow_mut().compare(stringify!($call), &real, |model| model.$call($($arg),*));
        real
    }};
}

impl Store for ReferenceStore {
    fn ownership(&self) -> Ownership {
        self.sqlite.ownership()
    }

    fn begin(&mut self) -> StoreResult<()> {
        self.sqlite.begin()?;
        for model in &mut self.watch.borrow_mut().models {
            model.begin()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> StoreResult<bool> {
        {
            let watch = &mut *self.watch.borrow_mut();
            if watch.dies_at_commit && !watch.touched.is_empty() {
                (watch.dies_at_commit, watch.has_died) = (false, true);
                return Err(StoreError::Io("its process dies".to_owned()));
            }
        }
        self.watch.borrow_mut().deletions.try_commit();
        let real = self.sqlite.commit();
        {
            let watch = &mut *self.watch.borrow_mut();
            match &real {
                Ok(wrote) => {
                    watch.compare("commit", wrote, MemoryStore::commit);
                    // A transaction without a write leaves the log, and so an unconfirmed commit in it, as it was.
                    if *wrote {
                        watch.commits += 1;
                        watch.possible.clear();
                        distinct(&mut watch.models);
                        watch.committed.clone_from(&watch.models);
                    }
                }
                Err(_) => {
                    let mut unconfirmed = watch.models.clone();
                    for model in &mut unconfirmed {
                        // It has an open transaction, so this cannot fail.
                        let _ = model.commit();
                    }
                    watch.possible.append(&mut unconfirmed);
                }
            }
        }
        if real.is_ok() {
            {
                let watch = &mut *self.watch.borrow_mut();
                watch.deletions.commit();
                watch.woken.commit();
            }
            self.see_touched();
        }
        real
    }

    fn rollback(&mut self) {
        self.sqlite.rollback();
        let mut watch = self.watch.borrow_mut();
        watch.touched.clear();
        watch.deletions.rollback();
        watch.woken.rollback();
        watch.models.iter_mut().for_each(MemoryStore::rollback);
    }

    fn savepoint(&mut self) -> StoreResult<()> {
        both!(self.savepoint());
        let watch = &mut *self.watch.borrow_mut();
        watch.deletions.savepoint();
        watch.woken.savepoint();
        Ok(())
    }

    fn release_savepoint(&mut self) -> StoreResult<()> {
        both!(self.release_savepoint());
        Ok(())
    }

    fn rollback_to_savepoint(&mut self) -> StoreResult<()> {
        both!(self.rollback_to_savepoint());
        let watch = &mut *self.watch.borrow_mut();
        watch.deletions.rollback_to_savepoint();
        watch.woken.rollback_to_savepoint();
        Ok(())
    }

    fn begin_session(&mut self, now: TimestampMs) -> StoreResult<Epoch> {
        let real = self.sqlite.begin_session(now)?;
        let mut watch = self.watch.borrow_mut();
        watch.compare("begin_session", &real, |model| model.begin_session(now));
        Ok(real)
    }

    fn renew_leases(&mut self, session: Epoch, lease_expires_at: TimestampMs) -> StoreResult<()> {
        both!(self.renew_leases(session, lease_expires_at));
        Ok(())
    }

    fn expire_leases(&mut self, now: TimestampMs) -> StoreResult<u64> {
        Ok(both!(self.expire_leases(now)))
    }

    fn insert_run(&mut self, run: &NewRun) -> StoreResult<Inserted> {
        let inserted = both!(self.insert_run(run));
        self.hear(run.created_at);
        let (Inserted::Created(run)
        | Inserted::Existing(run)
        | Inserted::Idempotent(run)
        | Inserted::Pending(run)) = &inserted;
        self.touch(&run.id);
        let mut watch = self.watch.borrow_mut();
        match inserted {
            Inserted::Created(_) => {}
            Inserted::Existing(_) => watch.counts.saw(State::TriggerRepeated),
            Inserted::Idempotent(_) => watch.counts.saw(State::Idempotent),
            Inserted::Pending(_) => watch.counts.saw(State::PendingKey),
        }
        watch.fails_unexpectedly(None)?;
        Ok(inserted)
    }

    fn run(&mut self, run_id: &RunId) -> StoreResult<Option<Run>> {
        Ok(both!(self.run(run_id)))
    }

    fn step(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<Step>> {
        Ok(both!(self.step(run_id, step_name)))
    }

    fn steps_since(&mut self, run_id: &RunId, next_index: u32) -> StoreResult<Vec<Step>> {
        Ok(both!(self.steps_since(run_id, next_index)))
    }

    fn run_of_request(&mut self, request_id: &RequestId) -> StoreResult<Option<Run>> {
        Ok(both!(self.run_of_request(request_id)))
    }

    fn last_requests(&mut self, run_id: &RunId) -> StoreResult<Vec<RequestId>> {
        Ok(both!(self.last_requests(run_id)))
    }

    fn pending_of_key(&mut self, job_name: &str, key: &str) -> StoreResult<Option<RunId>> {
        Ok(both!(self.pending_of_key(job_name, key)))
    }

    fn runs(&mut self, filter: &RunFilter) -> StoreResult<RunPage> {
        Ok(both!(self.runs(filter)))
    }

    fn steps(&mut self, run_id: &RunId, outputs: bool) -> StoreResult<Vec<Step>> {
        Ok(both!(self.steps(run_id, outputs)))
    }

    fn logs(&mut self, query: &LogQuery) -> StoreResult<LogPage> {
        Ok(both!(self.logs(query)))
    }

    fn claimable_jobs(&mut self) -> StoreResult<Vec<String>> {
        Ok(both!(self.claimable_jobs()))
    }

    fn promote_due(&mut self, now: TimestampMs) -> StoreResult<Option<TimestampMs>> {
        let due = both!(self.promote_due(now));
        self.hear(now);
        self.note_due(now);
        Ok(due)
    }

    fn due_waits(&mut self, now: TimestampMs, limit: u32) -> StoreResult<Vec<OpenWait>> {
        Ok(both!(self.due_waits(now, limit)))
    }

    fn next_wait(&mut self) -> StoreResult<Option<TimestampMs>> {
        Ok(both!(self.next_wait()))
    }

    fn network_waits(&mut self, limit: u32) -> StoreResult<Vec<OpenWait>> {
        Ok(both!(self.network_waits(limit)))
    }

    fn wake_network_runs(&mut self) -> StoreResult<u64> {
        let count = both!(self.wake_network_runs());
        self.note_network();
        Ok(count)
    }

    fn claim(&mut self, claim: &Claim<'_>) -> StoreResult<Vec<Claimed>> {
        let claimed = both!(self.claim(claim));
        self.hear(claim.now);
        if self.watch.borrow().judges_claims && !claimed.is_empty() {
            let before = self.active_before(&claimed)?;
            self.judge_claim(claim, &before, &claimed);
        }
        for claimed in &claimed {
            self.touch(&claimed.run.id);
            self.note_claimed(claimed);
        }
        Ok(claimed)
    }

    fn adopt(
        &mut self,
        held: &Fence,
        session: Epoch,
        now: TimestampMs,
        lease_expires_at: Option<TimestampMs>,
    ) -> StoreResult<Option<Run>> {
        let adopted = both!(self.adopt(held, session, now, lease_expires_at));
        self.touch(&held.run_id);
        if adopted.is_some() {
            self.watch.borrow_mut().counts.saw(State::Adopted);
        }
        Ok(adopted)
    }

    fn release(
        &mut self,
        fence: &Fence,
        how: Release,
        now: TimestampMs,
    ) -> StoreResult<Option<RunHead>> {
        self.touch(&fence.run_id);
        Ok(both!(self.release(fence, how, now)))
    }

    fn write_step(
        &mut self,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<StepWritten>> {
        let written = both!(self.write_step(fence, outcome, report, now));
        self.touch(&fence.run_id);
        let watch = &mut *self.watch.borrow_mut();
        watch.fails_unexpectedly(Some(&fence.run_id))?;
        if let Some(written) = &written {
            let Fence { run_id, generation } = fence.clone();
            watch
                .accepted
                .insert((run_id.clone(), generation, Some(outcome.name.clone())));
            if written.repeated {
                watch.counts.saw(State::StepRepeated);
            } else {
                watch
                    .written
                    .insert((run_id, outcome.name.clone()), generation);
            }
        }
        Ok(written)
    }

    fn write_report(
        &mut self,
        fence: &Fence,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        let written = both!(self.write_report(fence, report, now));
        self.touch(&fence.run_id);
        if written.is_some() {
            self.accept(fence);
        }
        Ok(written)
    }

    fn finish_run(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        let written = both!(self.finish_run(fence, outcome, report, now));
        self.touch(&fence.run_id);
        if written.is_some() {
            self.accept(fence);
        } else if let Ok(Some(run)) = self.sqlite.run(&fence.run_id)
            && run.generation == fence.generation
            && matches!(run.status, RunStatus::Completed | RunStatus::Failed)
        {
            self.watch.borrow_mut().counts.saw(State::EndRepeated);
        }
        Ok(written)
    }

    fn retry_later(
        &mut self,
        fence: &Fence,
        waiting_for: &WaitingFor,
        wake_at: TimestampMs,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<RunWritten>> {
        self.judge_run_delay(fence, wake_at, now);
        let written = both!(self.retry_later(fence, waiting_for, wake_at, report, now));
        self.touch(&fence.run_id);
        if written.is_some() {
            self.accept(fence);
            let watch = &mut *self.watch.borrow_mut();
            watch.woken.sleep(&fence.run_id);
            watch.counts.saw(State::RunRetried);
        }
        Ok(written)
    }

    fn open_wait(
        &mut self,
        fence: &Fence,
        wait: &StepWait,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitOpened>> {
        let opened = both!(self.open_wait(fence, wait, report, now));
        self.touch(&fence.run_id);
        self.watch
            .borrow_mut()
            .fails_unexpectedly(Some(&fence.run_id))?;
        if let Some(opened) = &opened {
            self.note_opened(fence, wait, opened, now);
        }
        Ok(opened)
    }

    fn end_wait(
        &mut self,
        run_id: &RunId,
        step_name: &str,
        end: &WaitEnd,
        now: TimestampMs,
    ) -> StoreResult<Option<WaitEnded>> {
        let ended = both!(self.end_wait(run_id, step_name, end, now));
        self.touch(run_id);
        self.hear(now);
        if let Some(ended) = &ended {
            self.note_ended(run_id, end, ended);
        }
        Ok(ended)
    }

    fn suspend(
        &mut self,
        fence: &Fence,
        suspension: &Suspension<'_>,
        report: &Report,
        now: TimestampMs,
    ) -> StoreResult<Option<Suspended>> {
        let suspended = both!(self.suspend(fence, suspension, report, now));
        self.touch(&fence.run_id);
        if let Some(suspended) = &suspended {
            self.accept(fence);
            let watch = &mut *self.watch.borrow_mut();
            if suspended.is_suspended {
                watch.woken.sleep(&fence.run_id);
            }
            if suspension.is_unstarted {
                watch.counts.saw(State::RunAwaitedNetwork);
            }
        }
        Ok(suspended)
    }

    fn wake(&mut self, suspended: &Fence, now: TimestampMs) -> StoreResult<Option<RunHead>> {
        let woken = both!(self.wake(suspended, now));
        self.touch(&suspended.run_id);
        if woken.is_some() {
            self.watch.borrow_mut().woken.wake(&suspended.run_id);
        }
        Ok(woken)
    }

    fn parked_by(&mut self, run_id: &RunId) -> StoreResult<Option<ExecutorId>> {
        Ok(both!(self.parked_by(run_id)))
    }

    fn store_signal(
        &mut self,
        request_id: &RequestId,
        key: &str,
        signal: &Signal,
        now: TimestampMs,
    ) -> StoreResult<SignalStored> {
        let stored = both!(self.store_signal(request_id, key, signal, now));
        self.watch.borrow_mut().fails_unexpectedly(None)?;
        Ok(stored)
    }

    fn take_signal(&mut self, key: &str, run_id: &RunId) -> StoreResult<Option<Signal>> {
        Ok(both!(self.take_signal(key, run_id)))
    }

    fn signal_wait(&mut self, key: &str) -> StoreResult<Option<OpenWait>> {
        Ok(both!(self.signal_wait(key)))
    }

    fn forget_signals(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<BlobId>> {
        Ok(both!(self.forget_signals(before, limit)))
    }

    fn children(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Vec<ChildResult>> {
        Ok(both!(self.children(run_id, step_name)))
    }

    fn child_ids(&mut self, run_id: &RunId) -> StoreResult<Vec<RunId>> {
        Ok(both!(self.child_ids(run_id)))
    }

    fn active_children(
        &mut self,
        run_id: &RunId,
        step_name: Option<&str>,
    ) -> StoreResult<Vec<RunId>> {
        Ok(both!(self.active_children(run_id, step_name)))
    }

    fn child_ended(&mut self, run_id: &RunId, step_name: &str) -> StoreResult<Option<ChildCount>> {
        let count = both!(self.child_ended(run_id, step_name));
        self.touch(run_id);
        Ok(count)
    }

    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        self.touch(run_id);
        let cancelled = both!(self.cancel_run(run_id, version, request_id, now));
        if let Some(run) = &cancelled {
            self.note_cancelled(run);
        }
        Ok(cancelled)
    }

    fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        self.touch(run_id);
        self.watch.borrow_mut().woken.sleep(run_id);
        let retried = both!(self.retry_run(run_id, version, request_id, now));
        if retried.as_ref().is_some_and(|run| run.step_count > 0) {
            self.watch.borrow_mut().counts.saw(State::RetriedWithSteps);
        }
        Ok(retried)
    }

    fn delete_run(&mut self, run_id: &RunId) -> StoreResult<Option<Deleted>> {
        let before = self.sqlite.run(run_id)?;
        let deleted = both!(self.delete_run(run_id));
        self.touch(run_id);
        let watch = &mut *self.watch.borrow_mut();
        if let (Some(before), Some(_)) = (before, &deleted) {
            let verdict = watch.deletions.delete(before);
            watch.verdicts.judge(forgetting::NAME, verdict);
        }
        // As a disk may fail in the middle of a purge.
        watch.fails_unexpectedly(None)?;
        Ok(deleted)
    }

    fn ended_before(&mut self, before: TimestampMs, limit: u32) -> StoreResult<Vec<RunId>> {
        Ok(both!(self.ended_before(before, limit)))
    }

    fn unreferenced_blobs(&mut self, blobs: &[BlobId]) -> StoreResult<Vec<BlobId>> {
        Ok(both!(self.unreferenced_blobs(blobs)))
    }
}
