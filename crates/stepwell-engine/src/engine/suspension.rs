//! Suspending and resuming: a run that only waits holds no slot and no lease.
//!
//! | a run that is …    | when …                                          | becomes                                       |
//! |--------------------|-------------------------------------------------|-----------------------------------------------|
//! | running            | its executor says `suspend`, all waits are open | waiting                                       |
//! | running            | its executor says `suspend`, a wait has ended   | stays running; its executor is told that end  |
//! | waiting            | one of its waits ends, or it wants to be woken  | claimable                                     |
//! | waiting, claimable | claimed where its function is parked            | running, `resume`                             |
//! | waiting, claimable | claimed elsewhere                               | running, `assign`; what is parked is dropped  |
//! | claimed            | its job needs the network, which is not there   | waiting for the network                       |

use stepwell_protocol::{
    AbortReason, Assignment, EngineMessage, EventBody, ExecutorId, Report, Run, RunStatus,
    StepStatus, WaitingFor,
};

use super::client::head_of;
use super::turn::Turn;
use crate::store::{Claimed, Fence, Parked, Store, StoreResult, Suspension, fence_of};

impl<S: Store> Turn<'_, S> {
    /// The job's function of a run only waits for these steps.
    pub(super) fn suspend(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        waits: &[String],
        is_parked: bool,
        report: &Report,
    ) -> StoreResult<()> {
        let shown = match waits.first() {
            Some(name) => self.store.step(&fence.run_id, name)?,
            None => None,
        };
        let shown = shown
            .filter(|step| step.status == StepStatus::Waiting)
            .and_then(|step| step.waiting_for);
        let Some(waiting_for) = shown else {
            // It has ended, and the report may be new.
            return self.go_on(id, seq, fence, waits, report);
        };
        let worked_ms = match self.state.slot_mut(id, &fence.run_id) {
            Some(slot) => slot.worked_ms(self.now),
            None => 0,
        };
        let suspension = Suspension {
            waits,
            waiting_for: &waiting_for,
            parked_by: is_parked.then_some(id),
            is_unstarted: false,
            worked_ms,
        };
        let suspended = self.store.suspend(fence, &suspension, report, self.now)?;
        let Some(suspended) = suspended else {
            return self.refuse(id, seq, fence);
        };
        self.emit_report(&suspended.head, report, suspended.logs);
        if suspended.is_suspended {
            self.ack(id, seq);
            self.free_slot(id, fence);
            self.emit(&suspended.head, EventBody::RunWait { waiting_for });
            return Ok(());
        }
        self.tell_ended(id, fence, waits)?;
        self.ack(id, seq);
        Ok(())
    }

    /// A wait had ended when its run was to be suspended: the executor did not know yet, or the word was lost with an
    /// engine. It is told (again) and goes on.
    fn go_on(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        waits: &[String],
        report: &Report,
    ) -> StoreResult<()> {
        let Some(written) = self.store.write_report(fence, report, self.now)? else {
            return self.refuse(id, seq, fence);
        };
        self.emit_report(&written.head, report, written.logs);
        self.tell_ended(id, fence, waits)?;
        self.ack(id, seq);
        Ok(())
    }

    /// A parked function goes on by itself.
    pub(super) fn wake(&mut self, suspended: &Fence) -> StoreResult<()> {
        if let Some(head) = self.store.wake(suspended, self.now)? {
            self.run_became_claimable(&head.job_name);
        }
        Ok(())
    }

    /// Lets a run wait that was claimed just now and needs the network, which is not there.
    pub(super) fn wait_for_network(&mut self, claimed: &Claimed) -> StoreResult<()> {
        let fence = fence_of(&claimed.run);
        let waiting_for = WaitingFor::Network { step_name: None };
        let suspension = Suspension {
            waits: &[],
            waiting_for: &waiting_for,
            parked_by: None,
            is_unstarted: true,
            worked_ms: 0,
        };
        let report = Report::default();
        let suspended = self
            .store
            .suspend(&fence, &suspension, &report, self.now)?
            .expect("a run that this transaction claimed is under its fence");
        if let Some(Parked { executor_id, .. }) = &claimed.parked {
            self.drop_parked(executor_id, &claimed.run, AbortReason::LeaseLost);
        }
        self.emit(&suspended.head, EventBody::RunWait { waiting_for });
        Ok(())
    }

    /// The executor that gets a claimed run: the one that has its function, where it can take it, else this one.
    pub(super) fn place_of(&self, id: &ExecutorId, claimed: &Claimed) -> ExecutorId {
        let parked = claimed.parked.as_ref().map(|parked| &parked.executor_id);
        parked
            .filter(|by| *by != id)
            .filter(|by| {
                let executor = self.state.executors.get(*by);
                executor.is_some_and(|one| {
                    one.free_slots() > 0 && one.jobs.contains_key(&claimed.run.job_name)
                })
            })
            .unwrap_or(id)
            .clone()
    }

    /// Gives a claimed run to an executor.
    pub(super) fn give(&mut self, id: &ExecutorId, claimed: Claimed) -> StoreResult<()> {
        let Claimed {
            run,
            from,
            parked,
            worked_ms,
        } = claimed;
        let timeout_ms = run.timeout_ms.map(|ms| ms.saturating_sub(worked_ms).max(1));
        let has_history = from != RunStatus::Pending || run.attempt > 1;
        let now = self.now;
        if let Some(executor) = self.state.executors.get_mut(id) {
            executor.take(&run, timeout_ms, now);
        }
        match parked {
            Some(parked) if parked.executor_id == *id => {
                let steps = self.store.steps_since(&run.id, parked.next_index)?;
                let message = EngineMessage::Resume {
                    run_id: run.id,
                    generation: run.generation,
                    timeout_ms,
                    steps,
                };
                self.send(id, message);
                Ok(())
            }
            elsewhere => {
                if let Some(Parked { executor_id, .. }) = elsewhere {
                    self.drop_parked(&executor_id, &run, AbortReason::LeaseLost);
                }
                self.assign(id, run, timeout_ms, has_history)
            }
        }
    }

    fn assign(
        &mut self,
        id: &ExecutorId,
        run: Run,
        timeout_ms: Option<u64>,
        has_history: bool,
    ) -> StoreResult<()> {
        let memo = if has_history {
            self.store.steps(&run.id, true)?
        } else {
            Vec::new()
        };
        let assignment = Assignment {
            run_id: run.id,
            job_name: run.job_name,
            generation: run.generation,
            attempt: run.attempt,
            labels: run.labels,
            log_count: run.log_count,
            timeout_ms,
            input: run.input,
            memo,
        };
        self.send(id, EngineMessage::Assign { assignment });
        Ok(())
    }

    /// The answer to `resume` of a function that is not in memory any more.
    pub(super) fn unresumable(&mut self, id: &ExecutorId, fence: &Fence) -> StoreResult<()> {
        let Some(slot) = self.state.slot_mut(id, &fence.run_id) else {
            return Ok(());
        };
        if slot.aborting || slot.generation != fence.generation {
            return Ok(());
        }
        let timeout_ms = slot.timeout_ms;
        match self.store.run(&fence.run_id)? {
            Some(run) => self.assign(id, run, timeout_ms, true),
            None => Ok(()),
        }
    }

    /// Where the function of a run is parked, before the run changes.
    pub(super) fn parked_by(&mut self, run: &Run) -> StoreResult<Option<ExecutorId>> {
        match run.status {
            RunStatus::Waiting => self.store.parked_by(&run.id),
            _ => Ok(None),
        }
    }

    /// Tells an executor to let go of a parked function.
    pub(super) fn drop_parked(&mut self, by: &ExecutorId, run: &Run, reason: AbortReason) {
        if !self.state.executors.contains_key(by) {
            return;
        }
        let message = EngineMessage::Abort {
            run_id: run.id.clone(),
            // A claim has raised it since.
            generation: match run.status {
                RunStatus::Running => stepwell_protocol::Generation(run.generation.0 - 1),
                _ => run.generation,
            },
            reason,
        };
        self.send(by, message);
    }

    /// A claimed run goes on, or starts.
    pub(super) fn emit_claimed(&mut self, claimed: &Claimed) {
        let run = &claimed.run;
        let body = match claimed.from {
            RunStatus::Pending => EventBody::RunStart {
                attempt: run.attempt,
            },
            _ => EventBody::RunResume {
                attempt: run.attempt,
                recoveries: run.recoveries,
            },
        };
        self.emit(&head_of(run), body);
    }
}
