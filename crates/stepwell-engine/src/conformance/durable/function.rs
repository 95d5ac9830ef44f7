//! What jobs are made of here: functions as futures, what they throw, and the words for tasks at once.
//!
//! A job's function is async Rust. To park it is to keep its future; to replay it is to drop the future and make another
//! one from the stored steps.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use stepwell_protocol::{FailureCode, RunFailure};

use super::context::Ctx;

pub(super) type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;
/// Values are text: the engine does not look at them.
pub(super) type Outcome<T = String> = Result<T, Thrown>;

/// What a function throws.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thrown {
    /// Boxed: results of it are everywhere.
    pub(super) failure: Box<RunFailure>,
    /// As `NonRetryableError`.
    pub(super) is_final: bool,
    /// As `RetryAfterError`.
    pub(super) after_ms: Option<u64>,
}

impl Thrown {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::of(FailureCode::Error, message)
    }

    pub(super) fn of(code: FailureCode, message: impl Into<String>) -> Self {
        Self::stored(RunFailure {
            name: "Error".to_owned(),
            message: message.into(),
            stack: None,
            causes: Vec::new(),
            code,
            attempt: 0,
            step_name: None,
        })
    }

    /// As a failure is thrown that the store had.
    pub(super) fn stored(failure: RunFailure) -> Self {
        Self {
            failure: Box::new(failure),
            is_final: false,
            after_ms: None,
        }
    }

    pub(super) const fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }

    pub(super) const fn after(mut self, ms: u64) -> Self {
        self.after_ms = Some(ms);
        self
    }

    /// Thrown by this step, or by the job's own code, in this attempt.
    pub(super) fn by(mut self, step_name: Option<&str>, attempt: u32) -> Self {
        if self.failure.attempt == 0 {
            self.failure.attempt = attempt;
            self.failure.step_name = step_name.map(str::to_owned);
        }
        self
    }

    /// Whether a policy may try again.
    pub(super) const fn is_retryable(&self) -> bool {
        !self.is_final && matches!(self.failure.code, FailureCode::Error | FailureCode::Timeout)
    }
}

/// A job and its function.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) needs_network: bool,
    pub(super) function: Rc<dyn Fn(Ctx, String) -> Boxed<Outcome>>,
}

pub(super) fn job<F>(name: &'static str, function: F) -> Job
where
    F: AsyncFn(Ctx, String) -> Outcome + 'static,
{
    let function = Rc::new(function);
    Job {
        name,
        needs_network: false,
        function: Rc::new(move |ctx, input| {
            let function = Rc::clone(&function);
            Box::pin(async move { function(ctx, input).await })
        }),
    }
}

/// All of these at once, as `Promise.allSettled`.
pub(super) async fn all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(move |cx| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *result = Some(value);
            }
        }
        if results.iter().any(Option::is_none) {
            return Poll::Pending;
        }
        Poll::Ready(results.iter_mut().filter_map(Option::take).collect())
    })
    .await
}

/// Runs on by itself, as a promise does, whether somebody waits for it or not.
pub(super) struct Task<T>(pub(super) Rc<RefCell<Option<T>>>);

impl<T: Clone> Task<T> {
    pub(super) fn result(&self) -> Option<T> {
        self.0.borrow().clone()
    }

    pub(super) async fn get(&self) -> T {
        poll_fn(|_| self.result().map_or(Poll::Pending, Poll::Ready)).await
    }
}

/// The first of two that settles, and which one it is. The other one goes on.
pub(super) async fn race<T: Clone>(left: &Task<T>, right: &Task<T>) -> (usize, T) {
    poll_fn(|_| {
        let first = [left, right]
            .into_iter()
            .enumerate()
            .find_map(|(index, task)| Some((index, task.result()?)));
        first.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// Counts what bodies and functions do.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Rc<Cell<u32>>);

impl Counter {
    pub(super) fn add(&self) -> u32 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }

    pub(super) fn get(&self) -> u32 {
        self.0.get()
    }
}

/// Something outside of the engine that a function waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Door(Rc<Cell<bool>>);

impl Door {
    pub(super) fn open(&self) {
        self.0.set(true);
    }

    pub(super) async fn passed(&self) {
        poll_fn(|_| match self.0.get() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    pub(super) fn push(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    pub(super) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}
