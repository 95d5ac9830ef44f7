//! Three tabs that trigger, cancel, retry and signal; the leading one is closed, crashes, lets go, at any moment.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "tabs",
        clients: 3,
        tabs: 3,
        triggers: 4,
        marks: true,
        keyed: 150,
        coalesces: 500,
        idempotent: 100,
        batches: 200,
        retriggers: 80,
        cancels: 150,
        retries: 200,
        fails: 120,
        slow: 80,
        signals: 60,
        sends: 150,
        meddles: 500,
        tab_ends: 300,
        hand_overs: 60,
        faults_ms: 4_000,
        pause_ms: (5, 120),
        ..Workload::PLAIN
    }
}
