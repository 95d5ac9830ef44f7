//! A store with a session, and short words for what scenarios do with it.

mod waiting;

use std::collections::BTreeMap;

use stepwell_protocol::{
    Epoch, FailureCause, FailureCode, LogLevel, LogLine, LogQuery, NewLog, Order, Payload,
    Progress, Report, RequestId, Run, RunFailure, RunFilter, RunId, RunStatus, ServedJob, Step,
    StepKind, TimestampMs,
};

pub(super) use self::waiting::*;
use super::Open;
use crate::store::{
    Claim, Claimed, Fence, Inserted, KeyOfJob, NewRun, Ownership, RunOutcome, StepOutcome,
    StepWritten, Store, StoreResult, fence_of,
};

pub(super) const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

pub(super) fn at(ms: i64) -> TimestampMs {
    NOW.plus(ms)
}

pub(super) fn id(number: u32) -> RunId {
    // Its time is after all times here, as the engine's ids are never before their run's `created_at`.
    RunId(format!("01b00000-0000-7000-8000-{number:012}"))
}

pub(super) fn new_run(number: u32, job: &str) -> NewRun {
    let request_id = RequestId(format!("request-{number}"));
    NewRun::new(id(number), request_id, job, Payload::from("{\"n\":1}"), NOW)
}

pub(super) fn failure(message: &str) -> RunFailure {
    RunFailure {
        name: "TypeError".to_owned(),
        message: message.to_owned(),
        stack: Some("at \"x\"\n  at y".to_owned()),
        causes: vec![FailureCause {
            name: "RangeError".to_owned(),
            message: "too 'far'".to_owned(),
        }],
        code: FailureCode::Error,
        attempt: 2,
        step_name: Some("a".to_owned()),
    }
}

pub(super) fn completed(name: &str, output: &str) -> StepOutcome {
    StepOutcome {
        name: name.to_owned(),
        kind: StepKind::Run,
        attempt: 1,
        result: Ok(Payload::from(output)),
        blobs: Vec::new(),
        started_at: at(-5),
    }
}

pub(super) fn ended(output: &str, blobs: &[&str]) -> RunOutcome {
    RunOutcome::Completed {
        output: Payload::from(output),
        blobs: blobs.iter().map(|&id| id.into()).collect(),
    }
}

pub(super) fn failed(name: &str, attempt: u32) -> StepOutcome {
    StepOutcome {
        attempt,
        result: Err(failure("no")),
        ..completed(name, "")
    }
}

pub(super) fn served(name: &str, concurrency: Option<u32>) -> ServedJob {
    ServedJob {
        name: name.to_owned(),
        concurrency,
        needs_network: false,
    }
}

pub(super) fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

pub(super) fn claimed_ids(claimed: &[Claimed]) -> Vec<RunId> {
    claimed.iter().map(|one| one.run.id.clone()).collect()
}

pub(super) fn lines(first_ordinal: u64, messages: &[&str]) -> Report {
    let line = |message: &&str| NewLog {
        level: LogLevel::Info,
        message: (*message).to_owned(),
        data: None,
        step_name: None,
        attempt: 1,
        timestamp: NOW,
    };
    Report {
        first_ordinal,
        logs: messages.iter().map(line).collect(),
        progress: None,
    }
}

pub(super) fn progress(current: f64) -> Report {
    let progress = Progress {
        current,
        total: None,
        message: None,
    };
    Report {
        progress: Some(progress),
        ..Report::default()
    }
}

pub(super) fn nothing() -> Report {
    Report::default()
}

pub(super) fn messages(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.message.as_str()).collect()
}

pub(super) struct Fixture {
    pub(super) store: Box<dyn Store>,
    pub(super) session: Epoch,
}

impl Fixture {
    pub(super) fn new(open: Open<'_>) -> Self {
        let mut fixture = Self {
            store: open(),
            session: Epoch(0),
        };
        fixture.session = fixture.write(|store| store.begin_session(NOW));
        fixture
    }

    /// One transaction, and whether it wrote.
    pub(super) fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Store) -> StoreResult<T>,
    ) -> (T, bool) {
        self.store.begin().expect("a transaction begins");
        let result = work(&mut *self.store).expect("the call works");
        let wrote = self.store.commit().expect("the transaction commits");
        (result, wrote)
    }

    /// A transaction that must have written.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut dyn Store) -> StoreResult<T>) -> T {
        let (result, wrote) = self.transact(work);
        assert!(wrote, "the commit must say that something was written");
        result
    }

    /// A transaction that must not have written.
    pub(super) fn read<T>(&mut self, work: impl FnOnce(&mut dyn Store) -> StoreResult<T>) -> T {
        let (result, wrote) = self.transact(work);
        assert!(!wrote, "the commit must say that nothing was written");
        result
    }

    pub(super) fn insert(&mut self, number: u32, job: &str) -> Run {
        self.insert_as(&new_run(number, job))
    }

    pub(super) fn insert_as(&mut self, new: &NewRun) -> Run {
        match self.write(|store| store.insert_run(new)) {
            Inserted::Created(run) => run,
            found => panic!("a new request must make a run, not find {found:?}"),
        }
    }

    /// Claims as the fixture's session; whether anything was written is not looked at.
    pub(super) fn claim(&mut self, jobs: &[&str], limit: u32) -> Vec<Claimed> {
        self.claim_at(jobs, limit, NOW)
    }

    pub(super) fn claim_at(&mut self, jobs: &[&str], limit: u32, now: TimestampMs) -> Vec<Claimed> {
        let jobs: Vec<ServedJob> = jobs.iter().map(|&name| served(name, None)).collect();
        self.claim_jobs(&jobs, limit, &[], now)
    }

    pub(super) fn claim_jobs(
        &mut self,
        jobs: &[ServedJob],
        limit: u32,
        leaving: &[KeyOfJob],
        now: TimestampMs,
    ) -> Vec<Claimed> {
        let session = self.session;
        let lease_expires_at = self.expiry(now);
        let claim = Claim {
            session,
            jobs,
            limit,
            leaving,
            now,
            lease_expires_at,
        };
        self.transact(|store| store.claim(&claim)).0
    }

    /// When a lease given now expires: in a second, where leases expire at all.
    pub(super) fn expiry(&self, now: TimestampMs) -> Option<TimestampMs> {
        (self.store.ownership() == Ownership::Shared).then(|| now.plus(1_000))
    }

    /// Claims the one claimable run of a job.
    pub(super) fn claim_one(&mut self, job: &str) -> Claimed {
        let mut claimed = self.claim(&[job], 1);
        assert_eq!(claimed.len(), 1, "one run of {job} must be claimable");
        claimed.remove(0)
    }

    /// Inserts and claims a run of a job of its own.
    pub(super) fn running(&mut self, number: u32) -> Fence {
        let job = format!("job-{number}");
        self.insert(number, &job);
        fence_of(&self.claim_one(&job).run)
    }

    /// A running run of a job.
    pub(super) fn running_of(&mut self, job: &str) -> Run {
        let filter = RunFilter {
            job_names: vec![job.to_owned()],
            statuses: vec![RunStatus::Running],
            limit: 1,
            ..RunFilter::default()
        };
        self.read(|store| store.runs(&filter)).runs.remove(0)
    }

    /// Voids every lease, as a crash does, and opens the next session.
    pub(super) fn crash(&mut self) {
        if self.store.ownership() == Ownership::Shared {
            self.transact(|store| store.expire_leases(at(1_000_000)));
        }
        self.session = self.write(|store| store.begin_session(at(10)));
    }

    pub(super) fn run(&mut self, run_id: &RunId) -> Run {
        self.read(|store| store.run(run_id))
            .expect("the run must be there")
    }

    pub(super) fn steps(&mut self, run_id: &RunId) -> Vec<Step> {
        self.read(|store| store.steps(run_id, true))
    }

    pub(super) fn all_lines(&mut self, run_id: &RunId) -> Vec<LogLine> {
        let query = LogQuery {
            run_id: run_id.clone(),
            level: None,
            order: Order::Asc,
            cursor: None,
            limit: 10_000,
        };
        self.read(|store| store.logs(&query)).logs
    }

    pub(super) fn all_runs(&mut self) -> Vec<Run> {
        let filter = RunFilter {
            limit: 1_000,
            ..RunFilter::default()
        };
        self.read(|store| store.runs(&filter)).runs
    }

    pub(super) fn step(&mut self, fence: &Fence, outcome: &StepOutcome) -> StepWritten {
        self.write(|store| store.write_step(fence, outcome, &nothing(), at(20)))
            .expect("the holder of the lease must be able to write")
    }

    pub(super) fn finish(&mut self, fence: &Fence, outcome: &RunOutcome) -> Run {
        self.write(|store| store.finish_run(fence, outcome, &nothing(), at(30)))
            .expect("the holder of the lease must be able to end the run");
        self.run(&fence.run_id)
    }

    pub(super) fn fail(&mut self, fence: &Fence) -> Run {
        self.finish(fence, &RunOutcome::Failed(failure("no")))
    }

    pub(super) fn complete(&mut self, fence: &Fence) -> Run {
        self.finish(fence, &ended("1", &[]))
    }

    pub(super) fn cancel(&mut self, run_id: &RunId) -> Run {
        let version = self.run(run_id).version;
        let request = RequestId(format!("cancel-{run_id}"));
        self.write(|store| store.cancel_run(run_id, version, &request, at(40)))
            .expect("the run must be cancelled")
    }

    pub(super) fn retry(&mut self, run_id: &RunId) -> Run {
        let version = self.run(run_id).version;
        let request = RequestId(format!("retry-{run_id}"));
        self.write(|store| store.retry_run(run_id, version, &request, at(50)))
            .expect("the run must be retried")
    }
}
