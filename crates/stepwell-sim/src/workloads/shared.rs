//! Two engines on one native file, each with its executors and clients.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "shared",
        engines: 2,
        clients: 4,
        triggers: 3,
        slots: &[2, 2],
        waves_max: 2,
        marks: true,
        body_ms: (1, 60),
        sleeps: 150,
        sleep_ms: 20_000,
        signals: 150,
        shared_keys: 300,
        sends: 250,
        invokes: 300,
        depth: 2,
        meddles: 150,
        step_retries: 150,
        run_retries: 100,
        pause_ms: (100, 3_000),
        cancels: 30,
        retries: 60,
        calm_ms: 400_000,
        faults_ms: 60_000,
        fault_ms: (500, 15_000),
        ..Workload::PLAIN
    }
}
