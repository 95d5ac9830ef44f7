//! Sleepers alone, and nothing that goes wrong: the engine must do nothing between two times.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "idle",
        clients: 2,
        triggers: 20,
        slots: &[2, 2],
        marks: true,
        body_ms: (1, 5),
        slow: 0,
        hangs: 0,
        fails: 0,
        sleeps: 700,
        sleep_ms: 50_000,
        pause_ms: (1, 40),
        cancels: 0,
        retries: 0,
        is_exact: true,
        faults_ms: 3_000,
        fault_ms: (0, 0),
        calm_ms: 300_000,
        ..Workload::PLAIN
    }
}
