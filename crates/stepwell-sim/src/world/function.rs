//! A run's function: it makes its calls, is told their outcomes one by one, and ends.

use stepwell_protocol::{
    BlobId, ExecutorMessage, FailureCode, NewWait, Payload, RunFailure, RunId, StepKind,
    TimestampMs,
};

use super::Scene;
use super::active::Active;
use super::executor::{Act, Alarm, Executor};
use super::messages::{failure, output_of_run, settled};
use crate::counts::State;
use crate::payloads::with_blobs;
use crate::properties::replay;
use crate::workloads::plan::{Call, StepPlan, step_of};

/// A job's function that is told of its timeout has so long.
pub(super) const GRACE_MS: i64 = 1_000;

impl Executor {
    /// Lets a function run until it waits or ends.
    pub(super) fn advance(&mut self, run_id: &RunId, scene: &mut Scene<'_>) {
        while !self.is_blocked && self.goes_on(run_id, scene) {}
        self.suspend_idle(run_id, scene);
    }

    /// One turn of a function: its calls, then one outcome. Whether there may be another turn.
    fn goes_on(&mut self, run_id: &RunId, scene: &mut Scene<'_>) -> bool {
        let is_going = |run: &&mut Active| !run.ended && run.suspending.is_none();
        let Some(run) = self.runs.get_mut(run_id).filter(is_going) else {
            return false;
        };
        if run.is_late {
            let error = failure(None, run.assignment.attempt, FailureCode::Timeout);
            self.end(run_id, Some(error), scene);
            return false;
        }
        let Some(wave) = run.plan.get(run.wave).cloned() else {
            self.end(run_id, None, scene);
            return false;
        };
        let timer = wave.timer.as_ref();
        if let Some((ms, _)) = timer
            && !run.timers.contains_key(&run.wave)
        {
            run.timers.insert(run.wave, false);
            let alarm = Alarm::OwnTimer {
                run_id: run_id.clone(),
                execution: run.execution,
                wave: run.wave,
            };
            scene.acts.push(Act::After(*ms, alarm));
        }
        let has_fired = run.timers.get(&run.wave) == Some(&true);
        let late_call = timer.filter(|_| has_fired).map(|(_, step)| step);
        let mut calls: Vec<StepPlan> = Vec::new();
        for step in wave.steps.iter().chain(late_call) {
            if run.asked.insert(step.name.clone()) && !run.waits.contains_key(&step.name) {
                calls.push(step.clone());
            }
        }
        for name in std::mem::take(&mut run.again) {
            calls.extend(step_of(&run.plan, &name).cloned());
        }
        for step in &calls {
            self.call(run_id, step, scene);
            if self.is_blocked {
                return false;
            }
        }
        self.tell(run_id, scene)
    }

    /// Tells the function the next outcome that it has asked for.
    fn tell(&mut self, run_id: &RunId, scene: &mut Scene<'_>) -> bool {
        let Some(run) = self.runs.get_mut(run_id) else {
            return false;
        };
        let next = run
            .arrived
            .iter()
            .position(|(name, _)| run.asked.contains(name));
        let told = next.and_then(|next| run.arrived.remove(next));
        let has_told = told.is_some();
        if let Some((name, outcome)) = told {
            let place = run.seen.len() as u64;
            if run.is_deterministic {
                let told = format!("{name}: {outcome:?}");
                let mut watch = scene.watch.borrow_mut();
                let verdict = watch
                    .replays
                    .tell(run_id, run.assignment.attempt, place, told);
                watch.verdicts.judge(replay::NAME, verdict);
            }
            run.seen.insert(name, (place, outcome));
        }
        let wave = run.plan.get(run.wave);
        let ending = wave.and_then(|wave| settled(wave, &run.seen));
        match ending {
            None => has_told,
            Some(Ok(_)) => {
                run.wave += 1;
                true
            }
            Some(Err(error)) => {
                self.end(run_id, Some(error), scene);
                false
            }
        }
    }

    fn call(&mut self, run_id: &RunId, step: &StepPlan, scene: &mut Scene<'_>) {
        let is_online = self.is_online;
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        if run.knows(&step.name) {
            return;
        }
        let wait = match &step.call {
            Call::Run(body) => {
                // What waited for the network has it, whatever happened since.
                let has_waited = run.offline.remove(&step.name);
                if !body.needs_network || is_online || has_waited {
                    self.start_body(run_id, &step.name, body, scene);
                    return;
                }
                scene.saw(State::NetworkWaited);
                run.offline.insert(step.name.clone());
                NewWait::Network
            }
            Call::Sleep { ms } => NewWait::Sleep { duration_ms: *ms },
            Call::SleepUntil { until } => NewWait::SleepUntil {
                until: TimestampMs(*until),
            },
            Call::Signal { key, timeout_ms } => NewWait::Signal {
                key: key
                    .clone()
                    .unwrap_or_else(|| format!("{run_id}:{}", step.name)),
                timeout_ms: *timeout_ms,
            },
            Call::Invoke { mode, children } => {
                run.waits.insert(step.name.clone(), StepKind::Invoke);
                let mut watch = scene.watch.borrow_mut();
                watch.children.called(run_id, &step.name, *mode, children);
                drop(watch);
                let generation = run.generation;
                let (report, lines) = run.take_report();
                let message = ExecutorMessage::StepInvoke {
                    run_id: run_id.clone(),
                    generation,
                    step_name: step.name.clone(),
                    mode: *mode,
                    children: children.clone(),
                    report,
                };
                self.post(message, lines, scene);
                return;
            }
        };
        let kind = match wait {
            NewWait::Network => StepKind::Run,
            NewWait::Signal { .. } => StepKind::Signal,
            _ => StepKind::Sleep,
        };
        run.waits.insert(step.name.clone(), kind);
        let generation = run.generation;
        let (report, lines) = run.take_report();
        let message = ExecutorMessage::StepWait {
            run_id: run_id.clone(),
            generation,
            step_name: step.name.clone(),
            wait,
            report,
        };
        self.post(message, lines, scene);
    }

    pub(super) fn end(&mut self, run_id: &RunId, error: Option<RunFailure>, scene: &mut Scene<'_>) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        run.ended = true;
        if !run.in_flight.is_empty() {
            // Another attempt may run them again.
            scene.bodies.lost_lease(run_id);
        }
        let (run_id, generation) = (run_id.clone(), run.generation);
        let (report, lines) = run.take_report();
        let message = match error {
            Some(error) => {
                if error.code == FailureCode::Timeout && error.step_name.is_none() {
                    scene.saw(State::RunTimedOut);
                }
                ExecutorMessage::RunFail {
                    is_retryable: error.name != "NonRetryableError",
                    retry_after_ms: None,
                    run_id,
                    generation,
                    error,
                    report,
                }
            }
            None => {
                let mut blobs = Vec::new();
                if run.ends_with_blob {
                    blobs.push(BlobId(format!("end{}", run.number)));
                }
                let output = output_of_run(&run.plan, &run.seen);
                ExecutorMessage::RunComplete {
                    run_id,
                    generation,
                    output: with_blobs(&output, &blobs),
                    blobs,
                    report,
                }
            }
        };
        self.post(message, lines, scene);
    }

    /// A function's own timer fires. Where it is suspended, what it wants has to wait.
    pub(super) fn own_timer(
        &mut self,
        run_id: &RunId,
        execution: usize,
        wave: usize,
        scene: &mut Scene<'_>,
    ) {
        let is_it = |run: &&mut Active| run.execution == execution;
        if let Some(run) = self.parked.get_mut(run_id).filter(is_it) {
            run.timers.insert(wave, true);
            self.say_wake(run_id, scene);
        } else if let Some(run) = self.runs.get_mut(run_id).filter(is_it) {
            run.timers.insert(wave, true);
            self.advance(run_id, scene);
        }
    }

    pub(super) fn outcome(
        &mut self,
        run_id: &RunId,
        step: &str,
        outcome: Result<Payload, RunFailure>,
        scene: &mut Scene<'_>,
    ) {
        if let Some(run) = self.runs.get_mut(run_id) {
            run.arrives(
                step,
                outcome.map(|output| crate::payloads::value_of(&output)),
            );
            self.advance(run_id, scene);
        }
    }
}
