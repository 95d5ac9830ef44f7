//! The maps, and what each call of the port does to them.

mod children;
mod leased;
mod signals;
mod steps;
mod suspension;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use stepwell_protocol::{
    BlobId, Epoch, Generation, LogLine, LogPage, LogQuery, Order, RequestId, Run, RunFilter, RunId,
    RunPage, RunStatus, TimestampMs,
};

use self::signals::SignalRow;
use self::steps::StepRow;
use crate::store::{
    Deleted, Inserted, LAST_REQUESTS_MAX, NewRun, Parked, RunHead, StoreError, StoreResult,
    UNCLAIMED,
};

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
    /// The newest first.
    last_requests: Vec<RequestId>,
    lease: Option<Lease>,
    /// The greatest ordinal of a stored line of this assignment.
    line_ordinal: u64,
    /// The lease was given up in good order: the next claim counts no recovery.
    released_orderly: bool,
    /// Whether a pending run may be claimed, for its `start_at` has come, or a waiting one, for it was woken.
    is_due: bool,
    /// When a waiting run is due for its next attempt.
    wake_at: Option<TimestampMs>,
    /// Where a waiting run's function stays.
    parked: Option<Parked>,
    /// How long this attempt was at work before its last suspension.
    worked_ms: u64,
    /// `started_at` before the last claim.
    started_before: Option<TimestampMs>,
    /// All blobs in its input, steps and output.
    blobs: BTreeSet<BlobId>,
    /// The next `completed_index`. Not `step_count`: that falls when `retry` clears a failed step.
    next_index: u32,
}

impl Row {
    fn changed_by(&mut self, request_id: &RequestId) {
        self.last_requests.insert(0, request_id.clone());
        self.last_requests.truncate(LAST_REQUESTS_MAX);
    }

    fn is_claimable(&self) -> bool {
        match self.run.status {
            RunStatus::Pending | RunStatus::Waiting => self.is_due,
            RunStatus::Running => self.lease.is_none(),
            _ => false,
        }
    }

    fn head(&self) -> RunHead {
        RunHead {
            run_id: self.run.id.clone(),
            job_name: self.run.job_name.clone(),
            labels: self.run.labels.clone(),
            parent_id: self.run.parent_id.clone(),
            parent_step: self.run.parent_step.clone(),
            status: self.run.status,
            version: self.run.version,
        }
    }

    /// It is at work no more and waits for nothing.
    fn leave(&mut self) {
        self.lease = None;
        self.run.waiting_for = None;
        self.wake_at = None;
        self.parked = None;
    }

    /// What every new attempt does.
    fn next_attempt(&mut self) {
        self.leave();
        self.run.attempt += 1;
        self.run.recoveries = 0;
        self.released_orderly = false;
        self.worked_ms = 0;
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
    steps: BTreeMap<RunId, BTreeMap<String, StepRow>>,
    signals: BTreeMap<RequestId, SignalRow>,
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
        if let Some(run) = self.run_of_request(&new.request_id) {
            return Ok(Inserted::Existing(run));
        }
        let of_job = |run: &Run| run.job_name == new.job_name;
        let same_idempotency = |run: &Run| {
            of_job(run)
                && new.idempotency_key.is_some()
                && run.idempotency_key == new.idempotency_key
        };
        if let Some(row) = self.runs.values().find(|row| same_idempotency(&row.run)) {
            return Ok(Inserted::Idempotent(row.run.clone()));
        }
        let pending = new
            .concurrency_key
            .as_ref()
            .and_then(|key| self.pending_of_key(&new.job_name, key));
        if let Some(run_id) = pending {
            return Ok(Inserted::Pending(self.runs[&run_id].run.clone()));
        }
        if self.runs.contains_key(&new.id) {
            return Err(StoreError::Other(format!(
                "the run id {} is taken by another request",
                new.id
            )));
        }
        let run = pending_run(new);
        let row = Row {
            run: run.clone(),
            last_requests: vec![new.request_id.clone()],
            lease: None,
            line_ordinal: 0,
            released_orderly: false,
            is_due: new.start_at <= new.created_at,
            wake_at: None,
            parked: None,
            worked_ms: 0,
            started_before: None,
            blobs: new.blobs.iter().cloned().collect(),
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

    pub(super) fn run_of_request(&self, request_id: &RequestId) -> Option<Run> {
        self.run(self.by_request.get(request_id)?)
    }

    pub(super) fn last_requests(&self, run_id: &RunId) -> Vec<RequestId> {
        let row = self.runs.get(run_id);
        row.map_or_else(Vec::new, |row| row.last_requests.clone())
    }

    pub(super) fn runs(&self, filter: &RunFilter) -> RunPage {
        let matching = self.runs.values().rev().map(|row| &row.run).filter(|run| {
            let job = filter.job_names.is_empty() || filter.job_names.contains(&run.job_name);
            let status = filter.statuses.is_empty() || filter.statuses.contains(&run.status);
            let labels = filter
                .labels
                .iter()
                .all(|(key, value)| run.labels.get(key) == Some(value));
            let after = filter.created_after.is_none_or(|at| run.created_at >= at);
            let before = filter.created_before.is_none_or(|at| run.created_at < at);
            let parent = filter.parent_id.is_none() || run.parent_id == filter.parent_id;
            let root = !filter.roots_only || run.parent_id.is_none();
            let older = filter.cursor.as_ref().is_none_or(|cursor| run.id < *cursor);
            job && status && labels && after && before && parent && root && older
        });
        let (runs, more) = page(matching, filter.limit);
        let next_cursor = runs.last().filter(|_| more).map(|run| run.id.clone());
        RunPage { runs, next_cursor }
    }

    pub(super) fn pending_of_key(&self, job_name: &str, key: &str) -> Option<RunId> {
        self.runs
            .values()
            .map(|row| &row.run)
            .find(|run| {
                run.status == RunStatus::Pending
                    && run.job_name == job_name
                    && run.concurrency_key.as_deref() == Some(key)
            })
            .map(|run| run.id.clone())
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
        row.changed_by(request_id);
        row.leave();
        row.touch(now);
        let run = row.run.clone();
        self.suspend_steps(run_id);
        self.dirty = true;
        Some(run)
    }

    pub(super) fn retry_run(
        &mut self,
        run_id: &RunId,
        version: u64,
        request_id: &RequestId,
        now: TimestampMs,
    ) -> StoreResult<Option<Run>> {
        let Some(row) = self.runs.get(run_id) else {
            return Ok(None);
        };
        let retryable = matches!(row.run.status, RunStatus::Failed | RunStatus::Cancelled);
        if row.run.version != version || !retryable {
            return Ok(None);
        }
        let key = row.run.concurrency_key.as_ref();
        if key.is_some_and(|key| self.pending_of_key(&row.run.job_name, key).is_some()) {
            return Err(StoreError::Other("the key has a pending run".to_owned()));
        }
        let Some(row) = self.runs.get_mut(run_id) else {
            return Ok(None);
        };
        row.next_attempt();
        row.run.first_attempt = row.run.attempt;
        row.run.status = RunStatus::Pending;
        row.is_due = true;
        row.run.start_at = row.run.start_at.min(now);
        row.run.error = None;
        row.run.completed_at = None;
        row.changed_by(request_id);
        row.touch(now);
        self.renew_steps(run_id);
        self.dirty = true;
        Ok(self.run(run_id))
    }

    pub(super) fn delete_run(&mut self, run_id: &RunId) -> Option<Deleted> {
        if !self.runs.get(run_id)?.run.status.is_terminal() {
            return None;
        }
        let row = self.runs.remove(run_id)?;
        self.by_request.retain(|_, id| id != run_id);
        self.steps.remove(run_id);
        let mut blobs = self.delete_signals_of(run_id);
        self.logs.retain(|_, line| line.run_id != *run_id);
        self.dirty = true;
        blobs.extend(row.blobs.iter().cloned());
        let blobs: Vec<BlobId> = blobs.into_iter().collect();
        Some(Deleted {
            head: row.head(),
            blobs: self.unreferenced_blobs(&blobs),
        })
    }

    pub(super) fn unreferenced_blobs(&self, blobs: &[BlobId]) -> Vec<BlobId> {
        let is_referenced = |id: &BlobId| {
            self.runs.values().any(|row| row.blobs.contains(id)) || self.is_in_signal(id)
        };
        let unreferenced = blobs.iter().filter(|id| !is_referenced(id));
        unreferenced.cloned().collect()
    }
}

/// At most `limit` items, and whether there are more.
fn page<'a, T: Clone + 'a>(items: impl Iterator<Item = &'a T>, limit: u32) -> (Vec<T>, bool) {
    let mut items = items.cloned();
    let page = items.by_ref().take(limit as usize).collect();
    (page, items.next().is_some())
}

fn pending_run(new: &NewRun) -> Run {
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
        log_count: 0,
        idempotency_key: new.idempotency_key.clone(),
        concurrency_key: new.concurrency_key.clone(),
        priority: new.priority,
        waiting_for: None,
        first_attempt: 1,
        retry: new.retry,
        timeout_ms: new.timeout_ms,
        parent_id: new.parent.as_ref().map(|parent| parent.run_id.clone()),
        parent_step: new.parent.as_ref().map(|parent| parent.step_name.clone()),
        child_index: new.parent.as_ref().map(|parent| parent.index),
        root_id: new
            .parent
            .as_ref()
            .map_or(&new.id, |parent| &parent.root_id)
            .clone(),
        labels: new.labels.clone(),
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
