//! Many sleepers on few slots, with few of them parked.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "sleeping",
        clients: 3,
        triggers: 6,
        slots: &[2, 1],
        marks: true,
        body_ms: (1, 20),
        sleeps: 500,
        sleep_ms: 6_000,
        races: 200,
        timers: 80,
        fails: 20,
        pause_ms: (5, 120),
        cancels: 30,
        ..Workload::PLAIN
    }
}
