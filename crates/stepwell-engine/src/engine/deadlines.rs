//! Timeouts that an executor does not carry out itself, because a function there does not yield.
//!
//! An executor fails an attempt that takes too long, after a grace for the function to end by its signal. Where it says
//! nothing of it for [`MARGIN_MS`] more, it is taken for hung:
//!
//! 1. The attempt's failure is stored, as if the executor had said it.
//! 2. The executor is doomed: the host is told to terminate it, and nothing that it says counts any more.
//! 3. When its death is known, or after [`DEATH_MS_MAX`], its other runs are given up in good order and go on elsewhere.
//!    Not before: a thread that is about to be terminated may still run what it was given.
//!
//! An executor that the host wants replaced goes the same way, without a failure.

use stepwell_protocol::{
    Effect, ExecutorId, FailureCode, Report, RunFailure, StepKind, TimestampMs,
};

use super::executor::fence;
use super::state::{Doomed, Executor, RunningStep};
use super::turn::Turn;
use crate::store::{Fence, Release, StepOutcome, Store, StoreResult};

/// How long a function may take to end by its signal. As in the executor.
const GRACE_MS: i64 = 1_000;
/// How much longer the engine waits for an executor's word of a timeout.
const MARGIN_MS: i64 = 2_000;
/// How long a terminated executor may take to die.
const DEATH_MS_MAX: i64 = 3_000;

/// When an executor must have said that an attempt has ended.
pub(super) fn deadline_of(timeout_ms: Option<u64>, now: TimestampMs) -> Option<TimestampMs> {
    let ms = i64::try_from(timeout_ms?).unwrap_or(i64::MAX);
    Some(now.plus(ms).plus(GRACE_MS + MARGIN_MS))
}

/// An attempt that has gone on for too long.
enum Hung {
    Step(Fence, RunningStep),
    Run(Fence, Option<u64>),
}

impl<S: Store> Turn<'_, S> {
    /// Ends executors that hang, and buries those that were ended.
    pub(super) fn keep_deadlines(&mut self) -> StoreResult<()> {
        #[cfg(feature = "planted")]
        if crate::planted::has(crate::planted::Bug::HungExecutorSpared) {
            return Ok(());
        }
        let hung: Vec<ExecutorId> = self
            .state
            .executors
            .iter()
            .filter(|(_, executor)| executor.deadline().is_some_and(|at| at <= self.now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in hung {
            self.doom(&id)?;
        }
        let died: Vec<ExecutorId> = self
            .state
            .doomed
            .iter()
            .filter(|(_, doomed)| doomed.until <= self.now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in died {
            self.bury(&id)?;
        }
        Ok(())
    }

    pub(super) fn doom(&mut self, id: &ExecutorId) -> StoreResult<()> {
        let Some(executor) = self.state.executors.get(id) else {
            return Ok(());
        };
        for hung in overdue(executor, self.now) {
            match hung {
                Hung::Step(fence, step) => self.fail_hung_step(id, &fence, &step)?,
                Hung::Run(fence, timeout_ms) => {
                    let run = self.store.run(&fence.run_id)?;
                    let attempt = run.map_or(1, |run| run.attempt);
                    let failure = timed_out(attempt, None, timeout_ms);
                    self.run_failed(id, 0, &fence, &failure, (true, None), &Report::default())?;
                }
            }
        }
        let Some(executor) = self.state.executors.remove(id) else {
            return Ok(());
        };
        self.departed();
        let until = self.now.plus(DEATH_MS_MAX);
        self.state
            .doomed
            .insert(id.clone(), Doomed { executor, until });
        self.acks.remove(id);
        self.output.effects.push(Effect::TerminateExecutor {
            executor_id: id.clone(),
        });
        self.check_unserved = true;
        Ok(())
    }

    fn fail_hung_step(
        &mut self,
        id: &ExecutorId,
        fence: &Fence,
        step: &RunningStep,
    ) -> StoreResult<()> {
        let failure = timed_out(step.attempt, Some(&step.name), step.timeout_ms);
        let outcome = StepOutcome {
            name: step.name.clone(),
            kind: StepKind::Run,
            attempt: step.attempt,
            result: Err(failure),
            blobs: Vec::new(),
            started_at: step.started_at,
        };
        let report = Report::default();
        match &step.retry {
            Some(retry) => self.step_retry(id, 0, fence, outcome, retry, &report),
            None => self.step_outcome(id, 0, fence, &outcome, &report),
        }
    }

    /// A doomed executor is dead, or has had its time: what it held goes on elsewhere.
    pub(super) fn bury(&mut self, id: &ExecutorId) -> StoreResult<()> {
        let Some(Doomed { executor, .. }) = self.state.doomed.remove(id) else {
            return Ok(());
        };
        let live = executor.holding.iter().filter(|(_, slot)| !slot.aborting);
        for (run_id, slot) in live {
            let held = fence(run_id, slot.generation);
            self.store.release(&held, Release::Orderly, self.now)?;
        }
        self.state.work_appeared();
        self.check_unserved = true;
        Ok(())
    }
}

fn overdue(executor: &Executor, now: TimestampMs) -> Vec<Hung> {
    let is_over = |at: &Option<TimestampMs>| at.is_some_and(|at| at <= now);
    let live = executor.holding.iter().filter(|(_, slot)| !slot.aborting);
    live.flat_map(|(run_id, slot)| {
        let held = fence(run_id, slot.generation);
        if is_over(&slot.deadline) {
            return vec![Hung::Run(held, slot.timeout_ms)];
        }
        let steps = slot.running.iter().filter(|step| is_over(&step.deadline));
        steps
            .map(|step| Hung::Step(held.clone(), step.clone()))
            .collect()
    })
    .collect()
}

fn timed_out(attempt: u32, step_name: Option<&str>, timeout_ms: Option<u64>) -> RunFailure {
    let what = step_name.map_or_else(|| "The run".to_owned(), |name| format!("Step \"{name}\""));
    RunFailure {
        name: "TimeoutError".to_owned(),
        message: format!(
            "{what} did not end within its timeout of {} ms, nor by its signal, and its worker was terminated. Hand the \
             signal to what takes long, and do not block the thread.",
            timeout_ms.unwrap_or(0)
        ),
        stack: None,
        causes: Vec::new(),
        code: FailureCode::Timeout,
        attempt,
        step_name: step_name.map(str::to_owned),
    }
}
