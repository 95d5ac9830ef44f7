//! Steps and runs that fail and are tried again, with policies of all kinds.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "retries",
        clients: 2,
        triggers: 5,
        slots: &[2, 2],
        marks: true,
        body_ms: (1, 30),
        step_retries: 500,
        run_retries: 500,
        fails: 200,
        catches: 100,
        sleeps: 60,
        sleep_ms: 1_000,
        pause_ms: (10, 150),
        cancels: 20,
        retries: 120,
        ..Workload::PLAIN
    }
}
