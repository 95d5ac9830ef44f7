//! Many runs at once on wide executors: large batches.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "crowd",
        clients: 3,
        triggers: 5,
        slots: &[6, 4, 1],
        waves_max: 2,
        body_ms: (1, 8),
        pause_ms: (0, 60),
        fault_ms: (20, 300),
        faults_ms: 1_200,
        ..Workload::PLAIN
    }
}
