//! One client, few runs with many steps and many lines: crashes in the middle of long histories.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "long",
        clients: 1,
        triggers: 2,
        slots: &[2],
        waves_max: 12,
        width_max: 1,
        body_ms: (1, 25),
        lines_max: 4,
        ..Workload::PLAIN
    }
}
