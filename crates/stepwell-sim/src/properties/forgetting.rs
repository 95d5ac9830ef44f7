//! Only what has ended, and was to go, is deleted, and then all of it; nothing tells of it afterwards.

use std::collections::BTreeSet;

use stepwell_protocol::{Command, EventBody, Input, Output, Reply, Run, RunId, TimestampMs};

use super::history::History;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "forgetting";

/// What was deleted, on its way to a commit and after it.
#[derive(Debug, Default)]
pub(crate) struct Deletions {
    open: Vec<Run>,
    at_savepoint: usize,
    committed: Vec<Run>,
    /// Everything that was ever in a transaction which may have been committed.
    ever: BTreeSet<RunId>,
}

impl Deletions {
    /// A run is deleted in the open transaction.
    pub(crate) fn delete(&mut self, run: Run) -> Verdict {
        let verdict = ensure(run.status.is_terminal(), || {
            format!("deleted, and has not ended: {run:?}")
        });
        self.open.push(run);
        verdict
    }

    pub(crate) fn savepoint(&mut self) {
        self.at_savepoint = self.open.len();
    }

    pub(crate) fn rollback_to_savepoint(&mut self) {
        self.open.truncate(self.at_savepoint);
    }

    /// The transaction is about to be committed, and may be there after a crash whatever is said of it.
    pub(crate) fn try_commit(&mut self) {
        self.ever.extend(self.open.iter().map(|run| run.id.clone()));
    }

    pub(crate) fn commit(&mut self) {
        self.committed.append(&mut self.open);
    }

    pub(crate) fn rollback(&mut self) {
        self.open.clear();
    }

    pub(crate) fn may_have_deleted(&self, run_id: &RunId) -> bool {
        self.ever.contains(run_id)
    }

    pub(crate) fn take_committed(&mut self) -> Vec<Run> {
        std::mem::take(&mut self.committed)
    }
}

/// What a batch's inputs allow to be deleted.
#[derive(Debug, Default)]
pub(crate) struct Permitted {
    runs: BTreeSet<RunId>,
    /// Whatever ended so long ago.
    age_ms: Option<i64>,
}

impl Permitted {
    pub(crate) fn by(inputs: &[Input], retention_ms: Option<i64>) -> Self {
        let mut permitted = Self::default();
        for input in inputs {
            match input {
                Input::Upkeep => permitted.lower(retention_ms),
                Input::Client { request, .. } => match &request.command {
                    Command::DeleteRun { run_id } => {
                        permitted.runs.insert(run_id.clone());
                    }
                    Command::PurgeRuns { older_than_ms, .. } => {
                        permitted.lower(i64::try_from(*older_than_ms).ok());
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        permitted
    }

    /// Whether this very run was to be deleted.
    pub(crate) fn names(&self, run_id: &RunId) -> bool {
        self.runs.contains(run_id)
    }

    fn lower(&mut self, age_ms: Option<i64>) {
        self.age_ms = self.age_ms.into_iter().chain(age_ms).min();
    }

    /// Descendants go with their root, whose age alone counts.
    fn allows(&self, run: &Run, deleted: &[Run], now: TimestampMs) -> bool {
        let root = deleted.iter().find(|other| other.id == run.root_id);
        let run = root.unwrap_or(run);
        let is_old = |age_ms: i64| run.completed_at.is_some_and(|at| at.0 <= now.0 - age_ms);
        self.runs.contains(&run.id) || self.age_ms.is_some_and(is_old)
    }
}

/// What leaves the engine after a batch that deleted these runs.
pub(crate) fn judge(
    output: &Output,
    deleted: &[Run],
    permitted: &Permitted,
    now: TimestampMs,
    history: &History,
) -> Verdict {
    for run in deleted {
        ensure(permitted.allows(run, deleted, now), || {
            format!("deleted at {now}, and nobody asked for it ({permitted:?}): {run:?}")
        })?;
    }
    let mut told: BTreeSet<&RunId> = BTreeSet::new();
    for event in &output.events {
        let run_id = &event.head.run_id;
        let is_late = history.is_gone(run_id)
            && (told.contains(run_id) || !deleted.iter().any(|run| run.id == *run_id));
        ensure(!is_late, || format!("an event of a deleted run: {event:?}"))?;
        if matches!(event.body, EventBody::RunDelete) {
            ensure(deleted.iter().any(|run| run.id == *run_id), || {
                format!("told as deleted, and was not: {event:?}")
            })?;
            told.insert(run_id);
        }
    }
    for run in deleted {
        ensure(told.contains(&run.id), || {
            format!("deleted, and no event told it: {run:?}")
        })?;
    }
    for addressed in &output.replies {
        let runs: Vec<&Run> = match &addressed.reply.reply {
            Reply::Triggered { result } => vec![&result.run],
            Reply::BatchTriggered { results } => results.iter().map(|result| &result.run).collect(),
            Reply::Run { run } => run.iter().collect(),
            Reply::Runs { page } => page.runs.iter().collect(),
            _ => Vec::new(),
        };
        let late = runs
            .into_iter()
            .find(|run| history.is_gone(&run.id) && deleted.iter().all(|one| one.id != run.id));
        ensure(late.is_none(), || {
            format!("an answer about a deleted run: {addressed:?}")
        })?;
    }
    Ok(())
}

/// At the end, after idle moments: nothing is left that is older than the retention by this much.
pub(crate) fn none_over_age(history: &History, before: TimestampMs) -> Verdict {
    let is_old =
        |run: &&Run| run.parent_id.is_none() && run.completed_at.is_some_and(|at| at <= before);
    let old = history.all().map(|(run, _)| run).find(is_old);
    ensure(old.is_none(), || {
        format!("its retention has ended, and it is still there: {old:?}")
    })
}
