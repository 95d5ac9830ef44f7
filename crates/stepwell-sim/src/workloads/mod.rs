//! What the clients want and what the jobs do. Each seed takes one workload; the faults are the same for all.

mod blobs;
mod bulk;
mod cancels;
mod children;
mod crowd;
mod delays;
mod failing;
mod forgetting;
mod frozen;
mod handover;
mod idle;
mod keys;
mod limits;
mod long;
mod mixed;
mod network;
pub(crate) mod plan;
mod poison;
mod retries;
mod scenario;
mod shared;
mod signals;
mod sleeping;
mod steady;
mod tabs;
mod timeouts;
mod year;

use stepwell_protocol::{Payload, ServedJob};

use self::plan::Plan;

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
    /// The chance that a call is a sleep.
    pub sleeps: u64,
    /// How long a sleep or the timeout of a signal takes at most.
    pub sleep_ms: u64,
    /// The chance that a call waits for a signal.
    pub signals: u64,
    /// The chance that such a key is not the run's own.
    pub shared_keys: u64,
    /// The chance that an act sends a signal.
    pub sends: u64,
    /// The chance that a call makes children, where there is depth left.
    pub invokes: u64,
    /// How many levels of children there are.
    pub depth: u32,
    /// The most children of a call.
    pub children_max: i64,
    /// The chance that a cancel, a retry or a deletion is of a child, or of another tab's run.
    pub meddles: u64,
    /// The chance that several calls race.
    pub races: u64,
    /// The chance that a function catches what its calls throw.
    pub catches: u64,
    /// The chance that a function has a timer of its own beside its calls.
    pub timers: u64,
    /// The chance that a step is tried again.
    pub step_retries: u64,
    /// The chance that a run is.
    pub run_retries: u64,
    /// The greatest first delay of such a policy.
    pub retry_ms: u64,
    /// The chance that a step has a timeout.
    pub timeouts: u64,
    /// The chance that the body of one with a timeout does not yield at first.
    pub blocks: u64,
    /// The chance that a run has a timeout.
    pub run_timeouts: u64,
    /// The chance that a step needs the network.
    pub networked: u64,
    /// The job that needs the network.
    pub networked_job: Option<&'static str>,
    /// The pause between changes of the network; never offline where it is 0.
    pub offline_ms: i64,
    /// How many functions an executor keeps parked; none where it is 0.
    pub parked_max: usize,
    /// What a run's function does where it does not follow from a number.
    pub(crate) fixed: Option<fn(&Payload) -> Plan>,
    /// How long everything has after the last fault.
    pub calm_ms: i64,
    /// Nothing that was to come is called off: the engine's timer is set for exactly what comes next.
    pub is_exact: bool,
    /// How many engines share the database.
    pub engines: usize,
    /// How many tabs there are on one database, each with one client; 0: one page with all clients.
    pub tabs: usize,
    /// The chance that a fault is the end of a tab.
    pub tab_ends: u64,
    /// The chance that it is a hand-over.
    pub hand_overs: u64,
    /// The chance that a tab is frozen.
    pub freezes: u64,
    /// How long faults strike.
    pub faults_ms: i64,
    /// The pause between faults; none strikes where it is 0.
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
        sleeps: 0,
        sleep_ms: 5_000,
        signals: 0,
        shared_keys: 0,
        sends: 0,
        invokes: 0,
        depth: 0,
        children_max: 3,
        meddles: 0,
        races: 0,
        catches: 0,
        timers: 0,
        step_retries: 0,
        run_retries: 0,
        retry_ms: 500,
        timeouts: 0,
        blocks: 0,
        run_timeouts: 0,
        networked: 0,
        networked_job: None,
        offline_ms: 0,
        parked_max: 2,
        fixed: None,
        calm_ms: 60_000,
        is_exact: false,
        engines: 1,
        tabs: 0,
        tab_ends: 0,
        hand_overs: 0,
        freezes: 0,
        faults_ms: 2_500,
        fault_ms: (30, 500),
    };

    /// All of them.
    const ALL: [fn() -> Self; 19] = [
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
        sleeping::workload,
        signals::workload,
        retries::workload,
        children::workload,
        timeouts::workload,
        network::workload,
        mixed::workload,
    ];

    /// Those of several tabs, which no seed takes by itself: seeds that found something keep their courses.
    const OF_TABS: [fn() -> Self; 3] = [tabs::workload, handover::workload, frozen::workload];
    /// Their names.
    pub const TABS: [&str; 3] = ["tabs", "handover", "frozen"];

    /// Those that no seed takes by itself: a year, several engines on one file, a scenario that is the same each time.
    const APART: [fn() -> Self; 4] = [
        year::workload,
        shared::workload,
        scenario::workload,
        idle::workload,
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
        let all = Self::ALL.iter().chain(&Self::OF_TABS).chain(&Self::APART);
        let mut all = all.map(|workload| workload());
        all.find(|workload| workload.name == name)
    }

    /// What an executor says that it can run.
    pub(crate) fn served(&self) -> Vec<ServedJob> {
        let job = |(name, concurrency): &(&str, Option<u32>)| ServedJob {
            name: (*name).to_owned(),
            concurrency: *concurrency,
            needs_network: self.networked_job == Some(*name),
        };
        self.jobs.iter().map(job).collect()
    }

    /// Whether runs wait for what only the engine's clock brings.
    pub(crate) fn waits(&self) -> bool {
        self.delayed + self.sleeps + self.signals + self.step_retries + self.run_retries > 0
    }

    /// How many pages there are, each with an engine of its own now and then.
    pub(crate) fn pages(&self) -> usize {
        self.engines.max(self.tabs)
    }

    /// Whether anything goes wrong by chance.
    pub(crate) fn has_faults(&self) -> bool {
        self.fault_ms.1 > 0
    }

    /// How many runs of a job may be at work at once.
    pub(crate) fn limit_of(&self, job_name: &str) -> Option<u32> {
        let job = self.jobs.iter().find(|(name, _)| *name == job_name);
        job.and_then(|(_, limit)| *limit)
    }
}
