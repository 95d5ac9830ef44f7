//! What executors say.
//!
//! | message                     | fence holds                    | fence does not hold                             |
//! |-----------------------------|--------------------------------|-------------------------------------------------|
//! | `stepStart`                 | remembered, `step:start`       | ignored                                         |
//! | `stepCommit`, `stepFail`    | stored, `ack`                  | `refused`                                       |
//! | the same again              | nothing new stored, `ack`      | `refused`                                       |
//! | `runComplete`, `runFail`    | run ended, slot free, `ack`    | `ack` if this very end is stored, else `refused`|
//! | `runFail`, to be retried    | run waits, slot free, `ack`    | `ack` if it waits, else `refused`               |
//! | `stepWait`, `stepInvoke`    | see `waits.rs`, `children.rs`  | `refused`                                       |
//! | `suspend`, `unresumable`    | see `suspension.rs`            | `ack` if it waits, else `refused`; ignored      |
//! | `wake`                      | (of a waiting run) claimable   | ignored                                         |
//! | `report`                    | new lines stored, `ack`        | `ack` if its run has ended, else `refused`      |
//! | `released`                  | the slot is free               | ignored                                         |

use stepwell_protocol::{
    AbortReason, BlobId, EngineMessage, EventBody, ExecutorEnvelope, ExecutorId, ExecutorMessage,
    Generation, RefusalReason, Report, RunId, RunStatus, ServedJob, StepKind,
};

use super::deadlines::deadline_of;
use super::state::{RunningStep, Slot};
use super::turn::Turn;
#[cfg(feature = "planted")]
use crate::store::fence_of;
use crate::store::{Fence, Release, RunOutcome, StepOutcome, Store, StoreResult};

impl<S: Store> Turn<'_, S> {
    pub(super) fn executor(
        &mut self,
        id: &ExecutorId,
        envelope: &ExecutorEnvelope,
    ) -> StoreResult<()> {
        let is_hello = matches!(envelope.message, ExecutorMessage::Hello { .. });
        if self.state.doomed.contains_key(id) {
            // Nothing that it says counts; but one in a page cannot be ended, and comes back empty-handed.
            if !is_hello {
                return Ok(());
            }
            self.bury(id)?;
        }
        match &envelope.message {
            ExecutorMessage::Hello {
                build_id,
                jobs,
                slots,
                holding,
            } => {
                let same_build = *build_id == self.options.build_id;
                self.hello(id, same_build, jobs, *slots, holding)
            }
            said => {
                let Some(held) = held_by(said) else {
                    return Ok(());
                };
                self.said_of_run(id, envelope.seq, &held, said)
            }
        }
    }

    fn said_of_run(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        held: &Fence,
        message: &ExecutorMessage,
    ) -> StoreResult<()> {
        match message {
            ExecutorMessage::Hello { .. } => Ok(()),
            ExecutorMessage::StepStart {
                step_name,
                attempt,
                timeout_ms,
                retry,
                ..
            } => {
                let step = RunningStep {
                    name: step_name.clone(),
                    attempt: *attempt,
                    started_at: self.now,
                    timeout_ms: *timeout_ms,
                    deadline: deadline_of(*timeout_ms, self.now),
                    retry: *retry,
                };
                self.step_start(id, held, step);
                Ok(())
            }
            ExecutorMessage::StepCommit { .. } | ExecutorMessage::StepFail { .. } => {
                self.step_ended(id, seq, held, message)
            }
            ExecutorMessage::RunComplete {
                output,
                blobs,
                report,
                ..
            } => {
                let outcome = RunOutcome::Completed {
                    output: output.clone(),
                    blobs: blobs.clone(),
                };
                self.run_end(id, seq, held, &outcome, report)
            }
            ExecutorMessage::RunFail {
                error,
                is_retryable,
                retry_after_ms,
                report,
                ..
            } => self.run_failed(
                id,
                seq,
                held,
                error,
                (*is_retryable, *retry_after_ms),
                report,
            ),
            ExecutorMessage::StepWait {
                step_name,
                wait,
                report,
                ..
            } => self.step_wait(id, seq, held, step_name, wait, report),
            ExecutorMessage::StepInvoke {
                step_name,
                mode,
                children,
                report,
                ..
            } => self.step_invoke(id, seq, held, step_name, (*mode, children), report),
            ExecutorMessage::Suspend {
                waits,
                is_parked,
                report,
                ..
            } => self.suspend(id, seq, held, waits, *is_parked, report),
            ExecutorMessage::Wake { .. } => self.wake(held),
            ExecutorMessage::Unresumable { .. } => self.unresumable(id, held),
            ExecutorMessage::Report { report, .. } => self.report(id, seq, held, report),
            ExecutorMessage::Released { .. } => {
                self.released(id, held);
                Ok(())
            }
        }
    }

    fn step_ended(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        held: &Fence,
        message: &ExecutorMessage,
    ) -> StoreResult<()> {
        let started_at = |duration_ms: &u32| self.now.plus(-i64::from(*duration_ms));
        match message {
            ExecutorMessage::StepCommit {
                step_name,
                attempt,
                output,
                blobs,
                duration_ms,
                report,
                ..
            } => {
                let outcome = StepOutcome {
                    name: step_name.clone(),
                    kind: StepKind::Run,
                    attempt: *attempt,
                    result: Ok(output.clone()),
                    blobs: blobs.clone(),
                    started_at: started_at(duration_ms),
                };
                self.step_outcome(id, seq, held, &outcome, report)
            }
            ExecutorMessage::StepFail {
                step_name,
                kind,
                attempt,
                error,
                retry,
                duration_ms,
                report,
                ..
            } => {
                let outcome = StepOutcome {
                    name: step_name.clone(),
                    kind: *kind,
                    attempt: *attempt,
                    result: Err(error.clone()),
                    blobs: Vec::new(),
                    started_at: started_at(duration_ms),
                };
                match retry {
                    Some(retry) => self.step_retry(id, seq, held, outcome, retry, report),
                    None => self.step_outcome(id, seq, held, &outcome, report),
                }
            }
            _ => Ok(()),
        }
    }

    fn step_start(&mut self, id: &ExecutorId, fence: &Fence, step: RunningStep) {
        let Some(slot) = self.state.slot_mut(id, &fence.run_id) else {
            return;
        };
        if slot.aborting || slot.generation != fence.generation {
            return;
        }
        let (step_name, attempt) = (step.name.clone(), step.attempt);
        slot.running.retain(|running| running.name != step_name);
        slot.running.push(step);
        let head = slot.head.clone();
        self.emit(&head, EventBody::StepStart { step_name, attempt });
    }

    pub(super) fn step_outcome(
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
            slot.head.version = written.head.version;
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
                step_kind: outcome.kind,
                attempt,
                completed_index,
                started_at,
            },
            Err(error) => EventBody::StepFail {
                step_name,
                step_kind: outcome.kind,
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
            slot.head.version = written.head.version;
        }
        self.emit_report(&written.head, report, written.logs);
        Ok(())
    }

    /// The fence did not hold and nothing was written. Where the run left this very generation by its own function (it
    /// ended, or waits), this is a resend whose first copy was committed before an engine crash: it is acknowledged.
    pub(super) fn refuse(&mut self, id: &ExecutorId, seq: u64, fence: &Fence) -> StoreResult<()> {
        let run = self.store.run(&fence.run_id)?;
        let left_by_itself = run.as_ref().is_some_and(|run| {
            let by_itself = [RunStatus::Completed, RunStatus::Failed, RunStatus::Waiting];
            by_itself.contains(&run.status) && run.generation == fence.generation
        });
        if left_by_itself {
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

    pub(super) fn free_slot(&mut self, id: &ExecutorId, fence: &Fence) {
        let Some(executor) = self.state.executors.get_mut(id) else {
            return;
        };
        let Some(left) = executor.let_go(fence) else {
            return;
        };
        // A run that waited for its concurrency key, or for its job's limit, may be claimable now, by anybody.
        let has_limit = |job: &ServedJob| job.concurrency.is_some();
        if left.concurrency_key.is_some()
            || executor
                .jobs
                .get(&left.head.job_name)
                .is_some_and(has_limit)
        {
            self.state.work_appeared();
        }
    }

    /// Only a slot that was told to stop is freed: an executor cannot give up a live lease by itself.
    fn released(&mut self, id: &ExecutorId, fence: &Fence) {
        let is_live = |slot: &mut Slot| !slot.aborting && slot.generation == fence.generation;
        if !self.state.slot_mut(id, &fence.run_id).is_some_and(is_live) {
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
}

pub(super) fn fence(run_id: &RunId, generation: Generation) -> Fence {
    Fence {
        run_id: run_id.clone(),
        generation,
    }
}

/// The blobs that came with a message.
pub(super) fn blobs_of(message: &ExecutorMessage) -> Vec<BlobId> {
    match message {
        ExecutorMessage::StepCommit { blobs, .. } | ExecutorMessage::RunComplete { blobs, .. } => {
            blobs.clone()
        }
        ExecutorMessage::StepInvoke { children, .. } => {
            let blobs = children.iter().flat_map(|child| &child.blobs);
            blobs.cloned().collect()
        }
        _ => Vec::new(),
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
        | ExecutorMessage::StepWait {
            run_id, generation, ..
        }
        | ExecutorMessage::StepInvoke {
            run_id, generation, ..
        }
        | ExecutorMessage::Suspend {
            run_id, generation, ..
        }
        | ExecutorMessage::Wake { run_id, generation }
        | ExecutorMessage::Unresumable { run_id, generation }
        | ExecutorMessage::Released { run_id, generation } => Some(fence(run_id, *generation)),
    }
}
