//! Forgetting runs: `deleteRun`, `purgeRuns`, retention, and blobs that no run refers to. A run goes with its descendants.

use stepwell_protocol::{BlobId, Effect, ErrorCode, EventBody, Reply, RunId};

use super::client::{Answer, check_limit, not_found, refuse};
use super::turn::Turn;
use crate::store::{Store, StoreResult};

/// The most runs that one `purgeRuns` may delete.
pub const PURGE_RUNS_MAX: u32 = 100;
/// How many runs one upkeep deletes: each may have thousands of rows, and a batch must stay short.
const UPKEEP_RUNS_MAX: u32 = 20;
/// How many runs one purge or upkeep deletes with their descendants: what is more follows in the next one.
const FAMILY_RUNS_MAX: usize = 200;

impl<S: Store> Turn<'_, S> {
    pub(super) fn delete_run(&mut self, run_id: &RunId) -> Answer {
        let Some(run) = self.store.run(run_id)? else {
            return not_found(run_id);
        };
        if let Some(parent_id) = &run.parent_id {
            return refuse(
                ErrorCode::Conflict,
                format!(
                    "The run {run_id} is a child of the run {parent_id} and is deleted with it: delete the run {}.",
                    run.root_id
                ),
            );
        }
        let family = self.family(run_id)?;
        let active = self.active_in(&family)?.or_else(|| match run.status {
            status if status.is_terminal() => None,
            _ => Some(run_id.clone()),
        });
        if let Some(active) = active {
            return refuse(
                ErrorCode::Conflict,
                format!(
                    "The run {active} has not ended: only runs that have ended can be deleted. Cancel it first."
                ),
            );
        }
        for member in family.iter().rev() {
            self.forget(member)?;
        }
        Ok(Reply::Deleted {
            count: 1,
            has_more: false,
        })
    }

    pub(super) fn purge_runs(&mut self, older_than_ms: u64, limit: u32) -> Answer {
        check_limit(limit, PURGE_RUNS_MAX)?;
        let age_ms = i64::try_from(older_than_ms).unwrap_or(i64::MAX);
        let (count, has_more) = self.forget_older_than(age_ms, limit)?;
        Ok(Reply::Deleted { count, has_more })
    }

    /// An idle moment's share of the retention.
    pub(super) fn upkeep(&mut self) -> StoreResult<()> {
        if let Some(retention_ms) = self.options.retention_ms
            && !self.state.releasing
        {
            let (_, has_more) = self.forget_older_than(retention_ms, UPKEEP_RUNS_MAX)?;
            self.output.more_upkeep = has_more;
            self.forget_signals(retention_ms)?;
        }
        Ok(())
    }

    /// How many were deleted, not counting their descendants, and whether there are more.
    fn forget_older_than(&mut self, age_ms: i64, limit: u32) -> StoreResult<(u32, bool)> {
        let before = self.now.plus(age_ms.saturating_neg().saturating_add(1));
        #[cfg(feature = "planted")]
        let before = match crate::planted::has(crate::planted::Bug::RetentionTakesYoungRun) {
            true => self.now,
            false => before,
        };
        let mut ended = self.store.ended_before(before, limit + 1)?;
        #[cfg(feature = "planted")]
        ended.extend(self.planted_victim()?);
        let has_more = ended.len() > limit as usize;
        ended.truncate(limit as usize);
        let mut count = 0;
        let mut room = FAMILY_RUNS_MAX;
        for root in &ended {
            let family = self.family(root)?;
            let is_whole = family.len() <= room;
            // Leaves first, so that a root of which children are gone is found again.
            for member in family.iter().rev().take(room) {
                self.forget(member)?;
            }
            if !is_whole {
                return Ok((count, true));
            }
            room -= family.len();
            count += 1;
        }
        Ok((count, has_more))
    }

    /// A run and its descendants, each after its parent.
    fn family(&mut self, root: &RunId) -> StoreResult<Vec<RunId>> {
        let mut family = vec![root.clone()];
        let mut next = 0;
        while let Some(member) = family.get(next).cloned() {
            family.extend(self.store.child_ids(&member)?);
            next += 1;
        }
        Ok(family)
    }

    /// A descendant that has not ended.
    fn active_in(&mut self, family: &[RunId]) -> StoreResult<Option<RunId>> {
        for member in family {
            let active = self.store.active_children(member, None)?;
            if let Some(first) = active.into_iter().next() {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    #[cfg(feature = "planted")]
    fn planted_victim(&mut self) -> StoreResult<Option<RunId>> {
        if !crate::planted::has(crate::planted::Bug::PurgeTakesActiveRun) {
            return Ok(None);
        }
        let running = stepwell_protocol::RunFilter {
            statuses: vec![stepwell_protocol::RunStatus::Running],
            limit: 1,
            ..Default::default()
        };
        let page = self.store.runs(&running)?;
        Ok(page.runs.into_iter().next().map(|run| run.id))
    }

    fn forget(&mut self, run_id: &RunId) -> StoreResult<()> {
        if let Some(deleted) = self.store.delete_run(run_id)? {
            self.emit(&deleted.head, EventBody::RunDelete);
            self.delete_blobs(deleted.blobs);
        }
        Ok(())
    }

    /// What came with a message and was not stored with it: its files are of no use.
    pub(super) fn drop_unreferenced(&mut self, blobs: &[BlobId]) -> StoreResult<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let unreferenced = self.store.unreferenced_blobs(blobs)?;
        self.delete_blobs(unreferenced);
        Ok(())
    }

    pub(super) fn delete_blobs(&mut self, ids: Vec<BlobId>) {
        if !ids.is_empty() {
            self.output.effects.push(Effect::DeleteBlobs { ids });
        }
    }
}
