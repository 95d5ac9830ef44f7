//! A browser that goes offline, jobs and steps that need it online.

use super::Workload;

pub(super) fn workload() -> Workload {
    Workload {
        name: "network",
        clients: 2,
        triggers: 5,
        slots: &[2, 1],
        jobs: &[("job", None), ("online", None), ("narrow", Some(1))],
        marks: true,
        networked: 400,
        networked_job: Some("online"),
        offline_ms: 300,
        step_retries: 150,
        sleeps: 100,
        sleep_ms: 1_000,
        pause_ms: (10, 150),
        ..Workload::PLAIN
    }
}
