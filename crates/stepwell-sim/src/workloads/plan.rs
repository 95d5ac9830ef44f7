//! What a run's function does, made from its input: the same in every execution, as user code has to be.

use stepwell_protocol::{InvokeMode, NewTrigger, Payload, RetryPolicy};

use super::Workload;
use crate::payloads::{depth_of, number_of, of_child};
use crate::rng::Rng;

/// The wall clock at the start of a simulation when it goes right.
pub(crate) const WALL_OFFSET: i64 = 1_800_000_000_000;

/// A call of a function's `step`.
#[derive(Clone, Debug)]
pub(crate) struct StepPlan {
    pub(crate) name: String,
    pub(crate) call: Call,
}

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Run(BodyPlan),
    Sleep {
        ms: u64,
    },
    SleepUntil {
        until: i64,
    },
    Signal {
        /// `None`: the run's own.
        key: Option<String>,
        timeout_ms: Option<u64>,
    },
    Invoke {
        mode: InvokeMode,
        children: Vec<NewTrigger>,
    },
}

/// What a step's body does, and how it is tried again.
#[derive(Clone, Debug)]
pub(crate) struct BodyPlan {
    pub(crate) ms: i64,
    /// Attempts up to this one fail.
    pub(crate) fails_until: u32,
    pub(crate) lines: i64,
    pub(crate) is_slow: bool,
    pub(crate) hangs: bool,
    /// It does not yield when it runs first: its executor hears nothing any more.
    pub(crate) blocks: bool,
    pub(crate) kills: bool,
    pub(crate) has_blob: bool,
    pub(crate) retry: RetryPolicy,
    /// What its failures ask for: a delay of their own.
    pub(crate) after_ms: Option<u64>,
    /// Its failures are not to be tried again.
    pub(crate) is_final: bool,
    pub(crate) timeout_ms: Option<u64>,
    /// It ends when its signal fires.
    pub(crate) obeys: bool,
    pub(crate) needs_network: bool,
}

/// Calls that are made at once.
#[derive(Clone, Debug)]
pub(crate) struct Wave {
    pub(crate) steps: Vec<StepPlan>,
    /// The function goes on with the first one that settles; else with the last.
    pub(crate) is_race: bool,
    /// The function catches what they throw.
    pub(crate) catches: bool,
    /// The function has a timer of its own beside them, and makes one more call when it fires.
    pub(crate) timer: Option<(i64, StepPlan)>,
}

impl Wave {
    pub(crate) fn all(&self) -> impl Iterator<Item = &StepPlan> {
        self.steps
            .iter()
            .chain(self.timer.iter().map(|(_, step)| step))
    }
}

/// A job's function: waves of calls, one after another.
pub(crate) type Plan = Vec<Wave>;

/// Whether the order of its calls follows from what it is told alone.
pub(crate) fn is_deterministic(plan: &Plan) -> bool {
    plan.iter().all(|wave| wave.timer.is_none())
}

pub(crate) fn step_of<'a>(plan: &'a Plan, name: &str) -> Option<&'a StepPlan> {
    plan.iter()
        .flat_map(Wave::all)
        .find(|step| step.name == name)
}

/// The plan that a run's input stands for.
pub(crate) fn plan(input: &Payload, workload: &Workload) -> Plan {
    if let Some(fixed) = workload.fixed {
        return fixed(input);
    }
    let mut rng = Rng::new(number_of(input));
    let depth = depth_of(input).unwrap_or(workload.depth);
    let is_poisoned = rng.chance(workload.poisoned);
    let waves = rng.range(1, workload.waves_max);
    let poisoned_wave = rng.range(0, waves - 1);
    (0..waves)
        .map(|wave| {
            let width = rng.range(1, workload.width_max);
            let mut steps: Vec<StepPlan> = (0..width)
                .map(|place| {
                    let kills = is_poisoned && wave == poisoned_wave && place == 0;
                    let body = body(kills, workload, &mut rng);
                    StepPlan {
                        name: format!("s{wave}.{place}"),
                        call: call(body, depth, workload, &mut rng),
                    }
                })
                .collect();
            let is_race = width > 1 && rng.may(workload.races);
            if is_race {
                // What loses a race goes on beside; a body would be told to stop by the function's end.
                for step in &mut steps {
                    if matches!(step.call, Call::Run(_)) {
                        step.call = sleep(workload, &mut rng);
                    }
                }
            }
            let timer = rng.may(workload.timers).then(|| {
                let ms = rng.range(1, 3_000);
                let step = StepPlan {
                    name: format!("s{wave}.t"),
                    call: Call::Run(body(false, workload, &mut rng)),
                };
                (ms, step)
            });
            Wave {
                steps,
                is_race,
                catches: rng.may(workload.catches),
                timer,
            }
        })
        .collect()
}

fn body(kills: bool, workload: &Workload, rng: &mut Rng) -> BodyPlan {
    let is_slow = rng.chance(workload.slow);
    let ms = match is_slow {
        true => rng.range(800, 4_000),
        false => rng.range(workload.body_ms.0, workload.body_ms.1),
    };
    let mut fails_until = u32::from(rng.chance(workload.fails)) * (1 + u32::from(rng.chance(300)));
    let lines = rng.range(0, workload.lines_max);
    let hangs = rng.chance(workload.hangs);
    let has_blob = rng.may(workload.blobs);
    let mut retry = RetryPolicy::NONE;
    let (mut after_ms, mut is_final) = (None, false);
    if rng.may(workload.step_retries) {
        retry = policy(workload, rng);
        fails_until = u32::try_from(rng.range(0, 5)).unwrap_or(0);
        after_ms = rng.chance(200).then(|| rng.below(workload.retry_ms));
        is_final = rng.chance(100);
    }
    let timeout_ms = rng.may(workload.timeouts).then(|| rng.below(1_500) + 20);
    BodyPlan {
        ms,
        fails_until,
        lines,
        is_slow,
        hangs,
        blocks: timeout_ms.is_some() && rng.may(workload.blocks),
        kills,
        has_blob,
        retry,
        after_ms,
        is_final,
        timeout_ms,
        obeys: timeout_ms.is_some() && rng.chance(500),
        needs_network: rng.may(workload.networked),
    }
}

fn call(body: BodyPlan, depth: u32, workload: &Workload, rng: &mut Rng) -> Call {
    if rng.may(workload.sleeps) {
        return sleep(workload, rng);
    }
    if rng.may(workload.signals) {
        return Call::Signal {
            key: rng
                .may(workload.shared_keys)
                .then(|| format!("shared{}", rng.below(3))),
            timeout_ms: rng.chance(400).then(|| rng.below(workload.sleep_ms) + 1),
        };
    }
    if depth > 0 && rng.may(workload.invokes) {
        let count = rng.range(0, workload.children_max);
        let mode = match rng.chance(500) {
            true => InvokeMode::FailFast,
            false => InvokeMode::Settled,
        };
        let children = (0..count)
            .map(|_| child(depth - 1, workload, rng))
            .collect();
        return Call::Invoke { mode, children };
    }
    Call::Run(body)
}

fn sleep(workload: &Workload, rng: &mut Rng) -> Call {
    if rng.chance(250) {
        let until = WALL_OFFSET + rng.range(0, workload.sleep_ms.cast_signed() * 2);
        return Call::SleepUntil { until };
    }
    Call::Sleep {
        ms: rng.below(workload.sleep_ms),
    }
}

fn child(depth: u32, workload: &Workload, rng: &mut Rng) -> NewTrigger {
    let (retry, timeout_ms) = policies(workload, rng);
    NewTrigger {
        job_name: rng
            .pick(workload.jobs)
            .map_or("job", |job| job.0)
            .to_owned(),
        input: Payload::Text(of_child(rng.bits() >> 8, depth)),
        priority: rng.chance(100).then_some(1),
        delay_ms: rng.chance(50).then(|| rng.below(1_000)),
        retry,
        timeout_ms,
        ..NewTrigger::default()
    }
}

/// A run's own policy and timeout.
pub(crate) fn policies(workload: &Workload, rng: &mut Rng) -> (Option<RetryPolicy>, Option<u64>) {
    let retry = rng.may(workload.run_retries).then(|| policy(workload, rng));
    let timeout_ms = rng
        .may(workload.run_timeouts)
        .then(|| rng.below(4_000) + 100);
    (retry, timeout_ms)
}

fn policy(workload: &Workload, rng: &mut Rng) -> RetryPolicy {
    let pick = |rng: &mut Rng, from: [f64; 4]| rng.pick(&from).copied().unwrap_or(1.0);
    RetryPolicy {
        max_attempts: u32::try_from(rng.range(1, 5)).unwrap_or(1),
        initial_delay_ms: rng.below(workload.retry_ms),
        factor: pick(rng, [1.0, 1.5, 2.0, 10.0]),
        max_delay_ms: rng.below(workload.retry_ms * 4),
        jitter: pick(rng, [0.0, 0.2, 0.5, 1.0]),
    }
}

/// Whether a run's own output has a blob.
pub(crate) fn ends_with_blob(input: &Payload, workload: &Workload) -> bool {
    number_of(input) % 1_000 < workload.blobs
}
