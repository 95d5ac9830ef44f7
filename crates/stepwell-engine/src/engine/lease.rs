//! Who works on what: the gate after a start, adoption, claims, heartbeats, unserved jobs.
//!
//! | a run that is …                       | when …                                   | becomes                           |
//! |---------------------------------------|------------------------------------------|-----------------------------------|
//! | running, lease void, held by hello    | an executor says hello                   | adopted: new generation, no count |
//! | running, lease void                   | the gate is open and a slot is free      | claimed, recoveries + 1           |
//! | … and recoveries over the limit       | at that claim                            | failed, `limit_exceeded`          |
//! | running, released in good order       | the gate is open and a slot is free      | claimed, no count                 |
//! | pending, due, its key and job free    | the gate is open and a slot is free      | claimed                           |
//! | pending, not due                      | its `start_at` comes                     | due                               |
//! | waiting for its next attempt          | its time comes                           | due                               |
//! | waiting, due or woken                 | the gate is open and a slot is free      | claimed, before all others        |

use std::collections::BTreeMap;

use stepwell_protocol::{
    EventBody, ExecutorId, FailureCode, Holding, Report, Run, RunFailure, RunId, ServedJob,
    TimestampMs,
};

use super::client::head_of;
use super::state::{Executor, Gate, HEARTBEAT_MS, HELLO_MS_MAX, LEASE_MS, Slot};
use super::turn::Turn;
use crate::store::{Claim, Claimed, Ownership, RunOutcome, Store, StoreResult, fence_of};

impl<S: Store> Turn<'_, S> {
    fn lease_expires_at(&self) -> Option<TimestampMs> {
        match self.store.ownership() {
            Ownership::Exclusive => None,
            Ownership::Shared => Some(self.now.plus(LEASE_MS)),
        }
    }

    pub(super) fn adopt(&mut self, held: &Holding) -> StoreResult<Option<Run>> {
        let adopted =
            self.store
                .adopt(held, self.state.session, self.now, self.lease_expires_at())?;
        if let Some(run) = &adopted {
            self.state.counters.leases += 1;
            self.emit(
                &head_of(run),
                EventBody::RunResume {
                    attempt: run.attempt,
                    recoveries: run.recoveries,
                },
            );
        }
        Ok(adopted)
    }

    pub(super) fn register(
        &mut self,
        id: &ExecutorId,
        jobs: &[ServedJob],
        slots: u32,
        holding: BTreeMap<RunId, Slot>,
    ) {
        let executor = Executor {
            jobs: jobs
                .iter()
                .map(|job| (job.name.clone(), job.clone()))
                .collect(),
            slots,
            holding,
            replaced: BTreeMap::new(),
            may_have_work: true,
        };
        self.state.executors.insert(id.clone(), executor);
    }

    /// One of the executors that the engine waits for has come.
    pub(super) fn arrived(&mut self) {
        if let Gate::Closed { missing, until } = self.state.gate {
            self.state.gate = if missing <= 1 {
                Gate::Open
            } else {
                Gate::Closed {
                    missing: missing - 1,
                    until,
                }
            };
        }
    }

    /// One that had come has died: whoever takes its place must not stand for another one that is still to come.
    pub(super) fn departed(&mut self) {
        if let Gate::Closed { missing, .. } = &mut self.state.gate {
            *missing += 1;
        }
    }

    /// What is done once per batch, after its inputs: time's work, then claims for every free slot.
    pub(super) fn advance(&mut self) -> StoreResult<()> {
        self.keep_deadlines_near();
        if let Gate::Closed { until, .. } = self.state.gate
            && until <= self.now
        {
            self.state.gate = Gate::Open;
            self.check_unserved = true;
        }
        self.heartbeat()?;
        self.promote_due()?;
        self.end_due_waits()?;
        self.end_network_waits()?;
        self.keep_deadlines()?;
        self.send_acks();
        if self.state.gate == Gate::Open && !self.state.releasing {
            self.claim()?;
        }
        if self.check_unserved && self.state.gate == Gate::Open {
            let mut unserved = self.store.claimable_jobs()?;
            unserved.retain(|job| !self.state.serves(job));
            self.state.unserved_jobs = unserved;
        }
        Ok(())
    }

    /// The clock may have been put back by hours; a deadline that was a second away must not be hours away then.
    fn keep_deadlines_near(&mut self) {
        if let Gate::Closed { until, .. } = &mut self.state.gate {
            *until = (*until).min(self.now.plus(HELLO_MS_MAX));
        }
        if let Some(due) = &mut self.state.heartbeat_at {
            *due = (*due).min(self.now.plus(HEARTBEAT_MS));
        }
    }

    /// Shared ownership only: keep our leases, void those of dead engines, and look for what other engines left.
    fn heartbeat(&mut self) -> StoreResult<()> {
        if self.state.heartbeat_at.is_none_or(|due| due > self.now) {
            return Ok(());
        }
        self.store
            .renew_leases(self.state.session, self.now.plus(LEASE_MS))?;
        self.store.expire_leases(self.now)?;
        self.state.work_appeared();
        self.state.due_at(self.now);
        self.state.wait_ends_at(self.now);
        self.state.heartbeat_at = Some(self.now.plus(HEARTBEAT_MS));
        Ok(())
    }

    /// Delayed runs whose time has come.
    fn promote_due(&mut self) -> StoreResult<()> {
        if self.state.next_due.is_none_or(|due| due > self.now) {
            return Ok(());
        }
        self.state.next_due = self.store.promote_due(self.now)?;
        self.state.work_appeared();
        self.check_unserved = true;
        Ok(())
    }

    /// Fills the free slots, those of the idlest executor first, so that runs spread over executors as they come.
    fn claim(&mut self) -> StoreResult<()> {
        while let Some((id, limit)) = self.idlest() {
            let jobs = self.jobs_of(&id);
            let leaving = self.state.leaving();
            #[cfg(feature = "planted")]
            let leaving = match crate::planted::has(crate::planted::Bug::LeavingKeyForgotten) {
                true => Vec::new(),
                false => leaving,
            };
            let claim = Claim {
                session: self.state.session,
                jobs: &jobs,
                limit,
                leaving: &leaving,
                now: self.now,
                lease_expires_at: self.lease_expires_at(),
            };
            let claimed = self.store.claim(&claim)?;
            let found = u32::try_from(claimed.len()).unwrap_or(u32::MAX);
            let mut has_freed = false;
            for claimed in claimed {
                has_freed |= !self.start(&id, claimed)?;
            }
            if let Some(executor) = self.state.executors.get_mut(&id) {
                executor.may_have_work = found == limit || has_freed;
            }
        }
        Ok(())
    }

    /// The executor with the most free slots among those that may find work, and how many runs it takes before another
    /// one is as idle.
    fn idlest(&self) -> Option<(ExecutorId, u32)> {
        let mut first: Option<(&ExecutorId, u32)> = None;
        let mut second = 0;
        for (id, executor) in &self.state.executors {
            let free = executor.free_slots();
            if !executor.may_have_work || free == 0 || executor.jobs.is_empty() {
                continue;
            }
            if first.is_none_or(|(_, most)| free > most) {
                second = first.map_or(0, |(_, most)| most);
                first = Some((id, free));
            } else {
                second = second.max(free);
            }
        }
        first.map(|(id, free)| (id.clone(), (free - second).max(1)))
    }

    /// What an executor serves. A function that was told to stop and has not ended counts against its job's limit,
    /// though its lease is gone.
    fn jobs_of(&self, id: &ExecutorId) -> Vec<ServedJob> {
        let jobs = self.state.executors.get(id).map(|executor| &executor.jobs);
        jobs.into_iter()
            .flatten()
            .map(|(name, job)| ServedJob {
                concurrency: job
                    .concurrency
                    .map(|limit| limit.saturating_sub(self.state.aborting(name))),
                ..job.clone()
            })
            .collect()
    }

    /// Gives a claimed run to an executor, or fails it where it was interrupted too often, or lets it wait where it needs
    /// the network and there is none. Whether it was given.
    fn start(&mut self, id: &ExecutorId, claimed: Claimed) -> StoreResult<bool> {
        self.state.counters.leases += 1;
        let (run, interrupted) = (&claimed.run, claimed.is_interrupted());
        #[cfg(feature = "planted")]
        let interrupted =
            interrupted && !crate::planted::has(crate::planted::Bug::RecoveriesNotCounted);
        if interrupted && run.recoveries > run.max_recoveries {
            let outcome = RunOutcome::Failed(too_many_recoveries(run));
            let is_finished = self.finish(&fence_of(run), &outcome, &Report::default())?;
            assert!(
                is_finished,
                "a run that this transaction claimed is under its fence"
            );
            return Ok(false);
        }
        if !self.state.is_online && self.needs_network(id, &run.job_name) {
            self.wait_for_network(&claimed)?;
            return Ok(false);
        }
        self.emit_claimed(&claimed);
        let place = self.place_of(id, &claimed);
        self.give(&place, claimed)?;
        Ok(true)
    }

    fn needs_network(&self, id: &ExecutorId, job_name: &str) -> bool {
        let executor = self.state.executors.get(id);
        executor
            .and_then(|executor| executor.jobs.get(job_name))
            .is_some_and(|job| job.needs_network)
    }
}

fn too_many_recoveries(run: &Run) -> RunFailure {
    RunFailure {
        name: "RecoveryLimitError".to_owned(),
        message: format!(
            "The run was interrupted {} times in a row without completing a step, which is more than its \
             maxRecoveries of {}. Look for a step that crashes its tab or worker, then retry the run.",
            run.recoveries, run.max_recoveries
        ),
        stack: None,
        causes: Vec::new(),
        code: FailureCode::LimitExceeded,
        attempt: run.attempt,
        step_name: None,
    }
}
