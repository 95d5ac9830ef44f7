//! Blobs in inputs and outputs, whose files come and go with their runs.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "blobs",
        clients: 2,
        triggers: 5,
        slots: &[2, 2],
        marks: true,
        keyed: 150,
        coalesces: 400,
        body_ms: (1, 40),
        pause_ms: (5, 150),
        cancels: 60,
        retries: 40,
        retriggers: 80,
        deletes: 80,
        purges: 20,
        retention_ms: Some(4_000),
        blobs: 500,
        ..Workload::PLAIN
    }
}
