//! Leases, and what is written under one.

use stepwell_protocol::{Epoch, LogLine, Report, Run, RunStatus, Step, StepStatus, TimestampMs};

use super::{Data, Lease, Row, next};
use crate::store::{
    Claim, Claimed, Fence, Release, RunHead, RunOutcome, RunWritten, StepOutcome, StepWritten,
};

impl Row {
    fn head(&self) -> RunHead {
        RunHead {
            run_id: self.run.id.clone(),
            job_name: self.run.job_name.clone(),
            labels: self.run.labels.clone(),
            status: self.run.status,
            version: self.run.version,
        }
    }
}

impl Data {
    pub(in crate::memory) fn claim(&mut self, claim: &Claim<'_>) -> Vec<Claimed> {
        let mut rows: Vec<&mut Row> = self
            .runs
            .values_mut()
            .filter(|row| row.is_claimable() && claim.jobs.contains(&row.run.job_name))
            .collect();
        // Stable: the map holds them by id.
        rows.sort_by_key(|row| row.run.start_at);
        rows.truncate(claim.limit as usize);
        self.dirty |= !rows.is_empty();
        rows.into_iter()
            .map(|row| {
                let interrupted = row.run.status == RunStatus::Running;
                row.run.status = RunStatus::Running;
                row.run.generation = next(row.run.generation);
                row.run.recoveries += u32::from(interrupted);
                row.run.started_at = row.run.started_at.or(Some(claim.now));
                row.line_ordinal = 0;
                row.lease = Some(Lease {
                    owner: claim.session,
                    expires_at: claim.lease_expires_at,
                });
                row.touch(claim.now);
                let run = row.run.clone();
                Claimed { run, interrupted }
            })
            .collect()
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
        row.run.status = match how {
            Release::Orderly => RunStatus::Pending,
            Release::Interrupted => RunStatus::Running,
        };
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
            .and_then(|step| step.completed_index);
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
        let step = stored_step(outcome, completed_index, now);
        steps.insert(outcome.name.clone(), step);
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
            RunOutcome::Completed(output) => {
                row.run.status = RunStatus::Completed;
                row.run.output = Some(output.clone());
            }
            RunOutcome::Failed(error) => {
                row.run.status = RunStatus::Failed;
                row.run.error = Some(error.clone());
            }
        }
        row.run.completed_at = Some(now);
        row.lease = None;
        row.touch(now);
        let head = row.head();
        self.dirty = true;
        Some(RunWritten { head, logs })
    }

    /// The run, if it is `running` under exactly this generation.
    fn fenced(&mut self, fence: &Fence) -> Option<&mut Row> {
        self.runs.get_mut(&fence.run_id).filter(|row| {
            row.run.status == RunStatus::Running && row.run.generation == fence.generation
        })
    }

    /// Stores the lines whose ordinal is above the run's, and the progress. The lines that were stored.
    fn store_report(&mut self, fence: &Fence, report: &Report) -> Vec<LogLine> {
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
        started_at: outcome.started_at,
        completed_at: Some(now),
    }
}
