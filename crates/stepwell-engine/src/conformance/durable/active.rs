//! A function in an executor's memory, and how it is driven.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use stepwell_protocol::ExecutorMessage;

use super::calls::{Call, Calls, Reached};
use super::function::{Boxed, Outcome};
use super::messages::step_of;

/// A function in memory.
pub(super) struct Active {
    pub(super) calls: Rc<RefCell<Calls>>,
    /// `None`: it has settled, and its end waits for its acknowledgement.
    pub(super) function: Option<Boxed<Outcome>>,
    /// When the attempt has been at work for as long as it may.
    pub(super) times_out_at: Option<i64>,
    /// The waits of a `suspend` that is not acknowledged, and its `seq`.
    pub(super) suspending: Option<(u64, Vec<String>)>,
}

/// One poll of a function and of what it has spawned.
pub(super) fn poll(run: &mut Active) -> Poll<Outcome> {
    let Some(function) = &mut run.function else {
        return Poll::Pending;
    };
    let mut context = Context::from_waker(Waker::noop());
    let tasks = std::mem::take(&mut run.calls.borrow_mut().tasks);
    let mut left = Vec::new();
    for mut task in tasks {
        if task.as_mut().poll(&mut context).is_pending() {
            left.push(task);
        }
    }
    let polled = function.as_mut().poll(&mut context);
    // What the function spawned just now is polled at once, and the function after it, for it may have waited for that.
    let mut spawned = std::mem::take(&mut run.calls.borrow_mut().tasks);
    let has_spawned = !spawned.is_empty();
    left.append(&mut spawned);
    run.calls.borrow_mut().tasks = left;
    match polled {
        Poll::Pending if has_spawned => poll(run),
        polled => polled,
    }
}

/// Where a call stands after its message was acknowledged.
pub(super) fn after(message: &ExecutorMessage) -> Option<(&str, Call)> {
    let call = match message {
        ExecutorMessage::StepCommit { output, .. } => Call::Done(Reached::Completed {
            output: Some(output.clone()),
            children: Vec::new(),
        }),
        ExecutorMessage::StepFail {
            error, retry: None, ..
        } => Call::Done(Reached::Failed(error.clone())),
        ExecutorMessage::StepFail { .. }
        | ExecutorMessage::StepWait { .. }
        | ExecutorMessage::StepInvoke { .. } => Call::Open,
        _ => return None,
    };
    Some((step_of(message)?, call))
}
