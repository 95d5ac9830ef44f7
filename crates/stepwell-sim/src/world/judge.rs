//! What leaves the engine, judged against what has been committed by then.

use stepwell_engine::Store;
use stepwell_protocol::{
    Command, Disposition, Effect, EngineMessage, ErrorCode, EventBody, ExecutorId, FailureCode,
    Holding, Output, Reply, Run, RunId, RunStatus, SignalDisposition,
};

use super::World;
use super::executor::Executor;
use super::host::GATE_MS;
use super::messages::run_of;
use crate::counts::{Counts, State};
use crate::properties::dispositions::{self, Answer};
use crate::properties::epochs::{self, Epochs};
use crate::properties::{events, forgetting, leases, liveness, promises, signals, times};

impl World {
    pub(super) fn judge_output(&mut self, output: &Output) {
        let Some(host) = self.host.as_mut() else {
            return;
        };
        let epoch = host.engine.epoch();
        let is_drained = host.audience.is_drained;
        let deleted = self.watch.borrow_mut().take_deleted();
        let is_deleted = |run_id: &RunId| deleted.iter().any(|run| run.id == *run_id);
        let mut verdicts = Vec::new();
        if is_drained {
            verdicts.push((epochs::NAME, Epochs::drained(output)));
        }
        {
            let history = &self.watch.borrow().history;
            let verdict = forgetting::judge(output, &deleted, &self.permitted, host.now, history);
            verdicts.push((forgetting::NAME, verdict));
        }
        for run in &deleted {
            if !self.permitted.names(&run.id) {
                self.watch.borrow_mut().counts.saw(State::Purged);
            }
        }
        for event in &output.events {
            if let EventBody::RunFail {
                error_code: FailureCode::LimitExceeded,
            } = event.body
            {
                self.watch.borrow_mut().counts.saw(State::RecoveryCap);
            }
            let stored = (!is_deleted(&event.head.run_id)).then(|| host.engine.store_mut());
            let verdict = self.events.see(epoch, event, stored);
            verdicts.push((events::NAME, verdict));
        }
        for addressed in &output.replies {
            let (request_id, reply) = (&addressed.reply.request_id, &addressed.reply.reply);
            let client = self
                .clients
                .iter()
                .find(|client| client.id == addressed.client_id);
            let answer = Answer {
                request_id,
                command: client.and_then(|client| client.outstanding.get(request_id)),
                reply,
                deleted: &deleted,
            };
            let watch = &mut *self.watch.borrow_mut();
            note_answer(&answer, &mut watch.counts);
            verdicts.push((dispositions::NAME, dispositions::judge(&answer, watch)));
            verdicts.push((promises::NAME, self.promises.replied(&answer, watch)));
            let may_forget = self.workload.retention_ms.is_some() || watch.history.has_forgotten();
            let verdict = watch
                .signals
                .replied(request_id, answer.command, reply, may_forget);
            verdicts.push((signals::NAME, verdict));
        }
        {
            let watch = &*self.watch.borrow();
            if self.workload.signals > 0 && self.workload.retention_ms.is_none() {
                verdicts.push((signals::NAME, watch.signals.whole(&watch.history)));
            }
        }
        for (property, verdict) in verdicts {
            self.judge(property, verdict);
        }
        for effect in &output.effects {
            let Effect::Send {
                executor_id,
                message,
            } = effect
            else {
                continue;
            };
            match message {
                EngineMessage::Assign { assignment } => {
                    let (run_id, generation) = (assignment.run_id.clone(), assignment.generation);
                    self.judge_lease(executor_id, &Holding { run_id, generation }, true);
                }
                EngineMessage::Resume {
                    run_id, generation, ..
                } => {
                    let (run_id, generation) = (run_id.clone(), *generation);
                    self.judge_lease(executor_id, &Holding { run_id, generation }, false);
                }
                EngineMessage::Resolved { .. } | EngineMessage::Network { .. } => {}
                EngineMessage::Welcome { adopted, .. } => {
                    // What it holds and is not told here has lost its lease, before it hears of it.
                    let welcomed = self.executors.iter().find(|state| state.id == *executor_id);
                    for run_id in welcomed.into_iter().flat_map(Executor::run_ids) {
                        if adopted.iter().all(|held| held.run_id != *run_id) {
                            self.bodies.lost_lease(run_id);
                        }
                    }
                    for held in adopted {
                        let verdict = self.leases.give(held, epoch, executor_id);
                        self.judge(leases::NAME, verdict);
                    }
                }
                EngineMessage::Ack { seqs } => self.judge_acks(executor_id, seqs),
                EngineMessage::Refused { run_id, .. } | EngineMessage::Abort { run_id, .. } => {
                    self.bodies.lost_lease(run_id);
                }
            }
        }
        if self.watch.borrow().given_up.is_empty() {
            return;
        }
        let given_up = std::mem::take(&mut self.watch.borrow_mut().given_up);
        for run_id in &given_up {
            self.bodies.lost_lease(run_id);
        }
    }

    fn judge_lease(&mut self, to: &ExecutorId, held: &Holding, is_replay: bool) {
        let Some(host) = self.host.as_mut() else {
            return;
        };
        let epoch = host.engine.epoch();
        // The gate does not wait for ever: who comes later has lost what it holds.
        let gate_passed = self.now - host.opened_at >= GATE_MS || self.jumped_at >= host.opened_at;
        let elsewhere = self.executors.iter().any(|executor| {
            executor.alive && executor.id != *to && executor.run_ids().any(|id| *id == held.run_id)
        });
        if gate_passed && elsewhere {
            self.bodies.lost_lease(&held.run_id);
        }
        let verdict = self.leases.give(held, epoch, to);
        let run = host.engine.store_mut().run(&held.run_id);
        self.judge(leases::NAME, verdict);
        if let Ok(Some(run)) = run
            && is_replay
        {
            let resumed = self.watch.borrow().resumed.get(&run.id).copied();
            let uncounted = self.releases + self.terminations + resumed.unwrap_or(0);
            let verdict = self.recoveries.assigned(&run, uncounted);
            self.judge(liveness::NAME, verdict);
            let verdict = self.epochs.claimed(&run);
            self.judge(epochs::NAME, verdict);
        }
    }

    /// Nothing is overdue after a batch, and the engine asks to be called when something will be.
    pub(super) fn judge_times(&self) {
        let Some(host) = self.host.as_ref().filter(|host| !host.was_paused) else {
            return;
        };
        // What another engine opened, an engine learns with its next heartbeat.
        if self.workload.engines > 1 {
            return;
        }
        let watch = self.watch.borrow();
        let is_quiet = |run: &Run| match run.status {
            RunStatus::Running => false,
            RunStatus::Pending => run.start_at > host.now,
            _ => true,
        };
        let is_idle = self.workload.is_exact
            && self.now > host.opened_at + GATE_MS
            && watch.woken.is_empty()
            && watch.history.all().all(|(run, _)| is_quiet(run));
        let left = times::Left {
            now: host.now,
            latest: watch.latest,
            wake_at: host.wake_at,
            is_idle,
        };
        let verdict = times::kept(&watch.history, left);
        drop(watch);
        self.judge(times::NAME, verdict);
    }

    pub(super) fn judge_acks(&mut self, executor_id: &ExecutorId, seqs: &[u64]) {
        let (Some(host), Some(executor)) = (
            self.host.as_mut(),
            self.executors
                .iter()
                .find(|executor| executor.id == *executor_id),
        ) else {
            return;
        };
        let mut verdicts = Vec::new();
        for seq in seqs {
            let Some(message) = executor
                .unanswered(*seq)
                .map(|unanswered| &unanswered.message)
            else {
                continue;
            };
            let Some(run_id) = run_of(message) else {
                continue;
            };
            let store = host.engine.store_mut();
            let Ok(Some(run)) = store.run(run_id) else {
                if self.watch.borrow().history.is_gone(run_id) {
                    continue;
                }
                verdicts.push((
                    promises::NAME,
                    Err(format!("acknowledged without a run: {message:?}")),
                ));
                continue;
            };
            verdicts.push((promises::NAME, promises::acknowledged(message, &run, store)));
            let watch = self.watch.borrow();
            verdicts.push((leases::NAME, leases::acknowledged(message, &run, &watch)));
        }
        for (property, verdict) in verdicts {
            self.judge(property, verdict);
        }
    }
}

fn note_answer(answer: &Answer<'_>, counts: &mut Counts) {
    match (answer.command, answer.reply) {
        (Some(Command::BatchTrigger { .. }), Reply::BatchTriggered { .. }) => {
            counts.saw(State::BatchMade);
        }
        (Some(Command::BatchTrigger { .. }), Reply::Error { error })
            if error.code == ErrorCode::Conflict =>
        {
            counts.saw(State::BatchRefused);
        }
        (Some(Command::Retrigger { .. }), Reply::Triggered { .. }) => {
            counts.saw(State::Retriggered);
        }
        (_, Reply::Triggered { result }) if result.disposition == Disposition::Coalesced => {
            counts.saw(State::Coalesced);
        }
        (Some(Command::DeleteRun { .. }), Reply::Deleted { .. }) => counts.saw(State::Deleted),
        (_, Reply::Signalled { disposition }) => match disposition {
            SignalDisposition::Kept => counts.saw(State::SignalKept),
            SignalDisposition::Ignored => counts.saw(State::SignalIgnored),
            SignalDisposition::Delivered => {}
        },
        _ => {}
    }
}
