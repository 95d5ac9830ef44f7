//! One batch on its way: the open transaction, the draft of the engine's memory, and what will leave after the commit.

use std::collections::BTreeMap;

use stepwell_protocol::{
    Effect, EngineMessage, EventBody, EventHead, ExecutorId, FailureCode, LogLine, Output,
    Progress, Report, RunEvent, TimestampMs,
};

use super::EngineOptions;
use super::state::State;
use crate::entropy::RandomStream;
use crate::store::{RunHead, Store};

/// Log data above this stays out of events.
const EVENT_DATA_BYTES_MAX: usize = 2_048;

pub(super) struct Turn<'a, S> {
    pub(super) store: &'a mut S,
    pub(super) state: &'a mut State,
    pub(super) options: &'a EngineOptions,
    pub(super) now: TimestampMs,
    pub(super) random: &'a mut RandomStream,
    pub(super) output: Output,
    /// `seq`s to acknowledge; one message per executor, before anything is assigned.
    pub(super) acks: BTreeMap<ExecutorId, Vec<u64>>,
    /// Whether the set of unserved jobs may have changed.
    pub(super) check_unserved: bool,
}

impl<S: Store> Turn<'_, S> {
    pub(super) fn send(&mut self, executor_id: &ExecutorId, message: EngineMessage) {
        self.output.effects.push(Effect::Send {
            executor_id: executor_id.clone(),
            message,
        });
    }

    /// A `seq` of 0 wants no answer.
    pub(super) fn ack(&mut self, executor_id: &ExecutorId, seq: u64) {
        if seq == 0 {
            return;
        }
        self.acks.entry(executor_id.clone()).or_default().push(seq);
    }

    pub(super) fn send_acks(&mut self) {
        for (executor_id, seqs) in std::mem::take(&mut self.acks) {
            self.send(&executor_id, EngineMessage::Ack { seqs });
        }
    }

    /// Those of one executor, because something else has to come after them.
    pub(super) fn send_acks_of(&mut self, executor_id: &ExecutorId) {
        if let Some(seqs) = self.acks.remove(executor_id) {
            self.send(executor_id, EngineMessage::Ack { seqs });
        }
    }

    pub(super) fn emit(&mut self, head: &RunHead, body: EventBody) {
        self.state.sequence += 1;
        self.output.events.push(RunEvent {
            head: EventHead {
                sequence: self.state.sequence,
                timestamp: self.now,
                run_id: head.run_id.clone(),
                job_name: head.job_name.clone(),
                labels: head.labels.clone(),
                status: head.status,
                version: head.version,
                parent_id: head.parent_id.clone(),
            },
            body,
        });
    }

    /// The lines that were stored and the progress that came with them: what happened before the outcome they rode with.
    pub(super) fn emit_report(&mut self, head: &RunHead, report: &Report, stored: Vec<LogLine>) {
        for log in stored {
            let (log, truncated) = for_event(log);
            self.emit(head, EventBody::LogWrite { log, truncated });
        }
        if let Some(progress) = &report.progress {
            self.emit(head, progress_event(progress));
        }
    }

    pub(super) fn emit_failure(&mut self, head: &RunHead, error_code: FailureCode) {
        self.emit(head, EventBody::RunFail { error_code });
    }
}

fn progress_event(progress: &Progress) -> EventBody {
    EventBody::RunProgress {
        progress: progress.clone(),
    }
}

fn for_event(mut log: LogLine) -> (LogLine, bool) {
    let truncated = log
        .data
        .as_ref()
        .is_some_and(|data| data.len() > EVENT_DATA_BYTES_MAX);
    if truncated {
        log.data = None;
    }
    (log, truncated)
}
