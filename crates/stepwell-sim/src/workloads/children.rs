//! Trees of runs: parents of parents, both modes, cancelled and retried at every level.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "children",
        clients: 2,
        triggers: 3,
        slots: &[3, 2],
        waves_max: 2,
        marks: true,
        body_ms: (1, 25),
        invokes: 500,
        depth: 2,
        children_max: 3,
        races: 250,
        sleep_ms: 400,
        meddles: 300,
        fails: 120,
        run_retries: 150,
        step_retries: 100,
        retry_ms: 300,
        catches: 200,
        pause_ms: (10, 150),
        cancels: 80,
        retries: 120,
        deletes: 40,
        ..Workload::PLAIN
    }
}
