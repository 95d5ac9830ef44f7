//! A client: what it asked and has no answer to, kept and sent again under the same request id.

use std::collections::BTreeMap;

use stepwell_protocol::{
    BlobId, ClientId, Command, ErrorCode, FailureCode, NewTrigger, Payload, Reply, RequestId, Run,
    RunFailure, RunFilter, RunId, RunStatus, TimestampMs,
};

use super::messages::failure;
use crate::payloads::{blobs_in, marked, number_of, with_blobs};
use crate::properties::reference::whole_log;
use crate::properties::signals;
use crate::rng::Rng;
use crate::workloads::Workload;
use crate::workloads::plan::{Call, Wave, plan, policies};

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
    blobs: u64,
    pub(super) outstanding: BTreeMap<RequestId, Command>,
    /// The engine to which each of them was sent last, and that has not answered.
    pub(super) sent_to: BTreeMap<RequestId, u64>,
    runs: Vec<RunId>,
    inputs: BTreeMap<RunId, Payload>,
}

/// What a client thinks with.
struct Mind<'a> {
    workload: &'a Workload,
    rng: &'a mut Rng,
    wall_ms: i64,
    stage: &'a Stage,
}

/// What a client may know beyond its own runs.
#[derive(Debug, Default)]
pub(super) struct Stage {
    /// Children, and the runs of other tabs.
    pub(super) others: Vec<RunId>,
    /// Keys that somebody waits for now.
    pub(super) keys: Vec<String>,
}

impl Client {
    pub(super) fn new(number: usize, workload: &Workload) -> Self {
        Self {
            id: ClientId(format!("tab{number}")),
            number,
            requests: 0,
            triggers_left: workload.triggers,
            blobs: 0,
            outstanding: BTreeMap::new(),
            sent_to: BTreeMap::new(),
            runs: Vec::new(),
            inputs: BTreeMap::new(),
        }
    }

    /// Thinks of something to ask.
    pub(super) fn act(
        &mut self,
        workload: &Workload,
        rng: &mut Rng,
        wall_ms: i64,
        stage: &Stage,
    ) -> Option<RequestId> {
        let request_id = RequestId(format!("{}-{}", self.id, self.requests + 1));
        let mut mind = Mind {
            workload,
            rng,
            wall_ms,
            stage,
        };
        let command = self.next_command(&request_id, &mut mind)?;
        self.requests += 1;
        self.outstanding.insert(request_id.clone(), command);
        Some(request_id)
    }

    fn next_command(&mut self, request_id: &RequestId, mind: &mut Mind<'_>) -> Option<Command> {
        if self.triggers_left > 0 && (self.runs.is_empty() || mind.rng.chance(400)) {
            self.triggers_left -= 1;
            if mind.rng.may(mind.workload.batches) {
                let count = usize::try_from(mind.rng.range(1, 6)).unwrap_or(1);
                let runs = (0..count).map(|index| self.new_trigger(request_id, index, mind));
                return Some(Command::BatchTrigger {
                    runs: runs.collect(),
                });
            }
            let run = self.new_trigger(request_id, 0, mind);
            return Some(Command::Trigger { run });
        }
        let mut run_id = mind.rng.pick(&self.runs)?.clone();
        if mind.rng.may(mind.workload.sends) {
            return Some(self.signal(request_id, &run_id, mind));
        }
        if mind.rng.may(mind.workload.meddles)
            && let Some(other) = mind.rng.pick(&mind.stage.others)
        {
            run_id.clone_from(other);
        }
        // One change at a time, as an `await` makes it.
        let is_changing = self
            .outstanding
            .values()
            .any(|command| matches!(command, Command::Cancel { .. } | Command::Retry { .. }));
        let workload = mind.workload;
        let dice = mind.rng.below(1_000);
        let mut end = 0;
        let mut falls = |chance: u64| {
            let start = end;
            end += chance;
            (start..end).contains(&dice)
        };
        if falls(workload.cancels) && !is_changing {
            return Some(Command::Cancel { run_id });
        }
        if falls(workload.retries) && !is_changing {
            return Some(Command::Retry { run_id });
        }
        if falls(workload.deletes) {
            return Some(Command::DeleteRun { run_id });
        }
        if falls(workload.retriggers) {
            return Some(self.retrigger(request_id, run_id));
        }
        if falls(workload.purges) {
            return Some(Command::PurgeRuns {
                older_than_ms: mind.rng.below(1_500),
                limit: u32::try_from(mind.rng.range(1, 5)).unwrap_or(1),
            });
        }
        Some(read(run_id, mind))
    }

    fn new_trigger(
        &mut self,
        request_id: &RequestId,
        index: usize,
        mind: &mut Mind<'_>,
    ) -> NewTrigger {
        let Mind {
            workload,
            rng,
            wall_ms,
            ..
        } = mind;
        let number = rng.bits() >> 8;
        let (retry, timeout_ms) = policies(workload, rng);
        if !workload.marks {
            return NewTrigger {
                job_name: "job".to_owned(),
                input: Payload::Text(number.to_string()),
                max_recoveries: workload.max_recoveries,
                retry,
                timeout_ms,
                ..NewTrigger::default()
            };
        }
        let mut new = NewTrigger {
            job_name: rng
                .pick(workload.jobs)
                .map_or("job", |job| job.0)
                .to_owned(),
            max_recoveries: workload.max_recoveries,
            retry,
            timeout_ms,
            ..NewTrigger::default()
        };
        if rng.may(workload.keyed) {
            new.concurrency_key = Some(format!("k{}", rng.below(workload.keys)));
            new.coalesce = rng.may(workload.coalesces);
        }
        if rng.may(workload.idempotent) {
            new.idempotency_key = Some(format!("i{}", rng.below(workload.keys * 2)));
        }
        if rng.may(workload.labelled) {
            new.labels = labels(rng);
        }
        if rng.may(workload.prioritised) {
            new.priority = i32::try_from(rng.range(-2, 2)).ok();
        }
        if rng.may(workload.delayed) {
            if rng.chance(500) {
                new.delay_ms = Some(rng.below(2_500));
            } else {
                new.start_at = Some(TimestampMs(*wall_ms + rng.range(-500, 2_500)));
            }
        }
        if rng.may(workload.blobs) {
            for _ in 0..rng.range(1, 2) {
                self.blobs += 1;
                new.blobs
                    .push(BlobId(format!("{}-b{}", self.id, self.blobs)));
            }
        }
        let value = marked(number, &format!("{request_id}.{index}"));
        new.input = with_blobs(&value, &new.blobs);
        new
    }

    /// To a wait that is open, to one that will or will not be, and now and then twice.
    fn signal(&self, request_id: &RequestId, run_id: &RunId, mind: &mut Mind<'_>) -> Command {
        let Mind {
            workload,
            rng,
            stage,
            ..
        } = mind;
        let input = self.inputs.get(run_id).cloned().unwrap_or_default();
        let early = plan(&input, workload);
        let keys: Vec<String> = early
            .iter()
            .flat_map(Wave::all)
            .filter_map(|step| match &step.call {
                Call::Signal { key, .. } => {
                    let own = || format!("{run_id}:{}", step.name);
                    Some(key.clone().unwrap_or_else(own))
                }
                _ => None,
            })
            .collect();
        let from = match rng.chance(500) {
            true => &keys,
            false => &stage.keys,
        };
        let key = rng.pick(from).cloned();
        let key = key.unwrap_or_else(|| format!("shared{}", rng.below(3)));
        let is_error = rng.chance(150);
        signal(request_id, key, is_error)
    }

    /// Asks for the end of a wait, whatever else it wanted.
    pub(super) fn send(&mut self, key: String) -> RequestId {
        self.requests += 1;
        let request_id = RequestId(format!("{}-{}", self.id, self.requests));
        let command = signal(&request_id, key, false);
        self.outstanding.insert(request_id.clone(), command);
        request_id
    }

    /// The run's own input again, and the same files.
    fn retrigger(&self, request_id: &RequestId, run_id: RunId) -> Command {
        let input = self.inputs.get(&run_id).cloned().unwrap_or_default();
        let blobs = blobs_in(&input);
        let value = marked(number_of(&input), &format!("{request_id}.0"));
        Command::Retrigger {
            run_id,
            input: with_blobs(&value, &blobs),
            blobs,
        }
    }

    pub(super) fn replied(&mut self, request_id: &RequestId, reply: &Reply) -> Next {
        self.sent_to.remove(request_id);
        if let Reply::Error { error } = reply
            && matches!(
                error.code,
                ErrorCode::StorageFull | ErrorCode::StorageUnavailable | ErrorCode::Internal
            )
            && self.outstanding.contains_key(request_id)
        {
            return Next::Again;
        }
        self.settle(request_id, reply);
        Next::Done
    }

    /// An answer that is the last word.
    pub(super) fn settle(&mut self, request_id: &RequestId, reply: &Reply) {
        let asked = self.outstanding.remove(request_id);
        match reply {
            Reply::Triggered { result } => self.learn(&result.run),
            Reply::BatchTriggered { results } => {
                for result in results {
                    self.learn(&result.run);
                }
            }
            Reply::Error { error } if error.code == ErrorCode::NotFound => self.forget(asked),
            Reply::Deleted { .. } | Reply::Run { run: None } => self.forget(asked),
            _ => {}
        }
    }

    fn learn(&mut self, run: &Run) {
        if !self.runs.contains(&run.id) {
            self.runs.push(run.id.clone());
            self.inputs.insert(run.id.clone(), run.input.clone());
        }
    }

    /// The run that was asked for is not there any more.
    fn forget(&mut self, asked: Option<Command>) {
        let Some(
            Command::DeleteRun { run_id }
            | Command::Cancel { run_id }
            | Command::Retry { run_id }
            | Command::Retrigger { run_id, .. }
            | Command::GetRun { run_id }
            | Command::GetSteps { run_id, .. },
        ) = asked
        else {
            return;
        };
        self.runs.retain(|known| *known != run_id);
    }

    /// Its page was reloaded: what it asked is forgotten, what it may still trigger is not.
    pub(super) fn reload(&mut self) {
        self.outstanding.clear();
        self.sent_to.clear();
    }

    /// Another tab in the place of one that is gone.
    pub(super) fn open(&mut self, life: u32) {
        self.id = ClientId(format!("tab{}.{life}", self.number));
        self.reload();
    }

    /// Asks for all that there is.
    pub(super) fn read_everything(&mut self) -> RequestId {
        self.requests += 1;
        let request_id = RequestId(format!("{}-{}", self.id, self.requests));
        let filter = RunFilter {
            limit: 1_000,
            ..RunFilter::default()
        };
        self.outstanding
            .insert(request_id.clone(), Command::GetRuns { filter });
        request_id
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }
}

fn signal(request_id: &RequestId, key: String, is_error: bool) -> Command {
    let text = signals::text(request_id);
    let error = is_error.then(|| RunFailure {
        message: text.clone(),
        ..failure(None, 1, FailureCode::Error)
    });
    let value = (!is_error).then_some(Payload::Text(text));
    Command::Signal {
        key,
        value,
        error,
        blobs: Vec::new(),
    }
}

fn labels(rng: &mut Rng) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([("user".to_owned(), format!("u{}", rng.below(2)))]);
    if rng.chance(500) {
        labels.insert("kind".to_owned(), format!("k{}", rng.below(2)));
    }
    labels
}

/// Something to read.
fn read(run_id: RunId, mind: &mut Mind<'_>) -> Command {
    match mind.rng.below(5) {
        0 => Command::GetRun { run_id },
        1 => Command::GetRuns {
            filter: filter(mind),
        },
        2 => Command::GetSteps {
            run_id,
            outputs: true,
        },
        3 => Command::GetLogs {
            query: whole_log(&run_id),
        },
        _ => Command::GetStatus,
    }
}

fn filter(mind: &mut Mind<'_>) -> RunFilter {
    let mut filter = RunFilter {
        limit: 20,
        ..RunFilter::default()
    };
    let Mind {
        workload,
        rng,
        wall_ms,
        ..
    } = mind;
    if rng.may(workload.labelled) {
        filter.labels = labels(rng);
        if rng.chance(300) {
            filter.statuses = vec![RunStatus::Pending, RunStatus::Completed];
        }
        if rng.chance(300) {
            filter.created_after = Some(TimestampMs(*wall_ms - rng.range(0, 1_000)));
        }
        filter.limit = 3;
    }
    filter
}
