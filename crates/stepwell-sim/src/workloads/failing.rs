//! Steps that fail, and clients that retry.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "failing",
        width_max: 3,
        fails: 350,
        retries: 350,
        cancels: 10,
        ..Workload::PLAIN
    }
}
