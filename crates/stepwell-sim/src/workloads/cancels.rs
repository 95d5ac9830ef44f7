//! Clients that cancel and retry all the time, over a channel that doubles and reorders what they say.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "cancels",
        fails: 100,
        slow: 80,
        pause_ms: (5, 80),
        cancels: 300,
        retries: 300,
        unordered: true,
        ..Workload::PLAIN
    }
}
