//! Tabs that are frozen, as leaders with everything open, as leaders that let go before, and as followers, some of which
//! lose what is told meanwhile.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "frozen",
        clients: 3,
        tabs: 3,
        triggers: 4,
        marks: true,
        batches: 150,
        meddles: 400,
        cancels: 120,
        retries: 150,
        fails: 100,
        freezes: 450,
        tab_ends: 80,
        hand_overs: 50,
        fault_ms: (50, 900),
        faults_ms: 6_000,
        pause_ms: (10, 250),
        calm_ms: 90_000,
        ..Workload::PLAIN
    }
}
