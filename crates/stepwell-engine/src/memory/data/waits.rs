//! Waits of steps: opened under a lease, ended by whatever they wait for.

use stepwell_protocol::{
    Report, RunFailure, RunId, RunStatus, Step, StepStatus, TimestampMs, WaitingFor,
};

use super::Data;
use super::steps::{StepRow, first_attempt};
use crate::store::{Fence, OpenWait, RunWritten, StepWait, Wait, WaitEnd, WaitEnded, WaitOpened};

impl Data {
    pub(in crate::memory) fn open_wait(
        &mut self,
        fence: &Fence,
        wait: &StepWait,
        report: &Report,
        now: TimestampMs,
    ) -> Option<WaitOpened> {
        self.fenced(fence)?;
        let stored = self
            .steps
            .get(&fence.run_id)
            .and_then(|steps| steps.get(&wait.name));
        if stored.is_some_and(|row| is_repeated(row, wait)) {
            let RunWritten { head, logs } = self.write_report(fence, report, now)?;
            return Some(WaitOpened::Repeated { head, logs });
        }
        if let Wait::Signal { key, .. } = &wait.wait
            && self.signal_wait(key).is_some()
        {
            return Some(WaitOpened::KeyTaken);
        }
        let row = waiting_step(stored, wait);
        self.steps
            .entry(fence.run_id.clone())
            .or_default()
            .insert(wait.name.clone(), row);
        let logs = self.store_report(fence, report);
        let row = self.runs.get_mut(&fence.run_id)?;
        row.run.recoveries = 0;
        row.touch(now);
        let head = row.head();
        self.dirty = true;
        let step = Box::new(self.step(&fence.run_id, &wait.name)?);
        Some(WaitOpened::Opened { head, step, logs })
    }

    pub(in crate::memory) fn end_wait(
        &mut self,
        run_id: &RunId,
        step_name: &str,
        end: &WaitEnd,
        now: TimestampMs,
    ) -> Option<WaitEnded> {
        let row = self
            .runs
            .get_mut(run_id)
            .filter(|row| matches!(row.run.status, RunStatus::Running | RunStatus::Waiting))?;
        let step = self
            .steps
            .get_mut(run_id)?
            .get_mut(step_name)
            .filter(|step| step.is_open())?;
        step.wait = None;
        step.step.waiting_for = None;
        match end {
            WaitEnd::Outcome { result, blobs } => {
                match result {
                    Ok(output) => {
                        step.step.status = StepStatus::Completed;
                        step.step.output.clone_from(output);
                        step.step.error = None;
                    }
                    Err(error) => {
                        step.step.status = StepStatus::Failed;
                        step.step.error = Some(error.clone());
                    }
                }
                step.step.completed_index = Some(row.next_index);
                step.step.completed_at = Some(now);
                row.next_index += 1;
                row.run.step_count += 1;
                row.blobs.extend(blobs.iter().cloned());
            }
            WaitEnd::Again => step.step.status = StepStatus::Pending,
        }
        if row.run.status == RunStatus::Waiting {
            row.is_due = true;
        }
        row.touch(now);
        self.dirty = true;
        Some(WaitEnded {
            head: row.head(),
            kind: step.step.kind,
            attempt: step.step.attempt,
            started_at: step.step.started_at,
            completed_index: step.step.completed_index,
        })
    }

    pub(in crate::memory) fn due_waits(&self, now: TimestampMs, limit: u32) -> Vec<OpenWait> {
        let mut due: Vec<(TimestampMs, OpenWait)> = self
            .open_waits()
            .filter_map(|(open, wait)| Some((wake_at(wait)?, open)))
            .filter(|(at, _)| *at <= now)
            .collect();
        // Stable: the maps hold them by run and step.
        due.sort_by_key(|(at, _)| *at);
        let waits = due.into_iter().map(|(_, open)| open);
        waits.take(limit as usize).collect()
    }

    pub(in crate::memory) fn next_wait(&self) -> Option<TimestampMs> {
        self.open_waits()
            .filter_map(|(_, wait)| wake_at(wait))
            .min()
    }

    pub(in crate::memory) fn network_waits(&self, limit: u32) -> Vec<OpenWait> {
        self.open_waits()
            .filter(|(_, wait)| **wait == Wait::Network)
            .map(|(open, _)| open)
            .take(limit as usize)
            .collect()
    }

    /// All open waits, by run and step.
    pub(super) fn open_waits(&self) -> impl Iterator<Item = (OpenWait, &Wait)> {
        let steps = self.steps.iter().flat_map(|(run_id, steps)| {
            let of_run = steps.values().filter(|row| row.is_open());
            of_run.map(move |row| (run_id, row))
        });
        steps.filter_map(|(run_id, row)| {
            let open = OpenWait {
                run_id: run_id.clone(),
                step_name: row.step.name.clone(),
                kind: row.step.kind,
            };
            Some((open, row.wait.as_ref()?))
        })
    }
}

/// Whether the step waits already, has its outcome, or has had the wait after that very attempt.
fn is_repeated(stored: &StepRow, wait: &StepWait) -> bool {
    let is_retry = matches!(wait.wait, Wait::Retry { .. });
    stored.step.status != StepStatus::Pending || (is_retry && wait.attempt <= stored.step.attempt)
}

fn wake_at(wait: &Wait) -> Option<TimestampMs> {
    match wait {
        Wait::Retry { wake_at, .. } | Wait::Sleep { wake_at } => Some(*wake_at),
        Wait::Signal { wake_at, .. } => *wake_at,
        Wait::Network | Wait::Children { .. } => None,
    }
}

/// The step with its wait, in place of a pending one.
fn waiting_step(pending: Option<&StepRow>, new: &StepWait) -> StepRow {
    let before = pending.and_then(|row| row.wait.as_ref()).and_then(wake_at);
    let mut wait = new.wait.clone();
    match &mut wait {
        Wait::Sleep { wake_at } => *wake_at = before.unwrap_or(*wake_at),
        Wait::Signal { wake_at, .. } => *wake_at = before.or(*wake_at),
        Wait::Retry { .. } | Wait::Network | Wait::Children { .. } => {}
    }
    let error: Option<RunFailure> = match &wait {
        Wait::Retry { error, .. } => Some(error.clone()),
        _ => None,
    };
    let step = Step {
        name: new.name.clone(),
        kind: new.kind,
        status: StepStatus::Waiting,
        completed_index: None,
        attempt: new.attempt,
        output: None,
        error,
        first_attempt: first_attempt(pending),
        waiting_for: Some(waiting_for(new, &wait)),
        children: Vec::new(),
        started_at: new.started_at,
        completed_at: None,
    };
    StepRow {
        step,
        wait: Some(wait),
    }
}

fn waiting_for(new: &StepWait, wait: &Wait) -> WaitingFor {
    let step_name = new.name.clone();
    match wait {
        Wait::Retry { wake_at, error } => WaitingFor::Retry {
            step_name: Some(step_name),
            attempt: new.attempt + 1,
            until: *wake_at,
            error: error.clone(),
        },
        Wait::Sleep { wake_at } => WaitingFor::Sleep {
            step_name,
            until: *wake_at,
        },
        Wait::Signal { key, wake_at } => WaitingFor::Signal {
            step_name,
            key: key.clone(),
            until: *wake_at,
        },
        Wait::Network => WaitingFor::Network {
            step_name: Some(step_name),
        },
        Wait::Children { count, .. } => WaitingFor::Children {
            step_name,
            count: *count,
        },
    }
}
