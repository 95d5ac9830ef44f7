//! What a job's function calls: steps, waits and children, with the replay that `packages/core/src/executor` has.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use stepwell_protocol::{
    ChildResult, ExecutorMessage, FailureCode, InvokeMode, NewTrigger, NewWait, Payload,
    RetryPolicy, StepKind, StepRetry, TimestampMs,
};

use super::calls::{Call, Calls, Phase, Reached, Started};
use super::function::{Outcome, Task, Thrown};

/// How long a body may go on after its signal.
pub(super) const GRACE_MS: i64 = 1_000;

/// The world's time.
#[derive(Clone, Debug)]
pub(super) struct Clock(Rc<Cell<i64>>);

impl Clock {
    pub(super) fn at(time: TimestampMs) -> Self {
        Self(Rc::new(Cell::new(time.0)))
    }

    pub(super) fn now(&self) -> i64 {
        self.0.get()
    }

    pub(super) fn set(&self, ms: i64) {
        self.0.set(ms);
    }
}

/// How a step is run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepOptions {
    pub(super) retry: Option<RetryPolicy>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) needs_network: bool,
}

/// What a function is given.
#[derive(Clone)]
pub(super) struct Ctx {
    pub(super) calls: Rc<RefCell<Calls>>,
    pub(super) clock: Clock,
}

/// What a body is given.
#[derive(Clone)]
pub(super) struct Body {
    pub(super) attempt: u32,
    name: String,
    has_fired: Rc<Cell<bool>>,
    ctx: Ctx,
}

impl Body {
    /// Works for so long, whatever the signal says.
    pub(super) async fn work(&self, ms: i64) {
        let until = self.ctx.clock.now() + ms;
        self.ctx.alarm(until);
        poll_fn(|_| match self.ctx.clock.now() >= until {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Until the signal fires.
    pub(super) async fn aborted(&self) {
        poll_fn(|_| match self.has_fired.get() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Never yields again: its executor hangs.
    pub(super) async fn hang(&self) {
        self.ctx.calls.borrow_mut().is_hung = true;
        std::future::pending::<()>().await;
    }

    pub(super) fn log(&self, message: impl Into<String>) {
        let now = TimestampMs(self.ctx.clock.now());
        let mut calls = self.ctx.calls.borrow_mut();
        calls.log(message.into(), Some(&self.name), self.attempt, now);
    }
}

impl Ctx {
    /// The run's attempt.
    pub(super) fn attempt(&self) -> u32 {
        self.calls.borrow().attempt
    }

    /// `step.run` with a body that takes no time.
    pub(super) async fn step(&self, name: &str, mut body: impl FnMut(u32) -> Outcome) -> Outcome {
        let body = async |it: Body| body(it.attempt);
        self.run(name, StepOptions::default(), body).await
    }

    /// `step.run` with a policy, and a body that takes no time.
    pub(super) async fn try_step(
        &self,
        name: &str,
        retry: RetryPolicy,
        mut body: impl FnMut(u32) -> Outcome,
    ) -> Outcome {
        let options = StepOptions {
            retry: Some(retry),
            ..StepOptions::default()
        };
        self.run(name, options, async |it: Body| body(it.attempt))
            .await
    }

    /// `step.run`.
    pub(super) async fn run(
        &self,
        name: &str,
        options: StepOptions,
        mut body: impl AsyncFnMut(Body) -> Outcome,
    ) -> Outcome {
        self.begin(name, StepKind::Run)?;
        loop {
            match self.next(name).await {
                Some(reached) => return reached.map(|(output, _)| text(output)),
                None if options.needs_network && !self.calls.borrow().is_online => {
                    self.post_wait(name, &NewWait::Network).await;
                }
                None => self.attempt_step(name, options, &mut body).await,
            }
        }
    }

    async fn attempt_step(
        &self,
        name: &str,
        options: StepOptions,
        body: &mut impl AsyncFnMut(Body) -> Outcome,
    ) {
        self.may_call().await;
        let (made, first) = self.calls.borrow().attempts(name);
        let attempt = made + 1;
        let policy = options.retry.unwrap_or_default();
        let failures = attempt.saturating_sub(first) + 1;
        let may_retry = failures < policy.max_attempts;
        let retry = move |after_ms| StepRetry {
            policy,
            failures,
            after_ms,
        };
        let started = Started {
            attempt,
            timeout_ms: options.timeout_ms,
            retry: may_retry.then(|| retry(None)),
        };
        let started_at = self.clock.now();
        self.started(name, started);
        let result = self.timed(name, started, body).await;
        let mut calls = self.calls.borrow_mut();
        calls.running.remove(name);
        let duration_ms = u32::try_from(self.clock.now() - started_at).unwrap_or(u32::MAX);
        let (run_id, generation) = (calls.run_id.clone(), calls.generation);
        let (step_name, report) = (name.to_owned(), calls.report());
        let message = match result {
            Ok(output) => ExecutorMessage::StepCommit {
                run_id,
                generation,
                step_name,
                attempt,
                output: Payload::from(output),
                blobs: Vec::new(),
                duration_ms,
                report,
            },
            Err(thrown) => ExecutorMessage::StepFail {
                run_id,
                generation,
                step_name,
                kind: StepKind::Run,
                attempt,
                retry: (may_retry && thrown.is_retryable()).then(|| retry(thrown.after_ms)),
                error: *thrown.by(Some(name), attempt).failure,
                duration_ms,
                report,
            },
        };
        if matches!(&message, ExecutorMessage::StepFail { retry: Some(_), .. }) {
            calls.failed.insert(name.to_owned(), attempt);
            calls.set(name, Call::Posted);
        }
        calls.posts.push(message);
    }

    fn started(&self, name: &str, started: Started) {
        let mut calls = self.calls.borrow_mut();
        calls.set(name, Call::Busy);
        calls.running.insert(name.to_owned(), started);
        let message = ExecutorMessage::StepStart {
            run_id: calls.run_id.clone(),
            generation: calls.generation,
            step_name: name.to_owned(),
            attempt: started.attempt,
            timeout_ms: started.timeout_ms,
            retry: started.retry,
        };
        calls.posts.push(message);
    }

    /// The body under its timeout. A value counts, even after the signal; whatever else comes after it is a timeout.
    async fn timed(
        &self,
        name: &str,
        started: Started,
        body: &mut impl AsyncFnMut(Body) -> Outcome,
    ) -> Outcome {
        let has_fired = Rc::new(Cell::new(false));
        let it = Body {
            attempt: started.attempt,
            name: name.to_owned(),
            has_fired: Rc::clone(&has_fired),
            ctx: self.clone(),
        };
        let fires_at = started
            .timeout_ms
            .map(|ms| self.clock.now() + i64::try_from(ms).unwrap_or(i64::MAX / 2));
        if let Some(at) = fires_at {
            self.alarm(at);
            self.alarm(at + GRACE_MS);
        }
        let timeout = || {
            let ms = started.timeout_ms.unwrap_or_default();
            let message = format!("step \"{name}\" took longer than {ms} ms");
            Err(Thrown::of(FailureCode::Timeout, message))
        };
        let mut body = pin!(body(it));
        poll_fn(|cx| {
            let is_over = |after| fires_at.is_some_and(|at| self.clock.now() >= at + after);
            has_fired.set(is_over(0));
            match body.as_mut().poll(cx) {
                Poll::Ready(Err(_)) if has_fired.get() => Poll::Ready(timeout()),
                Poll::Pending if is_over(GRACE_MS) => Poll::Ready(timeout()),
                poll => poll,
            }
        })
        .await
    }

    /// `step.sleep`.
    pub(super) async fn sleep(&self, name: &str, duration_ms: u64) -> Outcome<()> {
        let wait = NewWait::Sleep { duration_ms };
        self.wait(name, StepKind::Sleep, &wait).await.map(|_| ())
    }

    /// `step.sleepUntil`.
    pub(super) async fn sleep_until(&self, name: &str, until: i64) -> Outcome<()> {
        let until = TimestampMs(until);
        let wait = NewWait::SleepUntil { until };
        self.wait(name, StepKind::Sleep, &wait).await.map(|_| ())
    }

    /// `step.waitForSignal`; `None` where it did not come in time.
    pub(super) async fn signal(
        &self,
        name: &str,
        key: &str,
        timeout_ms: Option<u64>,
    ) -> Outcome<Option<String>> {
        let key = key.to_owned();
        let wait = NewWait::Signal { key, timeout_ms };
        let output = self.wait(name, StepKind::Signal, &wait).await?;
        Ok(output.map(|output| text(Some(output))))
    }

    async fn wait(&self, name: &str, kind: StepKind, wait: &NewWait) -> Outcome<Option<Payload>> {
        self.begin(name, kind)?;
        loop {
            match self.next(name).await {
                Some(reached) => return reached.map(|(output, _)| output),
                None => self.post_wait(name, wait).await,
            }
        }
    }

    async fn post_wait(&self, name: &str, wait: &NewWait) {
        self.may_call().await;
        let mut calls = self.calls.borrow_mut();
        calls.set(name, Call::Posted);
        let message = ExecutorMessage::StepWait {
            run_id: calls.run_id.clone(),
            generation: calls.generation,
            step_name: name.to_owned(),
            wait: wait.clone(),
            report: calls.report(),
        };
        calls.posts.push(message);
    }

    /// `step.invokeAll`.
    pub(super) async fn invoke_all(
        &self,
        name: &str,
        mode: InvokeMode,
        children: Vec<NewTrigger>,
    ) -> Outcome<Vec<ChildResult>> {
        self.begin(name, StepKind::Invoke)?;
        loop {
            if let Some(reached) = self.next(name).await {
                return reached.map(|(_, children)| children);
            }
            self.may_call().await;
            let mut calls = self.calls.borrow_mut();
            calls.set(name, Call::Posted);
            let message = ExecutorMessage::StepInvoke {
                run_id: calls.run_id.clone(),
                generation: calls.generation,
                step_name: name.to_owned(),
                mode,
                children: children.clone(),
                report: calls.report(),
            };
            calls.posts.push(message);
        }
    }

    /// `step.invoke`.
    pub(super) async fn invoke(&self, name: &str, child: NewTrigger) -> Outcome {
        let results = self
            .invoke_all(name, InvokeMode::FailFast, vec![child])
            .await?;
        Ok(outputs(&results).remove(0))
    }

    /// Runs on by itself.
    pub(super) fn spawn<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> Task<T> {
        let result = Rc::new(RefCell::new(None));
        let place = Rc::clone(&result);
        let task = async move {
            let value = work.await;
            place.replace(Some(value));
        };
        self.calls.borrow_mut().tasks.push(Box::pin(task));
        Task(result)
    }

    fn begin(&self, name: &str, kind: StepKind) -> Outcome<()> {
        let mut calls = self.calls.borrow_mut();
        if calls.calls.contains_key(name) {
            return Err(Thrown::of(
                FailureCode::DuplicateStep,
                format!("step \"{name}\" twice"),
            ));
        }
        if let Some(other) = calls.other_kind(name, kind) {
            let message = format!("step \"{name}\" was {}", other.as_str());
            return Err(Thrown::of(FailureCode::HistoryMismatch, message));
        }
        calls.begin(name);
        Ok(())
    }

    /// Until the call has its outcome, or has to run (again): `None`.
    async fn next(&self, name: &str) -> Option<Outcome<(Option<Payload>, Vec<ChildResult>)>> {
        poll_fn(|_| match self.calls.borrow().calls.get(name) {
            Some(Call::Done(Reached::Completed { output, children })) => {
                Poll::Ready(Some(Ok((output.clone(), children.clone()))))
            }
            Some(Call::Done(Reached::Failed(error))) => {
                Poll::Ready(Some(Err(Thrown::stored(error.clone()))))
            }
            Some(Call::Again) => Poll::Ready(None),
            _ => Poll::Pending,
        })
        .await
    }

    /// A suspended function's call is held until it is resumed.
    async fn may_call(&self) {
        poll_fn(|_| {
            let mut calls = self.calls.borrow_mut();
            match calls.phase {
                Phase::Active => Poll::Ready(()),
                Phase::Suspending | Phase::Parked => {
                    calls.wants_wake = true;
                    Poll::Pending
                }
            }
        })
        .await;
    }

    fn alarm(&self, at: i64) {
        self.calls.borrow_mut().alarms.insert(at);
    }
}

/// The outputs of children that completed.
pub(super) fn outputs(children: &[ChildResult]) -> Vec<String> {
    let output = |child: &ChildResult| text(child.output.clone());
    children.iter().map(output).collect()
}

fn text(output: Option<Payload>) -> String {
    let output = output.expect("what completed has an output");
    output.text().expect("values are text here").to_owned()
}
