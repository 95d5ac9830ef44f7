//! The maps, and what each call of the port does to them.

mod leased;

use std::collections::BTreeMap;

use stepwell_protocol::{
    Epoch, Generation, LogLine, LogPage, LogQuery, Order, RequestId, Run, RunFilter, RunId,
    RunPage, RunStatus, Step, StepStatus, TimestampMs,
};

use crate::store::{Inserted, NewRun, StoreError, StoreResult, UNCLAIMED};

/// Who may work on a run, until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    pub(super) owner: Epoch,
    pub(super) expires_at: Option<TimestampMs>,
}

/// A run with what only the store knows of it.
#[derive(Clone, Debug)]
struct Row {
    run: Run,
    last_request: RequestId,
    lease: Option<Lease>,
    /// The greatest ordinal of a stored line of this assignment.
    line_ordinal: u64,
    /// The next `completed_index`. Not `step_count`: that falls when `retry` clears a failed step.
    next_index: u32,
}

impl Row {
    fn is_claimable(&self) -> bool {
        match self.run.status {
            RunStatus::Pending => true,
            RunStatus::Running => self.lease.is_none(),
            _ => false,
        }
    }

    /// What every write to a run does.
    fn touch(&mut self, now: TimestampMs) {
        self.run.version += 1;
        self.run.updated_at = now;
    }
}

/// All that is stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    runs: BTreeMap<RunId, Row>,
    by_request: BTreeMap<RequestId, RunId>,
    steps: BTreeMap<RunId, BTreeMap<String, Step>>,
    logs: BTreeMap<u64, LogLine>,
    sessions: u64,
    /// Whether the open transaction wrote anything. Here, so that it goes back with the data.
    pub(super) dirty: bool,
}

impl Data {
    pub(super) fn insert_session(&mut self) -> Epoch {
        self.dirty = true;
        self.sessions += 1;
        Epoch(self.sessions)
    }

    /// Voids the leases for which `is_void` says so. How many.
    pub(super) fn void_leases(&mut self, is_void: impl Fn(&Lease) -> bool) -> u64 {
        let mut count = 0;
        for row in self.runs.values_mut() {
            if row.lease.as_ref().is_some_and(&is_void) {
                row.lease = None;
                self.dirty = true;
                count += 1;
            }
        }
        count
    }

    pub(super) fn renew_leases(&mut self, session: Epoch, expires_at: TimestampMs) {
        for lease in self
            .runs
            .values_mut()
            .filter_map(|row| row.lease.as_mut())
            .filter(|lease| lease.owner == session)
        {
            lease.expires_at = Some(expires_at);
            self.dirty = true;
        }
    }

    pub(super) fn insert_run(&mut self, new: &NewRun) -> StoreResult<Inserted> {
        if let Some(run_id) = self.by_request.get(&new.request_id) {
            return Ok(Inserted::Existing(self.runs[run_id].run.clone()));
        }
        if self.runs.contains_key(&new.id) {
            return Err(StoreError::Other(format!(
                "the run id {} is taken by another request",
                new.id
            )));
        }
        let run = pending(new);
        let row = Row {
            run: run.clone(),
            last_request: new.request_id.clone(),
            lease: None,
            line_ordinal: 0,
            next_index: 0,
        };
        self.dirty = true;
        self.by_request
            .insert(new.request_id.clone(), new.id.clone());
        self.runs.insert(new.id.clone(), row);
        Ok(Inserted::Created(run))
    }

    pub(super) fn run(&self, run_id: &RunId) -> Option<Run> {
        self.runs.get(run_id).map(|row| row.run.clone())
    }

    pub(super) fn last_request(&self, run_id: &RunId) -> Option<RequestId> {
        self.runs.get(run_id).map(|row| row.last_request.clone())
    }

    pub(super) fn runs(&self, filter: &RunFilter) -> RunPage {
        let matching = self.runs.values().rev().map(|row| &row.run).filter(|run| {
            let job = filter.job_names.is_empty() || filter.job_names.contains(&run.job_name);
            let status = filter.statuses.is_empty() || filter.statuses.contains(&run.status);
            let older = filter.cursor.as_ref().is_none_or(|cursor| run.id < *cursor);
            job && status && older
        });
        let (runs, more) = page(matching, filter.limit);
        let next_cursor = runs.last().filter(|_| more).map(|run| run.id.clone());
        RunPage { runs, next_cursor }
    }

    pub(super) fn steps(&self, run_id: &RunId, outputs: bool) -> Vec<Step> {
        let mut steps: Vec<Step> = self
            .steps
            .get(run_id)
            .map(|steps| steps.values().cloned().collect())
            .unwrap_or_default();
        steps.sort_by_key(|step| step.completed_index.unwrap_or(u32::MAX));
        if !outputs {
            steps.iter_mut().for_each(|step| step.output = None);
        }
        steps
    }

    pub(super) fn logs(&self, query: &LogQuery) -> LogPage {
        let matching = |line: &&LogLine| {
            let level = query.level.is_none_or(|level| line.level >= level);
            let beyond = query.cursor.is_none_or(|cursor| match query.order {
                Order::Asc => line.id > cursor,
                Order::Desc => line.id < cursor,
            });
            line.run_id == query.run_id && level && beyond
        };
        let (logs, more) = match query.order {
            Order::Asc => page(self.logs.values().filter(matching), query.limit),
            Order::Desc => page(self.logs.values().rev().filter(matching), query.limit),
        };
        let next_cursor = logs.last().filter(|_| more).map(|line| line.id);
        LogPage { logs, next_cursor }
    }

    pub(super) fn claimable_jobs(&self) -> Vec<String> {
        let mut jobs: Vec<String> = self
            .runs
            .values()
            .filter(|row| row.is_claimable())
            .map(|row| row.run.job_name.clone())
            .collect();
        jobs.sort();
        jobs.dedup();
        jobs
    }

    pub(super) fn cancel_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> Option<Run> {
        let row = self.runs.get_mut(run_id)?;
        if row.run.version != version || row.run.status.is_terminal() {
            return None;
        }
        row.run.status = RunStatus::Cancelled;
        row.run.completed_at = Some(now);
        row.last_request = request_id.clone();
        row.lease = None;
        row.touch(now);
        self.dirty = true;
        Some(row.run.clone())
    }

    pub(super) fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> Option<Run> {
        let row = self.runs.get_mut(run_id)?;
        let retryable = matches!(row.run.status, RunStatus::Failed | RunStatus::Cancelled);
        if row.run.version != version || !retryable {
            return None;
        }
        for step in self.steps.entry(run_id.clone()).or_default().values_mut() {
            if step.status == StepStatus::Failed {
                step.status = StepStatus::Pending;
                step.completed_index = None;
                row.run.step_count -= 1;
            }
        }
        row.run.status = RunStatus::Pending;
        row.run.attempt += 1;
        row.run.recoveries = 0;
        row.run.error = None;
        row.run.completed_at = None;
        row.last_request = request_id.clone();
        row.touch(now);
        self.dirty = true;
        Some(row.run.clone())
    }
}

/// At most `limit` items, and whether there are more.
fn page<'a, T: Clone + 'a>(items: impl Iterator<Item = &'a T>, limit: u32) -> (Vec<T>, bool) {
    let mut items = items.cloned();
    let page = items.by_ref().take(limit as usize).collect();
    (page, items.next().is_some())
}

fn pending(new: &NewRun) -> Run {
    Run {
        id: new.id.clone(),
        job_name: new.job_name.clone(),
        status: RunStatus::Pending,
        input: new.input.clone(),
        output: None,
        error: None,
        progress: None,
        attempt: 1,
        version: 1,
        generation: UNCLAIMED,
        recoveries: 0,
        max_recoveries: new.max_recoveries,
        step_count: 0,
        labels: BTreeMap::new(),
        created_at: new.created_at,
        start_at: new.start_at,
        started_at: None,
        completed_at: None,
        updated_at: new.created_at,
    }
}

/// The generation after this one.
fn next(generation: Generation) -> Generation {
    Generation(generation.0 + 1)
}
