//! What executors' messages are made of.

use std::collections::BTreeMap;

use stepwell_protocol::{
    ExecutorMessage, FailureCode, Generation, RunFailure, RunId, Step, StepKind,
};

use crate::payloads::value_of;
use crate::workloads::plan::{Plan, Wave};

/// What a call comes to, as a function sees it.
pub(crate) type Outcome = Result<String, RunFailure>;

/// The outcomes that a function has seen, each with its place.
pub(crate) type Seen = BTreeMap<String, (u64, Outcome)>;

/// How a wave ends, once enough of it has settled.
pub(crate) fn settled(wave: &Wave, seen: &Seen) -> Option<Outcome> {
    let of = |name: &str| {
        seen.get(name)
            .map(|(place, outcome)| (*place, name.to_owned(), outcome))
    };
    let mut outcomes: Vec<_> = wave.all().filter_map(|step| of(&step.name)).collect();
    if wave.is_race {
        outcomes.retain(|(_, name, _)| wave.steps.iter().any(|step| step.name == *name));
        outcomes.sort_by_key(|(place, ..)| *place);
        outcomes.truncate(1);
        if outcomes.is_empty() {
            return None;
        }
    } else if outcomes.len() < wave.all().count() {
        return None;
    }
    let mut values = Vec::new();
    for (_, name, outcome) in outcomes {
        let value = match outcome {
            Ok(value) => value.clone(),
            Err(error) if wave.catches => format!("!{}", error.message),
            Err(error) => return Some(Err(error.clone())),
        };
        values.push(match wave.is_race {
            true => format!("{name}={value}"),
            false => value,
        });
    }
    Some(Ok(values.join(",")))
}

/// What a run returns: what its function saw, so that it shows it.
pub(crate) fn output_of_run(plan: &Plan, seen: &Seen) -> String {
    let waves: Vec<String> = plan
        .iter()
        .filter_map(|wave| settled(wave, seen)?.ok())
        .collect();
    format!("[{}]", waves.join(","))
}

/// What a stored step shows to a function.
pub(crate) fn outcome_of(step: &Step) -> Option<Outcome> {
    step.completed_index?;
    if let Some(error) = &step.error {
        return Some(Err(error.clone()));
    }
    let output = step.output.as_ref().map(value_of);
    Some(Ok(match step.kind {
        StepKind::Run => output.unwrap_or_default(),
        StepKind::Sleep => "z".to_owned(),
        StepKind::Signal => output.unwrap_or_else(|| "-".to_owned()),
        StepKind::Invoke => {
            let child = |child: &stepwell_protocol::ChildResult| {
                let output = child.output.as_ref().map(value_of).unwrap_or_default();
                format!("{}:{output}", child.status.as_str())
            };
            let children: Vec<String> = step.children.iter().map(child).collect();
            format!("({})", children.join(","))
        }
    }))
}

pub(super) fn failure(step: Option<&str>, attempt: u32, code: FailureCode) -> RunFailure {
    RunFailure {
        name: "Error".to_owned(),
        message: "planned".to_owned(),
        stack: None,
        causes: Vec::new(),
        code,
        attempt,
        step_name: step.map(str::to_owned),
    }
}

macro_rules! lease_of {
    ($message:expr) => {
        match $message {
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
            | ExecutorMessage::StepWait {
                run_id, generation, ..
            }
            | ExecutorMessage::StepInvoke {
                run_id, generation, ..
            }
            | ExecutorMessage::Suspend {
                run_id, generation, ..
            }
            | ExecutorMessage::RunComplete {
                run_id, generation, ..
            }
            | ExecutorMessage::RunFail {
                run_id, generation, ..
            }
            | ExecutorMessage::Report {
                run_id, generation, ..
            }
            | ExecutorMessage::Wake { run_id, generation }
            | ExecutorMessage::Unresumable { run_id, generation }
            | ExecutorMessage::Released { run_id, generation } => Some((run_id, generation)),
        }
    };
}

pub(super) fn run_of(message: &ExecutorMessage) -> Option<&RunId> {
    lease_of!(message).map(|(run_id, _)| run_id)
}

pub(super) fn set_generation(message: &mut ExecutorMessage, given: Generation) {
    if let Some((_, generation)) = lease_of!(message) {
        *generation = given;
    }
}
