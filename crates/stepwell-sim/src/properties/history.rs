//! A committed step never changes; terminal stays, but for retry; versions rise and generations never fall.

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{Run, RunId, Step, StepStatus};

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "history";

/// What was committed last, run by run.
#[derive(Debug, Default)]
pub(crate) struct History {
    runs: BTreeMap<RunId, (Run, Vec<Step>)>,
    /// Runs that were there and have been deleted.
    gone: BTreeSet<RunId>,
}

impl History {
    pub(crate) fn step(&self, run_id: &RunId, name: &str) -> Option<&Step> {
        let (_, steps) = self.runs.get(run_id)?;
        steps.iter().find(|step| step.name == name)
    }

    pub(crate) fn run_ids(&self) -> impl Iterator<Item = &RunId> {
        self.runs.keys()
    }

    pub(crate) fn run(&self, run_id: &RunId) -> Option<&Run> {
        self.runs.get(run_id).map(|(run, _)| run)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &(Run, Vec<Step>)> {
        self.runs.values()
    }

    pub(crate) fn is_gone(&self, run_id: &RunId) -> bool {
        self.gone.contains(run_id)
    }

    pub(crate) fn has_forgotten(&self) -> bool {
        !self.gone.is_empty()
    }

    /// A run that is not there after a commit, or after a restart. `may_be_gone`: somebody deleted it.
    pub(crate) fn miss(&mut self, run_id: &RunId, may_be_gone: bool) -> Verdict {
        let Some((run, _)) = self.runs.remove(run_id) else {
            return Ok(());
        };
        self.gone.insert(run_id.clone());
        ensure(may_be_gone, || {
            format!("nobody deleted this run, and it is gone: {run:?}")
        })
    }

    /// A run as it stands after a commit, or after a restart.
    pub(crate) fn see(&mut self, run: Run, steps: Vec<Step>) -> Verdict {
        if self.gone.contains(&run.id) {
            return Err(format!("a deleted run is there again: {run:?}"));
        }
        let verdict = match self.runs.get(&run.id) {
            Some((before, steps_before)) => follows(before, &run)
                .and_then(|()| steps_follow(&run.id, steps_before, &steps))
                .and_then(|()| sound(&run, &steps)),
            None => sound(&run, &steps),
        };
        self.runs.insert(run.id.clone(), (run, steps));
        verdict
    }
}

fn follows(before: &Run, after: &Run) -> Verdict {
    let id = &after.id;
    ensure(after.version >= before.version, || {
        format!(
            "version of {id} fell from {} to {}",
            before.version, after.version
        )
    })?;
    ensure(after.generation >= before.generation, || {
        format!("generation of {id} fell to {}", after.generation)
    })?;
    ensure(after.attempt >= before.attempt, || {
        format!("attempt of {id} fell to {}", after.attempt)
    })?;
    if before.status.is_terminal() && after.attempt == before.attempt {
        ensure(
            after.status == before.status
                && after.output == before.output
                && after.error == before.error,
            || {
                format!(
                    "{id} was {:?} and is {:?} without a retry",
                    before.status, after.status
                )
            },
        )?;
    }
    Ok(())
}

fn steps_follow(run_id: &RunId, before: &[Step], after: &[Step]) -> Verdict {
    for step in before
        .iter()
        .filter(|step| step.status == StepStatus::Completed)
    {
        let now = after.iter().find(|now| now.name == step.name);
        ensure(now == Some(step), || {
            format!(
                "completed step {} of {run_id} changed: {step:?} became {now:?}",
                step.name
            )
        })?;
    }
    Ok(())
}

fn sound(run: &Run, steps: &[Step]) -> Verdict {
    let outcomes: Vec<u32> = steps
        .iter()
        .filter_map(|step| step.completed_index)
        .collect();
    ensure(outcomes.windows(2).all(|pair| pair[0] < pair[1]), || {
        format!("the outcomes of {} have the places {outcomes:?}", run.id)
    })?;
    ensure(outcomes.len() == run.step_count as usize, || {
        format!(
            "{} counts {} steps and has {}",
            run.id,
            run.step_count,
            outcomes.len()
        )
    })
}
