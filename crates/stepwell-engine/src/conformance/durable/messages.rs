//! Which run and step a message of an executor is about.

use stepwell_protocol::{ExecutorMessage, Generation, RunId};

/// The run and the token under which the message is sent.
pub(super) fn address(message: &mut ExecutorMessage) -> Option<(&mut RunId, &mut Generation)> {
    match message {
        ExecutorMessage::Hello { .. } => None,
        ExecutorMessage::StepStart {
            run_id, generation, ..
        }
        | ExecutorMessage::StepCommit {
            run_id, generation, ..
        }
        | ExecutorMessage::StepFail {
            run_id, generation, ..
        }
        | ExecutorMessage::RunComplete {
            run_id, generation, ..
        }
        | ExecutorMessage::RunFail {
            run_id, generation, ..
        }
        | ExecutorMessage::StepWait {
            run_id, generation, ..
        }
        | ExecutorMessage::StepInvoke {
            run_id, generation, ..
        }
        | ExecutorMessage::Suspend {
            run_id, generation, ..
        }
        | ExecutorMessage::Wake { run_id, generation }
        | ExecutorMessage::Unresumable { run_id, generation }
        | ExecutorMessage::Report {
            run_id, generation, ..
        }
        | ExecutorMessage::Released { run_id, generation } => Some((run_id, generation)),
    }
}

/// The run that the message is about.
pub(super) fn run_of(message: &ExecutorMessage) -> Option<&RunId> {
    match message {
        ExecutorMessage::Hello { .. } => None,
        ExecutorMessage::StepStart { run_id, .. }
        | ExecutorMessage::StepCommit { run_id, .. }
        | ExecutorMessage::StepFail { run_id, .. }
        | ExecutorMessage::RunComplete { run_id, .. }
        | ExecutorMessage::RunFail { run_id, .. }
        | ExecutorMessage::StepWait { run_id, .. }
        | ExecutorMessage::StepInvoke { run_id, .. }
        | ExecutorMessage::Suspend { run_id, .. }
        | ExecutorMessage::Wake { run_id, .. }
        | ExecutorMessage::Unresumable { run_id, .. }
        | ExecutorMessage::Report { run_id, .. }
        | ExecutorMessage::Released { run_id, .. } => Some(run_id),
    }
}

/// The step that the message is about.
pub(super) fn step_of(message: &ExecutorMessage) -> Option<&str> {
    match message {
        ExecutorMessage::StepStart { step_name, .. }
        | ExecutorMessage::StepCommit { step_name, .. }
        | ExecutorMessage::StepFail { step_name, .. }
        | ExecutorMessage::StepWait { step_name, .. }
        | ExecutorMessage::StepInvoke { step_name, .. } => Some(step_name),
        _ => None,
    }
}
