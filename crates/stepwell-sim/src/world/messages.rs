//! What executors' messages are made of.

use std::collections::BTreeMap;

use stepwell_protocol::{
    ExecutorMessage, FailureCode, Generation, Payload, RunFailure, RunId, Step,
};

use crate::payloads::value_of;

/// What a run returns: the outputs of its steps by name, so that it shows what its function saw.
pub(super) fn output_of_run<E>(outcomes: &BTreeMap<String, Result<Payload, E>>) -> String {
    let outputs: Vec<String> = outcomes
        .values()
        .filter_map(|outcome| outcome.as_ref().ok().map(value_of))
        .collect();
    format!("[{}]", outputs.join(","))
}

pub(super) fn outcome_of(step: &Step) -> Option<Result<Payload, RunFailure>> {
    step.completed_index?;
    Some(match &step.error {
        Some(error) => Err(error.clone()),
        None => Ok(step.output.clone().unwrap_or_default()),
    })
}

pub(super) fn failure(step: &str, attempt: u32) -> RunFailure {
    RunFailure {
        name: "Error".to_owned(),
        message: "planned".to_owned(),
        stack: None,
        code: FailureCode::Error,
        attempt,
        step_name: Some(step.to_owned()),
    }
}

pub(super) fn run_of(message: &ExecutorMessage) -> Option<&RunId> {
    match message {
        ExecutorMessage::Hello { .. } => None,
        ExecutorMessage::StepStart { run_id, .. }
        | ExecutorMessage::StepCommit { run_id, .. }
        | ExecutorMessage::StepFail { run_id, .. }
        | ExecutorMessage::RunComplete { run_id, .. }
        | ExecutorMessage::RunFail { run_id, .. }
        | ExecutorMessage::Report { run_id, .. }
        | ExecutorMessage::Released { run_id, .. } => Some(run_id),
    }
}

pub(super) fn set_generation(message: &mut ExecutorMessage, given: Generation) {
    match message {
        ExecutorMessage::Hello { .. } => {}
        ExecutorMessage::StepStart { generation, .. }
        | ExecutorMessage::StepCommit { generation, .. }
        | ExecutorMessage::StepFail { generation, .. }
        | ExecutorMessage::RunComplete { generation, .. }
        | ExecutorMessage::RunFail { generation, .. }
        | ExecutorMessage::Report { generation, .. }
        | ExecutorMessage::Released { generation, .. } => *generation = given,
    }
}
