//! At most one live generation per run writes: a generation is given once, and what is acknowledged was written under
//! the generation that it names.

use std::collections::BTreeMap;

use stepwell_protocol::{
    Epoch, ExecutorId, ExecutorMessage, Generation, Holding, Run, RunId, RunStatus,
};

use super::keys::Function;
use super::reference::Watch;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "leases";

/// To whom the newest generation of each run was given, by which engine.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    newest: BTreeMap<RunId, (Generation, Epoch, ExecutorId)>,
}

impl Leases {
    /// Whether another lease of the run has been given since.
    pub(crate) fn is_lost(&self, run_id: &RunId, generation: Generation) -> bool {
        self.newest
            .get(run_id)
            .is_some_and(|(newest, ..)| *newest > generation)
    }

    /// A lease is told to an executor, as an assignment or in a welcome.
    pub(crate) fn give(&mut self, held: &Holding, epoch: Epoch, to: &ExecutorId) -> Verdict {
        let given = (held.generation, epoch, to.clone());
        let verdict = match self.newest.get(&held.run_id) {
            Some(newest) => ensure(held.generation > newest.0 || *newest == given, || {
                format!("{held:?} is given to {to} in epoch {epoch} after {newest:?}")
            }),
            None => Ok(()),
        };
        self.newest.insert(held.run_id.clone(), given);
        verdict
    }
}

/// A message of an executor is acknowledged. `run` is what has been committed by then.
pub(crate) fn acknowledged(message: &ExecutorMessage, run: &Run, watch: &Watch) -> Verdict {
    let (generation, step) = match message {
        ExecutorMessage::StepCommit {
            generation,
            step_name,
            ..
        }
        | ExecutorMessage::StepFail {
            generation,
            step_name,
            ..
        }
        | ExecutorMessage::StepWait {
            generation,
            step_name,
            ..
        }
        | ExecutorMessage::StepInvoke {
            generation,
            step_name,
            ..
        } => (*generation, Some(step_name.clone())),
        ExecutorMessage::RunComplete { generation, .. }
        | ExecutorMessage::RunFail { generation, .. }
        | ExecutorMessage::Suspend { generation, .. }
        | ExecutorMessage::Report { generation, .. } => (*generation, None),
        _ => return Err(format!("acknowledged, and wants no answer: {message:?}")),
    };
    let ended = matches!(run.status, RunStatus::Completed | RunStatus::Failed)
        && run.generation == generation;
    let written = watch.accepted.contains(&(run.id.clone(), generation, step));
    ensure(ended || written, || {
        format!("acknowledged, and nothing was written under its generation: {message:?}")
    })
}

/// Of each run one function at most, over all engines.
pub(crate) fn once(functions: &[Function]) -> Verdict {
    let mut runs: BTreeMap<&RunId, &Function> = BTreeMap::new();
    for function in functions.iter().filter(|one| !one.is_leaving) {
        if let Some(other) = runs.insert(&function.run_id, function) {
            return Err(format!("one run twice at once: {other:?} and {function:?}"));
        }
    }
    Ok(())
}
