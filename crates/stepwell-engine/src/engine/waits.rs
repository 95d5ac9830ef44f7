//! Waits of steps: opened by what executors say, ended by time, the network, signals and children.
//!
//! | a wait for …        | ends by …                              | its step becomes …                         |
//! |---------------------|----------------------------------------|--------------------------------------------|
//! | the next attempt    | its time                               | pending: it has to run again               |
//! | the network         | the browser's being online             | pending: it has to run                     |
//! | a time              | that time                              | completed                                  |
//! | a signal            | the signal, or its time                | completed or failed; completed without one |
//! | children            | the last one, or the first failure     | completed, or failed                       |
//! | any of these        | its run's end, or its next attempt     | pending, told to nobody                    |
//!
//! A run that is at work is told; a waiting one becomes claimable.

use stepwell_protocol::{
    EngineMessage, EventBody, ExecutorId, FailureCode, NewWait, Report, RunFailure, RunId, Step,
    StepKind, StepRetry, StepStatus, TimestampMs, WaitingFor,
};

use super::client::Refused;
use super::turn::Turn;
use super::{policy, signals};
use crate::store::{
    Fence, OpenWait, StepOutcome, StepWait, Store, StoreResult, Wait, WaitEnd, WaitOpened,
};

/// How many waits one batch ends at most, so that it stays short; the rest follow at once.
const ENDED_PER_BATCH_MAX: u32 = 200;

impl<S: Store> Turn<'_, S> {
    /// `step.sleep`, `step.waitForSignal`, or a step that needs the network.
    pub(super) fn step_wait(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        name: &str,
        wait: &NewWait,
        report: &Report,
    ) -> StoreResult<()> {
        let (kind, wait) = self.as_stored(wait);
        let mut opening = StepWait {
            name: name.to_owned(),
            kind,
            attempt: 1,
            started_at: self.now,
            wait,
        };
        if let Wait::Signal { key, .. } = &opening.wait
            && let Err(Refused::Command(error)) = signals::check_key(key)
        {
            let failure = call_failure(&opening, FailureCode::InvalidInput, error.message);
            return self.fail_call(id, seq, fence, &opening, failure, report);
        }
        if opening.wait == Wait::Network {
            // It has not been started: its attempts are those that failed before.
            let before = self.store.step(&fence.run_id, name)?;
            opening.attempt = before.map_or(0, |step| step.attempt);
        }
        if !self.open_wait(id, seq, fence, &opening, report)? {
            return Ok(());
        }
        match &opening.wait {
            Wait::Network if self.state.is_online => self.end_wait(
                &OpenWait {
                    run_id: fence.run_id.clone(),
                    step_name: opening.name,
                    kind,
                },
                &WaitEnd::Again,
            ),
            #[cfg(feature = "planted")]
            Wait::Signal { .. } if crate::planted::has(crate::planted::Bug::EarlySignalLost) => {
                Ok(())
            }
            Wait::Signal { key, .. } => self.deliver_kept_signal(key, &fence.run_id, &opening.name),
            _ => Ok(()),
        }
    }

    /// A step's failure that is not final.
    pub(super) fn step_retry(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        failed: StepOutcome,
        retry: &StepRetry,
        report: &Report,
    ) -> StoreResult<()> {
        let delay_ms = policy::step_delay_ms(retry, self.random.next_u64());
        let StepOutcome {
            name,
            kind,
            attempt,
            result,
            started_at,
            ..
        } = failed;
        let Err(error) = result else {
            return Ok(());
        };
        let wait = Wait::Retry {
            wake_at: self.now.plus(delay_ms),
            error,
        };
        let opening = StepWait {
            name,
            kind,
            attempt,
            started_at,
            wait,
        };
        self.open_wait(id, seq, fence, &opening, report)?;
        Ok(())
    }

    fn as_stored(&self, wait: &NewWait) -> (StepKind, Wait) {
        let after = |ms: u64| self.now.plus(policy::after_ms(Some(ms)).unwrap_or(0));
        match wait {
            NewWait::Sleep { duration_ms } => (
                StepKind::Sleep,
                Wait::Sleep {
                    wake_at: after(*duration_ms),
                },
            ),
            NewWait::SleepUntil { until } => (StepKind::Sleep, Wait::Sleep { wake_at: *until }),
            NewWait::Signal { key, timeout_ms } => (
                StepKind::Signal,
                Wait::Signal {
                    key: key.clone(),
                    wake_at: timeout_ms.map(after),
                },
            ),
            NewWait::Network => (StepKind::Run, Wait::Network),
        }
    }

    /// Stores a wait and answers for it. Whether it is open now and was not before.
    pub(super) fn open_wait(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        wait: &StepWait,
        report: &Report,
    ) -> StoreResult<bool> {
        match self.store.open_wait(fence, wait, report, self.now)? {
            None => self.refuse(id, seq, fence).map(|()| false),
            Some(WaitOpened::KeyTaken) => {
                let failure = key_taken(wait);
                self.fail_call(id, seq, fence, wait, failure, report)?;
                Ok(false)
            }
            Some(WaitOpened::Repeated { head, logs }) => {
                self.emit_report(&head, report, logs);
                self.ack(id, seq);
                self.tell_ended(id, fence, std::slice::from_ref(&wait.name))?;
                Ok(false)
            }
            Some(WaitOpened::Opened { head, step, logs }) => {
                self.ack(id, seq);
                if let Some(slot) = self.state.slot_mut(id, &fence.run_id) {
                    slot.head.version = head.version;
                    slot.running.retain(|running| running.name != wait.name);
                }
                self.emit_report(&head, report, logs);
                self.emit_waiting(&head, *step);
                Ok(true)
            }
        }
    }

    fn emit_waiting(&mut self, head: &crate::store::RunHead, step: Step) {
        let Some(waiting_for) = step.waiting_for else {
            return;
        };
        if let Some(until) = until_of(&waiting_for) {
            self.state.wait_ends_at(until);
        }
        if let WaitingFor::Retry { until, error, .. } = &waiting_for {
            let body = EventBody::StepRetry {
                step_name: step.name.clone(),
                attempt: step.attempt,
                error_code: error.code,
                until: *until,
            };
            self.emit(head, body);
        }
        let body = EventBody::StepWait {
            step_name: step.name,
            step_kind: step.kind,
            attempt: step.attempt,
            waiting_for,
            started_at: step.started_at,
        };
        self.emit(head, body);
    }

    /// A call that cannot be carried out: its step fails, finally, and the executor is told as of a wait's end.
    pub(super) fn fail_call(
        &mut self,
        id: &ExecutorId,
        seq: u64,
        fence: &Fence,
        call: &StepWait,
        failure: RunFailure,
        report: &Report,
    ) -> StoreResult<()> {
        let outcome = StepOutcome {
            name: call.name.clone(),
            kind: call.kind,
            attempt: call.attempt,
            result: Err(failure),
            blobs: Vec::new(),
            started_at: call.started_at,
        };
        self.step_outcome(id, seq, fence, &outcome, report)?;
        self.tell_ended(id, fence, std::slice::from_ref(&call.name))
    }

    /// Ends a wait, if it is open still.
    pub(super) fn end_wait(&mut self, wait: &OpenWait, end: &WaitEnd) -> StoreResult<()> {
        let (run_id, step_name) = (&wait.run_id, &wait.step_name);
        let Some(ended) = self.store.end_wait(run_id, step_name, end, self.now)? else {
            return Ok(());
        };
        let (step_name, step_kind) = (step_name.clone(), ended.kind);
        let (attempt, started_at) = (ended.attempt, ended.started_at);
        let body = match (ended.completed_index, end) {
            (
                Some(completed_index),
                WaitEnd::Outcome {
                    result: Err(error), ..
                },
            ) => EventBody::StepFail {
                step_name,
                step_kind,
                attempt,
                completed_index,
                started_at,
                error_code: error.code,
            },
            (Some(completed_index), _) => EventBody::StepComplete {
                step_name,
                step_kind,
                attempt,
                completed_index,
                started_at,
            },
            (None, _) => EventBody::StepWake { step_name, attempt },
        };
        self.state.counters.steps += u64::from(ended.completed_index.is_some());
        self.emit(&ended.head, body);
        let Some((executor_id, _)) = self.state.holder(run_id) else {
            #[cfg(feature = "planted")]
            if crate::planted::has(crate::planted::Bug::WokenRunForgotten) {
                return Ok(());
            }
            self.run_became_claimable(&ended.head.job_name);
            return Ok(());
        };
        let executor_id = executor_id.clone();
        if let Some(slot) = self.state.slot_mut(&executor_id, run_id) {
            slot.head.version = ended.head.version;
        }
        self.tell_step(&executor_id, run_id, &wait.step_name)
    }

    /// Tells the executor that works on a run of those of its steps that do not wait any more, in the order of their ends.
    pub(super) fn tell_ended(
        &mut self,
        id: &ExecutorId,
        fence: &Fence,
        names: &[String],
    ) -> StoreResult<()> {
        let mut ended = Vec::with_capacity(names.len());
        for name in names {
            ended.extend(self.store.step(&fence.run_id, name)?);
        }
        ended.sort_by_key(|step| step.completed_index.unwrap_or(u32::MAX));
        for step in ended {
            self.send_ended(id, &fence.run_id, step);
        }
        Ok(())
    }

    /// Tells the executor that has adopted a run of its waits that ended while the engine could not say so. What it knows
    /// it ignores.
    pub(super) fn tell_missed(&mut self, id: &ExecutorId, run_id: &RunId) -> StoreResult<()> {
        for step in self.store.steps(run_id, false)? {
            let may_be_news = match step.kind {
                // A body's outcome was its executor's own word.
                StepKind::Run => step.status == StepStatus::Pending,
                StepKind::Sleep | StepKind::Signal | StepKind::Invoke => true,
            };
            if may_be_news {
                self.tell_step(id, run_id, &step.name)?;
            }
        }
        Ok(())
    }

    fn tell_step(&mut self, id: &ExecutorId, run_id: &RunId, name: &str) -> StoreResult<()> {
        if let Some(step) = self.store.step(run_id, name)? {
            self.send_ended(id, run_id, step);
        }
        Ok(())
    }

    fn send_ended(&mut self, id: &ExecutorId, run_id: &RunId, step: Step) {
        let Some(generation) = self.state.slot_mut(id, run_id).map(|slot| slot.generation) else {
            return;
        };
        if step.status == StepStatus::Waiting {
            return;
        }
        // What was committed before it was said before it, so that live code sees the order that a replay will show.
        self.send_acks_of(id);
        let run_id = run_id.clone();
        self.send(
            id,
            EngineMessage::Resolved {
                run_id,
                generation,
                step: Box::new(step),
            },
        );
    }

    /// Waits whose time has come.
    pub(super) fn end_due_waits(&mut self) -> StoreResult<()> {
        if self.state.next_wait.is_none_or(|at| at > self.now) {
            return Ok(());
        }
        let due = self.store.due_waits(self.now, ENDED_PER_BATCH_MAX)?;
        for wait in &due {
            let end = match wait.kind {
                StepKind::Run => WaitEnd::Again,
                StepKind::Sleep | StepKind::Signal | StepKind::Invoke => WaitEnd::Outcome {
                    result: Ok(None),
                    blobs: Vec::new(),
                },
            };
            self.end_wait(wait, &end)?;
        }
        self.state.next_wait = self.store.next_wait()?;
        Ok(())
    }

    /// The browser went online or offline.
    pub(super) fn network(&mut self, is_online: bool) {
        if self.state.is_online != is_online {
            let ids: Vec<ExecutorId> = self.state.executors.keys().cloned().collect();
            for id in ids {
                self.send(&id, EngineMessage::Network { is_online });
            }
        }
        self.state.is_online = is_online;
        self.state.network_came_back = is_online;
    }

    /// What waits for the network, once it is there.
    pub(super) fn end_network_waits(&mut self) -> StoreResult<()> {
        if !self.state.network_came_back {
            return Ok(());
        }
        let waits = self.store.network_waits(ENDED_PER_BATCH_MAX)?;
        for wait in &waits {
            self.end_wait(wait, &WaitEnd::Again)?;
        }
        self.state.network_came_back = waits.len() == ENDED_PER_BATCH_MAX as usize;
        if !self.state.network_came_back && self.store.wake_network_runs()? > 0 {
            self.state.work_appeared();
            self.check_unserved = true;
        }
        Ok(())
    }
}

fn until_of(waiting_for: &WaitingFor) -> Option<TimestampMs> {
    match waiting_for {
        WaitingFor::Retry { until, .. } | WaitingFor::Sleep { until, .. } => Some(*until),
        WaitingFor::Signal { until, .. } => *until,
        WaitingFor::Children { .. } | WaitingFor::Network { .. } => None,
    }
}

fn key_taken(call: &StepWait) -> RunFailure {
    let key = match &call.wait {
        Wait::Signal { key, .. } => key.as_str(),
        _ => "",
    };
    call_failure(
        call,
        FailureCode::Conflict,
        format!(
            "step.waitForSignal(\"{}\"): another wait is open for the signal key \"{key}\", and a signal has one receiver. \
             Give each wait a key of its own, or leave the key out.",
            call.name
        ),
    )
}

/// The failure of a call that was wrong.
pub(super) fn call_failure(call: &StepWait, code: FailureCode, message: String) -> RunFailure {
    RunFailure {
        name: "StepwellError".to_owned(),
        message,
        stack: None,
        causes: Vec::new(),
        code,
        attempt: call.attempt,
        step_name: Some(call.name.clone()),
    }
}
