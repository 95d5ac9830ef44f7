//! Runs and their children.

use stepwell_protocol::{ChildResult, Run, RunId, TimestampMs};

use super::Data;
use crate::store::{ChildCount, Wait};

impl Data {
    pub(in crate::memory) fn children(&self, run_id: &RunId, step_name: &str) -> Vec<ChildResult> {
        let mut children: Vec<&Run> = self
            .children_of(run_id)
            .filter(|run| run.parent_step.as_deref() == Some(step_name))
            .collect();
        children.sort_by_key(|run| run.child_index);
        let result = |run: &Run| ChildResult {
            run_id: run.id.clone(),
            job_name: run.job_name.clone(),
            status: run.status,
            output: run.output.clone(),
            error: run.error.clone(),
        };
        children.into_iter().map(result).collect()
    }

    pub(in crate::memory) fn child_ids(&self, run_id: &RunId) -> Vec<RunId> {
        self.children_of(run_id).map(|run| run.id.clone()).collect()
    }

    pub(in crate::memory) fn active_children(
        &self,
        run_id: &RunId,
        step_name: Option<&str>,
    ) -> Vec<RunId> {
        self.children_of(run_id)
            .filter(|run| step_name.is_none() || run.parent_step.as_deref() == step_name)
            .filter(|run| !run.status.is_terminal())
            .map(|run| run.id.clone())
            .collect()
    }

    pub(in crate::memory) fn child_ended(
        &mut self,
        run_id: &RunId,
        step_name: &str,
    ) -> Option<ChildCount> {
        let row = self
            .steps
            .get_mut(run_id)?
            .get_mut(step_name)
            .filter(|row| row.is_open())?;
        let Some(Wait::Children { mode, pending, .. }) = &mut row.wait else {
            return None;
        };
        *pending = pending.checked_sub(1)?;
        self.dirty = true;
        Some(ChildCount {
            pending: *pending,
            mode: *mode,
        })
    }

    pub(in crate::memory) fn ended_before(&self, before: TimestampMs, limit: u32) -> Vec<RunId> {
        let mut ended: Vec<(TimestampMs, &RunId)> = self
            .runs
            .values()
            .map(|row| &row.run)
            .filter(|run| run.parent_id.is_none() && !self.has_active_descendant(&run.id))
            .filter_map(|run| Some((run.completed_at?, &run.id)))
            .filter(|(at, _)| *at < before)
            .collect();
        ended.sort();
        let ids = ended.into_iter().map(|(_, id)| id.clone());
        ids.take(limit as usize).collect()
    }

    /// By id.
    fn children_of(&self, run_id: &RunId) -> impl Iterator<Item = &Run> {
        let runs = self.runs.values().map(|row| &row.run);
        runs.filter(move |run| run.parent_id.as_ref() == Some(run_id))
    }

    fn has_active_descendant(&self, root_id: &RunId) -> bool {
        let is_active = |run: &Run| run.root_id == *root_id && !run.status.is_terminal();
        self.runs
            .values()
            .any(|row| row.run.id != *root_id && is_active(&row.run))
    }
}
