//! The port's face of SQLite with the reference beside it: each call goes to both, and what it did is noted.

use stepwell_engine::{
    Claim, Claimed, Deleted, Fence, Inserted, MemoryStore, NewRun, Ownership, Release, RunHead,
    RunOutcome, RunWritten, StepOutcome, StepWritten, Store, StoreResult,
};
use stepwell_protocol::{
    BlobId, Epoch, LogPage, LogQuery, Report, RequestId, Run, RunFilter, RunId, RunPage, RunStatus,
    Step, TimestampMs,
};

use super::claims::{self, Judged};
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
        self.watch.borrow_mut().deletions.try_commit();
        let real = self.sqlite.commit();
        {
            let watch = &mut *self.watch.borrow_mut();
            match &real {
                Ok(wrote) => {
                    watch.compare("commit", wrote, MemoryStore::commit);
                    // A transaction without a write leaves the log, and so an unconfirmed commit in it, as it was.
                    if *wrote {
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
            self.watch.borrow_mut().deletions.commit();
            self.see_touched();
        }
        real
    }

    fn rollback(&mut self) {
        self.sqlite.rollback();
        let mut watch = self.watch.borrow_mut();
        watch.touched.clear();
        watch.deletions.rollback();
        watch.models.iter_mut().for_each(MemoryStore::rollback);
    }

    fn savepoint(&mut self) -> StoreResult<()> {
        both!(self.savepoint());
        self.watch.borrow_mut().deletions.savepoint();
        Ok(())
    }

    fn release_savepoint(&mut self) -> StoreResult<()> {
        both!(self.release_savepoint());
        Ok(())
    }

    fn rollback_to_savepoint(&mut self) -> StoreResult<()> {
        both!(self.rollback_to_savepoint());
        self.watch.borrow_mut().deletions.rollback_to_savepoint();
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

    fn run_of_request(&mut self, request_id: &RequestId) -> StoreResult<Option<Run>> {
        Ok(both!(self.run_of_request(request_id)))
    }

    fn last_request(&mut self, run_id: &RunId) -> StoreResult<Option<RequestId>> {
        Ok(both!(self.last_request(run_id)))
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
        Ok(due)
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
            if claimed.interrupted {
                self.watch.borrow_mut().counts.saw(State::Reclaimed);
            }
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

    fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        self.touch(run_id);
        Ok(both!(self.cancel_run(run_id, version, request_id, now)))
    }

    fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        self.touch(run_id);
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

impl ReferenceStore {
    /// All runs that have not ended, in the open transaction, as they were before a claim.
    fn active_before(&mut self, claimed: &[Claimed]) -> StoreResult<Vec<Run>> {
        let filter = RunFilter {
            statuses: vec![RunStatus::Pending, RunStatus::Running, RunStatus::Waiting],
            limit: 1_000,
            ..RunFilter::default()
        };
        let mut runs = self.sqlite.runs(&filter)?.runs;
        for run in &mut runs {
            let was_pending = |claimed: &Claimed| claimed.run.id == run.id && !claimed.interrupted;
            if claimed.iter().any(was_pending) {
                run.status = RunStatus::Pending;
            }
        }
        Ok(runs)
    }

    /// The engine tells the time.
    fn hear(&self, now: TimestampMs) {
        let mut watch = self.watch.borrow_mut();
        watch.latest = watch.latest.max(now);
    }

    fn judge_claim(&mut self, claim: &Claim<'_>, before: &[Run], claimed: &[Claimed]) {
        let watch = &mut *self.watch.borrow_mut();
        let judged = Judged {
            claim,
            before,
            claimed,
            latest: watch.latest,
        };
        watch.verdicts.judge(claims::NAME, judged.verdict());
        for run in before.iter().filter(|run| run.status == RunStatus::Pending) {
            if judged.is_blocked(run) {
                watch.counts.saw(State::KeyWaited);
            }
        }
        if !claim.leaving.is_empty() {
            watch.counts.saw(State::KeyLeaving);
        }
        if claim.jobs.iter().any(|job| job.concurrency == Some(0)) {
            watch.counts.saw(State::LimitReached);
        }
        for Claimed { run, .. } in claimed {
            if run.start_at > run.created_at {
                watch.counts.saw(State::DelayedClaimed);
            }
        }
    }

    fn accept(&self, fence: &Fence) {
        let mut watch = self.watch.borrow_mut();
        watch
            .accepted
            .insert((fence.run_id.clone(), fence.generation, None));
    }
}
