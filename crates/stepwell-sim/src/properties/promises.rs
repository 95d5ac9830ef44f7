//! What was acknowledged is there: triggers, outcomes of steps, ends of runs.

use std::collections::BTreeMap;

use stepwell_engine::Store;
use stepwell_protocol::{ExecutorMessage, Reply, RequestId, Run, RunId, RunStatus, StepStatus};

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "promises";

/// Which run each acknowledged trigger made.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    triggers: BTreeMap<RequestId, RunId>,
}

impl Promises {
    pub(crate) fn run_ids(&self) -> impl Iterator<Item = &RunId> {
        self.triggers.values()
    }

    /// A reply leaves the engine.
    pub(crate) fn replied(
        &mut self,
        request_id: &RequestId,
        reply: &Reply,
        store: &mut impl Store,
    ) -> Verdict {
        let run = match reply {
            Reply::Triggered { result } => &result.run,
            Reply::Run { run: Some(run) } => run,
            _ => return Ok(()),
        };
        if matches!(reply, Reply::Triggered { .. }) {
            let first = self
                .triggers
                .entry(request_id.clone())
                .or_insert_with(|| run.id.clone());
            ensure(*first == run.id, || {
                format!("trigger {request_id} made {first} and {}", run.id)
            })?;
        }
        let stored = store.run(&run.id);
        let holds = matches!(&stored, Ok(Some(stored)) if stored.version >= run.version);
        ensure(holds, || {
            format!("{request_id} was answered with {run:?}; stored is {stored:?}")
        })
    }
}

/// A message of an executor is acknowledged.
pub(crate) fn acknowledged(
    message: &ExecutorMessage,
    run: &Run,
    store: &mut impl Store,
) -> Verdict {
    match message {
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
