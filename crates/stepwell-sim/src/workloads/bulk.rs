//! Batches, with keys that let whole batches be refused.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "bulk",
        clients: 2,
        triggers: 4,
        slots: &[3, 2],
        waves_max: 2,
        jobs: &[("job", None), ("narrow", Some(1))],
        marks: true,
        keyed: 200,
        coalesces: 300,
        idempotent: 150,
        labelled: 200,
        delayed: 100,
        prioritised: 200,
        batches: 700,
        body_ms: (1, 20),
        pause_ms: (10, 200),
        ..Workload::PLAIN
    }
}
