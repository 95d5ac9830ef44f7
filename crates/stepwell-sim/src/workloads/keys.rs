//! Concurrency keys and idempotency keys on three executors, and clients that cancel what holds them.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "keys",
        clients: 3,
        triggers: 5,
        slots: &[2, 2, 1],
        jobs: &[("job", None), ("other", None)],
        marks: true,
        keyed: 700,
        coalesces: 500,
        idempotent: 200,
        labelled: 300,
        slow: 80,
        pause_ms: (10, 150),
        cancels: 120,
        retries: 80,
        ..Workload::PLAIN
    }
}
