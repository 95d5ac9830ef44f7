//! What was acknowledged is there: triggers, outcomes of steps, ends of runs.

use std::collections::BTreeMap;

use stepwell_engine::Store;
use stepwell_protocol::{ExecutorMessage, Reply, RequestId, Run, RunId, RunStatus, StepStatus};

use super::dispositions::Answer;
use super::reference::Watch;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "promises";

/// Which run each acknowledged trigger made.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    triggers: BTreeMap<(RequestId, usize), RunId>,
}

impl Promises {
    pub(crate) fn run_ids(&self) -> impl Iterator<Item = &RunId> {
        self.triggers.values()
    }

    /// A reply leaves the engine.
    pub(crate) fn replied(&mut self, answer: &Answer<'_>, watch: &Watch) -> Verdict {
        let runs = match answer.reply {
            Reply::Run { run: Some(run) } => vec![run],
            _ => answer.made(),
        };
        for (index, run) in answer.made().into_iter().enumerate() {
            // A resend after its run was deleted makes another one.
            let first = self
                .triggers
                .entry((answer.request_id.clone(), index))
                .or_insert_with(|| run.id.clone());
            let is_other = *first != run.id;
            ensure(
                !is_other || answer.may_differ(index) || watch.history.is_gone(first),
                || format!("trigger {} made {first} and {}", answer.request_id, run.id),
            )?;
            first.clone_from(&run.id);
        }
        for run in runs {
            let stored = watch.history.run(&run.id);
            let holds = stored.is_some_and(|stored| stored.version >= run.version)
                || answer.deleted.iter().any(|deleted| deleted.id == run.id);
            ensure(holds, || {
                format!(
                    "{} was answered with {run:?}; stored is {stored:?}",
                    answer.request_id
                )
            })?;
        }
        Ok(())
    }
}

/// A message of an executor is acknowledged.
pub(crate) fn acknowledged(
    message: &ExecutorMessage,
    run: &Run,
    store: &mut impl Store,
) -> Verdict {
    // The engine has ended the run itself and lets the executor be ended: nobody acts upon this any more.
    let is_ended = run.status == RunStatus::Failed
        && run
            .error
            .as_ref()
            .is_some_and(|error| error.name == "TimeoutError");
    match message {
        _ if is_ended => Ok(()),
        ExecutorMessage::StepCommit {
            run_id,
            step_name,
            output,
            ..
        } => {
            let steps = store.steps(run_id, true).unwrap_or_default();
            let step = steps.iter().find(|step| step.name == *step_name);
            let holds = step.is_some_and(|step| {
                step.status == StepStatus::Completed && step.output.as_ref() == Some(output)
            });
            ensure(holds, || {
                format!("acknowledged {message:?}; stored is {step:?}")
            })
        }
        ExecutorMessage::StepFail {
            run_id, step_name, ..
        } => {
            let steps = store.steps(run_id, false).unwrap_or_default();
            ensure(steps.iter().any(|step| step.name == *step_name), || {
                format!("acknowledged {message:?}; nothing is stored")
            })
        }
        ExecutorMessage::RunComplete { output, .. } => {
            let holds = run.status == RunStatus::Completed && run.output.as_ref() == Some(output);
            ensure(holds, || {
                format!("acknowledged {message:?}; stored is {run:?}")
            })
        }
        _ => Ok(()),
    }
}

/// At the end: every run that a trigger was answered with is there.
pub(crate) fn kept(run_id: &RunId, store: &mut impl Store) -> Verdict {
    let stored = store.run(run_id);
    ensure(matches!(stored, Ok(Some(_))), || {
        format!("the acknowledged run {run_id} is lost")
    })
}
