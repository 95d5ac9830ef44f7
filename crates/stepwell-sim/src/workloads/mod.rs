//! What the clients want and what the jobs do. Each seed takes one workload; the faults are the same for all.

mod blobs;
mod bulk;
mod cancels;
mod crowd;
mod delays;
mod failing;
mod forgetting;
mod keys;
mod limits;
mod long;
mod poison;
mod steady;

use stepwell_protocol::{Payload, ServedJob};

use crate::payloads::number_of;
use crate::rng::Rng;

/// The shape of a simulation's work. Chances are in a thousand.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name.
    pub name: &'static str,
    /// How many clients there are.
    pub clients: usize,
    /// How many runs each of them triggers.
    pub triggers: u32,
    /// The slots of each executor.
    pub slots: &'static [u32],
    /// The most steps one after another.
    pub waves_max: i64,
    /// The most steps at once.
    pub width_max: i64,
    /// How long a body takes.
    pub body_ms: (i64, i64),
    /// The most lines that a body logs.
    pub lines_max: i64,
    /// The chance that a step fails at first.
    pub fails: u64,
    /// The chance that a body is slow.
    pub slow: u64,
    /// The chance that a body hangs when it runs first.
    pub hangs: u64,
    /// The chance that a run kills whatever runs it.
    pub poisoned: u64,
    /// The recoveries that a run may have.
    pub max_recoveries: Option<u32>,
    /// The pause between a client's acts.
    pub pause_ms: (i64, i64),
    /// The chance that an act is a cancel.
    pub cancels: u64,
    /// The chance that an act is a retry.
    pub retries: u64,
    /// Whether client messages are doubled and overtake each other.
    pub unordered: bool,
    /// The jobs, each with its limit.
    pub jobs: &'static [(&'static str, Option<u32>)],
    /// Whether inputs say which request they are of.
    pub marks: bool,
    /// How many different keys there are.
    pub keys: u64,
    /// The chance that a trigger has a concurrency key.
    pub keyed: u64,
    /// The chance that one with a concurrency key coalesces.
    pub coalesces: u64,
    /// The chance that a trigger has an idempotency key.
    pub idempotent: u64,
    /// The chance that a trigger has labels, and that runs are asked for by them.
    pub labelled: u64,
    /// The chance that a run is to start later.
    pub delayed: u64,
    /// The chance that a run has a priority.
    pub prioritised: u64,
    /// The chance that a trigger is a batch.
    pub batches: u64,
    /// The chance that an act is a retrigger.
    pub retriggers: u64,
    /// The chance that an act deletes a run.
    pub deletes: u64,
    /// The chance that an act is a purge.
    pub purges: u64,
    /// How long runs are kept.
    pub retention_ms: Option<i64>,
    /// The chance that an input or output has blobs.
    pub blobs: u64,
    /// How long faults strike.
    pub faults_ms: i64,
    /// The pause between faults.
    pub fault_ms: (i64, i64),
}

impl Workload {
    /// Where every workload starts from.
    const PLAIN: Self = Self {
        name: "steady",
        clients: 2,
        triggers: 3,
        slots: &[2, 1],
        waves_max: 3,
        width_max: 2,
        body_ms: (1, 60),
        lines_max: 2,
        fails: 30,
        slow: 20,
        hangs: 10,
        poisoned: 0,
        max_recoveries: None,
        pause_ms: (10, 200),
        cancels: 40,
        retries: 60,
        unordered: false,
        jobs: &[("job", None)],
        marks: false,
        keys: 2,
        keyed: 0,
        coalesces: 0,
        idempotent: 0,
        labelled: 0,
        delayed: 0,
        prioritised: 0,
        batches: 0,
        retriggers: 0,
        deletes: 0,
        purges: 0,
        retention_ms: None,
        blobs: 0,
        faults_ms: 2_500,
        fault_ms: (30, 500),
    };

    /// All of them.
    const ALL: [fn() -> Self; 12] = [
        steady::workload,
        long::workload,
        failing::workload,
        cancels::workload,
        poison::workload,
        crowd::workload,
        keys::workload,
        delays::workload,
        limits::workload,
        bulk::workload,
        forgetting::workload,
        blobs::workload,
    ];

    /// The workload of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let count = Self::ALL.len() as u64;
        let place = usize::try_from(seed % count).unwrap_or(0);
        Self::ALL[place]()
    }

    /// The workload of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().map(|workload| workload());
        all.find(|workload| workload.name == name)
    }

    /// What an executor says that it can run.
    pub(crate) fn served(&self) -> Vec<ServedJob> {
        let job = |(name, concurrency): &(&str, Option<u32>)| ServedJob {
            name: (*name).to_owned(),
            concurrency: *concurrency,
        };
        self.jobs.iter().map(job).collect()
    }

    /// How many runs of a job may be at work at once.
    pub(crate) fn limit_of(&self, job_name: &str) -> Option<u32> {
        let job = self.jobs.iter().find(|(name, _)| *name == job_name);
        job.and_then(|(_, limit)| *limit)
    }
}

/// What a step's body does.
#[derive(Clone, Debug)]
pub(crate) struct StepPlan {
    pub(crate) name: String,
    pub(crate) ms: i64,
    /// Attempts up to this one fail.
    pub(crate) fails_until: u32,
    pub(crate) lines: i64,
    pub(crate) is_slow: bool,
    pub(crate) hangs: bool,
    pub(crate) kills: bool,
    pub(crate) has_blob: bool,
}

/// A job's function: waves of steps, each wave at once, one wave after another.
pub(crate) type Plan = Vec<Vec<StepPlan>>;

/// The plan that a run's input stands for: the same in every execution, as user code has to be.
pub(crate) fn plan(input: &Payload, workload: &Workload) -> Plan {
    let mut rng = Rng::new(number_of(input));
    let is_poisoned = rng.chance(workload.poisoned);
    let waves = rng.range(1, workload.waves_max);
    let poisoned_wave = rng.range(0, waves - 1);
    (0..waves)
        .map(|wave| {
            let width = rng.range(1, workload.width_max);
            (0..width)
                .map(|place| {
                    let is_slow = rng.chance(workload.slow);
                    let ms = match is_slow {
                        true => rng.range(800, 4_000),
                        false => rng.range(workload.body_ms.0, workload.body_ms.1),
                    };
                    StepPlan {
                        name: format!("s{wave}.{place}"),
                        ms,
                        fails_until: u32::from(rng.chance(workload.fails))
                            * (1 + u32::from(rng.chance(300))),
                        lines: rng.range(0, workload.lines_max),
                        is_slow,
                        hangs: rng.chance(workload.hangs),
                        kills: is_poisoned && wave == poisoned_wave && place == 0,
                        has_blob: rng.may(workload.blobs),
                    }
                })
                .collect()
        })
        .collect()
}

/// Whether a run's own output has a blob.
pub(crate) fn ends_with_blob(input: &Payload, workload: &Workload) -> bool {
    number_of(input) % 1_000 < workload.blobs
}
