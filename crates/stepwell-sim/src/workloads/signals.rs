//! Signals early, late, twice, sent again, in time or not, to keys of one run or of all.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "signals",
        clients: 3,
        triggers: 5,
        slots: &[2, 2],
        marks: true,
        body_ms: (1, 20),
        signals: 500,
        sleep_ms: 4_000,
        shared_keys: 300,
        sends: 450,
        sleeps: 100,
        races: 250,
        catches: 300,
        pause_ms: (5, 100),
        cancels: 40,
        unordered: true,
        ..Workload::PLAIN
    }
}
