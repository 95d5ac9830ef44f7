//! How a run's function ends it.
//!
//! | the function …              | its retry policy …      | the run becomes                                 |
//! |-----------------------------|-------------------------|-------------------------------------------------|
//! | returned                    |                         | completed; its parent may go on                 |
//! | threw                       | has an attempt left     | waiting for it; its steps that failed run again |
//! | threw                       | has none left           | failed; its descendants are cancelled           |
//! | threw what cannot be retried|                         | failed; its descendants are cancelled           |

use stepwell_protocol::{EventBody, ExecutorId, Report, Run, RunFailure, WaitingFor};

use super::policy;
use super::turn::Turn;
use crate::store::{Fence, RunOutcome, Store, StoreResult};

impl<S: Store> Turn<'_, S> {
    pub(super) fn run_end(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
    ) -> StoreResult<()> {
        if !self.finish(fence, outcome, report)? {
            return self.refuse(id, seq, fence);
        }
        self.ack(id, seq);
        self.free_slot(id, fence);
        Ok(())
    }

    /// Ends a run, and tells those above and below it. Whether the fence held.
    pub(super) fn finish(
        &mut self,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
    ) -> StoreResult<bool> {
        let Some(written) = self.store.finish_run(fence, outcome, report, self.now)? else {
            return Ok(false);
        };
        self.emit_report(&written.head, report, written.logs);
        match outcome {
            RunOutcome::Completed { .. } => self.emit(&written.head, EventBody::RunComplete),
            RunOutcome::Failed(error) => {
                self.emit_failure(&written.head, error.code);
                self.cancel_descendants(&fence.run_id, None)?;
            }
        }
        self.tell_parent(&written.head)?;
        Ok(true)
    }

    /// The job's function threw: the run fails, or waits for its next attempt. `retry`: whether the failure may be tried
    /// again, and the delay that it asked for.
    pub(super) fn run_failed(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        error: &RunFailure,
        (is_retryable, after_ms): (bool, Option<u64>),
        report: &Report,
    ) -> StoreResult<()> {
        let run = match is_retryable {
            true => self.store.run(&fence.run_id)?,
            false => None,
        };
        let failures = |run: &Run| run.attempt.saturating_sub(run.first_attempt) + 1;
        #[cfg(feature = "planted")]
        let failures =
            |run: &Run| match crate::planted::has(crate::planted::Bug::RunRetryIgnoresBudget) {
                true => 0,
                false => failures(run),
            };
        let Some(run) = run.filter(|run| failures(run) < run.retry.max_attempts) else {
            return self.run_end(id, seq, fence, &RunOutcome::Failed(error.clone()), report);
        };
        let random = self.random.next_u64();
        let delay_ms = policy::after_ms(after_ms)
            .unwrap_or_else(|| policy::delay_ms(&run.retry, failures(&run), random));
        let until = self.now.plus(delay_ms);
        let waiting_for = WaitingFor::Retry {
            step_name: None,
            attempt: run.attempt + 1,
            until,
            error: error.clone(),
        };
        let written = self
            .store
            .retry_later(fence, &waiting_for, until, report, self.now)?;
        let Some(written) = written else {
            return self.refuse(id, seq, fence);
        };
        self.ack(id, seq);
        self.free_slot(id, fence);
        self.emit_report(&written.head, report, written.logs);
        self.emit(&written.head, EventBody::RunWait { waiting_for });
        self.state.due_at(until);
        Ok(())
    }
}
