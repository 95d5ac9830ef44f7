//! The world: virtual time, one queue of events, and everything that lives in it. One thread, one seed, one course.

mod active;
mod actors;
mod body;
mod channels;
mod chaos;
mod client;
mod ending;
mod executor;
mod files;
mod function;
mod host;
mod judge;
pub(crate) mod messages;
mod shared;
mod simulation;
mod suspension;
mod tabs;
mod timer;
mod waiting;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

use stepwell_protocol::{EngineMessage, ExecutorId, Input, Reply, RequestId, RunId};

use self::chaos::Strike;
use self::client::{Client, Next};
use self::executor::{Act, Alarm, Executor};
use self::files::Files;
use self::host::Host;
use self::shared::SharedFile;
use self::simulation::Trace;
pub use self::simulation::{CrashAt, Options, Outcome, Victim, simulate};
use self::tabs::{TabEvent, Tabs};
use crate::counts::{Fault, State};
use crate::disk::Disk;
use crate::properties::bodies::Bodies;
use crate::properties::epochs::Epochs;
use crate::properties::events::Events;
use crate::properties::forgetting::Permitted;
use crate::properties::leases::Leases;
use crate::properties::liveness::{self, Recoveries};
use crate::properties::logs::Acknowledged;
use crate::properties::promises::Promises;
use crate::properties::reference::{SharedWatch, Watch};
use crate::rng::Rng;
use crate::slips::Slip;
use crate::vfs::SharedDisk;
use crate::workloads::Workload;
use crate::workloads::plan::WALL_OFFSET;

const BUILD: &str = "sim";
/// No simulation needs as many; one that does has lost its way.
const EVENTS_MAX: u64 = 400_000;

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "most events are messages, and a queue holds few"
)]
enum Event {
    Open {
        page: usize,
    },
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
        page: usize,
    },
    ClientActs {
        client: usize,
    },
    Resend {
        client: usize,
        request_id: RequestId,
    },
    /// The blobs that came with an input are files now.
    BlobsStored {
        host: u64,
        input: Input,
    },
    /// Nothing has been done for a while, perhaps.
    Idle {
        host: u64,
    },
    /// Something about tabs and the channels between them.
    Tab(TabEvent),
    Fault,
    /// The browser goes online or offline.
    Network,
    /// Somebody sends what everything waits for.
    SignalAll,
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
    /// How far it ever was ahead.
    wall_offset_max: i64,
    queue: BTreeMap<(i64, u64), Event>,
    posted: u64,
    trace: Trace,
    workload: Workload,
    disk: SharedDisk,
    watch: SharedWatch,
    /// The engine of the page that events are about now.
    host: Option<Host>,
    page: usize,
    tabs: Tabs,
    epochs: Epochs,
    slip: Option<Slip>,
    /// The engines of the other pages.
    away: Vec<Option<Host>>,
    /// Of each engine that ever was, its page.
    pages: Vec<usize>,
    shared: Option<SharedFile>,
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
    /// Executors that engines had ended.
    terminations: u32,
    is_online: bool,
    crash_at: Option<CrashAt>,
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
    files: Files,
    /// What the batch that is being handled may delete.
    permitted: Permitted,
    /// How often the timer has called lately, and since when that is counted.
    wakes: (i64, u32),
    /// Since when a run has been waiting beside a free slot.
    waiting_since: Option<i64>,
}

impl World {
    fn new(options: Options) -> Self {
        let named = options.workload.and_then(Workload::named);
        let workload = named.unwrap_or_else(|| Workload::of(options.seed));
        let mut world = Self {
            seed: options.seed,
            rng: Rng::new(options.seed),
            now: 0,
            wall_offset: WALL_OFFSET,
            wall_offset_max: WALL_OFFSET,
            queue: BTreeMap::new(),
            posted: 0,
            trace: Trace {
                hasher: DefaultHasher::new(),
                line: String::new(),
                tells: options.tells,
            },
            disk: Rc::new(RefCell::new(Disk::default())),
            watch: Rc::new(RefCell::new(Watch::new(options.reference, &workload))),
            host: None,
            page: 0,
            tabs: Tabs::new(workload.tabs),
            epochs: Epochs::default(),
            slip: options.slip,
            away: (0..workload.pages()).map(|_| None).collect(),
            pages: Vec::new(),
            shared: (workload.engines > 1).then(SharedFile::new),
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
            terminations: 0,
            is_online: true,
            crash_at: options.crash_at,
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
            files: Files::default(),
            permitted: Permitted::default(),
            wakes: (0, 0),
            waiting_since: None,
            workload,
        };
        for tab in 0..world.workload.tabs {
            world.after(0, Event::Tab(TabEvent::Opens { tab }));
        }
        let pages = match world.workload.tabs {
            0 => world.workload.engines,
            _ => 0,
        };
        for page in 0..pages {
            world.after(0, Event::Open { page });
            for slots in world.workload.slots {
                let slots = *slots;
                world.after(0, Event::Spawn { slots, page });
            }
        }
        for client in 0..world.workload.clients {
            world.after(1, Event::ClientActs { client });
        }
        let first_fault = world.rng.range(0, 300);
        if world.workload.has_faults() {
            world.after(first_fault, Event::Fault);
        }
        world.after(world.calm_at, Event::Calm);
        if world.workload.offline_ms > 0 {
            world.after(world.workload.offline_ms, Event::Network);
        }
        world
    }

    fn after(&mut self, ms: i64, event: Event) {
        self.posted += 1;
        self.queue
            .insert((self.now + ms.max(0), self.posted), event);
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
            if self.is_early(&event) {
                continue;
            }
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
            commits: watch.commits,
        }
    }

    /// Everything that follows is about that page.
    fn turn_to(&mut self, page: usize) {
        if page != self.page {
            self.away[self.page] = self.host.take();
            self.host = self.away[page].take();
            self.page = page;
        }
    }

    fn page_of(&self, event: &Event) -> Option<usize> {
        match event {
            Event::Open { page } | Event::Spawn { page, .. } => Some(*page),
            Event::Flush { host }
            | Event::Wake { host, .. }
            | Event::ToEngine { host, .. }
            | Event::BlobsStored { host, .. }
            | Event::Idle { host } => self.page_of_host(*host),
            Event::ToExecutor { executor, .. }
            | Event::Connect { executor, .. }
            | Event::Alarm { executor, .. } => Some(self.executors[*executor].page),
            Event::ToClient { client, .. }
            | Event::ClientActs { client }
            | Event::Resend { client, .. } => Some(self.page_of_client(*client)),
            Event::Gone { id } => self
                .executors
                .iter()
                .find(|executor| executor.id == *id)
                .map(|executor| executor.page),
            Event::Tab(event) => self.tab_of(event),
            Event::Fault
            | Event::Network
            | Event::SignalAll
            | Event::DiskHeals
            | Event::Calm
            | Event::Check => None,
        }
    }

    fn page_of_client(&self, client: usize) -> usize {
        client % self.workload.pages()
    }

    fn page_of_host(&self, host: u64) -> Option<usize> {
        let number = usize::try_from(host).ok()?.checked_sub(1)?;
        self.pages.get(number).copied()
    }

    fn handle(&mut self, event: Event) {
        let mut event = event;
        if let Some(page) = self.page_of(&event) {
            match self.stash(page, event) {
                Some(unstashed) => event = unstashed,
                None => return,
            }
            self.turn_to(page);
        }
        match event {
            Event::Open { .. } => self.open_engine(),
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
            Event::Spawn { slots, .. } => self.spawn(slots),
            Event::ClientActs { client } => self.client_acts(client),
            Event::Resend { client, request_id } => self.ask(client, &request_id),
            Event::BlobsStored { host, input } => self.blobs_stored(host, input),
            Event::Idle { host } => self.idle(host),
            Event::Tab(event) => self.handle_tab(event),
            Event::Fault => self.fault(),
            Event::Network => self.change_network(),
            Event::SignalAll => self.signal_all(),
            Event::DiskHeals => self.disk.borrow_mut().full = false,
            Event::Calm => self.calm(),
            Event::Check => self.check(),
        }
    }
}
