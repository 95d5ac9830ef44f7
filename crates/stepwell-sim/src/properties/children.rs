//! A step's children are those of its call, in its order, none of them twice; what ends them ends the step's wait with
//! the same transaction; a run that was cancelled or has failed has no active descendants.

use std::collections::BTreeMap;

use stepwell_protocol::{
    InvokeMode, NewTrigger, Run, RunId, RunStatus, Step, StepKind, StepStatus,
};

use super::history::History;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "children";

/// What was called, and what was made of it.
#[derive(Debug, Default)]
pub(crate) struct Children {
    calls: BTreeMap<(RunId, String), (InvokeMode, Vec<NewTrigger>)>,
    made: BTreeMap<(RunId, String, u32), RunId>,
}

impl Children {
    /// A function calls.
    pub(crate) fn called(
        &mut self,
        run_id: &RunId,
        step: &str,
        mode: InvokeMode,
        children: &[NewTrigger],
    ) {
        let key = (run_id.clone(), step.to_owned());
        self.calls.insert(key, (mode, children.to_vec()));
    }

    /// A run as it stands after a commit.
    pub(crate) fn see(&mut self, run: &Run, steps: &[Step]) -> Verdict {
        self.place(run)?;
        for step in steps.iter().filter(|step| step.kind == StepKind::Invoke) {
            let Some((mode, call)) = self.calls.get(&(run.id.clone(), step.name.clone())) else {
                return Err(format!(
                    "children that nobody called for: {step:?} of {}",
                    run.id
                ));
            };
            // A call that was refused has none.
            let is_refused = step.status == StepStatus::Failed && step.children.is_empty();
            let is_alike = step.children.len() == call.len()
                && step
                    .children
                    .iter()
                    .zip(call)
                    .enumerate()
                    .all(|(index, (child, new))| {
                        let index = u32::try_from(index).unwrap_or(u32::MAX);
                        let place = (run.id.clone(), step.name.clone(), index);
                        let made = self.made.get(&place);
                        child.job_name == new.job_name
                            && made.is_none_or(|made| *made == child.run_id)
                    });
            ensure(is_refused || is_alike, || {
                format!("{call:?} became {step:?} of {}", run.id)
            })?;
            let pending = step
                .children
                .iter()
                .filter(|child| !child.status.is_terminal());
            let has_failed = step
                .children
                .iter()
                .any(|child| matches!(child.status, RunStatus::Failed | RunStatus::Cancelled));
            let is_over =
                pending.clone().count() == 0 || *mode == InvokeMode::FailFast && has_failed;
            match step.status {
                StepStatus::Waiting => ensure(!is_over, || {
                    format!(
                        "its children have ended, and it waits: {step:?} of {}",
                        run.id
                    )
                })?,
                StepStatus::Completed => {
                    let is_whole =
                        pending.count() == 0 && (*mode == InvokeMode::Settled || !has_failed);
                    ensure(is_whole, || {
                        format!("completed under {mode:?}: {step:?} of {}", run.id)
                    })?;
                }
                StepStatus::Failed => {
                    let active = pending.count();
                    ensure(*mode == InvokeMode::Settled || active == 0, || {
                        format!(
                            "failed, and {active} of its children are at work: {step:?} of {}",
                            run.id
                        )
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn place(&mut self, run: &Run) -> Verdict {
        let (Some(parent_id), Some(step), Some(index)) =
            (&run.parent_id, &run.parent_step, run.child_index)
        else {
            let is_root = run.parent_id.is_none() && run.child_index.is_none();
            return ensure(is_root && run.root_id == run.id, || {
                format!("neither root nor child: {run:?}")
            });
        };
        let place = (parent_id.clone(), step.clone(), index);
        let first = self.made.entry(place).or_insert_with(|| run.id.clone());
        ensure(*first == run.id, || {
            format!("{first} and this one are one child: {run:?}")
        })?;
        let call = self.calls.get(&(parent_id.clone(), step.clone()));
        let new = call.and_then(|(_, call)| call.get(index as usize));
        let is_called = new.is_some_and(|new| {
            new.job_name == run.job_name
                && new.input == run.input
                && new.timeout_ms == run.timeout_ms
                && new.priority.is_none_or(|priority| priority == run.priority)
        });
        ensure(is_called, || format!("called as {new:?}, made as {run:?}"))
    }
}

/// When all that a commit changed has been seen.
pub(crate) fn whole(history: &History) -> Verdict {
    for (run, _) in history.all() {
        let Some(parent) = run.parent_id.as_ref().and_then(|id| history.run(id)) else {
            ensure(run.parent_id.is_none(), || {
                format!("its parent is gone: {run:?}")
            })?;
            continue;
        };
        let is_over = matches!(parent.status, RunStatus::Cancelled | RunStatus::Failed);
        ensure(run.status.is_terminal() || !is_over, || {
            format!("active under a parent that is not: {run:?}, {parent:?}")
        })?;
        ensure(run.root_id == parent.root_id, || {
            format!("of another root than its parent: {run:?}, {parent:?}")
        })?;
    }
    Ok(())
}
