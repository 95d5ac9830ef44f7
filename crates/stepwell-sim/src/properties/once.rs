//! A command takes effect once, however often it was sent and to however many engines, and none where it was refused.

use std::collections::BTreeMap;

use stepwell_protocol::{Command, ErrorCode, Reply, RequestId, Run, RunId, RunStatus};

use super::history::History;
use super::{Verdict, ensure};
use crate::payloads::mark_of;

pub(crate) const NAME: &str = "once";

/// What each command has done.
#[derive(Debug, Default)]
pub(crate) struct Once {
    made: BTreeMap<(String, usize), RunId>,
    changes: BTreeMap<(RequestId, RunId), u32>,
    /// As the tabs were told.
    refused: BTreeMap<RequestId, String>,
}

impl Once {
    /// A run as it stands after a commit. `before`: as it stood; `request`: what changed it last.
    pub(super) fn see(
        &mut self,
        before: Option<&Run>,
        run: &Run,
        request: Option<&RequestId>,
        history: &History,
    ) -> Verdict {
        let Some(before) = before else {
            return self.see_new(run, history);
        };
        let has_been_cancelled =
            before.status != RunStatus::Cancelled && run.status == RunStatus::Cancelled;
        let has_been_retried = before.status.is_terminal() && !run.status.is_terminal();
        let Some(request) = request.filter(|_| has_been_cancelled || has_been_retried) else {
            return Ok(());
        };
        // Children are cancelled and tried again with their parents.
        if run.parent_id.is_some() {
            return Ok(());
        }
        let times = self
            .changes
            .entry((request.clone(), run.id.clone()))
            .or_default();
        *times += 1;
        ensure(*times == 1, || {
            format!("{request} changed {before:?} into {run:?}, and had been carried out before")
        })?;
        self.has_no_effect(request)
    }

    fn see_new(&mut self, run: &Run, history: &History) -> Verdict {
        let Some(mark) = mark_of(&run.input).filter(|_| run.parent_id.is_none()) else {
            return Ok(());
        };
        let request = RequestId(mark.0.clone());
        let first = self.made.entry(mark).or_insert_with(|| run.id.clone());
        // Nothing is left to know a request by whose run was deleted.
        ensure(*first == run.id || history.is_gone(first), || {
            format!("{request} made {first}, and makes {}", run.id)
        })?;
        self.has_no_effect(&request)
    }

    /// A tab takes an answer. `was_resent`: another engine may have carried it out before.
    pub(crate) fn answered(
        &mut self,
        (request_id, was_resent): (&RequestId, bool),
        command: &Command,
        reply: &Reply,
        history: &History,
    ) -> Verdict {
        let Reply::Error { error } = reply else {
            return Ok(());
        };
        // A full disk refuses what it has not looked up.
        if was_resent && error.code == ErrorCode::StorageFull {
            return Ok(());
        }
        // Where the disk failed in the middle of a commit, or the store for no known reason, the outcome is unknown.
        if matches!(
            error.code,
            ErrorCode::StorageUnavailable | ErrorCode::Internal
        ) {
            return Ok(());
        }
        let of = |run_id: &RunId| {
            let done = self
                .changes
                .contains_key(&(request_id.clone(), run_id.clone()));
            done && !history.is_gone(run_id)
        };
        let made = |run_id: &&RunId| !history.is_gone(run_id);
        let is_done = match command {
            Command::Cancel { run_id } | Command::Retry { run_id } => of(run_id),
            Command::Trigger { .. } | Command::Retrigger { .. } | Command::BatchTrigger { .. } => {
                let of_it = self.made.iter().filter(|((id, _), _)| *id == request_id.0);
                of_it.map(|(_, run_id)| run_id).any(|run_id| made(&run_id))
            }
            _ => return Ok(()),
        };
        self.refused
            .insert(request_id.clone(), error.message.clone());
        ensure(!is_done, || {
            format!(
                "{request_id} was carried out, and is told: {}",
                error.message
            )
        })
    }

    fn has_no_effect(&self, request_id: &RequestId) -> Verdict {
        self.refused.get(request_id).map_or(Ok(()), |message| {
            Err(format!(
                "{request_id} is carried out, and its tab was told: {message}"
            ))
        })
    }
}
