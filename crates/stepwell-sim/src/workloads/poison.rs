//! Runs that kill whatever runs them, beside runs that do not.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "poison",
        poisoned: 400,
        max_recoveries: Some(2),
        slots: &[2, 2],
        ..Workload::PLAIN
    }
}
