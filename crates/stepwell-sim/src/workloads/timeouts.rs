//! Steps and jobs that take too long, and bodies that do not yield.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "timeouts",
        clients: 2,
        triggers: 4,
        slots: &[2, 2],
        marks: true,
        body_ms: (1, 400),
        slow: 150,
        timeouts: 500,
        blocks: 150,
        run_timeouts: 300,
        step_retries: 300,
        run_retries: 300,
        sleeps: 100,
        sleep_ms: 2_000,
        pause_ms: (10, 200),
        faults_ms: 6_000,
        fault_ms: (100, 1_500),
        cancels: 20,
        ..Workload::PLAIN
    }
}
