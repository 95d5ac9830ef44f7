//! Everything that waits, with keys, priorities, limits and few slots.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "mixed",
        clients: 3,
        triggers: 4,
        slots: &[2, 1, 1],
        jobs: &[("job", None), ("narrow", Some(1))],
        marks: true,
        keyed: 200,
        coalesces: 500,
        idempotent: 100,
        prioritised: 300,
        delayed: 150,
        body_ms: (1, 30),
        sleeps: 150,
        sleep_ms: 2_500,
        signals: 120,
        shared_keys: 200,
        sends: 250,
        invokes: 200,
        depth: 1,
        meddles: 150,
        races: 150,
        catches: 200,
        timers: 50,
        step_retries: 200,
        run_retries: 200,
        timeouts: 100,
        blocks: 50,
        networked: 60,
        offline_ms: 700,
        parked_max: 1,
        cancels: 60,
        retries: 80,
        deletes: 40,
        retriggers: 20,
        retention_ms: Some(8_000),
        calm_ms: 90_000,
        ..Workload::PLAIN
    }
}
