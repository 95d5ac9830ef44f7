//! What executors say.
//!
//! | message                     | fence holds                    | fence does not hold                             |
//! |-----------------------------|--------------------------------|-------------------------------------------------|
//! | `stepStart`                 | remembered, `step:start`       | ignored                                         |
//! | `stepCommit`, `stepFail`    | stored, `ack`                  | `refused`                                       |
//! | the same again              | nothing new stored, `ack`      | `refused`                                       |
//! | `runComplete`, `runFail`    | run ended, slot free, `ack`    | `ack` if this very end is stored, else `refused`|
//! | `report`                    | new lines stored, `ack`        | `ack` if its run has ended, else `refused`      |
//! | `released`                  | the slot is free               | ignored                                         |

use std::collections::BTreeMap;

use stepwell_protocol::{
    AbortReason, EngineMessage, EventBody, ExecutorEnvelope, ExecutorId, ExecutorMessage,
    Generation, Holding, RefusalReason, Report, RunId, RunStatus, StepKind,
};

use super::state::{RunningStep, Slot};
use super::turn::Turn;
use crate::store::{
    Fence, Release, RunHead, RunOutcome, StepOutcome, Store, StoreResult, fence_of,
};

impl<S: Store> Turn<'_, S> {
    pub(super) fn executor(
        &mut self,
        id: &ExecutorId,
        envelope: &ExecutorEnvelope,
    ) -> StoreResult<()> {
        let seq = envelope.seq;
        let now = self.now;
        let ran = |name: &String, attempt, result, duration_ms: u32| StepOutcome {
            name: name.clone(),
            kind: StepKind::Run,
            attempt,
            result,
            started_at: now.plus(-i64::from(duration_ms)),
        };
        match &envelope.message {
            ExecutorMessage::Hello {
                build_id,
                jobs,
                slots,
                holding,
            } => self.hello(id, build_id == self.build_id, jobs, *slots, holding),
            ExecutorMessage::StepStart {
                run_id,
                generation,
                step_name,
                attempt,
            } => {
                self.step_start(id, &fence(run_id, *generation), step_name, *attempt);
                Ok(())
            }
            ExecutorMessage::StepCommit {
                run_id,
                generation,
                step_name,
                attempt,
                output,
                duration_ms,
                report,
            } => {
                let outcome = ran(step_name, *attempt, Ok(output.clone()), *duration_ms);
                self.step_outcome(id, seq, &fence(run_id, *generation), &outcome, report)
            }
            ExecutorMessage::StepFail {
                run_id,
                generation,
                step_name,
                attempt,
                error,
                duration_ms,
                report,
            } => {
                let outcome = ran(step_name, *attempt, Err(error.clone()), *duration_ms);
                self.step_outcome(id, seq, &fence(run_id, *generation), &outcome, report)
            }
            ExecutorMessage::RunComplete {
                run_id,
                generation,
                output,
                report,
            } => self.run_end(
                id,
                seq,
                &fence(run_id, *generation),
                &RunOutcome::Completed(output.clone()),
                report,
            ),
            ExecutorMessage::RunFail {
                run_id,
                generation,
                error,
                report,
            } => self.run_end(
                id,
                seq,
                &fence(run_id, *generation),
                &RunOutcome::Failed(error.clone()),
                report,
            ),
            ExecutorMessage::Report {
                run_id,
                generation,
                report,
            } => self.report(id, seq, &fence(run_id, *generation), report),
            ExecutorMessage::Released { run_id, generation } => {
                self.released(id, &fence(run_id, *generation));
                Ok(())
            }
        }
    }

    fn step_start(&mut self, id: &ExecutorId, fence: &Fence, step_name: &str, attempt: u32) {
        let now = self.now;
        let Some(slot) = self.state.slot_mut(id, &fence.run_id) else {
            return;
        };
        if slot.aborting || slot.generation != fence.generation {
            return;
        }
        slot.running.retain(|step| step.name != step_name);
        slot.running.push(RunningStep {
            name: step_name.to_owned(),
            attempt,
            started_at: now,
        });
        let head = RunHead {
            run_id: fence.run_id.clone(),
            job_name: slot.job_name.clone(),
            labels: slot.labels.clone(),
            status: RunStatus::Running,
            version: slot.version,
        };
        self.emit(
            &head,
            EventBody::StepStart {
                step_name: step_name.to_owned(),
                attempt,
            },
        );
    }

    fn step_outcome(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        outcome: &StepOutcome,
        report: &Report,
    ) -> StoreResult<()> {
        #[cfg(feature = "planted")]
        let (unfenced, empty) = (self.planted_fence(fence)?, Report::default());
        #[cfg(feature = "planted")]
        let (fence, report) = (
            unfenced.as_ref().unwrap_or(fence),
            match crate::planted::has(crate::planted::Bug::LogLostWithStep) {
                true => &empty,
                false => report,
            },
        );
        let Some(written) = self.store.write_step(fence, outcome, report, self.now)? else {
            return self.refuse(id, seq, fence);
        };
        self.ack(id, seq);
        if let Some(slot) = self.state.slot_mut(id, &fence.run_id) {
            slot.version = written.head.version;
            slot.running.retain(|step| step.name != outcome.name);
        }
        self.emit_report(&written.head, report, written.logs);
        if written.repeated {
            return Ok(());
        }
        self.state.counters.steps += 1;
        let (step_name, attempt) = (outcome.name.clone(), outcome.attempt);
        let (completed_index, started_at) = (written.completed_index, outcome.started_at);
        let body = match &outcome.result {
            Ok(_) => EventBody::StepComplete {
                step_name,
                attempt,
                completed_index,
                started_at,
            },
            Err(error) => EventBody::StepFail {
                step_name,
                attempt,
                completed_index,
                started_at,
                error_code: error.code,
            },
        };
        self.emit(&written.head, body);
        Ok(())
    }

    #[cfg(feature = "planted")]
    fn planted_fence(&mut self, fence: &Fence) -> StoreResult<Option<Fence>> {
        if !crate::planted::has(crate::planted::Bug::NoFenceOnStepWrite) {
            return Ok(None);
        }
        let run = self.store.run(&fence.run_id)?;
        Ok(run.as_ref().map(fence_of))
    }

    fn run_end(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        outcome: &RunOutcome,
        report: &Report,
    ) -> StoreResult<()> {
        let Some(written) = self.store.finish_run(fence, outcome, report, self.now)? else {
            return self.refuse(id, seq, fence);
        };
        self.ack(id, seq);
        self.free_slot(id, fence);
        self.emit_report(&written.head, report, written.logs);
        match outcome {
            RunOutcome::Completed(_) => self.emit(&written.head, EventBody::RunComplete),
            RunOutcome::Failed(error) => self.emit_failure(&written.head, error.code),
        }
        Ok(())
    }

    fn report(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        report: &Report,
    ) -> StoreResult<()> {
        let Some(written) = self.store.write_report(fence, report, self.now)? else {
            return self.refuse(id, seq, fence);
        };
        self.ack(id, seq);
        if let Some(slot) = self.state.slot_mut(id, &fence.run_id) {
            slot.version = written.head.version;
        }
        self.emit_report(&written.head, report, written.logs);
        Ok(())
    }

    /// The fence did not hold and nothing was written. Where the run ended under this very generation by its own
    /// function, this is a resend whose first copy was committed before an engine crash: it is acknowledged.
    fn refuse(&mut self, id: &ExecutorId, seq: u64, fence: &Fence) -> StoreResult<()> {
        let run = self.store.run(&fence.run_id)?;
        let ended_by_itself = run.as_ref().is_some_and(|run| {
            matches!(run.status, RunStatus::Completed | RunStatus::Failed)
                && run.generation == fence.generation
        });
        if ended_by_itself {
            self.ack(id, seq);
            self.free_slot(id, fence);
            return Ok(());
        }
        let cancelled = run.is_some_and(|run| run.status == RunStatus::Cancelled);
        let reason = if cancelled {
            RefusalReason::Cancelled
        } else {
            RefusalReason::LeaseLost
        };
        if let Some(slot) = self.state.slot_mut(id, &fence.run_id) {
            slot.aborting |= slot.generation == fence.generation;
        }
        self.send(
            id,
            EngineMessage::Refused {
                seq,
                run_id: fence.run_id.clone(),
                reason,
            },
        );
        Ok(())
    }

    fn free_slot(&mut self, id: &ExecutorId, fence: &Fence) {
        let Some(executor) = self.state.executors.get_mut(id) else {
            return;
        };
        if executor
            .holding
            .get(&fence.run_id)
            .is_some_and(|slot| slot.generation == fence.generation)
        {
            executor.holding.remove(&fence.run_id);
        }
    }

    /// Only a slot that was told to stop is freed: an executor cannot give up a live lease by itself.
    fn released(&mut self, id: &ExecutorId, fence: &Fence) {
        if self
            .state
            .slot_mut(id, &fence.run_id)
            .is_some_and(|slot| slot.aborting)
        {
            self.free_slot(id, fence);
        }
    }

    /// A message that cannot be stored for a reason nobody foresaw: its run is taken away from the executor, and claimed
    /// again as interrupted, so that a defect ends at the recovery cap and not in a loop.
    pub(super) fn give_up(
        &mut self,
        id: &ExecutorId,
        envelope: &ExecutorEnvelope,
    ) -> StoreResult<()> {
        let Some(held) = held_by(&envelope.message) else {
            return Ok(());
        };
        if self
            .store
            .release(&held, Release::Interrupted, self.now)?
            .is_some()
        {
            self.state.work_appeared();
        }
        if envelope.seq > 0 {
            let reason = RefusalReason::LeaseLost;
            self.send(
                id,
                EngineMessage::Refused {
                    seq: envelope.seq,
                    run_id: held.run_id.clone(),
                    reason,
                },
            );
        }
        // Another message of the same lease may have been given up just before, and the run have been claimed anew.
        let is_held = |slot: &Slot| slot.generation == held.generation;
        if self
            .state
            .holder(&held.run_id)
            .is_some_and(|(_, slot)| is_held(slot))
        {
            self.abort(&held.run_id, AbortReason::LeaseLost);
        }
        Ok(())
    }

    /// An executor died: its runs go to others as interrupted.
    pub(super) fn executor_gone(&mut self, id: &ExecutorId) -> StoreResult<()> {
        let Some(executor) = self.state.executors.remove(id) else {
            return Ok(());
        };
        self.departed();
        for (run_id, slot) in executor
            .holding
            .into_iter()
            .filter(|(_, slot)| !slot.aborting)
        {
            #[cfg(feature = "planted")]
            if crate::planted::has(crate::planted::Bug::DeadExecutorKeepsLease) {
                continue;
            }
            self.store.release(
                &fence(&run_id, slot.generation),
                Release::Interrupted,
                self.now,
            )?;
        }
        self.state.work_appeared();
        self.check_unserved = true;
        Ok(())
    }

    /// The host lets go of the database in good order.
    pub(super) fn release_all(&mut self) -> StoreResult<()> {
        self.state.releasing = true;
        let held: Vec<Fence> = self
            .state
            .executors
            .values()
            .flat_map(|executor| executor.holding.iter())
            .filter(|(_, slot)| !slot.aborting)
            .map(|(run_id, slot)| fence(run_id, slot.generation))
            .collect();
        for held in held {
            self.store.release(&held, Release::Orderly, self.now)?;
            self.abort(&held.run_id, AbortReason::LeaseLost);
        }
        Ok(())
    }

    /// An executor says what it can do and what it holds.
    fn hello(
        &mut self,
        id: &ExecutorId,
        same_build: bool,
        jobs: &[String],
        slots: u32,
        holding: &[Holding],
    ) -> StoreResult<()> {
        let before = self.state.executors.remove(id);
        // A second hello of the same one must not open the gate for another.
        if before.is_none() {
            self.arrived();
        }
        let mut known = before.map(|executor| executor.holding).unwrap_or_default();
        let mut adopted = Vec::new();
        let mut slots_taken: BTreeMap<RunId, Slot> = BTreeMap::new();
        for held in holding {
            // Under another generation it stays among the known ones, whose leases are released below.
            let is_known = known
                .get(&held.run_id)
                .is_some_and(|slot| slot.generation == held.generation);
            if is_known && let Some(slot) = known.remove(&held.run_id) {
                // The same engine: the port was replaced, the lease was not.
                if !slot.aborting {
                    adopted.push(held.clone());
                }
                slots_taken.insert(held.run_id.clone(), slot);
            } else if let Some(run) = self.adopt(held)? {
                slots_taken.insert(run.id.clone(), Slot::of(&run));
                adopted.push(fence_of(&run));
            }
        }
        for (run_id, slot) in known.into_iter().filter(|(_, slot)| !slot.aborting) {
            self.store.release(
                &fence(&run_id, slot.generation),
                Release::Interrupted,
                self.now,
            )?;
            self.state.work_appeared();
        }
        self.register(id, if same_build { jobs } else { &[] }, slots, slots_taken);
        self.send(
            id,
            EngineMessage::Welcome {
                epoch: self.state.session,
                adopted,
            },
        );
        self.check_unserved = true;
        Ok(())
    }
}

fn fence(run_id: &RunId, generation: Generation) -> Fence {
    Fence {
        run_id: run_id.clone(),
        generation,
    }
}

/// The run that a message writes to, and under which token.
fn held_by(message: &ExecutorMessage) -> Option<Fence> {
    match message {
        ExecutorMessage::Hello { .. } => None,
        ExecutorMessage::StepStart {
            run_id, generation, ..
        }
        | ExecutorMessage::StepCommit {
            run_id, generation, ..
        }
        | ExecutorMessage::StepFail {
            run_id, generation, ..
        }
        | ExecutorMessage::RunComplete {
            run_id, generation, ..
        }
        | ExecutorMessage::RunFail {
            run_id, generation, ..
        }
        | ExecutorMessage::Report {
            run_id, generation, ..
        }
        | ExecutorMessage::Released { run_id, generation } => Some(fence(run_id, *generation)),
    }
}
