//! A committed step never changes; terminal stays, but for retry; versions rise and generations never fall.

use std::collections::BTreeMap;

use stepwell_protocol::{Run, RunId, Step, StepStatus};

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "history";

/// What was committed last, run by run.
#[derive(Debug, Default)]
pub(crate) struct History {
    runs: BTreeMap<RunId, (Run, Vec<Step>)>,
}

impl History {
    pub(crate) fn step(&self, run_id: &RunId, name: &str) -> Option<&Step> {
        let (_, steps) = self.runs.get(run_id)?;
        steps.iter().find(|step| step.name == name)
    }

    pub(crate) fn run_ids(&self) -> impl Iterator<Item = &RunId> {
        self.runs.keys()
    }

    /// A run as it stands after a commit, or after a restart.
    pub(crate) fn see(&mut self, run: Run, steps: Vec<Step>) -> Verdict {
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
