//! What the calls carry.

use stepwell_engine::{MemoryStore, NewRun, Parent, StepOutcome, Store};
use stepwell_protocol::{
    FailureCause, FailureCode, LogLevel, LogQuery, NewLog, Order, Payload, Progress, Report,
    RequestId, RetryPolicy, RunFailure, RunFilter, RunId, RunStatus, StepKind,
};

use crate::maker::{JOBS, Maker, STEPS};
use crate::support::random::Random;

const KINDS: [StepKind; 4] = [
    StepKind::Run,
    StepKind::Sleep,
    StepKind::Signal,
    StepKind::Invoke,
];

impl Maker {
    pub(crate) fn new_run(&mut self, reference: &mut MemoryStore) -> NewRun {
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
            retry: self.retry(),
            timeout_ms: self.random.chance(20).then(|| self.random.next() >> 12),
            parent: self.parent(reference),
            created_at: self.at(0),
            start_at,
        }
    }

    fn retry(&mut self) -> RetryPolicy {
        match self.random.chance(30) {
            true => RetryPolicy {
                max_attempts: 1 + self.random.below(5) as u32,
                factor: self.random.next() as f64 / 3.0,
                ..RetryPolicy::NONE
            },
            false => RetryPolicy::NONE,
        }
    }

    /// Mostly one, so that a step with children is one that waits for them.
    pub(crate) fn parent_step(&mut self) -> String {
        match self.random.chance(60) {
            true => STEPS[1].to_owned(),
            false => self.random.pick(&STEPS).to_owned(),
        }
    }

    /// No two children have the same index.
    fn parent(&mut self, reference: &mut MemoryStore) -> Option<Parent> {
        if self.random.chance(60) {
            return None;
        }
        let run_id = self.run_id();
        let run = reference.run(&run_id).expect("the reference reads")?;
        Some(Parent {
            run_id,
            step_name: self.parent_step(),
            index: 1_000_000 - self.runs as u32,
            root_id: run.root_id,
        })
    }

    pub(crate) fn filter(&mut self) -> RunFilter {
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
            parent_id: self.random.chance(20).then(|| self.run_id()),
            roots_only: self.random.chance(20),
            cursor: self.random.chance(50).then(|| self.run_id()),
            limit: self.random.below(6) as u32,
        }
    }

    pub(crate) fn log_query(&mut self) -> LogQuery {
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

    pub(crate) fn failure(&mut self) -> RunFailure {
        RunFailure {
            name: "Error".to_owned(),
            message: format!("no {}", self.random.below(100)),
            stack: self.random.chance(50).then(|| "at x\n\"y\"".to_owned()),
            causes: vec![FailureCause {
                name: "Error".to_owned(),
                message: "deeper".to_owned(),
            }],
            code: self
                .random
                .pick(&[FailureCode::Error, FailureCode::LimitExceeded]),
            attempt: 1,
            step_name: self.random.chance(50).then(|| "one".to_owned()),
        }
    }

    pub(crate) fn outcome(&mut self) -> StepOutcome {
        let result = if self.random.chance(70) {
            Ok(Payload::from(self.random.next().to_string()))
        } else {
            Err(self.failure())
        };
        StepOutcome {
            name: self.random.pick(&STEPS).to_owned(),
            kind: self.random.pick(&KINDS),
            attempt: 1 + self.random.below(3) as u32,
            result,
            blobs: self.blobs(),
            started_at: self.at(-7),
        }
    }

    pub(crate) fn report(&mut self) -> Report {
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
}
