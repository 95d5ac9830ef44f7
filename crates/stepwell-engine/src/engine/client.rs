//! What clients ask: reads, `cancel` and `retry` here; `trigger.rs` and `deletion.rs` have the rest.
//!
//! | status    | `cancel`           | `retry`            |
//! |-----------|--------------------|--------------------|
//! | pending   | cancelled          | `conflict`         |
//! | running   | cancelled, aborted | `conflict`         |
//! | waiting   | cancelled          | `conflict`         |
//! | completed | `already_terminal` | `already_terminal` |
//! | failed    | `already_terminal` | pending; `conflict` for a child |
//! | cancelled | `already_terminal` | pending; `conflict` for a child |
//!
//! A resend (a request id that the row holds) is answered with the run as it stands, whatever its status.

use stepwell_protocol::{
    AbortReason, Command, EngineMessage, ErrorCode, ErrorInfo, EventBody, LogQuery, Reply,
    RequestId, Run, RunFilter, RunId, RunStatus, Step, StepStatus,
};

use super::state::RunningStep;
use super::turn::Turn;
use crate::store::{RunHead, Store, StoreError, StoreResult};

/// The most runs a page may have.
pub const RUNS_PER_PAGE_MAX: u32 = 1_000;
/// The most log lines a page may have.
pub const LOGS_PER_PAGE_MAX: u32 = 10_000;
/// How often a write whose version was stale is tried again before it is reported.
const STALE_RETRIES_MAX: u32 = 3;

/// Why a command was not carried out: the command's own fault, or the store's.
pub(super) enum Refused {
    Command(ErrorInfo),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) type Answer = Result<Reply, Refused>;

pub(super) fn refuse<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Command(ErrorInfo::new(code, message)))
}

pub(super) fn not_found<T>(run_id: &RunId) -> Result<T, Refused> {
    refuse(
        ErrorCode::NotFound,
        format!("There is no run {run_id}. It was deleted, or the id is of another database."),
    )
}

pub(super) fn head_of(run: &Run) -> RunHead {
    RunHead {
        run_id: run.id.clone(),
        job_name: run.job_name.clone(),
        labels: run.labels.clone(),
        parent_id: run.parent_id.clone(),
        parent_step: run.parent_step.clone(),
        status: run.status,
        version: run.version,
    }
}

impl<S: Store> Turn<'_, S> {
    pub(super) fn command(&mut self, request_id: &RequestId, command: &Command) -> Answer {
        match command {
            Command::Trigger { run } => self.trigger(request_id, run),
            Command::BatchTrigger { runs } => self.batch_trigger(request_id, runs),
            Command::Retrigger {
                run_id,
                input,
                blobs,
            } => self.retrigger(request_id, run_id, input, blobs),
            Command::GetRun { run_id } => Ok(Reply::Run {
                run: self.store.run(run_id)?,
            }),
            Command::GetRuns { filter } => self.get_runs(filter),
            Command::GetSteps { run_id, outputs } => self.get_steps(run_id, *outputs),
            Command::GetLogs { query } => self.get_logs(query),
            Command::Cancel { run_id } => self.cancel(request_id, run_id),
            Command::Retry { run_id } => self.retry(request_id, run_id),
            Command::DeleteRun { run_id } => self.delete_run(run_id),
            Command::PurgeRuns {
                older_than_ms,
                limit,
            } => self.purge_runs(*older_than_ms, *limit),
            Command::Signal {
                key,
                value,
                error,
                blobs,
            } => self.signal(request_id, key, value.as_ref(), error.as_ref(), blobs),
            Command::GetStatus => Ok(Reply::Status {
                status: super::status_of(self.state),
            }),
        }
    }

    pub(super) fn run_became_claimable(&mut self, job_name: &str) {
        self.state.work_appeared();
        self.check_unserved |= !self.state.serves(job_name);
    }

    fn get_runs(&mut self, filter: &RunFilter) -> Answer {
        check_limit(filter.limit, RUNS_PER_PAGE_MAX)?;
        Ok(Reply::Runs {
            page: self.store.runs(filter)?,
        })
    }

    fn get_logs(&mut self, query: &LogQuery) -> Answer {
        check_limit(query.limit, LOGS_PER_PAGE_MAX)?;
        if self.store.run(&query.run_id)?.is_none() {
            return not_found(&query.run_id);
        }
        Ok(Reply::Logs {
            page: self.store.logs(query)?,
        })
    }

    /// The stored steps, then the ones that run now. A pending step that runs again is told once, as running.
    fn get_steps(&mut self, run_id: &RunId, outputs: bool) -> Answer {
        if self.store.run(run_id)?.is_none() {
            return not_found(run_id);
        }
        let running = self.running_steps(run_id);
        let running: Vec<Step> = running.iter().map(RunningStep::view).collect();
        let mut steps = self.store.steps(run_id, outputs)?;
        steps.retain(|step| !running.iter().any(|live| live.name == step.name));
        steps.extend(running);
        Ok(Reply::Steps { steps })
    }

    fn cancel(&mut self, request_id: &RequestId, run_id: &RunId) -> Answer {
        self.change(request_id, run_id, |turn, run| {
            if run.status.is_terminal() {
                return refuse(
                    ErrorCode::AlreadyTerminal,
                    format!(
                        "The run {run_id} is {} already: there is nothing to cancel.",
                        run.status.as_str()
                    ),
                );
            }
            let Some(cancelled) = turn.cancel_one(run, request_id)? else {
                return Ok(None);
            };
            turn.cancel_descendants(run_id, None)?;
            turn.tell_parent(&head_of(&cancelled))?;
            Ok(Some(cancelled))
        })
    }

    /// Ends one run as cancelled, if it is as it was read. Its parent and its children are the caller's.
    pub(super) fn cancel_one(
        &mut self,
        run: &Run,
        request_id: &RequestId,
    ) -> StoreResult<Option<Run>> {
        let parked_by = self.parked_by(run)?;
        let waiting = self.waiting_steps(run)?;
        let cancelled = self
            .store
            .cancel_run(&run.id, run.version, request_id, self.now)?;
        let Some(cancelled) = cancelled else {
            return Ok(None);
        };
        let head = head_of(&cancelled);
        for RunningStep { name, attempt, .. } in self.running_steps(&run.id) {
            let step_name = name;
            self.emit(&head, EventBody::StepCancel { step_name, attempt });
        }
        for Step { name, attempt, .. } in waiting {
            let step_name = name;
            self.emit(&head, EventBody::StepCancel { step_name, attempt });
        }
        self.emit(&head, EventBody::RunCancel);
        // Where nobody held it, its concurrency key is free now.
        self.state.work_appeared();
        self.abort(&run.id, AbortReason::Cancelled);
        if let Some(executor_id) = parked_by {
            self.drop_parked(&executor_id, &cancelled, AbortReason::Cancelled);
        }
        self.check_unserved |= !self.state.serves(&cancelled.job_name);
        Ok(Some(cancelled))
    }

    fn running_steps(&self, run_id: &RunId) -> Vec<RunningStep> {
        let holder = self.state.holder(run_id);
        holder.map_or_else(Vec::new, |(_, slot)| slot.running.clone())
    }

    fn waiting_steps(&mut self, run: &Run) -> StoreResult<Vec<Step>> {
        if run.status == RunStatus::Pending {
            return Ok(Vec::new());
        }
        let mut steps = self.store.steps(&run.id, false)?;
        steps.retain(|step| step.status == StepStatus::Waiting);
        Ok(steps)
    }

    fn retry(&mut self, request_id: &RequestId, run_id: &RunId) -> Answer {
        self.change(request_id, run_id, |turn, run| {
            match run.status {
                RunStatus::Failed | RunStatus::Cancelled => {}
                RunStatus::Completed => {
                    return refuse(
                        ErrorCode::AlreadyTerminal,
                        format!("The run {run_id} has completed: trigger a new run instead."),
                    );
                }
                RunStatus::Pending | RunStatus::Running | RunStatus::Waiting => {
                    return refuse(
                        ErrorCode::Conflict,
                        format!(
                            "The run {run_id} is {}: only a failed or cancelled run can be retried.",
                            run.status.as_str()
                        ),
                    );
                }
            }
            if let Some(parent_id) = &run.parent_id {
                return refuse(
                    ErrorCode::Conflict,
                    format!(
                        "The run {run_id} is a child of the run {parent_id}: retry that one, or trigger this one again \
                         (retrigger) as a run of its own."
                    ),
                );
            }
            turn.check_key_is_free(run)?;
            let Some(pending) = turn.store.retry_run(run_id, run.version, request_id, turn.now)? else {
                return Ok(None);
            };
            turn.emit(&head_of(&pending), EventBody::RunRetry { attempt: pending.attempt });
            turn.run_became_claimable(&pending.job_name);
            Ok(Some(pending))
        })
    }

    /// A retried run is pending again, and one pending run is all that a concurrency key allows.
    pub(super) fn check_key_is_free(&mut self, run: &Run) -> Result<(), Refused> {
        let Some(key) = &run.concurrency_key else {
            return Ok(());
        };
        match self.store.pending_of_key(&run.job_name, key)? {
            None => Ok(()),
            Some(other) => refuse(
                ErrorCode::Conflict,
                format!(
                    "The run {} cannot be retried now: the run {other} of the same concurrencyKey \"{key}\" is pending. \
                     Cancel that one, or wait for its start.",
                    run.id
                ),
            ),
        }
    }

    /// Reads a run, lets `write` change it under its version, and tries again when the version was stale.
    fn change(
        &mut self,
        request_id: &RequestId,
        run_id: &RunId,
        mut write: impl FnMut(&mut Self, &Run) -> Result<Option<Run>, Refused>,
    ) -> Answer {
        let last = self.store.last_requests(run_id)?;
        #[cfg(feature = "planted")]
        let last = match crate::planted::has(crate::planted::Bug::ResentChangeForgotten) {
            true => Vec::new(),
            false => last,
        };
        if last.contains(request_id) {
            return Ok(Reply::Run {
                run: self.store.run(run_id)?,
            });
        }
        for _ in 0..=STALE_RETRIES_MAX {
            let Some(run) = self.store.run(run_id)? else {
                return not_found(run_id);
            };
            if let Some(changed) = write(self, &run)? {
                return Ok(Reply::Run { run: Some(changed) });
            }
        }
        refuse(
            ErrorCode::Conflict,
            format!("The run {run_id} keeps changing under this command. Try again."),
        )
    }

    /// Tells the executor that holds a run to stop. The lease has lost its power by a write before.
    pub(super) fn abort(&mut self, run_id: &RunId, reason: AbortReason) {
        let Some((executor_id, _)) = self.state.holder(run_id) else {
            return;
        };
        let executor_id = executor_id.clone();
        let Some(slot) = self.state.slot_mut(&executor_id, run_id) else {
            return;
        };
        slot.aborting = true;
        slot.running.clear();
        let message = EngineMessage::Abort {
            run_id: run_id.clone(),
            generation: slot.generation,
            reason,
        };
        self.send(&executor_id, message);
    }
}

pub(super) fn check_limit(limit: u32, limit_max: u32) -> Result<(), Refused> {
    if (1..=limit_max).contains(&limit) {
        return Ok(());
    }
    refuse(
        ErrorCode::InvalidInput,
        format!("limit must be from 1 to {limit_max}; it is {limit}."),
    )
}

/// What a failed store call inside a command means for the batch: carry on with a reply of its own, or fail it all.
pub(super) fn reply_for(refused: Refused) -> StoreResult<Reply> {
    match refused {
        Refused::Command(error) => Ok(Reply::Error { error }),
        Refused::Store(error) if error.fails_batch() => Err(error),
        Refused::Store(error) => Ok(Reply::Error {
            error: error.info(),
        }),
    }
}
