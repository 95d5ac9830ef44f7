//! Leaders that hand over in good order, again and again, while runs with long bodies are at work.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "handover",
        clients: 3,
        tabs: 3,
        triggers: 4,
        marks: true,
        waves_max: 5,
        body_ms: (1, 700),
        sleeps: 80,
        sleep_ms: 1_500,
        meddles: 300,
        cancels: 60,
        retries: 80,
        deletes: 60,
        hand_overs: 500,
        tab_ends: 150,
        freezes: 30,
        fault_ms: (100, 1_200),
        faults_ms: 6_000,
        calm_ms: 90_000,
        ..Workload::PLAIN
    }
}
