//! Random calls, to the reference store and to SQLite in step: every answer must be the same.

mod support;

use std::collections::BTreeMap;

use stepwell_engine::{
    Claim, Fence, KeyOfJob, MemoryStore, NewRun, Ownership, Release, RunOutcome, StepOutcome,
    Store, StoreError,
};
use stepwell_protocol::{
    BlobId, Epoch, FailureCode, Generation, LogLevel, LogQuery, NewLog, Order, Payload, Progress,
    Report, RequestId, RetryPolicy, RunFailure, RunFilter, RunId, RunStatus, ServedJob, StepKind,
    TimestampMs,
};
use stepwell_sqlite::{Durability, SqliteStore};
use support::random::Random;
use support::{Folder, as_opfs, open};

const JOBS: [&str; 4] = ["a", "b", "c", "ä"];
const STEPS: [&str; 5] = ["one", "two", "three", "four", ""];

/// What both stores are asked; made once, so that both get the same.
#[derive(Debug)]
enum Call {
    BeginSession,
    Renew(Epoch, TimestampMs),
    Expire,
    Insert(NewRun),
    Read(RunId),
    Runs(RunFilter),
    Steps(RunId, bool),
    Logs(LogQuery),
    Claim(
        Epoch,
        Vec<ServedJob>,
        u32,
        Vec<KeyOfJob>,
        Option<TimestampMs>,
    ),
    Adopt(Fence, Epoch, Option<TimestampMs>),
    Release(Fence, Release),
    Step(Fence, StepOutcome, Report),
    Report(Fence, Report),
    Finish(Fence, RunOutcome, Report),
    Cancel(RunId, u64, RequestId),
    PromoteDue,
    PendingOfKey(String, String),
    Delete(RunId),
    EndedBefore(TimestampMs, u32),
    Unreferenced(Vec<BlobId>),
    Retry(RunId, u64, RequestId),
    Savepoint,
    ReleaseSavepoint,
    RollbackToSavepoint,
}

/// The answer as text: equal texts, equal answers. Of an unexpected error only the kind is the same.
fn ask(store: &mut dyn Store, call: &Call, now: TimestampMs) -> String {
    fn text<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
        match answer {
            Err(StoreError::Other(_)) => "Other".to_owned(),
            answer => format!("{answer:?}"),
        }
    }
    match call {
        Call::BeginSession => text(store.begin_session(now)),
        Call::Renew(session, at) => text(store.renew_leases(*session, *at)),
        Call::Expire => text(store.expire_leases(now)),
        Call::Insert(new) => text(store.insert_run(new)),
        Call::Read(id) => text(
            store
                .run(id)
                .and_then(|run| Ok((run, store.last_request(id)?, store.claimable_jobs()?))),
        ),
        Call::Runs(filter) => text(store.runs(filter)),
        Call::Steps(id, outputs) => text(store.steps(id, *outputs)),
        Call::Logs(query) => text(store.logs(query)),
        Call::Claim(session, jobs, limit, leaving, lease_expires_at) => text(store.claim(&Claim {
            session: *session,
            jobs,
            limit: *limit,
            leaving,
            now,
            lease_expires_at: *lease_expires_at,
        })),
        Call::Adopt(held, session, expiry) => text(store.adopt(held, *session, now, *expiry)),
        Call::Release(fence, how) => text(store.release(fence, *how, now)),
        Call::Step(fence, outcome, report) => text(store.write_step(fence, outcome, report, now)),
        Call::Report(fence, report) => text(store.write_report(fence, report, now)),
        Call::Finish(fence, outcome, report) => text(store.finish_run(fence, outcome, report, now)),
        Call::Cancel(id, version, request) => text(store.cancel_run(id, *version, request, now)),
        Call::PromoteDue => text(store.promote_due(now)),
        Call::PendingOfKey(job, key) => text(store.pending_of_key(job, key)),
        Call::Delete(id) => text(store.delete_run(id).map(|deleted| {
            deleted.map(|mut deleted| {
                deleted.blobs.sort();
                deleted
            })
        })),
        Call::EndedBefore(at, limit) => text(store.ended_before(*at, *limit)),
        Call::Unreferenced(blobs) => text(store.unreferenced_blobs(blobs)),
        Call::Retry(id, version, request) => text(store.retry_run(id, *version, request, now)),
        Call::Savepoint => text(store.savepoint()),
        Call::ReleaseSavepoint => text(store.release_savepoint()),
        Call::RollbackToSavepoint => text(store.rollback_to_savepoint()),
    }
}

/// Makes calls. It looks runs up in the reference store, so that most calls hit.
struct Maker {
    random: Random,
    now: i64,
    runs: u64,
    shared: bool,
    sessions: u64,
    in_savepoint: bool,
}

impl Maker {
    fn call(&mut self, reference: &mut MemoryStore) -> Call {
        self.now += self.random.below(40) as i64;
        match self.random.below(112) {
            100..=102 => Call::PromoteDue,
            103 => Call::PendingOfKey(self.random.pick(&JOBS).to_owned(), self.key()),
            104..=108 => Call::Delete(self.run_id()),
            109 => {
                let at = self.random.below(2_000) as i64 - 1_000;
                Call::EndedBefore(self.at(at), self.random.below(5) as u32)
            }
            110..=111 => Call::Unreferenced(self.blobs()),
            0 => {
                self.sessions += 1;
                Call::BeginSession
            }
            1..=2 => Call::Renew(self.session(), self.at(500)),
            3..=4 => Call::Expire,
            5..=19 => Call::Insert(self.new_run()),
            20..=23 => Call::Read(self.run_id()),
            24..=27 => Call::Runs(self.filter()),
            28..=30 => Call::Steps(self.run_id(), self.random.chance(50)),
            31..=34 => Call::Logs(self.log_query()),
            35..=44 => self.claim(),
            45..=48 => Call::Adopt(self.fence(reference), self.session(), self.expiry()),
            49..=52 => {
                let how = self.random.pick(&[Release::Orderly, Release::Interrupted]);
                Call::Release(self.fence(reference), how)
            }
            53..=72 => Call::Step(self.fence(reference), self.outcome(), self.report()),
            73..=78 => Call::Report(self.fence(reference), self.report()),
            79..=84 => self.finish(reference),
            85..=87 => {
                let (id, version) = self.versioned(reference);
                Call::Cancel(id, version, self.request("cancel"))
            }
            88..=92 => {
                let (id, version) = self.versioned(reference);
                Call::Retry(id, version, self.request("retry"))
            }
            _ => self.savepoint(),
        }
    }

    fn at(&self, ms: i64) -> TimestampMs {
        TimestampMs(1_800_000_000_000 + self.now + ms)
    }

    fn session(&mut self) -> Epoch {
        Epoch(1 + self.random.below(self.sessions + 1))
    }

    fn expiry(&mut self) -> Option<TimestampMs> {
        let ms = self.random.below(800) as i64;
        self.shared.then(|| self.at(ms))
    }

    fn run_id(&mut self) -> RunId {
        let number = self.random.below(self.runs + 2);
        RunId(format!("run-{number:06}"))
    }

    fn request(&mut self, kind: &str) -> RequestId {
        RequestId(format!("{kind}-{}", self.random.below(10_000)))
    }

    fn key(&mut self) -> String {
        self.random.pick(&["k", "l", ""]).to_owned()
    }

    fn blobs(&mut self) -> Vec<BlobId> {
        let count = self.random.below(3);
        let mut blobs: Vec<BlobId> = (0..count)
            .map(|_| BlobId(format!("blob-{}", self.random.below(12))))
            .collect();
        blobs.dedup();
        blobs
    }

    fn labels(&mut self, most: u64) -> BTreeMap<String, String> {
        let count = self.random.below(most + 1);
        let mut label = || {
            let key = self.random.pick(&["a", "b/c"]).to_owned();
            (key, self.random.pick(&["1", "2", ""]).to_owned())
        };
        (0..count).map(|_| label()).collect()
    }

    fn new_run(&mut self) -> NewRun {
        let old = self.random.chance(10);
        let number = if old {
            self.random.below(self.runs + 1)
        } else {
            self.runs += 1;
            self.runs
        };
        let request = if self.random.chance(5) {
            self.runs
        } else {
            number
        };
        let start_at = self.random.below(30) as i64 * 10;
        let start_at = self.at(start_at);
        NewRun {
            id: RunId(format!("run-{number:06}")),
            request_id: RequestId(format!("request-{request}")),
            job_name: self.random.pick(&JOBS).to_owned(),
            input: Payload::from(format!("[{}]", self.random.next())),
            blobs: self.blobs(),
            idempotency_key: self.random.chance(20).then(|| self.key()),
            concurrency_key: self.random.chance(40).then(|| self.key()),
            labels: self.labels(2),
            priority: self.random.below(3) as i32 - 1,
            max_recoveries: self.random.below(4) as u32,
            retry: RetryPolicy::NONE,
            timeout_ms: None,
            parent: None,
            created_at: self.at(0),
            start_at,
        }
    }

    fn filter(&mut self) -> RunFilter {
        let some = |random: &mut Random| random.below(3) as usize;
        let (jobs, statuses) = (some(&mut self.random), some(&mut self.random));
        RunFilter {
            job_names: (0..jobs)
                .map(|_| self.random.pick(&JOBS).to_owned())
                .collect(),
            statuses: (0..statuses)
                .map(|_| self.random.pick(&RunStatus::ALL))
                .collect(),
            labels: self.labels(1),
            created_after: self.random.chance(20).then(|| self.at(-700)),
            created_before: self.random.chance(20).then(|| self.at(-200)),
            parent_id: None,
            roots_only: false,
            cursor: self.random.chance(50).then(|| self.run_id()),
            limit: self.random.below(6) as u32,
        }
    }

    fn log_query(&mut self) -> LogQuery {
        LogQuery {
            run_id: self.run_id(),
            level: self
                .random
                .chance(50)
                .then(|| self.random.pick(&LogLevel::ALL)),
            order: self.random.pick(&[Order::Asc, Order::Desc]),
            cursor: self.random.chance(50).then(|| self.random.below(400)),
            limit: self.random.below(6) as u32,
        }
    }

    fn claim(&mut self) -> Call {
        let count = self.random.below(5);
        let mut jobs: Vec<ServedJob> = (0..count)
            .map(|_| ServedJob {
                name: self.random.pick(&JOBS).to_owned(),
                concurrency: self.random.chance(40).then(|| self.random.below(4) as u32),
                needs_network: false,
            })
            .collect();
        jobs.sort_by(|a, b| a.name.cmp(&b.name));
        jobs.dedup_by(|a, b| a.name == b.name);
        let leaving = self.random.chance(20).then(|| KeyOfJob {
            job_name: self.random.pick(&JOBS).to_owned(),
            key: self.key(),
        });
        let limit = self.random.below(4) as u32;
        let leaving = leaving.into_iter().collect();
        Call::Claim(self.session(), jobs, limit, leaving, self.expiry())
    }

    /// Mostly of a running run, mostly the right one.
    fn fence(&mut self, reference: &mut MemoryStore) -> Fence {
        let filter = RunFilter {
            statuses: vec![RunStatus::Running],
            limit: 8,
            ..RunFilter::default()
        };
        let running = reference.runs(&filter).expect("the reference reads").runs;
        if running.is_empty() || self.random.chance(5) {
            let generation = Generation(self.random.below(4));
            return Fence {
                run_id: self.run_id(),
                generation,
            };
        }
        let run = &running[self.random.below(running.len() as u64) as usize];
        let mut generation = run.generation;
        if self.random.chance(10) {
            generation.0 = generation.0 - 1 + 2 * self.random.below(2);
        }
        Fence {
            run_id: run.id.clone(),
            generation,
        }
    }

    fn failure(&mut self) -> RunFailure {
        RunFailure {
            name: "Error".to_owned(),
            message: format!("no {}", self.random.below(100)),
            stack: self.random.chance(50).then(|| "at x\n\"y\"".to_owned()),
            causes: Vec::new(),
            code: self
                .random
                .pick(&[FailureCode::Error, FailureCode::LimitExceeded]),
            attempt: 1,
            step_name: self.random.chance(50).then(|| "one".to_owned()),
        }
    }

    fn outcome(&mut self) -> StepOutcome {
        let result = if self.random.chance(70) {
            Ok(Payload::from(self.random.next().to_string()))
        } else {
            Err(self.failure())
        };
        StepOutcome {
            name: self.random.pick(&STEPS).to_owned(),
            kind: StepKind::Run,
            attempt: 1 + self.random.below(3) as u32,
            result,
            blobs: self.blobs(),
            started_at: self.at(-7),
        }
    }

    fn report(&mut self) -> Report {
        let count = self.random.below(4);
        let logs = (0..count)
            .map(|_| NewLog {
                level: self.random.pick(&LogLevel::ALL),
                message: format!("line {}", self.random.next()),
                data: self.random.chance(30).then(|| Payload::from("{}")),
                step_name: self.random.chance(50).then(|| "one".to_owned()),
                attempt: 1,
                timestamp: self.at(0),
            })
            .collect();
        let progress = self.random.chance(30).then(|| Progress {
            current: self.random.next() as f64 / 7.0,
            total: self.random.chance(50).then_some(0.1),
            message: None,
        });
        Report {
            first_ordinal: 1 + self.random.below(9),
            logs,
            progress,
        }
    }

    fn finish(&mut self, reference: &mut MemoryStore) -> Call {
        let outcome = if self.random.chance(40) {
            RunOutcome::Completed {
                output: Payload::Bytes(vec![1, 255]),
                blobs: self.blobs(),
            }
        } else {
            RunOutcome::Failed(self.failure())
        };
        Call::Finish(self.fence(reference), outcome, self.report())
    }

    fn versioned(&mut self, reference: &mut MemoryStore) -> (RunId, u64) {
        let id = self.run_id();
        let run = reference.run(&id).expect("the reference reads");
        let version = run.map_or(1, |run| run.version);
        (id, version + u64::from(self.random.chance(10)))
    }

    fn savepoint(&mut self) -> Call {
        if !self.in_savepoint {
            self.in_savepoint = true;
            return Call::Savepoint;
        }
        self.in_savepoint = false;
        self.random_end()
    }

    fn random_end(&mut self) -> Call {
        if self.random.chance(50) {
            Call::ReleaseSavepoint
        } else {
            Call::RollbackToSavepoint
        }
    }
}

fn compare(seed: u64, ownership: Ownership, sqlite: &mut SqliteStore, transactions: u32) {
    let mut reference = MemoryStore::new(ownership);
    let mut maker = Maker {
        random: Random(seed),
        now: 0,
        runs: 0,
        shared: ownership == Ownership::Shared,
        sessions: 0,
        in_savepoint: false,
    };
    for transaction in 0..transactions {
        reference.begin().expect("a transaction begins");
        sqlite.begin().expect("a transaction begins");
        for _ in 0..maker.random.below(6) {
            let call = maker.call(&mut reference);
            let now = maker.at(0);
            let expected = ask(&mut reference, &call, now);
            let answer = ask(sqlite, &call, now);
            assert_eq!(
                answer, expected,
                "seed {seed}, transaction {transaction}: {call:?}"
            );
        }
        // A transaction may end with its savepoint open.
        maker.in_savepoint = false;
        if maker.random.chance(20) {
            reference.rollback();
            sqlite.rollback();
        } else {
            let expected = reference.commit();
            assert_eq!(
                sqlite.commit(),
                expected,
                "seed {seed}, transaction {transaction}: wrote"
            );
        }
    }
    everything_is_the_same(&mut reference, sqlite, &mut maker);
}

fn everything_is_the_same(
    reference: &mut MemoryStore,
    sqlite: &mut SqliteStore,
    maker: &mut Maker,
) {
    let filter = RunFilter {
        limit: 100_000,
        ..RunFilter::default()
    };
    let now = maker.at(0);
    let mut calls = vec![Call::Runs(filter.clone())];
    let runs = reference.runs(&filter).expect("the reference reads").runs;
    assert!(runs.len() > 100, "the sequence must have made runs");
    for run in runs {
        calls.push(Call::Steps(run.id.clone(), true));
        calls.push(Call::Logs(LogQuery {
            run_id: run.id,
            level: None,
            order: Order::Desc,
            cursor: None,
            limit: 100_000,
        }));
    }
    for call in calls {
        assert_eq!(
            ask(sqlite, &call, now),
            ask(reference, &call, now),
            "{call:?}"
        );
    }
    assert_eq!(sqlite.integrity_check(), Ok(vec![]));
}

#[test]
fn sqlite_in_memory_answers_as_the_reference_does() {
    for seed in 1..=4 {
        eprintln!("seed {seed}");
        let mut sqlite = SqliteStore::open_in_memory(Durability::Strict).expect("memory opens");
        compare(seed, Ownership::Exclusive, &mut sqlite, 800);
    }
}

#[test]
fn sqlite_on_a_file_of_its_own_answers_as_the_reference_does() {
    let folder = Folder::new();
    let mut sqlite =
        open(&folder.file("a.db"), as_opfs(Durability::Relaxed)).expect("the file opens");
    compare(5, Ownership::Exclusive, &mut sqlite, 800);
}

#[test]
fn sqlite_on_a_shared_file_answers_as_the_reference_does() {
    let folder = Folder::new();
    let mut sqlite =
        SqliteStore::open_file(folder.file("a.db"), Durability::Relaxed).expect("the file opens");
    compare(6, Ownership::Shared, &mut sqlite, 800);
}
