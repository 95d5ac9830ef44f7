//! Functions that run at once, and runs that wait: what the whole of the executors shows.

use stepwell_protocol::{Run, RunStatus};

use super::World;
use super::host::GATE_MS;
use crate::properties::claims::{self, WAIT_MS_MAX};
use crate::properties::keys::{self, Function};
use crate::properties::{ensure, leases};

impl World {
    /// The functions that the engine has to reckon with. Not those of an executor that it has not welcomed: what
    /// happened to its runs meanwhile, each function learns by the welcome.
    fn functions(&self) -> Vec<Function> {
        let all = self.host.iter().chain(self.away.iter().flatten());
        let hosts: Vec<u64> = all.map(|host| host.id).collect();
        let known = |executor: &&super::Executor| {
            let is_open = executor.alive && executor.open;
            is_open && executor.host.is_some_and(|host| hosts.contains(&host))
        };
        let executors = self.executors.iter().filter(known);
        executors.flat_map(super::Executor::functions).collect()
    }

    /// A function was started.
    pub(super) fn judge_functions(&self) {
        if !self.workload.marks {
            return;
        }
        let functions = self.functions();
        self.judge(keys::NAME, keys::apart(&functions));
        if self.workload.engines > 1 {
            self.judge(leases::NAME, leases::once(&functions));
        }
        let is_late = |function: &Function| {
            let of = |executor: &&super::Executor| executor.id.0 == function.executor;
            self.executors
                .iter()
                .find(of)
                .is_some_and(|one| one.is_late)
        };
        let functions: Vec<Function> = functions.into_iter().filter(|one| !is_late(one)).collect();
        let limits = claims::within_limits(&functions, |job| self.workload.limit_of(job));
        self.judge(claims::NAME, limits);
    }

    /// After a batch: no run may wait beside a free slot for long.
    pub(super) fn judge_waiting(&mut self) {
        if !self.workload.marks {
            return;
        }
        let waits = self.waiting_run();
        self.waiting_since = waits.as_ref().and(self.waiting_since.or(Some(self.now)));
        let waited = self.waiting_since.map_or(0, |since| self.now - since);
        let verdict = ensure(waited <= WAIT_MS_MAX, || {
            format!("beside a free slot for {waited} ms, there waits {waits:?}")
        });
        self.judge(claims::NAME, verdict);
    }

    /// A run that could be claimed, while an executor could take it.
    fn waiting_run(&self) -> Option<Run> {
        let host = self.host.as_ref()?;
        if host.was_paused || self.now <= host.opened_at + GATE_MS {
            return None;
        }
        self.executors.iter().find(|executor| {
            executor.alive
                && !executor.is_blocked
                && executor.open
                && executor.host == Some(host.id)
                && executor.has_free_slot()
        })?;
        let alive = self.executors.iter().filter(|executor| executor.alive);
        let functions: Vec<Function> = alive.flat_map(super::Executor::functions).collect();
        let watch = self.watch.borrow();
        let runs = || watch.history.all().map(|(run, _)| run);
        let is_at_work = |run: &Run| matches!(run.status, RunStatus::Running | RunStatus::Waiting);
        let is_free = |run: &Run| {
            let same = |job: &str, key: &Option<String>| {
                run.concurrency_key.is_some() && run.job_name == job && run.concurrency_key == *key
            };
            !functions.iter().any(|one| same(&one.job_name, &one.key))
                && !runs()
                    .any(|other| is_at_work(other) && same(&other.job_name, &other.concurrency_key))
        };
        let has_room = |run: &Run| {
            let of_job = functions.iter().filter(|one| one.job_name == run.job_name);
            let at_work =
                runs().filter(|other| is_at_work(other) && other.job_name == run.job_name);
            let taken = of_job.count() + at_work.count();
            let limit = self.workload.limit_of(&run.job_name);
            limit.is_none_or(|limit| taken < limit as usize)
        };
        let waits = |run: &&Run| {
            run.status == RunStatus::Pending
                && run.start_at <= host.now
                && is_free(run)
                && has_room(run)
        };
        runs().find(waits).cloned()
    }
}
