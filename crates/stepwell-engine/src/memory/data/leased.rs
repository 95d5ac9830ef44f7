//! Leases, and what is written under one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use stepwell_protocol::{
    Epoch, LogLine, Report, Run, RunStatus, ServedJob, Step, StepStatus, TimestampMs,
};

use super::steps::{StepRow, first_attempt};
use super::{Data, Lease, Row, next};
use crate::store::{
    Claim, Claimed, Fence, Release, RunHead, RunOutcome, RunWritten, StepOutcome, StepWritten,
};

impl Data {
    pub(in crate::memory) fn claim(&mut self, claim: &Claim<'_>) -> Vec<Claimed> {
        let claimable = |row: &&Row| {
            row.is_claimable() && !self.is_blocked(&row.run) && !is_leaving(&row.run, claim)
        };
        let mut runs: Vec<&Run> = self
            .runs
            .values()
            .filter(claimable)
            .map(|row| &row.run)
            .collect();
        // Stable: the map holds them by id.
        runs.sort_by_key(|run| {
            let is_woken = run.status == RunStatus::Waiting;
            (Reverse(is_woken), Reverse(run.priority), run.start_at)
        });
        let mut rooms: BTreeMap<&str, u32> = claim
            .jobs
            .iter()
            .map(|job| (job.name.as_str(), self.room(job)))
            .collect();
        let mut ids = Vec::new();
        for run in runs {
            if ids.len() == claim.limit as usize {
                break;
            }
            if let Some(room) = rooms.get_mut(run.job_name.as_str())
                && *room > 0
            {
                *room -= 1;
                ids.push(run.id.clone());
            }
        }
        self.dirty |= !ids.is_empty();
        let mut claimed = Vec::new();
        for id in ids {
            claimed.extend(self.runs.get_mut(&id).map(|row| lease(row, claim)));
        }
        claimed
    }

    /// Whether another run of its concurrency key is at work.
    fn is_blocked(&self, run: &Run) -> bool {
        let is_at_work = |other: &Run| {
            matches!(other.status, RunStatus::Running | RunStatus::Waiting)
                && other.job_name == run.job_name
                && other.concurrency_key == run.concurrency_key
        };
        run.status == RunStatus::Pending
            && run.concurrency_key.is_some()
            && self.runs.values().any(|row| is_at_work(&row.run))
    }

    /// How many more runs of a job may be leased.
    fn room(&self, job: &ServedJob) -> u32 {
        let leased = self
            .runs
            .values()
            .filter(|row| row.lease.is_some() && row.run.job_name == job.name)
            .count();
        job.concurrency.map_or(u32::MAX, |limit| {
            limit.saturating_sub(u32::try_from(leased).unwrap_or(u32::MAX))
        })
    }

    pub(in crate::memory) fn adopt(
        &mut self,
        held: &Fence,
        session: Epoch,
        now: TimestampMs,
        expires_at: Option<TimestampMs>,
    ) -> Option<Run> {
        let row = self.fenced(held).filter(|row| row.lease.is_none())?;
        row.run.generation = next(row.run.generation);
        row.lease = Some(Lease {
            owner: session,
            expires_at,
        });
        row.touch(now);
        let run = row.run.clone();
        self.dirty = true;
        Some(run)
    }

    pub(in crate::memory) fn release(
        &mut self,
        fence: &Fence,
        how: Release,
        now: TimestampMs,
    ) -> Option<RunHead> {
        let row = self.fenced(fence)?;
        row.released_orderly = how == Release::Orderly;
        row.run.generation = next(row.run.generation);
        row.lease = None;
        row.touch(now);
        let head = row.head();
        self.dirty = true;
        Some(head)
    }

    pub(in crate::memory) fn write_step(
        &mut self,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> Option<StepWritten> {
        self.fenced(fence)?;
        let steps = self.steps.entry(fence.run_id.clone()).or_default();
        let stored = steps
            .get(&outcome.name)
            .and_then(|row| row.step.completed_index);
        if let Some(completed_index) = stored {
            let RunWritten { head, logs } = self.write_report(fence, report, now)?;
            return Some(StepWritten {
                head,
                completed_index,
                repeated: true,
                logs,
            });
        }
        let row = self.runs.get_mut(&fence.run_id)?;
        let completed_index = row.next_index;
        row.next_index += 1;
        row.run.step_count += 1;
        row.run.recoveries = 0;
        row.blobs.extend(outcome.blobs.iter().cloned());
        let first_attempt = first_attempt(steps.get(&outcome.name));
        let step = Step {
            first_attempt,
            ..stored_step(outcome, completed_index, now)
        };
        steps.insert(outcome.name.clone(), StepRow { step, wait: None });
        let logs = self.store_report(fence, report);
        let row = self.runs.get_mut(&fence.run_id)?;
        row.touch(now);
        self.dirty = true;
        Some(StepWritten {
            head: row.head(),
            completed_index,
            repeated: false,
            logs,
        })
    }

    pub(in crate::memory) fn write_report(
        &mut self,
        fence: &Fence,
        report: &Report,
        now: TimestampMs,
    ) -> Option<RunWritten> {
        self.fenced(fence)?;
        let logs = self.store_report(fence, report);
        let row = self.runs.get_mut(&fence.run_id)?;
        // A resend that brings nothing new is no write.
        if !logs.is_empty() || report.progress.is_some() {
            row.touch(now);
            self.dirty = true;
        }
        let head = row.head();
        Some(RunWritten { head, logs })
    }

    pub(in crate::memory) fn finish_run(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
        now: TimestampMs,
    ) -> Option<RunWritten> {
        self.fenced(fence)?;
        let logs = self.store_report(fence, report);
        let row = self.runs.get_mut(&fence.run_id)?;
        match outcome {
            RunOutcome::Completed { output, blobs } => {
                row.run.status = RunStatus::Completed;
                row.blobs.extend(blobs.iter().cloned());
                row.run.output = Some(output.clone());
            }
            RunOutcome::Failed(error) => {
                row.run.status = RunStatus::Failed;
                row.run.error = Some(error.clone());
            }
        }
        row.run.completed_at = Some(now);
        row.leave();
        row.touch(now);
        let head = row.head();
        self.suspend_steps(&fence.run_id);
        self.dirty = true;
        Some(RunWritten { head, logs })
    }

    /// The run, if it is `running` under exactly this generation.
    pub(super) fn fenced(&mut self, fence: &Fence) -> Option<&mut Row> {
        self.runs.get_mut(&fence.run_id).filter(|row| {
            row.run.status == RunStatus::Running && row.run.generation == fence.generation
        })
    }

    /// Stores the lines whose ordinal is above the run's, and the progress. The lines that were stored.
    pub(super) fn store_report(&mut self, fence: &Fence, report: &Report) -> Vec<LogLine> {
        let Some(row) = self.runs.get_mut(&fence.run_id) else {
            return Vec::new();
        };
        if report.progress.is_some() {
            row.run.progress.clone_from(&report.progress);
        }
        let before = row.line_ordinal;
        let mut stored = Vec::new();
        for (ordinal, line) in (report.first_ordinal..).zip(&report.logs) {
            if ordinal <= before {
                continue;
            }
            row.line_ordinal = ordinal;
            row.run.log_count += 1;
            let id = self.logs.last_key_value().map_or(0, |(id, _)| *id) + 1;
            let line = LogLine {
                id,
                run_id: fence.run_id.clone(),
                level: line.level,
                message: line.message.clone(),
                data: line.data.clone(),
                step_name: line.step_name.clone(),
                attempt: line.attempt,
                timestamp: line.timestamp,
            };
            self.logs.insert(id, line.clone());
            stored.push(line);
        }
        stored
    }
}

/// Whether a function of its concurrency key has lost its lease and not ended.
fn is_leaving(run: &Run, claim: &Claim<'_>) -> bool {
    claim.leaving.iter().any(|left| {
        left.job_name == run.job_name && Some(&left.key) == run.concurrency_key.as_ref()
    })
}

fn lease(row: &mut Row, claim: &Claim<'_>) -> Claimed {
    let from = row.run.status;
    let interrupted = from == RunStatus::Running;
    row.run.status = RunStatus::Running;
    row.run.generation = next(row.run.generation);
    row.run.recoveries += u32::from(interrupted && !row.released_orderly);
    row.released_orderly = false;
    row.started_before = row.run.started_at;
    row.run.started_at = row.run.started_at.or(Some(claim.now));
    row.line_ordinal = 0;
    let parked = row.parked.take();
    row.leave();
    row.lease = Some(Lease {
        owner: claim.session,
        expires_at: claim.lease_expires_at,
    });
    row.touch(claim.now);
    let run = row.run.clone();
    Claimed {
        run,
        from,
        parked,
        worked_ms: row.worked_ms,
    }
}

fn stored_step(outcome: &StepOutcome, completed_index: u32, now: TimestampMs) -> Step {
    let (status, output, error) = match &outcome.result {
        Ok(output) => (StepStatus::Completed, Some(output.clone()), None),
        Err(error) => (StepStatus::Failed, None, Some(error.clone())),
    };
    Step {
        name: outcome.name.clone(),
        kind: outcome.kind,
        status,
        completed_index: Some(completed_index),
        attempt: outcome.attempt,
        output,
        error,
        first_attempt: 1,
        waiting_for: None,
        children: Vec::new(),
        started_at: outcome.started_at,
        completed_at: Some(now),
    }
}
