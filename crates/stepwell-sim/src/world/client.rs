//! A client: what it asked and has no answer to, kept and sent again under the same request id.

use std::collections::BTreeMap;

use stepwell_protocol::{
    ClientId, Command, ErrorCode, NewTrigger, Payload, Reply, RequestId, RunFilter, RunId,
};

use crate::properties::reference::whole_log;
use crate::rng::Rng;
use crate::workloads::Workload;

/// What becomes of a request whose reply has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    /// The engine could not: the same request again, later.
    Again,
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: ClientId,
    number: usize,
    requests: u64,
    triggers_left: u32,
    pub(super) outstanding: BTreeMap<RequestId, Command>,
    runs: Vec<RunId>,
}

impl Client {
    pub(super) fn new(number: usize, workload: &Workload) -> Self {
        Self {
            id: ClientId(format!("tab{number}")),
            number,
            requests: 0,
            triggers_left: workload.triggers,
            outstanding: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    /// Thinks of something to ask.
    pub(super) fn act(&mut self, workload: &Workload, rng: &mut Rng) -> Option<RequestId> {
        let command = self.next_command(workload, rng)?;
        self.requests += 1;
        let request_id = RequestId(format!("{}-{}", self.id, self.requests));
        self.outstanding.insert(request_id.clone(), command);
        Some(request_id)
    }

    fn next_command(&mut self, workload: &Workload, rng: &mut Rng) -> Option<Command> {
        if self.triggers_left > 0 && (self.runs.is_empty() || rng.chance(400)) {
            self.triggers_left -= 1;
            let run = NewTrigger {
                job_name: "job".to_owned(),
                input: Payload::Text(format!("{}", rng.bits() >> 8)),
                max_recoveries: workload.max_recoveries,
                ..NewTrigger::default()
            };
            return Some(Command::Trigger { run });
        }
        let run_id = rng.pick(&self.runs)?.clone();
        // One change at a time, as an `await` makes it.
        let is_changing = self
            .outstanding
            .values()
            .any(|command| matches!(command, Command::Cancel { .. } | Command::Retry { .. }));
        let dice = rng.below(1_000);
        if !is_changing && dice < workload.cancels {
            return Some(Command::Cancel { run_id });
        }
        if !is_changing && dice < workload.cancels + workload.retries {
            return Some(Command::Retry { run_id });
        }
        Some(match rng.below(5) {
            0 => Command::GetRun { run_id },
            1 => Command::GetRuns {
                filter: RunFilter {
                    limit: 20,
                    ..RunFilter::default()
                },
            },
            2 => Command::GetSteps {
                run_id,
                outputs: true,
            },
            3 => Command::GetLogs {
                query: whole_log(&run_id),
            },
            _ => Command::GetStatus,
        })
    }

    pub(super) fn replied(&mut self, request_id: &RequestId, reply: &Reply) -> Next {
        if let Reply::Error { error } = reply
            && matches!(
                error.code,
                ErrorCode::StorageFull | ErrorCode::StorageUnavailable | ErrorCode::Internal
            )
            && self.outstanding.contains_key(request_id)
        {
            return Next::Again;
        }
        self.outstanding.remove(request_id);
        if let Reply::Triggered { result } = reply
            && !self.runs.contains(&result.run.id)
        {
            self.runs.push(result.run.id.clone());
        }
        Next::Done
    }

    /// Its page was reloaded: what it asked is forgotten, what it may still trigger is not.
    pub(super) fn reload(&mut self) {
        self.outstanding.clear();
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }
}
