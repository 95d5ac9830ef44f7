//! Runs that wait: suspended, woken, put off until their next attempt.

use stepwell_protocol::{ExecutorId, Report, RunId, RunStatus, TimestampMs, WaitingFor};

use super::Data;
use crate::store::{Fence, Parked, RunHead, RunWritten, Suspended, Suspension};

impl Data {
    pub(in crate::memory) fn suspend(
        &mut self,
        fence: &Fence,
        suspension: &Suspension<'_>,
        report: &Report,
        now: TimestampMs,
    ) -> Option<Suspended> {
        self.fenced(fence)?;
        let steps = self.steps.get(&fence.run_id);
        let is_open = |name: &String| {
            let step = steps.and_then(|steps| steps.get(name));
            step.is_some_and(|step| step.is_open())
        };
        if !suspension.waits.iter().all(is_open) {
            let RunWritten { head, logs } = self.write_report(fence, report, now)?;
            return Some(Suspended {
                head,
                is_suspended: false,
                logs,
            });
        }
        let logs = self.store_report(fence, report);
        let row = self.runs.get_mut(&fence.run_id)?;
        row.run.status = RunStatus::Waiting;
        row.run.waiting_for = Some(suspension.waiting_for.clone());
        row.lease = None;
        row.is_due = false;
        row.parked = suspension.parked_by.map(|executor_id| Parked {
            executor_id: executor_id.clone(),
            next_index: row.next_index,
        });
        row.worked_ms += suspension.worked_ms;
        if suspension.is_unstarted {
            row.run.started_at = row.started_before;
        }
        row.touch(now);
        self.dirty = true;
        Some(Suspended {
            head: row.head(),
            is_suspended: true,
            logs,
        })
    }

    pub(in crate::memory) fn wake(
        &mut self,
        suspended: &Fence,
        now: TimestampMs,
    ) -> Option<RunHead> {
        let row = self.runs.get_mut(&suspended.run_id).filter(|row| {
            row.run.status == RunStatus::Waiting && row.run.generation == suspended.generation
        })?;
        row.is_due = true;
        row.touch(now);
        self.dirty = true;
        Some(row.head())
    }

    pub(in crate::memory) fn parked_by(&self, run_id: &RunId) -> Option<ExecutorId> {
        let parked = self.runs.get(run_id)?.parked.as_ref()?;
        Some(parked.executor_id.clone())
    }

    pub(in crate::memory) fn retry_later(
        &mut self,
        fence: &Fence,
        waiting_for: &WaitingFor,
        wake_at: TimestampMs,
        report: &Report,
        now: TimestampMs,
    ) -> Option<RunWritten> {
        self.fenced(fence)?;
        let logs = self.store_report(fence, report);
        let row = self.runs.get_mut(&fence.run_id)?;
        row.next_attempt();
        row.run.status = RunStatus::Waiting;
        row.run.waiting_for = Some(waiting_for.clone());
        row.is_due = false;
        row.wake_at = Some(wake_at);
        row.touch(now);
        let head = row.head();
        self.suspend_steps(&fence.run_id);
        self.renew_steps(&fence.run_id);
        self.dirty = true;
        Some(RunWritten { head, logs })
    }

    pub(in crate::memory) fn promote_due(&mut self, now: TimestampMs) -> Option<TimestampMs> {
        let mut next = None;
        for row in self.runs.values_mut().filter(|row| !row.is_due) {
            let due_at = match row.run.status {
                RunStatus::Pending => Some(row.run.start_at),
                RunStatus::Waiting => row.wake_at,
                _ => None,
            };
            match due_at {
                Some(at) if at <= now => {
                    row.is_due = true;
                    self.dirty = true;
                }
                Some(at) => next = Some(next.unwrap_or(at).min(at)),
                None => {}
            }
        }
        next
    }

    pub(in crate::memory) fn wake_network_runs(&mut self) -> u64 {
        let for_network = Some(WaitingFor::Network { step_name: None });
        let mut count = 0;
        for row in self.runs.values_mut() {
            let waits = row.run.status == RunStatus::Waiting && row.run.waiting_for == for_network;
            if waits && !row.is_due {
                row.is_due = true;
                self.dirty = true;
                count += 1;
            }
        }
        count
    }
}
