//! Bodies of steps: started, timed, ended; and what an executor that does not yield does to all of them.

use stepwell_protocol::{
    BlobId, ExecutorEnvelope, ExecutorMessage, FailureCode, RunId, StepKind, StepRetry,
};

use super::Scene;
use super::active::{Active, Flight};
use super::executor::{Act, Alarm, Executor};
use super::function::GRACE_MS;
use super::messages::failure;
use crate::counts::{Fault, State};
use crate::payloads::with_blobs;
use crate::properties::bodies::{self, Body, output_of};
use crate::workloads::plan::{BodyPlan, Call, step_of};

/// A body that hangs ends long after everything.
pub(super) const HUNG_MS: i64 = 1_000_000_000_000;
/// A body that obeys its signal ends so long after it.
const OBEYS_MS: i64 = 10;

impl Executor {
    /// Calls a step's function.
    pub(super) fn start_body(
        &mut self,
        run_id: &RunId,
        name: &str,
        plan: &BodyPlan,
        scene: &mut Scene<'_>,
    ) {
        let is_open = self.open;
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        let attempt = run.failed_attempts(name).0 + 1;
        let is_first = scene.bodies.executions(run_id, name) == 0 && !scene.is_calm;
        let body = Body {
            run_id: run_id.clone(),
            step: name.to_owned(),
            attempt,
            generation: run.generation,
            lines: None,
        };
        let (body, verdict) = {
            let watch = scene.watch.borrow();
            scene.bodies.start(body, scene.leases, &watch)
        };
        scene
            .watch
            .borrow_mut()
            .verdicts
            .judge(bodies::NAME, verdict);
        if plan.kills {
            scene.struck(Fault::PoisonedBody);
            self.is_blocked = true;
            scene.acts.push(Act::Die);
            return;
        }
        let mut ms = plan.ms;
        if plan.hangs && is_first {
            scene.struck(Fault::HungBody);
            ms = HUNG_MS;
        }
        if plan.is_slow {
            scene.struck(Fault::SlowBody);
        }
        for _ in 0..plan.lines {
            run.log(name, attempt, scene);
        }
        let flight = Flight {
            body,
            until: scene.now + ms,
            attempt,
            is_late: false,
        };
        run.in_flight.insert(name.to_owned(), flight);
        if is_open {
            let message = run.step_start(run_id, name, plan);
            scene
                .acts
                .push(Act::Say(ExecutorEnvelope { seq: 0, message }));
        }
        if plan.blocks && is_first && is_open {
            scene.struck(Fault::BlockedBody);
            self.is_blocked = true;
            return;
        }
        let alarm = |ms: i64, what: Moment| {
            let (run_id, step) = (run_id.clone(), name.to_owned());
            Act::After(
                ms,
                Alarm::Body {
                    run_id,
                    step,
                    body,
                    what,
                },
            )
        };
        scene.acts.push(alarm(ms, Moment::Done));
        if let Some(timeout_ms) = plan.timeout_ms {
            scene
                .acts
                .push(alarm(timeout_ms.cast_signed(), Moment::TimedOut));
        }
    }

    /// Something happens to a body, if it runs still.
    pub(super) fn body_alarm(
        &mut self,
        run_id: &RunId,
        step: &str,
        body: usize,
        what: Moment,
        scene: &mut Scene<'_>,
    ) {
        let Some(run) = self.runs.get_mut(run_id).filter(|run| !run.ended) else {
            return;
        };
        let Some(flight) = run
            .in_flight
            .get_mut(step)
            .filter(|flight| flight.body == body)
        else {
            return;
        };
        let Some(plan) = body_of(&run.plan, step) else {
            return;
        };
        let (attempt, is_late) = (flight.attempt, flight.is_late);
        match what {
            Moment::TimedOut => {
                flight.is_late = true;
                let ms = match plan.obeys {
                    true => OBEYS_MS,
                    false => GRACE_MS,
                };
                let (run_id, step) = (run_id.clone(), step.to_owned());
                let what = Moment::GivenUp;
                let alarm = Alarm::Body {
                    run_id,
                    step,
                    body,
                    what,
                };
                scene.acts.push(Act::After(ms, alarm));
            }
            Moment::Done if attempt > plan.fails_until => {
                self.commit_step(run_id, step, body, attempt, scene);
            }
            Moment::Done => {
                let code = match is_late {
                    true => FailureCode::Timeout,
                    false => FailureCode::Error,
                };
                self.fail_step(run_id, step, attempt, code, scene);
            }
            Moment::GivenUp => {
                self.fail_step(run_id, step, attempt, FailureCode::Timeout, scene);
            }
        }
    }

    fn commit_step(
        &mut self,
        run_id: &RunId,
        step: &str,
        body: usize,
        attempt: u32,
        scene: &mut Scene<'_>,
    ) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        run.in_flight.remove(step);
        let (report, lines) = run.take_report();
        if let Some(body) = scene.bodies.get_mut(body) {
            body.lines = lines;
        }
        let blobs = match body_of(&run.plan, step).is_some_and(|plan| plan.has_blob) {
            true => vec![BlobId(format!("body{body}"))],
            false => Vec::new(),
        };
        let message = ExecutorMessage::StepCommit {
            run_id: run_id.clone(),
            generation: run.generation,
            step_name: step.to_owned(),
            attempt,
            output: with_blobs(&output_of(body), &blobs),
            blobs,
            duration_ms: 1,
            report,
        };
        self.post(message, lines, scene);
    }

    fn fail_step(
        &mut self,
        run_id: &RunId,
        step: &str,
        attempt: u32,
        code: FailureCode,
        scene: &mut Scene<'_>,
    ) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        run.in_flight.remove(step);
        let (_, first) = run.failed_attempts(step);
        run.tried.insert(step.to_owned(), (attempt, first));
        let plan = body_of(&run.plan, step);
        let retry = plan.and_then(|plan| retry_after(plan, attempt, first, code));
        if let Some(retry) = retry {
            run.waits.insert(step.to_owned(), StepKind::Run);
            run.failed.insert(step.to_owned(), attempt);
            let mut watch = scene.watch.borrow_mut();
            watch.retries.asked(run_id, step, attempt, retry);
            watch.counts.saw(State::StepRetried);
        }
        if code == FailureCode::Timeout {
            scene.saw(State::StepTimedOut);
        }
        let (report, lines) = run.take_report();
        let mut error = failure(Some(step), attempt, code);
        if plan_is_final(&run.plan, step, code) {
            error.name = "NonRetryableError".to_owned();
        }
        let message = ExecutorMessage::StepFail {
            run_id: run_id.clone(),
            generation: run.generation,
            step_name: step.to_owned(),
            kind: StepKind::Run,
            attempt,
            error,
            retry,
            duration_ms: 1,
            report,
        };
        self.post(message, lines, scene);
    }
}

/// What happens to a body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Done,
    TimedOut,
    GivenUp,
}

impl Active {
    /// That a body starts, and what follows if nothing is heard of it any more.
    pub(super) fn step_start(
        &self,
        run_id: &RunId,
        name: &str,
        plan: &BodyPlan,
    ) -> ExecutorMessage {
        let (failed, first) = self.failed_attempts(name);
        ExecutorMessage::StepStart {
            run_id: run_id.clone(),
            generation: self.generation,
            step_name: name.to_owned(),
            attempt: failed + 1,
            timeout_ms: plan.timeout_ms,
            retry: retry_after(plan, failed + 1, first, FailureCode::Timeout),
        }
    }

    pub(super) fn body_plan(&self, step: &str) -> Option<&BodyPlan> {
        body_of(&self.plan, step)
    }
}

fn body_of<'a>(plan: &'a crate::workloads::plan::Plan, step: &str) -> Option<&'a BodyPlan> {
    match &step_of(plan, step)?.call {
        Call::Run(body) => Some(body),
        _ => None,
    }
}

fn plan_is_final(plan: &crate::workloads::plan::Plan, step: &str, code: FailureCode) -> bool {
    code == FailureCode::Error && body_of(plan, step).is_some_and(|body| body.is_final)
}

/// Whether and how an attempt that failed is followed by another one.
fn retry_after(plan: &BodyPlan, attempt: u32, first: u32, code: FailureCode) -> Option<StepRetry> {
    let failures = (attempt + 1).saturating_sub(first);
    let is_error = code == FailureCode::Error;
    let is_final = (is_error && plan.is_final) || failures >= plan.retry.max_attempts;
    (!is_final).then_some(StepRetry {
        policy: plan.retry,
        failures,
        after_ms: plan.after_ms.filter(|_| is_error),
    })
}
