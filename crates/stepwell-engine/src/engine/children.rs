//! Parents and children.
//!
//! | the end of a child    | its step's wait, `failFast`              | its step's wait, `settled`  |
//! |-----------------------|------------------------------------------|-----------------------------|
//! | completed, not last   | one less to wait for                     | one less to wait for        |
//! | completed, the last   | ends, completed                          | ends, completed             |
//! | failed or cancelled   | ends, failed; the others are cancelled   | as if it had completed      |
//!
//! The end of a parent: completed leaves its descendants alone, failed and cancelled cancel those that have not ended,
//! level by level. The counter goes down and is read in one statement ([`Store::child_ended`]), in the transaction of the
//! child's end: the last one sees 0, whichever engine it ends in.

use std::collections::BTreeMap;

use stepwell_protocol::{
    ChildResult, ErrorCode, ErrorInfo, EventBody, ExecutorId, FailureCause, FailureCode,
    InvokeMode, NewTrigger, Report, RequestId, Run, RunFailure, RunId, RunStatus, StepKind,
};

use super::client::{Refused, head_of, refuse};
use super::trigger::at;
use super::turn::Turn;
use super::waits::call_failure;
use crate::store::{
    Fence, OpenWait, Parent, RunHead, StepWait, Store, StoreError, StoreResult, Wait, WaitEnd,
};

/// The most children of one call.
pub const CHILDREN_MAX: usize = 1_000;

impl<S: Store> Turn<'_, S> {
    /// `step.invoke` and `step.invokeAll`: children and wait, or neither.
    pub(super) fn step_invoke(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        name: &str,
        (mode, children): (InvokeMode, &[NewTrigger]),
        report: &Report,
    ) -> StoreResult<()> {
        let Some(parent) = self.store.run(&fence.run_id)? else {
            return self.refuse(id, seq, fence);
        };
        let invoked = self.attempt(|turn| {
            let made = turn.store.children(&parent.id, name)?;
            let pending = turn.pending_children(name, &made, children)?;
            let opening = invoke_wait(turn.now, name, mode, children.len(), pending);
            // Under the fence: a parent that has ended, or has lost its lease, makes no children.
            let is_open = turn.open_wait(id, seq, fence, &opening, report)?;
            #[cfg(feature = "planted")]
            let is_open =
                is_open || crate::planted::has(crate::planted::Bug::CancelledParentMakesChildren);
            if !is_open {
                return Ok(());
            }
            turn.make_children(&parent, name, &made, children)?;
            if pending == 0 {
                turn.end_wait(&wait_of(&parent.id, name), &ALL_ENDED)?;
            }
            Ok(())
        });
        match invoked {
            Ok(()) => Ok(()),
            Err(Refused::Store(error)) => Err(error),
            Err(Refused::Command(ErrorInfo { code, message })) => {
                let call = invoke_wait(self.now, name, mode, 0, 0);
                let failure = call_failure(&call, failure_code(code), message);
                self.fail_call(id, seq, fence, &call, failure, report)
            }
        }
    }

    /// How many children of a call will have to end. All is checked before anything is written.
    fn pending_children(
        &mut self,
        name: &str,
        made: &[ChildResult],
        children: &[NewTrigger],
    ) -> Result<u32, Refused> {
        if children.len() > CHILDREN_MAX {
            return refuse(
                ErrorCode::LimitExceeded,
                format!(
                    "step.invokeAll(\"{name}\") may have {CHILDREN_MAX} children, and has {}. Invoke them in several steps.",
                    children.len()
                ),
            );
        }
        let is_same = |(made, new): (&ChildResult, &NewTrigger)| made.job_name == new.job_name;
        if !made.is_empty()
            && (made.len() != children.len() || !made.iter().zip(children).all(is_same))
        {
            return refuse(
                ErrorCode::HistoryMismatch,
                format!(
                    "Step \"{name}\" invoked other children in an earlier attempt. Give the new call another name."
                ),
            );
        }
        let pending = if made.is_empty() {
            for (index, child) in children.iter().enumerate() {
                self.check_child(child)
                    .map_err(|refused| at("children", index, refused))?;
            }
            self.check_keys_of(children)?;
            children.len()
        } else {
            let is_pending = |status| status != RunStatus::Completed;
            made.iter().filter(|child| is_pending(child.status)).count()
        };
        Ok(u32::try_from(pending).unwrap_or(u32::MAX))
    }

    fn check_child(&self, child: &NewTrigger) -> Result<(), Refused> {
        if child.idempotency_key.is_some() || child.coalesce {
            return refuse(
                ErrorCode::InvalidInput,
                "a child takes no idempotencyKey and no coalesce: it belongs to its step, which makes it once.",
            );
        }
        self.check(child)
    }

    /// One pending run of a job and concurrency key is all there may be. Told here, because a conflict at the insert would
    /// name a sibling that is gone again with the call.
    fn check_keys_of(&mut self, children: &[NewTrigger]) -> Result<(), Refused> {
        let mut first = BTreeMap::new();
        for (index, child) in children.iter().enumerate() {
            let (job, Some(key)) = (&child.job_name, &child.concurrency_key) else {
                continue;
            };
            let in_the_way = match first.insert((job, key), index) {
                Some(sibling) => Some(format!("children[{sibling}]")),
                None => {
                    let pending = self.store.pending_of_key(job, key)?;
                    pending.map(|run_id| format!("the pending run {run_id}"))
                }
            };
            if let Some(other) = in_the_way {
                let conflict = refuse(
                    ErrorCode::Conflict,
                    format!(
                        "{other} of job \"{job}\" has the same concurrencyKey \"{key}\", and only one pending run may have it. \
                         Give each child a key of its own, or none."
                    ),
                );
                return conflict.map_err(|refused| at("children", index, refused));
            }
        }
        Ok(())
    }

    /// Makes the children of a call, or lets those of an earlier attempt that did not complete go on.
    fn make_children(
        &mut self,
        parent: &Run,
        name: &str,
        made: &[ChildResult],
        children: &[NewTrigger],
    ) -> Result<(), Refused> {
        for child in made
            .iter()
            .filter(|child| matches!(child.status, RunStatus::Failed | RunStatus::Cancelled))
        {
            self.retry_child(&child.run_id)?;
        }
        if !made.is_empty() {
            return Ok(());
        }
        for (index, child) in children.iter().enumerate() {
            let request_id = RequestId(format!("{}/{name}/{index}", parent.id));
            let place = Parent {
                run_id: parent.id.clone(),
                step_name: name.to_owned(),
                index: u32::try_from(index).unwrap_or(u32::MAX),
                root_id: parent.root_id.clone(),
            };
            let mut child = child.clone();
            child.priority = child.priority.or(Some(parent.priority));
            self.make(request_id, &child, Some(place))
                .map_err(|refused| at("children", index, refused))?;
        }
        Ok(())
    }

    fn retry_child(&mut self, run_id: &RunId) -> Result<(), Refused> {
        let Some(run) = self.store.run(run_id)? else {
            return Ok(());
        };
        self.check_key_is_free(&run)?;
        let request_id = RequestId(format!("{run_id}/{}", run.attempt));
        let pending = self
            .store
            .retry_run(run_id, run.version, &request_id, self.now)?;
        let pending = pending.ok_or_else(|| in_between(run_id))?;
        let body = EventBody::RunRetry {
            attempt: pending.attempt,
        };
        self.emit(&head_of(&pending), body);
        self.run_became_claimable(&pending.job_name);
        Ok(())
    }

    /// After a run's end: its parent may go on.
    pub(super) fn tell_parent(&mut self, ended: &RunHead) -> StoreResult<()> {
        let (Some(parent_id), Some(step_name)) = (&ended.parent_id, &ended.parent_step) else {
            return Ok(());
        };
        let Some(count) = self.store.child_ended(parent_id, step_name)? else {
            return Ok(());
        };
        #[cfg(feature = "planted")]
        let count = match crate::planted::has(crate::planted::Bug::ChildCountedTwice) {
            true => self
                .store
                .child_ended(parent_id, step_name)?
                .unwrap_or(count),
            false => count,
        };
        let wait = wait_of(parent_id, step_name);
        if count.mode == InvokeMode::FailFast && ended.status != RunStatus::Completed {
            let Some(child) = self.store.run(&ended.run_id)? else {
                return Ok(());
            };
            let end = WaitEnd::Outcome {
                result: Err(failure_of_child(&child, step_name)),
                blobs: Vec::new(),
            };
            self.end_wait(&wait, &end)?;
            return self.cancel_descendants(parent_id, Some(step_name));
        }
        #[cfg(feature = "planted")]
        if crate::planted::has(crate::planted::Bug::LastChildWakesNobody) {
            return Ok(());
        }
        if count.pending == 0 {
            self.end_wait(&wait, &ALL_ENDED)?;
        }
        Ok(())
    }

    /// Cancels what has not ended below a run, or below one of its steps.
    pub(super) fn cancel_descendants(
        &mut self,
        run_id: &RunId,
        step_name: Option<&str>,
    ) -> StoreResult<()> {
        #[cfg(feature = "planted")]
        if self.planted_spares(run_id, step_name)? {
            return Ok(());
        }
        let mut level = self.store.active_children(run_id, step_name)?;
        while !level.is_empty() {
            let mut below = Vec::new();
            for child in &level {
                self.cancel_child(child)?;
                below.extend(self.store.active_children(child, None)?);
            }
            level = below;
        }
        Ok(())
    }

    /// Whether a planted bug lets these live.
    #[cfg(feature = "planted")]
    fn planted_spares(&mut self, run_id: &RunId, step_name: Option<&str>) -> StoreResult<bool> {
        use crate::planted::{Bug, has};
        let status = self.store.run(run_id)?.map(|run| run.status);
        Ok(match step_name {
            Some(_) => has(Bug::FailFastLeavesSiblings),
            None if status == Some(RunStatus::Cancelled) => has(Bug::CancelLeavesChildren),
            None => has(Bug::FailureLeavesChildren),
        })
    }

    fn cancel_child(&mut self, run_id: &RunId) -> StoreResult<()> {
        let Some(run) = self.store.run(run_id)? else {
            return Ok(());
        };
        let request_id = RequestId(format!("{run_id}/cancel"));
        let cancelled = self.cancel_one(&run, &request_id)?;
        // Read in this very transaction, in which nobody else writes.
        cancelled.map(|_| ()).ok_or_else(|| in_between(run_id))
    }
}

const ALL_ENDED: WaitEnd = WaitEnd::Outcome {
    result: Ok(None),
    blobs: Vec::new(),
};

fn in_between(run_id: &RunId) -> StoreError {
    StoreError::Other(format!("the run {run_id} changed within a transaction"))
}

fn wait_of(run_id: &RunId, step_name: &str) -> OpenWait {
    OpenWait {
        run_id: run_id.clone(),
        step_name: step_name.to_owned(),
        kind: StepKind::Invoke,
    }
}

fn invoke_wait(
    now: stepwell_protocol::TimestampMs,
    name: &str,
    mode: InvokeMode,
    count: usize,
    pending: u32,
) -> StepWait {
    StepWait {
        name: name.to_owned(),
        kind: StepKind::Invoke,
        attempt: 1,
        started_at: now,
        wait: Wait::Children {
            mode,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            pending,
        },
    }
}

/// What a job is told of a call that the engine refused.
const fn failure_code(code: ErrorCode) -> FailureCode {
    match code {
        ErrorCode::LimitExceeded => FailureCode::LimitExceeded,
        ErrorCode::PayloadTooLarge => FailureCode::PayloadTooLarge,
        ErrorCode::HistoryMismatch => FailureCode::HistoryMismatch,
        ErrorCode::Conflict => FailureCode::Conflict,
        _ => FailureCode::InvalidInput,
    }
}

/// What the call of a parent throws when one of its children did not complete.
fn failure_of_child(child: &Run, step_name: &str) -> RunFailure {
    let place = format!(
        "children[{}] (job \"{}\", run {})",
        child.child_index.unwrap_or(0),
        child.job_name,
        child.id
    );
    let Some(error) = &child.error else {
        return RunFailure {
            name: "CancelledError".to_owned(),
            message: format!("{place} was cancelled."),
            stack: None,
            causes: Vec::new(),
            code: FailureCode::Cancelled,
            attempt: 1,
            step_name: Some(step_name.to_owned()),
        };
    };
    let mut causes = vec![FailureCause {
        name: error.name.clone(),
        message: error.message.clone(),
    }];
    causes.extend(error.causes.iter().cloned());
    RunFailure {
        name: error.name.clone(),
        message: format!("{place} failed: {}", error.message),
        stack: error.stack.clone(),
        causes,
        code: error.code,
        attempt: 1,
        step_name: Some(step_name.to_owned()),
    }
}
