//! The world: virtual time, one queue of events, and everything that lives in it. One thread, one seed, one course.

mod chaos;
mod client;
mod executor;
mod host;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

use stepwell_protocol::{
    ClientRequest, EngineMessage, ExecutorEnvelope, ExecutorId, Input, Reply, RequestId, RunId,
    ServedJob,
};

use self::chaos::Strike;
use self::client::{Client, Next};
use self::executor::{Act, Alarm, Executor};
use self::host::Host;
use crate::counts::{Counts, Fault, State};
use crate::disk::Disk;
use crate::properties::bodies::Bodies;
use crate::properties::events::Events;
use crate::properties::leases::Leases;
use crate::properties::liveness::{self, CALM_MS_MAX, Recoveries};
use crate::properties::logs::Acknowledged;
use crate::properties::promises::Promises;
use crate::properties::reference::{SharedWatch, Watch};
use crate::properties::{Violation, ensure};
use crate::rng::Rng;
use crate::vfs::SharedDisk;
use crate::workloads::Workload;

const BUILD: &str = "sim";
/// No simulation needs as many; one that does has lost its way.
const EVENTS_MAX: u64 = 200_000;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The seed, from which everything follows.
    pub seed: u64,
    /// Whether SQLite's answers are compared with the reference store's. Off, the other properties must find what is
    /// wrong.
    pub reference: bool,
    /// Whether everything that happens is told on standard error.
    pub tells: bool,
}

impl Options {
    /// The seed with everything that judges it, in silence.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self {
            seed,
            reference: true,
            tells: false,
        }
    }
}

/// How a simulation ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Its workload.
    pub workload: &'static str,
    /// A hash of everything that happened.
    pub trace: u64,
    /// The first property that was violated.
    pub violation: Option<Violation>,
    /// What struck and what was reached.
    pub counts: Counts,
    /// How much virtual time passed.
    pub virtual_ms: i64,
    /// How many batches the engines handled.
    pub batches: u64,
}

/// Runs one simulation to its end.
#[must_use]
pub fn simulate(options: Options) -> Outcome {
    let mut world = World::new(options);
    world.run();
    world.outcome()
}

#[derive(Debug)]
enum Event {
    Open,
    Flush {
        host: u64,
    },
    Wake {
        host: u64,
        token: u64,
    },
    ToEngine {
        host: u64,
        input: Input,
    },
    ToExecutor {
        executor: usize,
        host: u64,
        messages: Vec<EngineMessage>,
    },
    ToClient {
        client: usize,
        request_id: RequestId,
        reply: Reply,
    },
    Connect {
        executor: usize,
        host: u64,
    },
    Alarm {
        executor: usize,
        alarm: Alarm,
    },
    Gone {
        id: ExecutorId,
    },
    Spawn {
        slots: u32,
    },
    ClientActs {
        client: usize,
    },
    Resend {
        client: usize,
        request_id: RequestId,
    },
    Fault,
    DiskHeals,
    Calm,
    Check,
}

/// What an executor sees of the world while it acts.
struct Scene<'a> {
    now: i64,
    is_calm: bool,
    workload: &'a Workload,
    watch: &'a SharedWatch,
    leases: &'a Leases,
    bodies: &'a mut Bodies,
    acknowledged: &'a mut BTreeMap<RunId, Acknowledged>,
    assignments: &'a mut usize,
    acts: &'a mut Vec<Act>,
}

impl Scene<'_> {
    fn struck(&self, fault: Fault) {
        self.watch.borrow_mut().counts.struck(fault);
    }

    fn saw(&self, state: State) {
        self.watch.borrow_mut().counts.saw(state);
    }
}

struct World {
    seed: u64,
    rng: Rng,
    now: i64,
    /// How far the wall clock is from true time.
    wall_offset: i64,
    queue: BTreeMap<(i64, u64), Event>,
    posted: u64,
    trace: Trace,
    workload: Workload,
    disk: SharedDisk,
    watch: SharedWatch,
    host: Option<Host>,
    hosts: u64,
    batches: u64,
    executors: Vec<Executor>,
    clients: Vec<Client>,
    /// When the last message of an ordered channel arrives.
    arrivals: BTreeMap<String, i64>,
    strike: Option<Strike>,
    is_calm: bool,
    calm_at: i64,
    gone: Vec<ExecutorId>,
    releases: u32,
    assignments: usize,
    bodies: Bodies,
    acknowledged: BTreeMap<RunId, Acknowledged>,
    promises: Promises,
    leases: Leases,
    events: Events,
    recoveries: Recoveries,
    is_over: bool,
    /// The next engine expects one executor too many.
    misses_executor: bool,
    /// The disk has torn writes that nobody has read yet.
    is_torn: bool,
    /// When the clock ran ahead last.
    jumped_at: i64,
}

impl World {
    fn new(options: Options) -> Self {
        let workload = Workload::of(options.seed);
        let mut world = Self {
            seed: options.seed,
            rng: Rng::new(options.seed),
            now: 0,
            wall_offset: 1_800_000_000_000,
            queue: BTreeMap::new(),
            posted: 0,
            trace: Trace {
                hasher: DefaultHasher::new(),
                line: String::new(),
                tells: options.tells,
            },
            disk: Rc::new(RefCell::new(Disk::default())),
            watch: Rc::new(RefCell::new(Watch::new(options.reference))),
            host: None,
            hosts: 0,
            batches: 0,
            executors: Vec::new(),
            clients: (0..workload.clients)
                .map(|number| Client::new(number, &workload))
                .collect(),
            arrivals: BTreeMap::new(),
            strike: None,
            is_calm: false,
            calm_at: workload.faults_ms,
            gone: Vec::new(),
            releases: 0,
            assignments: 0,
            bodies: Bodies::default(),
            acknowledged: BTreeMap::new(),
            promises: Promises::default(),
            leases: Leases::default(),
            events: Events::default(),
            recoveries: Recoveries::default(),
            is_over: false,
            misses_executor: false,
            is_torn: false,
            jumped_at: -1,
            workload,
        };
        world.after(0, Event::Open);
        for slots in world.workload.slots {
            world.after(0, Event::Spawn { slots: *slots });
        }
        for client in 0..world.workload.clients {
            world.after(1, Event::ClientActs { client });
        }
        let first_fault = world.rng.range(0, 300);
        world.after(first_fault, Event::Fault);
        world.after(world.calm_at, Event::Calm);
        world
    }

    fn after(&mut self, ms: i64, event: Event) {
        self.posted += 1;
        self.queue
            .insert((self.now + ms.max(0), self.posted), event);
    }

    /// Posts an event on a channel that keeps its order.
    fn send(&mut self, channel: String, event: Event) {
        let latency = self.latency();
        let arrives = self.arrivals.entry(channel).or_default();
        *arrives = (*arrives).max(self.now + latency);
        let ms = *arrives - self.now;
        self.after(ms, event);
    }

    fn latency(&mut self) -> i64 {
        if !self.is_calm && self.rng.chance(15) {
            self.struck(Fault::MessageDelayed);
            return self.rng.range(50, 600);
        }
        self.rng.range(0, 2)
    }

    fn struck(&self, fault: Fault) {
        self.watch.borrow_mut().counts.struck(fault);
    }

    fn saw(&self, state: State) {
        self.watch.borrow_mut().counts.saw(state);
    }

    fn judge(&self, property: &'static str, verdict: Result<(), String>) {
        self.watch.borrow_mut().verdicts.judge(property, verdict);
    }

    fn has_failed(&self) -> bool {
        self.watch.borrow().verdicts.first().is_some()
    }

    fn run(&mut self) {
        let mut events = 0_u64;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            self.now = at;
            self.trace.note(at, &event);
            self.handle(event);
            events += 1;
            if self.is_over || self.has_failed() {
                return;
            }
            if events > EVENTS_MAX {
                let verdict = Err(format!("more than {EVENTS_MAX} events: the system spins"));
                self.judge(liveness::NAME, verdict);
                return;
            }
        }
    }

    fn outcome(self) -> Outcome {
        let watch = self.watch.borrow();
        Outcome {
            seed: self.seed,
            workload: self.workload.name,
            trace: self.trace.hasher.finish(),
            violation: watch.verdicts.first().cloned(),
            counts: watch.counts.clone(),
            virtual_ms: self.now,
            batches: self.batches,
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Open => self.open_engine(),
            Event::Flush { host } => self.flush(host),
            Event::Wake { host, token } => self.wake(host, token),
            Event::ToEngine { host, input } => self.post_to_engine(host, input),
            Event::ToExecutor {
                executor,
                host,
                messages,
            } => {
                self.hand_to_executor(executor, host, messages);
            }
            Event::ToClient {
                client,
                request_id,
                reply,
            } => {
                if self.clients[client].replied(&request_id, &reply) == Next::Again {
                    self.after(250, Event::Resend { client, request_id });
                }
            }
            Event::Connect { executor, host } => self.connect(executor, host),
            Event::Alarm { executor, alarm } => {
                self.with_executor(executor, |executor, scene| executor.wake(alarm, scene));
            }
            Event::Gone { id } => {
                self.gone.push(id.clone());
                if let Some(host) = self.host.as_ref().map(|host| host.id) {
                    self.post_to_engine(host, Input::ExecutorGone { executor_id: id });
                }
            }
            Event::Spawn { slots } => self.spawn(slots),
            Event::ClientActs { client } => self.client_acts(client),
            Event::Resend { client, request_id } => self.ask(client, &request_id),
            Event::Fault => self.fault(),
            Event::DiskHeals => self.disk.borrow_mut().full = false,
            Event::Calm => self.calm(),
            Event::Check => self.check(),
        }
    }

    fn spawn(&mut self, slots: u32) {
        let number = self.executors.len();
        self.executors
            .push(Executor::new(ExecutorId(format!("ex{number}")), slots));
        if let Some(host) = self.host.as_ref().map(|host| host.id) {
            self.after(
                1,
                Event::Connect {
                    executor: number,
                    host,
                },
            );
        }
    }

    fn connect(&mut self, executor: usize, host: u64) {
        let is_current = self.host.as_ref().is_some_and(|current| current.id == host);
        if !is_current || !self.executors[executor].alive {
            return;
        }
        let jobs = served_jobs();
        let late = self
            .host
            .as_ref()
            .is_some_and(|host| self.now > host.opened_at + 1_000);
        if late && self.executors[executor].run_ids().next().is_some() {
            self.struck(Fault::LateHello);
        }
        let executor_state = &mut self.executors[executor];
        executor_state.host = Some(host);
        let hello = executor_state.hello(BUILD, jobs);
        self.say(executor, hello);
    }

    fn say(&mut self, executor: usize, envelope: ExecutorEnvelope) {
        let Some(host) = self.executors[executor].host else {
            return;
        };
        let executor_id = self.executors[executor].id.clone();
        let channel = format!("{executor_id}>{host}");
        let input = Input::Executor {
            executor_id,
            envelope,
        };
        self.send(channel, Event::ToEngine { host, input });
    }

    fn hand_to_executor(&mut self, executor: usize, host: u64, messages: Vec<EngineMessage>) {
        let state = &self.executors[executor];
        if !state.alive || state.host != Some(host) {
            self.struck(Fault::MessageLost);
            return;
        }
        for message in messages {
            self.with_executor(executor, |executor, scene| executor.receive(message, scene));
        }
    }

    /// Lets a living executor act, and does what it wants.
    fn with_executor(&mut self, number: usize, act: impl FnOnce(&mut Executor, &mut Scene<'_>)) {
        if !self.executors[number].alive {
            return;
        }
        let mut acts = Vec::new();
        let mut scene = Scene {
            now: self.now,
            is_calm: self.is_calm,
            workload: &self.workload,
            watch: &self.watch,
            leases: &self.leases,
            bodies: &mut self.bodies,
            acknowledged: &mut self.acknowledged,
            assignments: &mut self.assignments,
            acts: &mut acts,
        };
        act(&mut self.executors[number], &mut scene);
        for act in acts {
            match act {
                Act::Say(envelope) => self.say(number, envelope),
                Act::After(ms, alarm) => self.after(
                    ms,
                    Event::Alarm {
                        executor: number,
                        alarm,
                    },
                ),
                Act::Die => self.kill_executor(number),
            }
        }
    }

    /// What it has said still arrives; its death is told by its lock, some time later; another one takes its place.
    fn kill_executor(&mut self, number: usize) {
        if !self.executors[number].alive {
            return;
        }
        self.forget_executor(number);
        let id = self.executors[number].id.clone();
        let slots = self.executors[number].slots;
        let told_in = self.rng.range(0, 200);
        self.after(told_in, Event::Gone { id });
        let back_in = self.rng.range(20, 400);
        self.after(back_in, Event::Spawn { slots });
    }

    fn forget_executor(&mut self, number: usize) {
        let executor = &mut self.executors[number];
        executor.alive = false;
        for run_id in executor.run_ids() {
            self.bodies.lost_lease(run_id);
        }
    }

    fn client_acts(&mut self, client: usize) {
        if self.is_calm {
            return;
        }
        if let Some(request_id) = self.clients[client].act(&self.workload, &mut self.rng) {
            self.ask(client, &request_id);
        }
        let pause = self
            .rng
            .range(self.workload.pause_ms.0, self.workload.pause_ms.1);
        self.after(pause, Event::ClientActs { client });
    }

    /// Sends a request, or sends it again. While there is no engine it waits for the next one.
    fn ask(&mut self, client: usize, request_id: &RequestId) {
        let Some(host) = self.host.as_ref().map(|host| host.id) else {
            return;
        };
        let asking = &self.clients[client];
        let Some(command) = asking.outstanding.get(request_id).cloned() else {
            return;
        };
        let request = ClientRequest {
            request_id: request_id.clone(),
            command,
        };
        let input = Input::Client {
            client_id: asking.id.clone(),
            request,
        };
        let channel = format!("tab{}>{host}", asking.number());
        if !self.workload.unordered || self.is_calm {
            self.send(channel, Event::ToEngine { host, input });
            return;
        }
        if self.rng.chance(200) {
            self.struck(Fault::MessageDoubled);
            let ms = self.rng.range(0, 400);
            self.after(
                ms,
                Event::ToEngine {
                    host,
                    input: input.clone(),
                },
            );
        }
        if self.rng.chance(300) {
            self.struck(Fault::MessageReordered);
        }
        let ms = self.rng.range(0, 60);
        self.after(ms, Event::ToEngine { host, input });
    }

    /// The faults are over: whatever hangs is killed, as a user would do it, and all is judged when it has had its time.
    fn calm(&mut self) {
        self.is_calm = true;
        self.disk.borrow_mut().full = false;
        self.disk.borrow_mut().plan(None);
        self.watch.borrow_mut().unexpected = 0;
        // A last restart or death leaves the system in the middle of something, with nothing else to wake it.
        if self.rng.chance(300) {
            self.last_blow();
        }
        for number in 0..self.executors.len() {
            if self.executors[number].has_hung_body(self.now) {
                self.kill_executor(number);
            }
        }
        self.after(CALM_MS_MAX, Event::Check);
    }

    fn check(&mut self) {
        self.is_over = true;
        let unanswered: Vec<String> = self
            .clients
            .iter()
            .flat_map(|client| client.outstanding.iter())
            .map(|(request_id, command)| format!("{request_id}: {command:?}"))
            .collect();
        let verdict = ensure(unanswered.is_empty(), || {
            format!("requests without an answer: {}", unanswered.join("; "))
        });
        self.judge(liveness::NAME, verdict);
        self.check_store();
    }
}

fn served_jobs() -> Vec<ServedJob> {
    vec![ServedJob {
        name: "job".to_owned(),
        concurrency: None,
    }]
}

/// A hash of everything that happens: two courses that differ anywhere have two hashes.
struct Trace {
    hasher: DefaultHasher,
    line: String,
    tells: bool,
}

impl Trace {
    fn note(&mut self, at: i64, what: &impl std::fmt::Debug) {
        if self.tells {
            eprintln!("{at:>6} {what:?}");
        }
        self.line.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.line, "{at}{what:?}");
        self.hasher.write(self.line.as_bytes());
    }
}
