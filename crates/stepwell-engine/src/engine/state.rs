//! What the engine remembers between batches: only what can be told again by executors after a restart. All else is in
//! the store.

use std::collections::BTreeMap;

use stepwell_protocol::{
    Counters, Epoch, ErrorInfo, ExecutorId, Generation, Run, RunId, ServedJob, Step, StepKind,
    StepRetry, StepStatus, TimestampMs,
};

use super::client::head_of;
use super::deadlines::deadline_of;
use crate::entropy::RunIds;
use crate::store::{Fence, KeyOfJob, RunHead};

/// How long a fresh engine waits for the executors of its tab before it claims.
pub(super) const HELLO_MS_MAX: i64 = 1_000;
/// How long a lease lasts under shared ownership.
pub(super) const LEASE_MS: i64 = 30_000;
/// How often leases are renewed, and other engines' work looked for, under shared ownership.
pub(super) const HEARTBEAT_MS: i64 = 10_000;
/// How long the engine waits before it tries a failed batch again.
pub(super) const PAUSE_MS: i64 = 1_000;

/// The engine's memory. Cloned for each batch and put back after the commit, so that a failed batch leaves no trace.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) session: Epoch,
    pub(super) executors: BTreeMap<ExecutorId, Executor>,
    /// Executors that hung, and whose death is waited for.
    pub(super) doomed: BTreeMap<ExecutorId, Doomed>,
    pub(super) gate: Gate,
    /// Set by `Input::Drain` and `Input::Release`: the host is letting go of the database.
    pub(super) releasing: bool,
    pub(super) paused: Option<ErrorInfo>,
    pub(super) unserved_jobs: Vec<String>,
    pub(super) heartbeat_at: Option<TimestampMs>,
    /// When the next delayed run, or the next attempt of a run, may start.
    pub(super) next_due: Option<TimestampMs>,
    /// When the next wait of a step ends by time.
    pub(super) next_wait: Option<TimestampMs>,
    pub(super) is_online: bool,
    /// Whether something may wait for the network that is there.
    pub(super) network_came_back: bool,
    /// The sequence of the last event.
    pub(super) sequence: u64,
    pub(super) ids: RunIds,
    pub(super) counters: Counters,
}

/// Claims wait until this tab's executors said what they hold: else a run whose body still runs would be given to a
/// second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Closed { missing: u32, until: TimestampMs },
    Open,
}

/// A connected executor.
#[derive(Clone, Debug)]
pub(super) struct Executor {
    /// By their names.
    pub(super) jobs: BTreeMap<String, ServedJob>,
    pub(super) slots: u32,
    pub(super) holding: BTreeMap<RunId, Slot>,
    /// Functions that were told to stop, of runs that this executor has been given again meanwhile.
    pub(super) replaced: BTreeMap<(RunId, Generation), Slot>,
    /// Whether a claim may find something. Cleared by a claim that found less than it asked for.
    pub(super) may_have_work: bool,
}

impl Executor {
    pub(super) fn free_slots(&self) -> u32 {
        let taken = self.holding.len() + self.replaced.len();
        self.slots
            .saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// A run, or a function of it that was told to stop, has left it.
    pub(super) fn let_go(&mut self, fence: &Fence) -> Option<Slot> {
        let is_it = |slot: &Slot| slot.generation == fence.generation;
        if self.holding.get(&fence.run_id).is_some_and(is_it) {
            return self.holding.remove(&fence.run_id);
        }
        let key = (fence.run_id.clone(), fence.generation);
        self.replaced.remove(&key)
    }

    /// It is given a run. It may be one whose old function it has been told to stop, and that has not ended.
    pub(super) fn take(&mut self, run: &Run, timeout_ms: Option<u64>, now: TimestampMs) {
        let mut slot = Slot::of(run, now);
        slot.timeout_ms = timeout_ms;
        slot.deadline = deadline_of(timeout_ms, now);
        if let Some(old) = self.holding.insert(run.id.clone(), slot) {
            self.replaced.insert((run.id.clone(), old.generation), old);
        }
    }

    /// When something here must have ended.
    pub(super) fn deadline(&self) -> Option<TimestampMs> {
        let live = self.holding.values().filter(|slot| !slot.aborting);
        live.flat_map(|slot| {
            let steps = slot.running.iter().map(|step| step.deadline);
            steps.chain([slot.deadline])
        })
        .flatten()
        .min()
    }
}

/// An executor that was told to end.
#[derive(Clone, Debug)]
pub(super) struct Doomed {
    pub(super) executor: Executor,
    /// Then it counts as dead.
    pub(super) until: TimestampMs,
}

/// A run in an executor's hands.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) generation: Generation,
    /// As an event tells it.
    pub(super) head: RunHead,
    pub(super) concurrency_key: Option<String>,
    /// When it was given to the executor.
    pub(super) since: TimestampMs,
    /// How long it may be at work from then on.
    pub(super) timeout_ms: Option<u64>,
    /// When the executor must have ended it.
    pub(super) deadline: Option<TimestampMs>,
    /// Told to stop: its lease is gone, and the slot is free once it says `released`.
    pub(super) aborting: bool,
    pub(super) running: Vec<RunningStep>,
}

impl Slot {
    /// The slot of a run that was just leased.
    pub(super) fn of(run: &Run, now: TimestampMs) -> Self {
        Self {
            generation: run.generation,
            head: head_of(run),
            concurrency_key: run.concurrency_key.clone(),
            since: now,
            timeout_ms: None,
            deadline: None,
            aborting: false,
            running: Vec::new(),
        }
    }

    /// How long it has been at work here.
    pub(super) fn worked_ms(&self, now: TimestampMs) -> u64 {
        u64::try_from(now.0 - self.since.0).unwrap_or(0)
    }
}

/// A step whose function runs now.
#[derive(Clone, Debug)]
pub(super) struct RunningStep {
    pub(super) name: String,
    pub(super) attempt: u32,
    pub(super) started_at: TimestampMs,
    pub(super) timeout_ms: Option<u64>,
    /// When the executor must have said how it ended.
    pub(super) deadline: Option<TimestampMs>,
    /// What follows from a timeout.
    pub(super) retry: Option<StepRetry>,
}

impl RunningStep {
    pub(super) fn view(&self) -> Step {
        Step {
            name: self.name.clone(),
            kind: StepKind::Run,
            status: StepStatus::Running,
            completed_index: None,
            attempt: self.attempt,
            output: None,
            error: None,
            first_attempt: 1,
            waiting_for: None,
            children: Vec::new(),
            started_at: self.started_at,
            completed_at: None,
        }
    }
}

impl State {
    /// The executor that works on a run with a live lease.
    pub(super) fn holder(&self, run_id: &RunId) -> Option<(&ExecutorId, &Slot)> {
        self.executors.iter().find_map(|(id, executor)| {
            executor
                .holding
                .get(run_id)
                .filter(|slot| !slot.aborting)
                .map(|slot| (id, slot))
        })
    }

    pub(super) fn slot_mut(
        &mut self,
        executor_id: &ExecutorId,
        run_id: &RunId,
    ) -> Option<&mut Slot> {
        self.executors.get_mut(executor_id)?.holding.get_mut(run_id)
    }

    pub(super) fn serves(&self, job_name: &str) -> bool {
        self.executors
            .values()
            .any(|executor| executor.jobs.contains_key(job_name))
    }

    /// A run may start then.
    pub(super) fn due_at(&mut self, at: TimestampMs) {
        #[cfg(feature = "planted")]
        if crate::planted::has(crate::planted::Bug::DueTimeForgotten) {
            return;
        }
        self.next_due = Some(self.next_due.map_or(at, |due| due.min(at)));
    }

    /// A wait of a step ends by time then.
    pub(super) fn wait_ends_at(&mut self, at: TimestampMs) {
        #[cfg(feature = "planted")]
        if crate::planted::has(crate::planted::Bug::DeadlineForgotten) {
            return;
        }
        self.next_wait = Some(self.next_wait.map_or(at, |next| next.min(at)));
    }

    fn aborting_slots(&self) -> impl Iterator<Item = &Slot> {
        let doomed = self.doomed.values().map(|doomed| &doomed.executor);
        let slots = self
            .executors
            .values()
            .chain(doomed)
            .flat_map(|one| one.holding.values().chain(one.replaced.values()));
        slots.filter(|slot| slot.aborting)
    }

    /// How many runs of a job were told to stop and have not ended.
    pub(super) fn aborting(&self, job_name: &str) -> u32 {
        let of_job = self
            .aborting_slots()
            .filter(|slot| slot.head.job_name == job_name);
        u32::try_from(of_job.count()).unwrap_or(u32::MAX)
    }

    /// The concurrency keys of the runs that were told to stop and have not ended.
    pub(super) fn leaving(&self) -> Vec<KeyOfJob> {
        let key_of = |slot: &Slot| {
            Some(KeyOfJob {
                job_name: slot.head.job_name.clone(),
                key: slot.concurrency_key.clone()?,
            })
        };
        self.aborting_slots().filter_map(key_of).collect()
    }

    /// Something became claimable.
    pub(super) fn work_appeared(&mut self) {
        for executor in self.executors.values_mut() {
            executor.may_have_work = true;
        }
    }
}
