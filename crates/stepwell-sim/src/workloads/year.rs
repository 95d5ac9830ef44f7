//! A year of sleeps, signals, retries and children.

use super::Workload;

const DAY_MS: u64 = 86_400_000;

pub(super) fn workload() -> Workload {
    Workload {
        name: "year",
        clients: 2,
        triggers: 12,
        slots: &[3, 2],
        waves_max: 4,
        marks: true,
        body_ms: (1, 2_000),
        sleeps: 350,
        sleep_ms: 40 * DAY_MS,
        signals: 150,
        shared_keys: 100,
        sends: 300,
        invokes: 200,
        depth: 2,
        meddles: 50,
        races: 150,
        catches: 300,
        step_retries: 200,
        run_retries: 200,
        retry_ms: DAY_MS,
        pause_ms: (3_600_000, 8 * DAY_MS.cast_signed()),
        cancels: 10,
        calm_ms: 500 * DAY_MS.cast_signed(),
        faults_ms: 365 * DAY_MS.cast_signed(),
        fault_ms: (3_600_000, 6 * DAY_MS.cast_signed()),
        ..Workload::PLAIN
    }
}
