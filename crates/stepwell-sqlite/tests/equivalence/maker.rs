//! Makes calls at random.

use std::collections::BTreeMap;

use stepwell_engine::{Fence, KeyOfJob, MemoryStore, Release, RunOutcome, Store};
use stepwell_protocol::{
    BlobId, Epoch, Generation, Payload, RequestId, Run, RunFilter, RunId, RunStatus, ServedJob,
    TimestampMs,
};

use crate::call::Call;
use crate::support::random::Random;

pub(crate) const JOBS: [&str; 4] = ["a", "b", "c", "ä"];
pub(crate) const STEPS: [&str; 5] = ["one", "two", "three", "four", ""];

/// Makes calls. It looks runs up in the reference store, so that most calls hit.
pub(crate) struct Maker {
    pub(crate) random: Random,
    pub(crate) now: i64,
    pub(crate) runs: u64,
    pub(crate) shared: bool,
    pub(crate) sessions: u64,
    pub(crate) in_savepoint: bool,
}

impl Maker {
    pub(crate) fn call(&mut self, reference: &mut MemoryStore) -> Call {
        self.now += self.random.below(40) as i64;
        match self.random.below(190) {
            112.. => self.call_of_waits(reference),
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
            5..=19 => Call::Insert(self.new_run(reference)),
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
            53..=72 => Call::WriteStep(self.fence(reference), self.outcome(), self.report()),
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

    pub(crate) fn at(&self, ms: i64) -> TimestampMs {
        TimestampMs(1_800_000_000_000 + self.now + ms)
    }

    pub(crate) fn session(&mut self) -> Epoch {
        Epoch(1 + self.random.below(self.sessions + 1))
    }

    fn expiry(&mut self) -> Option<TimestampMs> {
        let ms = self.random.below(800) as i64;
        self.shared.then(|| self.at(ms))
    }

    pub(crate) fn run_id(&mut self) -> RunId {
        let number = self.random.below(self.runs + 2);
        RunId(format!("run-{number:06}"))
    }

    pub(crate) fn request(&mut self, kind: &str) -> RequestId {
        RequestId(format!("{kind}-{}", self.random.below(10_000)))
    }

    pub(crate) fn key(&mut self) -> String {
        self.random.pick(&["k", "l", ""]).to_owned()
    }

    pub(crate) fn blobs(&mut self) -> Vec<BlobId> {
        let count = self.random.below(3);
        let mut blobs: Vec<BlobId> = (0..count)
            .map(|_| BlobId(format!("blob-{}", self.random.below(12))))
            .collect();
        blobs.dedup();
        blobs
    }

    pub(crate) fn labels(&mut self, most: u64) -> BTreeMap<String, String> {
        let count = self.random.below(most + 1);
        let mut label = || {
            let key = self.random.pick(&["a", "b/c"]).to_owned();
            (key, self.random.pick(&["1", "2", ""]).to_owned())
        };
        (0..count).map(|_| label()).collect()
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
    pub(crate) fn fence(&mut self, reference: &mut MemoryStore) -> Fence {
        self.fence_of(RunStatus::Running, reference)
    }

    pub(crate) fn fence_of(&mut self, status: RunStatus, reference: &mut MemoryStore) -> Fence {
        let Some(run) = self.run_in(&[status], reference) else {
            let generation = Generation(self.random.below(4));
            return Fence {
                run_id: self.run_id(),
                generation,
            };
        };
        let mut generation = run.generation;
        if self.random.chance(10) {
            generation.0 = generation.0 - 1 + 2 * self.random.below(2);
        }
        Fence {
            run_id: run.id,
            generation,
        }
    }

    /// One of the newest runs of these statuses; seldom none, though there are some.
    pub(crate) fn run_in(
        &mut self,
        statuses: &[RunStatus],
        reference: &mut MemoryStore,
    ) -> Option<Run> {
        let filter = RunFilter {
            statuses: statuses.to_vec(),
            limit: 8,
            ..RunFilter::default()
        };
        let mut runs = reference.runs(&filter).expect("the reference reads").runs;
        if runs.is_empty() || self.random.chance(5) {
            return None;
        }
        let chosen = self.random.below(runs.len() as u64) as usize;
        Some(runs.swap_remove(chosen))
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
