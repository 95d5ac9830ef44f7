//! What the clients want and what the jobs do. Each seed takes one workload; the faults are the same for all.

mod cancels;
mod crowd;
mod failing;
mod long;
mod poison;
mod steady;

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
        faults_ms: 2_500,
        fault_ms: (30, 500),
    };

    /// The workload of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        match seed % 6 {
            0 => steady::workload(),
            1 => long::workload(),
            2 => failing::workload(),
            3 => cancels::workload(),
            4 => poison::workload(),
            _ => crowd::workload(),
        }
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
}

/// A job's function: waves of steps, each wave at once, one wave after another.
pub(crate) type Plan = Vec<Vec<StepPlan>>;

/// The plan that a run's input stands for: the same in every execution, as user code has to be.
pub(crate) fn plan(input: &str, workload: &Workload) -> Plan {
    let mut rng = Rng::new(input.parse().unwrap_or(0));
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
                    }
                })
                .collect()
        })
        .collect()
}
