//! Jobs with limits on four executors with more slots than these allow.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "limits",
        clients: 3,
        triggers: 6,
        slots: &[3, 2, 2, 1],
        waves_max: 2,
        jobs: &[("job", None), ("narrow", Some(1)), ("wide", Some(2))],
        marks: true,
        keyed: 150,
        prioritised: 300,
        slow: 60,
        pause_ms: (10, 150),
        cancels: 120,
        retries: 80,
        ..Workload::PLAIN
    }
}
