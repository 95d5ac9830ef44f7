//! A few runs on two executors: nothing special, so that faults alone matter.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload::PLAIN
}
