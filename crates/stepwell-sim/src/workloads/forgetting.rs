//! Runs that are deleted, purged, forgotten by their age, and triggered again.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "forgetting",
        clients: 3,
        triggers: 5,
        slots: &[2, 2],
        waves_max: 2,
        marks: true,
        keyed: 150,
        coalesces: 500,
        idempotent: 250,
        labelled: 400,
        batches: 400,
        body_ms: (1, 30),
        pause_ms: (5, 100),
        cancels: 60,
        retriggers: 60,
        deletes: 120,
        purges: 40,
        retention_ms: Some(1_500),
        ..Workload::PLAIN
    }
}
