//! A small world around an engine: executors and clients are inputs, time is a number.
#![allow(unreachable_pub, reason = "a test has no outside")]
#![allow(dead_code, reason = "each test file uses its part")]

pub mod faulty;

use stepwell_engine::{Engine, EngineOptions, Entropy, Ownership, Store};
use stepwell_protocol::*;

use faulty::FaultyStore;

pub const BUILD: &str = "test";

pub struct World {
    pub engine: Option<Engine<FaultyStore>>,
    pub now: TimestampMs,
    pub opened: Output,
    calls: u8,
    requests: u32,
    seqs: u64,
}

impl World {
    pub fn new(expected_executors: u32) -> Self {
        Self::with_store(FaultyStore::new(Ownership::Exclusive), expected_executors)
    }

    pub fn with_store(store: FaultyStore, expected_executors: u32) -> Self {
        let now = TimestampMs(1_800_000_000_000);
        let mut world = Self {
            engine: None,
            now,
            opened: Output::default(),
            calls: 0,
            requests: 0,
            seqs: 0,
        };
        world.open(store, expected_executors);
        world
    }

    fn open(&mut self, store: FaultyStore, expected_executors: u32) {
        let options = EngineOptions {
            build_id: BUILD.into(),
            expected_executors,
            ..EngineOptions::default()
        };
        let (engine, output) =
            Engine::open(store, options, self.now, self.entropy()).expect("opens");
        self.engine = Some(engine);
        self.opened = output;
    }

    /// A panic, a kill, a reload: memory is lost, the store stays.
    pub fn restart(&mut self, expected_executors: u32) {
        let store = self.engine.take().expect("an engine").into_store();
        self.now = self.now.plus(5);
        self.open(store, expected_executors);
    }

    fn entropy(&mut self) -> Entropy {
        self.calls = self.calls.wrapping_add(1);
        Entropy([self.calls; 16])
    }

    pub fn engine(&mut self) -> &mut Engine<FaultyStore> {
        self.engine.as_mut().expect("an engine")
    }

    pub fn handle(&mut self, inputs: Vec<Input>) -> Output {
        self.now = self.now.plus(1);
        let (now, entropy) = (self.now, self.entropy());
        self.engine().handle(inputs, now, entropy)
    }

    pub fn after(&mut self, ms: i64) -> Output {
        self.now = self.now.plus(ms);
        self.handle(vec![Input::Tick])
    }

    pub fn request(&mut self, command: Command) -> Input {
        self.requests += 1;
        request_as(&format!("request-{}", self.requests), command)
    }

    pub fn ask(&mut self, command: Command) -> Reply {
        let input = self.request(command);
        reply(&self.handle(vec![input]))
    }

    pub fn trigger(&mut self, job: &str) -> RunId {
        match self.ask(trigger(job)) {
            Reply::Triggered { result } => result.run.id,
            other => panic!("triggered, not {other:?}"),
        }
    }

    pub fn run(&mut self, run_id: &RunId) -> Run {
        match self.ask(Command::GetRun {
            run_id: run_id.clone(),
        }) {
            Reply::Run { run: Some(run) } => run,
            other => panic!("a run, not {other:?}"),
        }
    }

    pub fn steps(&mut self, run_id: &RunId) -> Vec<Step> {
        match self.ask(Command::GetSteps {
            run_id: run_id.clone(),
            outputs: true,
        }) {
            Reply::Steps { steps } => steps,
            other => panic!("steps, not {other:?}"),
        }
    }

    pub fn logs(&mut self, run_id: &RunId) -> Vec<LogLine> {
        let query = LogQuery {
            run_id: run_id.clone(),
            level: None,
            order: Order::Asc,
            cursor: None,
            limit: 1_000,
        };
        match self.ask(Command::GetLogs { query }) {
            Reply::Logs { page } => page.logs,
            other => panic!("logs, not {other:?}"),
        }
    }

    pub fn hello(&mut self, id: &str, jobs: &[&str], slots: u32, holding: &[Holding]) -> Output {
        let message = hello(jobs, slots, holding);
        self.handle(vec![from(id, 0, message)])
    }

    pub fn seq(&mut self) -> u64 {
        self.seqs += 1;
        self.seqs
    }

    /// Sends a message that wants an answer, and returns its `seq` and the output.
    pub fn say(&mut self, id: &str, message: ExecutorMessage) -> (u64, Output) {
        let seq = self.seq();
        (seq, self.handle(vec![from(id, seq, message)]))
    }

    pub fn counters(&mut self) -> Counters {
        self.engine().status().counters
    }

    pub fn newest_generation(&mut self, run_id: &RunId) -> Holding {
        Holding {
            run_id: run_id.clone(),
            generation: self.run(run_id).generation,
        }
    }

    pub fn in_store<T>(&mut self, read: impl FnOnce(&mut dyn Store) -> T) -> T {
        read(self.engine().store_mut())
    }
}

pub fn trigger(job: &str) -> Command {
    Command::Trigger {
        run: new_trigger(job),
    }
}

pub fn new_trigger(job: &str) -> NewTrigger {
    NewTrigger {
        job_name: job.into(),
        input: Payload::from("{}"),
        ..NewTrigger::default()
    }
}

pub fn request_as(id: &str, command: Command) -> Input {
    let request = ClientRequest {
        request_id: id.into(),
        command,
    };
    Input::Client {
        client_id: "tab".into(),
        request,
    }
}

pub fn from(id: &str, seq: u64, message: ExecutorMessage) -> Input {
    Input::Executor {
        executor_id: id.into(),
        envelope: ExecutorEnvelope { seq, message },
    }
}

pub fn hello(jobs: &[&str], slots: u32, holding: &[Holding]) -> ExecutorMessage {
    let served = |&name: &&str| ServedJob {
        name: name.into(),
        concurrency: None,
        needs_network: false,
    };
    let jobs = jobs.iter().map(served).collect();
    ExecutorMessage::Hello {
        build_id: BUILD.into(),
        jobs,
        slots,
        holding: holding.to_vec(),
    }
}

pub fn step_commit(held: &Holding, step: &str) -> ExecutorMessage {
    step_commit_with(held, step, Report::default())
}

pub fn step_commit_with(held: &Holding, step: &str, report: Report) -> ExecutorMessage {
    ExecutorMessage::StepCommit {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: step.into(),
        attempt: 1,
        output: Payload::from(format!("\"{step}\"")),
        blobs: Vec::new(),
        duration_ms: 3,
        report,
    }
}

pub fn step_fail(held: &Holding, step: &str, attempt: u32) -> ExecutorMessage {
    ExecutorMessage::StepFail {
        run_id: held.run_id.clone(),
        generation: held.generation,
        step_name: step.into(),
        kind: StepKind::Run,
        attempt,
        error: failure(Some(step), attempt),
        retry: None,
        duration_ms: 3,
        report: Report::default(),
    }
}

pub fn run_complete(held: &Holding) -> ExecutorMessage {
    ExecutorMessage::RunComplete {
        run_id: held.run_id.clone(),
        generation: held.generation,
        output: Payload::from("42"),
        blobs: Vec::new(),
        report: Report::default(),
    }
}

pub fn run_fail(held: &Holding, error: RunFailure) -> ExecutorMessage {
    ExecutorMessage::RunFail {
        run_id: held.run_id.clone(),
        generation: held.generation,
        error,
        is_retryable: true,
        retry_after_ms: None,
        report: Report::default(),
    }
}

pub fn failure(step: Option<&str>, attempt: u32) -> RunFailure {
    RunFailure {
        name: "Error".into(),
        message: "no".into(),
        stack: None,
        causes: Vec::new(),
        code: FailureCode::Error,
        attempt,
        step_name: step.map(Into::into),
    }
}

pub fn lines(first_ordinal: u64, texts: &[&str]) -> Report {
    let logs = texts
        .iter()
        .map(|&text| NewLog {
            level: LogLevel::Info,
            message: text.into(),
            data: None,
            step_name: None,
            attempt: 1,
            timestamp: TimestampMs(1),
        })
        .collect();
    Report {
        first_ordinal,
        logs,
        progress: None,
    }
}

pub fn reply(output: &Output) -> Reply {
    match output.replies.as_slice() {
        [only] => only.reply.reply.clone(),
        others => panic!("one reply, not {others:?}"),
    }
}

pub fn error_code(reply: &Reply) -> ErrorCode {
    match reply {
        Reply::Error { error } => error.code,
        other => panic!("an error, not {other:?}"),
    }
}

pub fn messages(output: &Output) -> Vec<EngineMessage> {
    output
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { message, .. } => Some(message.clone()),
            Effect::DeleteBlobs { .. } | Effect::TerminateExecutor { .. } => None,
        })
        .collect()
}

pub fn assigned(output: &Output) -> Vec<Assignment> {
    messages(output)
        .into_iter()
        .filter_map(|message| match message {
            EngineMessage::Assign { assignment } => Some(assignment),
            _ => None,
        })
        .collect()
}

pub fn held(assignment: &Assignment) -> Holding {
    Holding {
        run_id: assignment.run_id.clone(),
        generation: assignment.generation,
    }
}

pub fn acked(output: &Output) -> Vec<u64> {
    messages(output)
        .into_iter()
        .flat_map(|message| match message {
            EngineMessage::Ack { seqs } => seqs,
            _ => Vec::new(),
        })
        .collect()
}

pub fn refusals(output: &Output) -> Vec<RefusalReason> {
    messages(output)
        .into_iter()
        .filter_map(|message| match message {
            EngineMessage::Refused { reason, .. } => Some(reason),
            _ => None,
        })
        .collect()
}

pub fn adopted(output: &Output) -> Vec<Holding> {
    messages(output)
        .into_iter()
        .flat_map(|message| match message {
            EngineMessage::Welcome { adopted, .. } => adopted,
            _ => Vec::new(),
        })
        .collect()
}

pub fn event_names(output: &Output) -> Vec<&'static str> {
    output
        .events
        .iter()
        .map(|event| match event.body {
            EventBody::RunTrigger => "run:trigger",
            EventBody::RunCoalesced { .. } => "run:coalesced",
            EventBody::RunDelete => "run:delete",
            EventBody::RunStart { .. } => "run:start",
            EventBody::RunResume { .. } => "run:resume",
            EventBody::RunComplete => "run:complete",
            EventBody::RunFail { .. } => "run:fail",
            EventBody::RunCancel => "run:cancel",
            EventBody::RunRetry { .. } => "run:retry",
            EventBody::RunProgress { .. } => "run:progress",
            EventBody::StepStart { .. } => "step:start",
            EventBody::StepComplete { .. } => "step:complete",
            EventBody::StepFail { .. } => "step:fail",
            EventBody::RunWait { .. } => "run:wait",
            EventBody::StepWait { .. } => "step:wait",
            EventBody::StepRetry { .. } => "step:retry",
            EventBody::StepWake { .. } => "step:wake",
            EventBody::StepCancel { .. } => "step:cancel",
            EventBody::LogWrite { .. } => "log:write",
        })
        .collect()
}
