//! Runs that are to start later, and priorities, on few slots.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "delays",
        clients: 3,
        triggers: 5,
        slots: &[1, 1],
        waves_max: 2,
        marks: true,
        delayed: 600,
        prioritised: 600,
        keyed: 150,
        coalesces: 500,
        labelled: 200,
        pause_ms: (20, 250),
        ..Workload::PLAIN
    }
}
