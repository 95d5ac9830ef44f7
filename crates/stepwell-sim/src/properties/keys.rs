//! Of each job and concurrency key one run is at work at most, and one is pending; of each job and idempotency key there
//! is one run until it is deleted.

use std::collections::BTreeMap;

use stepwell_protocol::{Run, RunId, RunStatus};

use super::history::History;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "keys";

/// Which run each job and idempotency key has.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    idempotent: BTreeMap<(String, String), RunId>,
}

impl Keys {
    /// A run as it stands after a commit.
    pub(crate) fn see(&mut self, run: &Run) -> Verdict {
        let Some(key) = &run.idempotency_key else {
            return Ok(());
        };
        let first = self
            .idempotent
            .entry((run.job_name.clone(), key.clone()))
            .or_insert_with(|| run.id.clone());
        ensure(*first == run.id, || {
            format!("{first} and this run have one idempotency key: {run:?}")
        })
    }

    /// A run is gone, and its key is free.
    pub(crate) fn miss(&mut self, run_id: &RunId) {
        self.idempotent.retain(|_, first| first != run_id);
    }
}

/// Judges all runs after a commit.
pub(crate) fn alone(history: &History) -> Verdict {
    let mut places: BTreeMap<(&str, &str, bool), &Run> = BTreeMap::new();
    for (run, _) in history.all() {
        let is_pending = match run.status {
            RunStatus::Pending => true,
            RunStatus::Running | RunStatus::Waiting => false,
            _ => continue,
        };
        let Some(key) = &run.concurrency_key else {
            continue;
        };
        if let Some(other) = places.insert((&run.job_name, key, is_pending), run) {
            return Err(format!(
                "two runs of one concurrency key: {other:?} and {run:?}"
            ));
        }
    }
    Ok(())
}

/// A job's function that has not ended, in an executor that the engine knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Function {
    pub(crate) job_name: String,
    pub(crate) key: Option<String>,
    pub(crate) run_id: RunId,
    pub(crate) executor: String,
    /// It was told to stop.
    pub(crate) is_leaving: bool,
}

/// Judges all functions that run, or were told to stop and have not ended.
pub(crate) fn apart(functions: &[Function]) -> Verdict {
    for (place, one) in functions.iter().enumerate() {
        let same = |other: &&Function| {
            one.key.is_some() && one.key == other.key && one.job_name == other.job_name
        };
        let other = functions[place + 1..].iter().find(same);
        ensure(other.is_none(), || {
            format!("two functions of one concurrency key at once: {one:?} and {other:?}")
        })?;
    }
    Ok(())
}
