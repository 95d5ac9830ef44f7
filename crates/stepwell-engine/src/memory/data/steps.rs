//! The steps of a run as they are read, and what becomes of all of them at an end and at a new attempt.

use stepwell_protocol::{RunId, Step, StepKind, StepStatus};

use super::Data;
use crate::store::Wait;

/// A step with what only the store knows of it.
#[derive(Clone, Debug)]
pub(super) struct StepRow {
    /// Without its children: they are runs.
    pub(super) step: Step,
    /// What it waits for, or waited for when its run ended.
    pub(super) wait: Option<Wait>,
}

impl StepRow {
    pub(super) fn is_open(&self) -> bool {
        self.step.status == StepStatus::Waiting
    }
}

/// The attempt from which a step counts: what it has, or 1.
pub(super) fn first_attempt(stored: Option<&StepRow>) -> u32 {
    stored.map_or(1, |row| row.step.first_attempt)
}

impl Data {
    pub(in crate::memory) fn steps(&self, run_id: &RunId, outputs: bool) -> Vec<Step> {
        let rows = self.steps.get(run_id).into_iter().flatten();
        let mut steps: Vec<Step> = rows
            .map(|(_, row)| self.with_children(run_id, &row.step))
            .collect();
        // Stable: the map holds them by name.
        steps.sort_by_key(|step| step.completed_index.unwrap_or(u32::MAX));
        if !outputs {
            for step in &mut steps {
                step.output = None;
                step.children.clear();
            }
        }
        steps
    }

    pub(in crate::memory) fn step(&self, run_id: &RunId, step_name: &str) -> Option<Step> {
        let row = self.steps.get(run_id)?.get(step_name)?;
        Some(self.with_children(run_id, &row.step))
    }

    pub(in crate::memory) fn steps_since(&self, run_id: &RunId, next_index: u32) -> Vec<Step> {
        let is_news = |step: &Step| match step.completed_index {
            Some(index) => index >= next_index,
            None => step.status == StepStatus::Pending,
        };
        let mut steps = self.steps(run_id, true);
        steps.retain(is_news);
        steps
    }

    fn with_children(&self, run_id: &RunId, step: &Step) -> Step {
        let mut step = step.clone();
        if step.kind == StepKind::Invoke {
            step.children = self.children(run_id, &step.name);
        }
        step
    }

    /// The run has ended, or its attempt has: its open waits become pending steps.
    pub(super) fn suspend_steps(&mut self, run_id: &RunId) {
        for row in self.steps_of(run_id).filter(|row| row.is_open()) {
            row.step.status = StepStatus::Pending;
            row.step.waiting_for = None;
        }
    }

    /// The run has a new attempt: its failed steps become pending, and all pending ones have a budget of their own.
    pub(super) fn renew_steps(&mut self, run_id: &RunId) {
        let mut failed = 0;
        for row in self.steps_of(run_id) {
            if row.step.status == StepStatus::Failed {
                row.step.status = StepStatus::Pending;
                row.step.completed_index = None;
                failed += 1;
            }
            if row.step.status == StepStatus::Pending {
                row.step.first_attempt = row.step.attempt + 1;
            }
        }
        if let Some(row) = self.runs.get_mut(run_id) {
            row.run.step_count -= failed;
        }
    }

    fn steps_of(&mut self, run_id: &RunId) -> impl Iterator<Item = &mut StepRow> {
        self.steps
            .get_mut(run_id)
            .into_iter()
            .flat_map(|steps| steps.values_mut())
    }
}
