//! An answer to a trigger is what the trigger asked for, and a trigger that made no run wrote nothing.

use stepwell_protocol::{
    Command, Disposition, ErrorCode, NewTrigger, Reply, RequestId, Run, TriggerResult,
};

use super::reference::Watch;
use super::{Verdict, ensure};
use crate::payloads::mark_of;

pub(crate) const NAME: &str = "dispositions";

/// An answer that leaves the engine.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) request_id: &'a RequestId,
    /// What was asked; `None` where its client has forgotten it.
    pub(crate) command: Option<&'a Command>,
    pub(crate) reply: &'a Reply,
    /// The runs that the same batch deleted.
    pub(crate) deleted: &'a [Run],
}

impl Answer<'_> {
    fn results(&self) -> Vec<&TriggerResult> {
        match self.reply {
            Reply::Triggered { result } => vec![result],
            Reply::BatchTriggered { results } => results.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The runs that triggers were answered with.
    pub(crate) fn made(&self) -> Vec<&Run> {
        let results = self.results().into_iter();
        results.map(|result| &result.run).collect()
    }

    /// Whether a resend may be answered with another run: where the first was told one that it had not made, which has
    /// started or is gone by now.
    pub(crate) fn may_differ(&self, index: usize) -> bool {
        self.triggers()
            .get(index)
            .is_none_or(|new| new.coalesce || new.idempotency_key.is_some())
    }

    fn triggers(&self) -> Vec<&NewTrigger> {
        match self.command {
            Some(Command::Trigger { run }) => vec![run],
            Some(Command::BatchTrigger { runs }) => runs.iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// Judges an answer against what has been committed.
pub(crate) fn judge(answer: &Answer<'_>, watch: &Watch) -> Verdict {
    let triggers = answer.triggers();
    let results = answer.results();
    if let (Reply::Error { error }, Some(Command::BatchTrigger { .. })) =
        (answer.reply, answer.command)
        && error.code == ErrorCode::Conflict
    {
        // A resend may meet what the first one met not, but only where runs of it have been deleted.
        return ensure(
            !watch.batches.has_made(answer.request_id) || watch.history.has_forgotten(),
            || format!("refused, and a part of it was made: {answer:?}"),
        );
    }
    if results.is_empty() || triggers.is_empty() {
        return Ok(());
    }
    ensure(triggers.len() == results.len(), || {
        format!("an answer of another length: {answer:?}")
    })?;
    for (index, (new, result)) in triggers.into_iter().zip(results).enumerate() {
        as_asked(new, result)?;
        if result.disposition != Disposition::Created {
            let made = watch
                .history
                .all()
                .find(|(run, _)| mark_of(&run.input) == Some((answer.request_id.0.clone(), index)));
            ensure(made.is_none(), || {
                format!("{new:?} was answered with {result:?}, and made {made:?}")
            })?;
        }
    }
    Ok(())
}

fn as_asked(new: &NewTrigger, result: &TriggerResult) -> Verdict {
    let TriggerResult { run, disposition } = result;
    let holds = run.job_name == new.job_name
        && match disposition {
            Disposition::Created => {
                let delay_ms = new.delay_ms.unwrap_or(0);
                let start_at = new.start_at.unwrap_or(run.created_at);
                let due_at = start_at.0.max(run.created_at.0) + delay_ms.cast_signed();
                // A retry lets it start at once.
                let is_due = run.start_at.0 == due_at || run.attempt > 1;
                is_due
                    && run.input == new.input
                    && run.labels == new.labels
                    && run.priority == new.priority.unwrap_or(0)
                    && run.retry == new.retry.unwrap_or_default()
                    && run.timeout_ms == new.timeout_ms
                    && run.concurrency_key == new.concurrency_key
                    && run.idempotency_key == new.idempotency_key
            }
            Disposition::Idempotent => {
                new.idempotency_key.is_some() && run.idempotency_key == new.idempotency_key
            }
            Disposition::Coalesced => new.coalesce && run.concurrency_key == new.concurrency_key,
        };
    ensure(holds, || format!("{new:?} was answered with {result:?}"))
}
