//! What the calls of the store tell beyond their answers: who was woken, what was delayed, what came of it.

use stepwell_engine::{
    Claim, Claimed, Fence, StepWait, Store, StoreResult, Wait, WaitEnd, WaitEnded, WaitOpened,
};
use stepwell_protocol::{Run, RunFilter, RunId, RunStatus, StepKind, TimestampMs, WaitingFor};

use super::claims::{self, Judged};
use super::reference::ReferenceStore;
use super::retries;
use crate::counts::State;

impl ReferenceStore {
    /// All runs that have not ended, in the open transaction, as they were before a claim.
    pub(super) fn active_before(&mut self, claimed: &[Claimed]) -> StoreResult<Vec<Run>> {
        let filter = RunFilter {
            statuses: vec![RunStatus::Pending, RunStatus::Running, RunStatus::Waiting],
            limit: 1_000,
            ..RunFilter::default()
        };
        let mut runs = self.sqlite.runs(&filter)?.runs;
        for run in &mut runs {
            let before = claimed.iter().find(|claimed| claimed.run.id == run.id);
            if let Some(claimed) = before {
                run.status = claimed.from;
            }
        }
        Ok(runs)
    }

    /// The engine tells the time.
    pub(super) fn hear(&self, now: TimestampMs) {
        let mut watch = self.watch.borrow_mut();
        watch.latest = watch.latest.max(now);
    }

    pub(super) fn judge_claim(&mut self, claim: &Claim<'_>, before: &[Run], claimed: &[Claimed]) {
        let watch = &mut *self.watch.borrow_mut();
        let judged = Judged {
            claim,
            before,
            claimed,
            latest: watch.latest,
            woken: &watch.woken,
        };
        let verdict = judged.verdict();
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
        watch.verdicts.judge(claims::NAME, verdict);
    }

    pub(super) fn accept(&self, fence: &Fence) {
        let mut watch = self.watch.borrow_mut();
        watch
            .accepted
            .insert((fence.run_id.clone(), fence.generation, None));
    }

    pub(super) fn note_claimed(&self, claimed: &Claimed) {
        let watch = &mut *self.watch.borrow_mut();
        watch.woken.sleep(&claimed.run.id);
        match claimed.from {
            RunStatus::Running => watch.counts.saw(State::Reclaimed),
            RunStatus::Waiting => {
                *watch.resumed.entry(claimed.run.id.clone()).or_default() += 1;
                if claimed.parked.is_none() {
                    watch.counts.saw(State::WokenReplayed);
                }
            }
            _ => {}
        }
    }

    /// Runs whose own next attempt is due.
    pub(super) fn note_due(&mut self, now: TimestampMs) {
        self.wake_all(|waiting_for| {
            matches!(waiting_for, WaitingFor::Retry { step_name: None, until, .. } if *until <= now)
        });
    }

    /// Runs that wait for the network themselves.
    pub(super) fn note_network(&mut self) {
        self.wake_all(|waiting_for| matches!(waiting_for, WaitingFor::Network { step_name: None }));
    }

    fn wake_all(&mut self, is_over: impl Fn(&WaitingFor) -> bool) {
        let watch = &mut *self.watch.borrow_mut();
        let runs = watch.history.all().map(|(run, _)| run);
        let over = runs.filter(|run| run.waiting_for.as_ref().is_some_and(&is_over));
        let over: Vec<RunId> = over.map(|run| run.id.clone()).collect();
        for run_id in &over {
            watch.woken.wake(run_id);
        }
    }

    pub(super) fn note_opened(
        &self,
        fence: &Fence,
        wait: &StepWait,
        opened: &WaitOpened,
        now: TimestampMs,
    ) {
        let watch = &mut *self.watch.borrow_mut();
        if matches!(opened, WaitOpened::KeyTaken) {
            watch.counts.saw(State::KeyTaken);
            return;
        }
        let Fence { run_id, generation } = fence.clone();
        watch
            .accepted
            .insert((run_id.clone(), generation, Some(wait.name.clone())));
        if !matches!(opened, WaitOpened::Opened { .. }) {
            watch.counts.saw(State::WaitRepeated);
            return;
        }
        *watch.resumed.entry(run_id.clone()).or_default() += 1;
        if let Wait::Retry { wake_at, .. } = &wait.wait {
            let delay_ms = wake_at.0 - now.0;
            let entropy = watch.entropy;
            let verdict =
                watch
                    .retries
                    .step_waits(&run_id, &wait.name, wait.attempt, delay_ms, entropy);
            watch.verdicts.judge(retries::NAME, verdict);
        }
        if matches!(wait.wait, Wait::Children { .. }) {
            watch.counts.saw(State::ChildrenMade);
        }
    }

    pub(super) fn note_ended(&self, run_id: &RunId, end: &WaitEnd, ended: &WaitEnded) {
        let watch = &mut *self.watch.borrow_mut();
        if ended.head.status == RunStatus::Waiting {
            watch.woken.wake(run_id);
        }
        match (ended.kind, end) {
            (StepKind::Sleep, _) => watch.counts.saw(State::SleepEnded),
            (
                StepKind::Signal,
                WaitEnd::Outcome {
                    result: Ok(None), ..
                },
            ) => {
                watch.counts.saw(State::SignalTimedOut);
            }
            (StepKind::Signal, _) => watch.counts.saw(State::SignalDelivered),
            (StepKind::Invoke, WaitEnd::Outcome { result: Err(_), .. }) => {
                watch.counts.saw(State::FailedFast);
            }
            _ => {}
        }
    }

    pub(super) fn note_cancelled(&self, run: &Run) {
        let watch = &mut *self.watch.borrow_mut();
        watch.woken.sleep(&run.id);
        if run.parent_id.is_some() {
            watch.counts.saw(State::ChildCancelled);
        }
    }

    pub(super) fn judge_run_delay(
        &mut self,
        fence: &Fence,
        wake_at: TimestampMs,
        now: TimestampMs,
    ) {
        let run = self.sqlite.run(&fence.run_id);
        let watch = &mut *self.watch.borrow_mut();
        if let Ok(Some(run)) = run
            && run.generation == fence.generation
            && run.status == RunStatus::Running
        {
            let verdict = watch
                .retries
                .run_waits(&run, wake_at.0 - now.0, watch.entropy);
            watch.verdicts.judge(retries::NAME, verdict);
        }
    }
}
