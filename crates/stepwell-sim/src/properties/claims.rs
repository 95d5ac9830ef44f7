//! Claims: nothing starts before its time or over its job's limit, what comes first in the claim order is claimed first,
//! and nothing waits beside a free slot.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use stepwell_engine::{Claim, Claimed};
use stepwell_protocol::{Run, RunId, RunStatus, TimestampMs};

use super::keys::Function;
use super::woken::Woken;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "claims";
/// How long a run may wait beside a free slot: messages on their way, a pause.
pub(crate) const WAIT_MS_MAX: i64 = 3_000;

fn place(run: &Run, is_woken: bool) -> (Reverse<bool>, Reverse<i32>, TimestampMs, &RunId) {
    (
        Reverse(is_woken),
        Reverse(run.priority),
        run.start_at,
        &run.id,
    )
}

/// What stood before a claim, and what was claimed.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) claim: &'a Claim<'a>,
    /// All that was pending, running or waiting.
    pub(crate) before: &'a [Run],
    pub(crate) claimed: &'a [Claimed],
    /// The latest time that the engine ever told: what was due then may be claimed although the clock was put back.
    pub(crate) latest: TimestampMs,
    /// Waiting runs that could be claimed too.
    pub(crate) woken: &'a Woken,
}

impl Judged<'_> {
    fn is_at_work(run: &Run) -> bool {
        matches!(run.status, RunStatus::Running | RunStatus::Waiting)
    }

    /// Waiting runs hold nothing of their job's.
    fn has_lease(run: &Run) -> bool {
        run.status == RunStatus::Running
    }

    fn is_pending(&self, run_id: &RunId) -> bool {
        let is_it = |run: &&Run| run.id == *run_id;
        self.before
            .iter()
            .find(is_it)
            .is_some_and(|run| run.status == RunStatus::Pending)
    }

    /// Whether another run of its concurrency key is at work, or leaving.
    pub(crate) fn is_blocked(&self, run: &Run) -> bool {
        let Some(key) = &run.concurrency_key else {
            return false;
        };
        let same = |other: &Run| {
            other.id != run.id
                && other.job_name == run.job_name
                && other.concurrency_key.as_ref() == Some(key)
        };
        let leaving =
            |left: &stepwell_engine::KeyOfJob| left.job_name == run.job_name && left.key == *key;
        self.before
            .iter()
            .any(|other| Self::is_at_work(other) && same(other))
            || self.claimed.iter().any(|other| same(&other.run))
            || self.claim.leaving.iter().any(leaving)
    }

    /// Whether a run of the job could surely have been claimed too.
    fn has_room(&self, job_name: &str) -> bool {
        let Some(job) = self.claim.jobs.iter().find(|job| job.name == job_name) else {
            return false;
        };
        let at_work = self
            .before
            .iter()
            .filter(|run| run.job_name == job_name && Self::has_lease(run));
        let claimed = self
            .claimed
            .iter()
            .filter(|claimed| claimed.run.job_name == job_name);
        let taken = at_work.count() + claimed.count();
        job.concurrency.is_none_or(|limit| taken < limit as usize)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for Claimed { run, .. } in self.claimed {
            *counts.entry(&run.job_name).or_default() += 1;
            if !self.is_pending(&run.id) {
                continue;
            }
            let latest = self.latest;
            ensure(run.start_at <= latest, || {
                format!("claimed before its time, at {latest} at the latest: {run:?}")
            })?;
            ensure(!self.is_blocked(run), || {
                format!("claimed although its concurrency key is at work: {run:?}")
            })?;
        }
        for job in self.claim.jobs {
            let count = counts.get(job.name.as_str()).copied().unwrap_or(0);
            ensure(job.concurrency.is_none_or(|limit| count <= limit), || {
                format!("{count} claims at once of {job:?}")
            })?;
        }
        let place_of = |claimed: &Claimed| claimed.from == RunStatus::Waiting;
        let last = self
            .claimed
            .iter()
            .map(|claimed| place(&claimed.run, place_of(claimed)))
            .max();
        let Some(last) = last else {
            return Ok(());
        };
        let overtaken = self.before.iter().find(|run| {
            let is_woken = run.status == RunStatus::Waiting && self.woken.has(&run.id);
            let is_due = run.status == RunStatus::Pending && run.start_at <= self.claim.now;
            (is_woken || is_due)
                && place(run, is_woken) < last
                && self.claimed.iter().all(|claimed| claimed.run.id != run.id)
                && (is_woken || !self.is_blocked(run))
                && self.has_room(&run.job_name)
        });
        ensure(overtaken.is_none(), || {
            format!(
                "{overtaken:?} comes before what was claimed: {:?}",
                self.claimed
            )
        })
    }
}

/// No more functions of a job than its limit.
pub(crate) fn within_limits(
    functions: &[Function],
    limit_of: impl Fn(&str) -> Option<u32>,
) -> Verdict {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for function in functions {
        *counts.entry(&function.job_name).or_default() += 1;
    }
    for (job_name, count) in counts {
        ensure(
            limit_of(job_name).is_none_or(|limit| count <= limit),
            || format!("{count} functions of {job_name} at once: {functions:?}"),
        )?;
    }
    Ok(())
}
