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

use stepwell_protocol::{
    AbortReason, BlobId, EngineMessage, EventBody, ExecutorEnvelope, ExecutorId, ExecutorMessage,
    Generation, RefusalReason, Report, RunId, RunStatus, StepKind,
};

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
        let seq = envelope.seq;
        let now = self.now;
        let ran =
            |name: &String, attempt, result, blobs: &[BlobId], duration_ms: u32| StepOutcome {
                name: name.clone(),
                kind: StepKind::Run,
                attempt,
                result,
                blobs: blobs.to_vec(),
                started_at: now.plus(-i64::from(duration_ms)),
            };
        match &envelope.message {
            ExecutorMessage::Hello {
                build_id,
                jobs,
                slots,
                holding,
            } => self.hello(
                id,
                *build_id == self.options.build_id,
                jobs,
                *slots,
                holding,
            ),
            ExecutorMessage::StepStart {
                run_id,
                generation,
                step_name,
                attempt,
                ..
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
                blobs,
                duration_ms,
                report,
            } => {
                let outcome = ran(step_name, *attempt, Ok(output.clone()), blobs, *duration_ms);
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
                ..
            } => {
                let outcome = ran(step_name, *attempt, Err(error.clone()), &[], *duration_ms);
                self.step_outcome(id, seq, &fence(run_id, *generation), &outcome, report)
            }
            ExecutorMessage::RunComplete {
                run_id,
                generation,
                output,
                blobs,
                report,
            } => self.run_end(
                id,
                seq,
                &fence(run_id, *generation),
                &RunOutcome::Completed {
                    output: output.clone(),
                    blobs: blobs.clone(),
                },
                report,
            ),
            ExecutorMessage::RunFail {
                run_id,
                generation,
                error,
                report,
                ..
            } => self.run_end(
                id,
                seq,
                &fence(run_id, *generation),
                &RunOutcome::Failed(error.clone()),
                report,
            ),
            ExecutorMessage::StepWait { .. }
            | ExecutorMessage::StepInvoke { .. }
            | ExecutorMessage::Suspend { .. }
            | ExecutorMessage::Wake { .. }
            | ExecutorMessage::Unresumable { .. } => todo!("issue 5"),
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
        let head = slot.head.clone();
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
            RunOutcome::Completed { .. } => self.emit(&written.head, EventBody::RunComplete),
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
            slot.head.version = written.head.version;
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

    pub(super) fn free_slot(&mut self, id: &ExecutorId, fence: &Fence) {
        let Some(executor) = self.state.executors.get_mut(id) else {
            return;
        };
        let Some(left) = executor.let_go(fence) else {
            return;
        };
        // A run that waited for its concurrency key, or for its job's limit, may be claimable now, by anybody.
        let has_limit = |limit: &Option<u32>| limit.is_some();
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
pub(super) fn blobs_of(message: &ExecutorMessage) -> &[BlobId] {
    match message {
        ExecutorMessage::StepCommit { blobs, .. } | ExecutorMessage::RunComplete { blobs, .. } => {
            blobs
        }
        _ => &[],
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
