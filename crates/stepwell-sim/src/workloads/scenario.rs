//! The one scenario of the crashes at every transaction: a parent of parents with both modes, a child that fails, a signal
//! and a sleep. Without faults of its own and without chance.

use stepwell_protocol::{InvokeMode, NewTrigger, Payload, RetryPolicy};

use super::Workload;
use super::plan::{BodyPlan, Call, Plan, StepPlan, Wave};
use crate::payloads::{depth_of, number_of, of_child};

pub(super) fn workload() -> Workload {
    Workload {
        name: "scenario",
        clients: 1,
        triggers: 1,
        slots: &[2, 1],
        marks: true,
        signals: 1,
        depth: 2,
        pause_ms: (1_000_000, 1_000_001),
        cancels: 0,
        retries: 0,
        fixed: Some(plan),
        // The calm comes at once: nothing but the one crash strikes.
        faults_ms: 10,
        fault_ms: (0, 0),
        ..Workload::PLAIN
    }
}

/// The root has two parents below it, one of each mode; the first child of the one that is settled fails.
fn plan(input: &Payload) -> Plan {
    let place = number_of(input);
    match (depth_of(input), place) {
        (None, _) => vec![
            wave(step("before", body(0))),
            Wave {
                catches: true,
                ..wave(invoke("parents", InvokeMode::Settled, &[(10, 1), (20, 1)]))
            },
            wave(step("approval", signal())),
            wave(step("after", body(0))),
        ],
        (Some(1), 10) => vec![
            wave(invoke("settled", InvokeMode::Settled, &[(1, 0), (2, 0)])),
            wave(step("nap", Call::Sleep { ms: 200 })),
        ],
        (Some(1), _) => vec![wave(invoke(
            "fast",
            InvokeMode::FailFast,
            &[(2, 0), (1, 0), (3, 0)],
        ))],
        (_, 1) => vec![wave(step("fails", body(9)))],
        (_, 3) => vec![
            wave(step("nap", Call::Sleep { ms: 300 })),
            wave(step("works", body(0))),
        ],
        _ => vec![wave(step("works", body(1)))],
    }
}

fn wave(step: StepPlan) -> Wave {
    Wave {
        steps: vec![step],
        is_race: false,
        catches: false,
        timer: None,
    }
}

fn step(name: &str, call: Call) -> StepPlan {
    StepPlan {
        name: name.to_owned(),
        call,
    }
}

fn signal() -> Call {
    Call::Signal {
        key: None,
        timeout_ms: None,
    }
}

fn invoke(name: &str, mode: InvokeMode, children: &[(u64, u32)]) -> StepPlan {
    let child = |(number, depth): &(u64, u32)| NewTrigger {
        job_name: "job".to_owned(),
        input: Payload::Text(of_child(*number, *depth)),
        ..NewTrigger::default()
    };
    let children = children.iter().map(child).collect();
    step(name, Call::Invoke { mode, children })
}

/// A body that fails so often, and is tried twice.
fn body(fails_until: u32) -> Call {
    Call::Run(BodyPlan {
        ms: 5,
        fails_until,
        lines: 1,
        is_slow: false,
        hangs: false,
        blocks: false,
        kills: false,
        has_blob: false,
        retry: RetryPolicy {
            max_attempts: 2,
            initial_delay_ms: 20,
            ..RetryPolicy::NONE
        },
        after_ms: None,
        is_final: false,
        timeout_ms: None,
        obeys: false,
        needs_network: false,
    })
}
