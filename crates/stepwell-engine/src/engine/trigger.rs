//! Making runs: `trigger`, `batchTrigger`, `retrigger`.
//!
//! | what stands already                               | becomes                                        |
//! |---------------------------------------------------|------------------------------------------------|
//! | a run of the same request (a resend)              | that run, `created`                            |
//! | a run of the same job and idempotency key         | that run, `idempotent`; no event               |
//! | a pending run of the same job and concurrency key | `conflict`; with `coalesce` it, `coalesced`    |
//! | nothing of these                                  | a pending run, `created`                       |

use std::collections::BTreeMap;

use stepwell_protocol::{
    BlobId, Disposition, ErrorCode, ErrorInfo, EventBody, NewTrigger, Payload, Reply, RequestId,
    Run, RunId, SkippedTrigger, TimestampMs, TriggerResult,
};

use super::client::{Answer, Refused, head_of, not_found, refuse};
use super::policy;
use super::turn::Turn;
use crate::store::{Inserted, MAX_RECOVERIES, NewRun, Parent, Store};

/// The longest job name, in bytes.
pub const JOB_NAME_BYTES_MAX: usize = 256;
/// The longest idempotency or concurrency key, in characters.
pub const KEY_CHARS_MAX: usize = 256;
/// The most labels a run may have.
pub const LABELS_MAX: usize = 32;
/// The longest key of a label, in characters.
pub const LABEL_KEY_CHARS_MAX: usize = 64;
/// The longest value of a label, in characters.
pub const LABEL_VALUE_CHARS_MAX: usize = 256;
/// The greatest priority; the least is its negative.
pub const PRIORITY_MAX: i32 = 1_000;
/// The most runs that one command may make.
pub const BATCH_RUNS_MAX: usize = 1_000;
/// The greatest time that JavaScript counts exactly.
const TIME_MS_MAX: i64 = (1 << 53) - 1;

impl<S: Store> Turn<'_, S> {
    pub(super) fn trigger(&mut self, request_id: &RequestId, new: &NewTrigger) -> Answer {
        self.check(new)?;
        let result = self.make(request_id.clone(), new, None)?;
        Ok(Reply::Triggered { result })
    }

    /// All or nothing: a refusal undoes what the command wrote.
    pub(super) fn batch_trigger(&mut self, request_id: &RequestId, new: &[NewTrigger]) -> Answer {
        if new.len() > BATCH_RUNS_MAX {
            return refuse(
                ErrorCode::LimitExceeded,
                format!(
                    "A batch may have {BATCH_RUNS_MAX} runs, and has {}. Trigger several batches.",
                    new.len()
                ),
            );
        }
        // Before anything is written: most mistakes cost no rollback.
        for (index, new) in new.iter().enumerate() {
            self.check(new)
                .map_err(|refused| at("runs", index, refused))?;
        }
        let mut results = Vec::with_capacity(new.len());
        for (index, new) in new.iter().enumerate() {
            let request_id = RequestId(format!("{request_id}/{index}"));
            let result = self.make(request_id, new, None);
            #[cfg(feature = "planted")]
            if crate::planted::has(crate::planted::Bug::BatchHalfWritten)
                && let Err(Refused::Command(error)) = result
            {
                return Ok(Reply::Error { error });
            }
            results.push(result.map_err(|refused| at("runs", index, refused))?);
        }
        Ok(Reply::BatchTriggered { results })
    }

    pub(super) fn retrigger(
        &mut self,
        request_id: &RequestId,
        run_id: &RunId,
        input: &Payload,
        blobs: &[BlobId],
    ) -> Answer {
        // A resend, whatever became of the old run since.
        if let Some(run) = self.store.run_of_request(request_id)? {
            let disposition = Disposition::Created;
            let result = TriggerResult { run, disposition };
            return Ok(Reply::Triggered { result });
        }
        let Some(run) = self.store.run(run_id)? else {
            return not_found(run_id);
        };
        if !run.status.is_terminal() {
            return refuse(
                ErrorCode::Conflict,
                format!(
                    "The run {run_id} is {}: only a run that has ended can be triggered again. Wait for it, or cancel it.",
                    run.status.as_str()
                ),
            );
        }
        let new = NewTrigger {
            job_name: run.job_name,
            input: input.clone(),
            blobs: blobs.to_vec(),
            max_recoveries: Some(run.max_recoveries),
            concurrency_key: run.concurrency_key,
            labels: run.labels,
            priority: Some(run.priority),
            retry: Some(run.retry),
            timeout_ms: run.timeout_ms,
            ..NewTrigger::default()
        };
        self.trigger(request_id, &new)
    }

    /// Of a trigger that was checked. `parent`: of a child, the place that it takes.
    pub(super) fn make(
        &mut self,
        request_id: RequestId,
        new: &NewTrigger,
        parent: Option<Parent>,
    ) -> Result<TriggerResult, Refused> {
        let start_at = self.start_of(new);
        #[cfg(feature = "planted")]
        let request_id =
            crate::planted::forgotten(request_id, crate::planted::Bug::ResentTriggerRepeated);
        let new_run = NewRun {
            id: self.state.ids.next(self.now, self.random),
            request_id,
            job_name: new.job_name.clone(),
            input: new.input.clone(),
            blobs: new.blobs.clone(),
            max_recoveries: new.max_recoveries.unwrap_or(MAX_RECOVERIES),
            idempotency_key: new.idempotency_key.clone(),
            concurrency_key: new.concurrency_key.clone(),
            labels: new.labels.clone(),
            priority: new.priority.unwrap_or(0),
            retry: new.retry.unwrap_or_default(),
            timeout_ms: new.timeout_ms,
            parent,
            created_at: self.now,
            start_at,
        };
        let (run, disposition) = match self.store.insert_run(&new_run)? {
            Inserted::Existing(run) => (run, Disposition::Created),
            Inserted::Idempotent(run) => (run, Disposition::Idempotent),
            Inserted::Pending(run) => {
                #[cfg(feature = "planted")]
                if new.coalesce && crate::planted::has(crate::planted::Bug::CoalescedTriggerWrites)
                {
                    self.store.insert_run(&NewRun {
                        concurrency_key: None,
                        ..new_run
                    })?;
                }
                (self.coalesce(new, run)?, Disposition::Coalesced)
            }
            Inserted::Created(run) => {
                self.emit(&head_of(&run), EventBody::RunTrigger);
                if start_at > self.now {
                    self.state.due_at(start_at);
                } else {
                    self.run_became_claimable(&run.job_name);
                }
                (run, Disposition::Created)
            }
        };
        Ok(TriggerResult { run, disposition })
    }

    /// A trigger that finds the pending run of its concurrency key.
    fn coalesce(&mut self, new: &NewTrigger, pending: Run) -> Result<Run, Refused> {
        let concurrency_key = new.concurrency_key.clone().unwrap_or_default();
        if !new.coalesce {
            return refuse(
                ErrorCode::Conflict,
                format!(
                    "The run {} of job \"{}\" is pending with the concurrencyKey \"{concurrency_key}\", and only one may be. \
                     Wait for its start, or trigger with coalesce: 'skip' to be given that run.",
                    pending.id, pending.job_name
                ),
            );
        }
        let skipped = SkippedTrigger {
            concurrency_key,
            labels: new.labels.clone(),
            idempotency_key: new.idempotency_key.clone(),
            priority: new.priority.unwrap_or(0),
            start_at: self.start_of(new),
        };
        self.emit(&head_of(&pending), EventBody::RunCoalesced { skipped });
        Ok(pending)
    }

    /// When a run may start that is triggered now. A time in the past is now, so that it does not overtake by its claim
    /// order what was triggered before it.
    fn start_of(&self, new: &NewTrigger) -> TimestampMs {
        let delay_ms = i64::try_from(new.delay_ms.unwrap_or(0)).unwrap_or(TIME_MS_MAX);
        let start_at = new.start_at.unwrap_or(self.now.plus(delay_ms));
        start_at.max(self.now)
    }

    pub(super) fn check(&self, new: &NewTrigger) -> Result<(), Refused> {
        check_text("jobName", new.job_name.len(), JOB_NAME_BYTES_MAX, "bytes")?;
        for (name, key) in [
            ("idempotencyKey", &new.idempotency_key),
            ("concurrencyKey", &new.concurrency_key),
        ] {
            if let Some(key) = key {
                check_text(name, key.chars().count(), KEY_CHARS_MAX, "characters")?;
            }
        }
        if new.coalesce && new.concurrency_key.is_none() {
            return invalid(
                "coalesce needs a concurrencyKey: it is the pending run of that key that would be returned.",
            );
        }
        let priority = new.priority.unwrap_or(0);
        if priority.unsigned_abs() > PRIORITY_MAX.unsigned_abs() {
            return invalid(format!(
                "priority must be from -{PRIORITY_MAX} to {PRIORITY_MAX}; it is {priority}."
            ));
        }
        if new.start_at.is_some() && new.delay_ms.is_some() {
            return invalid("delay and startAt exclude each other: give one of them.");
        }
        if self.start_of(new).0 > TIME_MS_MAX || new.start_at.is_some_and(|at| at.0 < 0) {
            return invalid("startAt must be a time since 1970, in milliseconds below 2^53.");
        }
        if let Some(problem) = new.retry.as_ref().and_then(policy::problem_of) {
            return invalid(problem);
        }
        if new
            .timeout_ms
            .is_some_and(|ms| !(1..=policy::DELAY_MS_MAX).contains(&ms))
        {
            return invalid("timeout must be from 1 ms to a century.");
        }
        check_labels(&new.labels)?;
        check_size("The input", &new.input, self.options.payload_bytes_max)
    }
}

pub(super) fn check_size(what: &str, value: &Payload, bytes_max: u32) -> Result<(), Refused> {
    let bytes = value.len();
    if bytes <= bytes_max as usize {
        return Ok(());
    }
    refuse(
        ErrorCode::PayloadTooLarge,
        format!(
            "{what} has {bytes} bytes, and {bytes_max} is the limit. Pass large data as a File or Blob, or raise \
             limits.payloadBytes of createStepwell."
        ),
    )
}

/// A refusal that names the item of a list that it is about.
pub(super) fn at(list: &str, index: usize, refused: Refused) -> Refused {
    match refused {
        Refused::Command(ErrorInfo { code, message }) => {
            Refused::Command(ErrorInfo::new(code, format!("{list}[{index}]: {message}")))
        }
        store @ Refused::Store(_) => store,
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refused> {
    refuse(ErrorCode::InvalidInput, message)
}

pub(super) fn check_text(
    name: &str,
    length: usize,
    length_max: usize,
    unit: &str,
) -> Result<(), Refused> {
    if (1..=length_max).contains(&length) {
        return Ok(());
    }
    invalid(format!(
        "{name} must have 1 to {length_max} {unit}; it has {length}."
    ))
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Refused> {
    if labels.len() > LABELS_MAX {
        return refuse(
            ErrorCode::LimitExceeded,
            format!(
                "A run may have {LABELS_MAX} labels; it has {}.",
                labels.len()
            ),
        );
    }
    for (key, value) in labels {
        check_text(
            "The key of a label",
            key.chars().count(),
            LABEL_KEY_CHARS_MAX,
            "characters",
        )?;
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if !key.chars().all(is_allowed) {
            return invalid(format!(
                "The key of a label may have the characters A-Z a-z 0-9 - _ . / and is \"{key}\"."
            ));
        }
        let chars = value.chars().count();
        if chars > LABEL_VALUE_CHARS_MAX {
            return invalid(format!(
                "The label \"{key}\" may have {LABEL_VALUE_CHARS_MAX} characters; it has {chars}."
            ));
        }
    }
    Ok(())
}
