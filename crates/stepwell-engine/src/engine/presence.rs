//! Executors come and go: `hello`, a death, the host's letting go of the database.

use std::collections::BTreeMap;

use stepwell_protocol::{AbortReason, EngineMessage, ExecutorId, Holding, RunId, ServedJob};

use super::executor::fence;
use super::state::Slot;
use super::turn::Turn;
use crate::store::{Fence, Release, Store, StoreResult, fence_of};

impl<S: Store> Turn<'_, S> {
    /// An executor says what it can do and what it holds.
    pub(super) fn hello(
        &mut self,
        id: &ExecutorId,
        same_build: bool,
        jobs: &[ServedJob],
        slots: u32,
        holding: &[Holding],
    ) -> StoreResult<()> {
        let before = self.state.executors.remove(id);
        // A second hello of the same one must not open the gate for another.
        if before.is_none() {
            self.arrived();
        }
        let mut known = before.map(|executor| executor.holding).unwrap_or_default();
        let mut adopted = Vec::new();
        let mut missed = Vec::new();
        let mut slots_taken: BTreeMap<RunId, Slot> = BTreeMap::new();
        for held in holding {
            // Under another generation it stays among the known ones, whose leases are released below.
            let is_known = known
                .get(&held.run_id)
                .is_some_and(|slot| slot.generation == held.generation);
            if is_known && let Some(slot) = known.remove(&held.run_id) {
                // The same engine: the port was replaced, the lease was not.
                if !slot.aborting {
                    adopted.push(held.clone());
                }
                slots_taken.insert(held.run_id.clone(), slot);
            } else if let Some(run) = self.adopt(held)? {
                slots_taken.insert(run.id.clone(), Slot::of(&run, self.now));
                adopted.push(fence_of(&run));
                missed.push(run.id);
            }
        }
        for (run_id, slot) in known.into_iter().filter(|(_, slot)| !slot.aborting) {
            self.store.release(
                &fence(&run_id, slot.generation),
                Release::Interrupted,
                self.now,
            )?;
            self.state.work_appeared();
        }
        self.register(id, if same_build { jobs } else { &[] }, slots, slots_taken);
        self.send(
            id,
            EngineMessage::Welcome {
                epoch: self.state.session,
                adopted,
                is_online: self.state.is_online,
            },
        );
        self.check_unserved = true;
        for run_id in missed {
            self.tell_missed(id, &run_id)?;
        }
        Ok(())
    }

    /// An executor died: its runs go to others as interrupted.
    pub(super) fn executor_gone(&mut self, id: &ExecutorId) -> StoreResult<()> {
        if self.state.doomed.contains_key(id) {
            return self.bury(id);
        }
        let Some(executor) = self.state.executors.remove(id) else {
            return Ok(());
        };
        self.departed();
        for (run_id, slot) in executor
            .holding
            .into_iter()
            .filter(|(_, slot)| !slot.aborting)
        {
            #[cfg(feature = "planted")]
            if crate::planted::has(crate::planted::Bug::DeadExecutorKeepsLease) {
                continue;
            }
            self.store.release(
                &fence(&run_id, slot.generation),
                Release::Interrupted,
                self.now,
            )?;
        }
        self.state.work_appeared();
        self.check_unserved = true;
        Ok(())
    }

    /// The host lets go of the database in good order.
    pub(super) fn release_all(&mut self) -> StoreResult<()> {
        self.state.releasing = true;
        let doomed: Vec<ExecutorId> = self.state.doomed.keys().cloned().collect();
        for id in doomed {
            self.bury(&id)?;
        }
        let held: Vec<Fence> = self
            .state
            .executors
            .values()
            .flat_map(|executor| executor.holding.iter())
            .filter(|(_, slot)| !slot.aborting)
            .map(|(run_id, slot)| fence(run_id, slot.generation))
            .collect();
        let how = Release::Orderly;
        #[cfg(feature = "planted")]
        let how = match crate::planted::has(crate::planted::Bug::ReleaseCountsRecovery) {
            true => Release::Interrupted,
            false => how,
        };
        for held in held {
            self.store.release(&held, how, self.now)?;
            self.abort(&held.run_id, AbortReason::LeaseLost);
        }
        Ok(())
    }
}
