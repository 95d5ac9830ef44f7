//! A committed step never runs again, and a body runs twice only when a crash or a lost lease lies between. Judged by
//! what the executors did, told here at once and stored nowhere else: the witness outside of the database.

use std::collections::BTreeMap;

use stepwell_protocol::{Generation, Payload, RunId, StepStatus};

use super::leases::Leases;
use super::reference::Watch;
use super::{Verdict, ensure};
use crate::payloads::value_of;
use crate::properties::logs::Span;

pub(crate) const NAME: &str = "bodies";

/// One execution of a step's function.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) run_id: RunId,
    pub(crate) step: String,
    pub(crate) attempt: u32,
    /// Under which it was started.
    pub(crate) generation: Generation,
    /// The lines that left with its outcome.
    pub(crate) lines: Option<Span>,
}

/// All executions, and what can excuse a second one.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    all: Vec<Body>,
    /// How much had gone wrong for the run when the step's attempt was started last.
    started: BTreeMap<(RunId, String, u32), u64>,
    executions: BTreeMap<(RunId, String), u32>,
    lost_leases: BTreeMap<RunId, u64>,
    crashes: u64,
}

impl Bodies {
    /// An engine died, and with it perhaps what it had said.
    pub(crate) fn crash(&mut self) {
        self.crashes += 1;
    }

    /// An executor lost a run, or died with it.
    pub(crate) fn lost_lease(&mut self, run_id: &RunId) {
        *self.lost_leases.entry(run_id.clone()).or_default() += 1;
    }

    /// How often a step's function was started.
    pub(crate) fn executions(&self, run_id: &RunId, step: &str) -> u32 {
        let key = (run_id.clone(), step.to_owned());
        self.executions.get(&key).copied().unwrap_or(0)
    }

    /// A function is started. Its number names its output.
    pub(crate) fn start(&mut self, body: Body, leases: &Leases, watch: &Watch) -> (usize, Verdict) {
        let troubles = self.crashes + self.lost_leases.get(&body.run_id).copied().unwrap_or(0);
        let key = (body.run_id.clone(), body.step.clone(), body.attempt);
        let before = self.started.insert(key, troubles);
        // An assignment may come late, when its lease is lost already: nothing that its body makes is stored.
        let is_lost = leases.is_lost(&body.run_id, body.generation);
        let excused = is_lost || before.is_none_or(|before| before < troubles);
        let again = ensure(excused, || {
            format!("body ran twice with nothing between: {body:?}")
        });
        let verdict = again.and_then(|()| not_committed(&body, watch));
        *self
            .executions
            .entry((body.run_id.clone(), body.step.clone()))
            .or_default() += 1;
        self.all.push(body);
        (self.all.len() - 1, verdict)
    }

    pub(crate) fn get_mut(&mut self, number: usize) -> Option<&mut Body> {
        self.all.get_mut(number)
    }

    /// The execution that made an output.
    pub(crate) fn of_output(&self, output: &Payload) -> Option<&Body> {
        let value = value_of(output);
        let number: usize = value.strip_prefix("\"b")?.strip_suffix('"')?.parse().ok()?;
        self.all.get(number)
    }
}

/// The output of an execution: no two are alike, so that it shows whose outcome was stored.
pub(crate) fn output_of(number: usize) -> String {
    format!("\"b{number}\"")
}

/// An executor whose lease is gone cannot know what others committed since; one that holds it was told.
fn not_committed(body: &Body, watch: &Watch) -> Verdict {
    let Some(step) = watch.history.step(&body.run_id, &body.step) else {
        return Ok(());
    };
    let key = (body.run_id.clone(), body.step.clone());
    let known = watch
        .written
        .get(&key)
        .is_none_or(|under| *under <= body.generation);
    ensure(step.status != StepStatus::Completed || !known, || {
        format!("a committed step ran again: {body:?}, stored as {step:?}")
    })
}
