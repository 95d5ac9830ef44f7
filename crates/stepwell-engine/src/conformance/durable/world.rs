//! Hosts, a clock, clients: what a scenario speaks to.

use std::collections::BTreeMap;
use std::rc::Rc;

use stepwell_protocol::{
    ClientRequest, Command, ErrorCode, ExecutorMessage, Input, LogLine, LogQuery, NewTrigger,
    Order, Payload, Reply, RequestId, Run, RunEvent, RunFailure, RunFilter, RunId, RunStatus,
    SignalDisposition, Step, TimestampMs,
};

use super::Mode;
use super::context::Clock;
use super::function::Job;
use super::host::{Crew, Host};
use crate::store::{Ownership, Store};

const START: TimestampMs = TimestampMs(1_800_000_000_000);
/// Rounds within one millisecond, before it is taken for a loop.
const ROUNDS_MAX: u32 = 100_000;
/// How long a scenario may wait for anything.
const PATIENCE_MS: i64 = 400 * 86_400_000;

pub(super) struct World {
    pub(super) hosts: Vec<Host>,
    pub(super) mode: Mode,
    pub(super) ownership: Ownership,
    clock: Clock,
    requests: u32,
    events: Vec<RunEvent>,
    statuses: BTreeMap<RunId, RunStatus>,
}

/// How many runs an executor takes at once, unless the scenario says otherwise.
const SLOTS: u32 = 16;

impl World {
    /// A host for each store.
    pub(super) fn new(stores: Vec<Box<dyn Store>>, mode: Mode, jobs: Vec<Job>) -> Self {
        Self::with_slots(stores, mode, jobs, SLOTS)
    }

    pub(super) fn with_slots(
        stores: Vec<Box<dyn Store>>,
        mode: Mode,
        jobs: Vec<Job>,
        slots: u32,
    ) -> Self {
        let clock = Clock::at(START);
        let crew = Crew {
            jobs: Rc::new(jobs),
            slots,
            parked_max: match mode {
                Mode::Replay => 0,
                Mode::Park => 1_000,
            },
            count: 1,
        };
        let ownership = stores
            .first()
            .map_or(Ownership::Exclusive, |store| store.ownership());
        let hosts = stores
            .into_iter()
            .zip('a'..='z')
            .map(|(store, name)| Host::new(name, crew.clone(), store, clock.clone()))
            .collect();
        let mut world = Self {
            hosts,
            mode,
            ownership,
            clock,
            requests: 0,
            events: Vec::new(),
            statuses: BTreeMap::new(),
        };
        world.settle();
        world
    }

    pub(super) fn host(&mut self) -> &mut Host {
        self.hosts.first_mut().expect("a host")
    }

    /// The time.
    pub(super) fn now(&self) -> i64 {
        self.clock.now()
    }

    // What happens.

    fn take_events(&mut self) {
        for host in &mut self.hosts {
            for event in host.events.drain(..) {
                self.statuses
                    .insert(event.head.run_id.clone(), event.head.status);
                self.events.push(event);
            }
        }
    }

    /// Until nothing more happens at this millisecond.
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut found = false;
            for host in &mut self.hosts {
                found |= host.round();
            }
            self.take_events();
            if !found {
                return;
            }
        }
        panic!("{ROUNDS_MAX} rounds at one millisecond: engine and executor talk for ever");
    }

    /// Time passes up to the next thing that happens, and that happens. Not beyond `end`. Whether there was anything.
    fn pass(&mut self, end: i64) -> bool {
        let next = self.hosts.iter().filter_map(Host::next_time).min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.clock.set(end.max(self.now()));
            return false;
        };
        self.clock.set(next.max(self.now()));
        self.settle();
        true
    }

    /// So long passes.
    pub(super) fn wait(&mut self, ms: i64) {
        let end = self.now() + ms;
        self.settle();
        while self.pass(end) {}
    }

    /// Time passes and nobody notices: the machine sleeps.
    pub(super) fn jump(&mut self, ms: i64) {
        self.clock.set(self.now() + ms);
    }

    /// Time passes until this is so.
    pub(super) fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let end = self.now() + PATIENCE_MS;
        self.settle();
        while !is_so(self) {
            assert!(
                self.pass(end),
                "nothing more will happen, and not yet: {what}\n{}",
                self.dump()
            );
        }
    }

    /// Time passes until this run is there, as far as events tell.
    pub(super) fn until_status(&mut self, run_id: &RunId, status: RunStatus) {
        self.until(&format!("{run_id} is {}", status.as_str()), |world| {
            world.statuses.get(run_id) == Some(&status)
        });
    }

    /// The run after its end.
    pub(super) fn ended(&mut self, run_id: &RunId) -> Run {
        self.until(&format!("{run_id} has ended"), |world| {
            world
                .statuses
                .get(run_id)
                .is_some_and(|status| status.is_terminal())
        });
        self.settle();
        self.run(run_id)
    }

    pub(super) fn completes(&mut self, run_id: &RunId) -> String {
        let run = self.ended(run_id);
        assert_eq!(
            run.status,
            RunStatus::Completed,
            "{run_id} ended with {:?}",
            run.error
        );
        text(run.output.as_ref())
    }

    pub(super) fn fails(&mut self, run_id: &RunId) -> RunFailure {
        let run = self.ended(run_id);
        assert_eq!(run.status, RunStatus::Failed, "{run_id} is {run:?}");
        run.error.expect("a failed run has its failure")
    }

    /// Rounds, until an executor is about to say this, and has not.
    pub(super) fn until_said(&mut self, wanted: impl Fn(&ExecutorMessage) -> bool) {
        for _ in 0..ROUNDS_MAX {
            self.host().work();
            if self.host().is_about_to(&wanted) {
                return;
            }
            assert!(
                self.host().round(),
                "nothing more is said at this millisecond, and not that"
            );
        }
    }

    fn dump(&mut self) -> String {
        let mut text = String::new();
        for (run_id, status) in self.statuses.clone() {
            if !status.is_terminal() && text.len() < 4_000 {
                let (run, steps) = (self.run(&run_id), self.steps(&run_id));
                text.push_str(&format!("{run:?}\n  {steps:?}\n"));
            }
        }
        text
    }

    // What clients ask. Of the first host, and before anything that its executors have to say.

    pub(super) fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(format!("request-{}", self.requests))
    }

    pub(super) fn ask(&mut self, command: Command) -> Reply {
        let request_id = self.request();
        self.ask_as(0, request_id, command)
    }

    pub(super) fn ask_as(&mut self, host: usize, request_id: RequestId, command: Command) -> Reply {
        let request = ClientRequest {
            request_id,
            command,
        };
        let client_id = "client".into();
        let mut replies = self.hosts[host].handle(vec![Input::Client { client_id, request }]);
        self.take_events();
        let reply = replies.pop().expect("a reply");
        assert!(replies.is_empty(), "one reply");
        reply.reply.reply
    }

    pub(super) fn refused(&mut self, command: Command) -> (ErrorCode, String) {
        match self.ask(command) {
            Reply::Error { error } => (error.code, error.message),
            other => panic!("it must be refused, and not {other:?}"),
        }
    }

    pub(super) fn trigger(&mut self, job: &str, input: &str) -> RunId {
        self.trigger_as(new(job, input))
    }

    pub(super) fn trigger_as(&mut self, run: NewTrigger) -> RunId {
        match self.ask(Command::Trigger { run }) {
            Reply::Triggered { result } => result.run.id,
            other => panic!("triggered, and not {other:?}"),
        }
    }

    /// All in one command.
    pub(super) fn trigger_all(&mut self, runs: Vec<NewTrigger>) -> Vec<RunId> {
        match self.ask(Command::BatchTrigger { runs }) {
            Reply::BatchTriggered { results } => {
                results.into_iter().map(|result| result.run.id).collect()
            }
            other => panic!("triggered, and not {other:?}"),
        }
    }

    pub(super) fn run(&mut self, run_id: &RunId) -> Run {
        self.find(run_id).expect("the run is there")
    }

    pub(super) fn find(&mut self, run_id: &RunId) -> Option<Run> {
        let run_id = run_id.clone();
        match self.ask(Command::GetRun { run_id }) {
            Reply::Run { run } => run,
            other => panic!("a run, and not {other:?}"),
        }
    }

    pub(super) fn steps(&mut self, run_id: &RunId) -> Vec<Step> {
        let (run_id, outputs) = (run_id.clone(), true);
        match self.ask(Command::GetSteps { run_id, outputs }) {
            Reply::Steps { steps } => steps,
            other => panic!("steps, and not {other:?}"),
        }
    }

    pub(super) fn step(&mut self, run_id: &RunId, name: &str) -> Step {
        let steps = self.steps(run_id);
        let step = steps.iter().find(|step| step.name == name).cloned();
        step.unwrap_or_else(|| panic!("there must be a step {name} among {steps:?}"))
    }

    pub(super) fn logs(&mut self, run_id: &RunId) -> Vec<LogLine> {
        let query = LogQuery {
            run_id: run_id.clone(),
            level: None,
            order: Order::Asc,
            cursor: None,
            limit: 1_000,
        };
        match self.ask(Command::GetLogs { query }) {
            Reply::Logs { page } => page.logs,
            other => panic!("lines, and not {other:?}"),
        }
    }

    /// Runs by a filter, oldest first.
    pub(super) fn runs(&mut self, filter: RunFilter) -> Vec<Run> {
        let limit = 1_000;
        match self.ask(Command::GetRuns {
            filter: RunFilter { limit, ..filter },
        }) {
            Reply::Runs { mut page } => {
                page.runs.reverse();
                page.runs
            }
            other => panic!("runs, and not {other:?}"),
        }
    }

    /// The children of a run, in the order of their triggers.
    pub(super) fn children(&mut self, run_id: &RunId) -> Vec<Run> {
        self.runs(RunFilter {
            parent_id: Some(run_id.clone()),
            ..RunFilter::default()
        })
    }

    pub(super) fn cancel(&mut self, run_id: &RunId) -> Run {
        self.ask_for_run(Command::Cancel {
            run_id: run_id.clone(),
        })
    }

    pub(super) fn retry(&mut self, run_id: &RunId) -> Run {
        self.ask_for_run(Command::Retry {
            run_id: run_id.clone(),
        })
    }

    fn ask_for_run(&mut self, command: Command) -> Run {
        match self.ask(command) {
            Reply::Run { run: Some(run) } => run,
            other => panic!("a run, and not {other:?}"),
        }
    }

    pub(super) fn signal(&mut self, key: &str, value: &str) -> SignalDisposition {
        let request_id = self.request();
        self.signal_as(request_id, key, Ok(value))
    }

    pub(super) fn signal_as(
        &mut self,
        request_id: RequestId,
        key: &str,
        result: Result<&str, RunFailure>,
    ) -> SignalDisposition {
        let (value, error) = match result {
            Ok(value) => (Some(Payload::from(value)), None),
            Err(error) => (None, Some(error)),
        };
        let command = Command::Signal {
            key: key.to_owned(),
            value,
            error,
            blobs: Vec::new(),
        };
        match self.ask_as(0, request_id, command) {
            Reply::Signalled { disposition } => disposition,
            other => panic!("signalled, and not {other:?}"),
        }
    }

    pub(super) fn network(&mut self, is_online: bool) {
        for host in &mut self.hosts {
            host.handle(vec![Input::Network { is_online }]);
        }
        self.take_events();
    }

    // What was told.

    /// The events since the last time, in order.
    pub(super) fn events(&mut self) -> Vec<RunEvent> {
        self.take_events();
        std::mem::take(&mut self.events)
    }
}

/// A trigger of this job.
pub(super) fn new(job: &str, input: &str) -> NewTrigger {
    NewTrigger {
        job_name: job.to_owned(),
        input: Payload::from(input),
        ..NewTrigger::default()
    }
}

pub(super) fn text(payload: Option<&Payload>) -> String {
    let text = payload.and_then(Payload::text);
    text.expect("a value that is text").to_owned()
}
