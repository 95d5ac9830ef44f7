//! The files of blobs, as the host keeps them beside the database: written before what refers to them is handed to the
//! engine, deleted when the engine says so, swept at each opening.

use std::collections::BTreeSet;

use stepwell_protocol::{BlobId, Command, ExecutorMessage, Input};

use super::{Event, World};
use crate::counts::{Fault, State};
use crate::properties::blobs;

/// All files, and those of which a part is written.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) there: BTreeSet<BlobId>,
    writing: BTreeSet<BlobId>,
}

impl World {
    /// Writes the blobs that come with a message, and hands it over after those before it.
    pub(super) fn store_blobs(&mut self, host: u64, input: Input) {
        let ids = blobs_of(&input);
        let missing: Vec<BlobId> = ids
            .iter()
            .filter(|id| !self.files.there.contains(*id))
            .cloned()
            .collect();
        if missing.len() < ids.len() {
            self.saw(State::BlobKept);
        }
        let mut ms = 0;
        if !missing.is_empty() {
            ms = self.rng.range(0, 30);
            self.files.writing.extend(missing);
        }
        let channel = format!("{}>files", sender_of(&input));
        let stored = self.arrivals.entry(channel).or_default();
        *stored = (*stored).max(self.now + ms);
        let ms = *stored - self.now;
        self.after(ms, Event::BlobsStored { host, input });
    }

    pub(super) fn blobs_stored(&mut self, host: u64, input: Input) {
        if self.host.as_ref().is_some_and(|current| current.id == host) {
            for id in blobs_of(&input) {
                if self.files.writing.remove(&id) {
                    self.files.there.insert(id);
                }
            }
        }
        self.hand_to_engine(host, input);
    }

    pub(super) fn delete_blobs(&mut self, ids: &[BlobId]) {
        self.saw(State::BlobsDeleted);
        for id in ids {
            self.files.there.remove(id);
        }
    }

    /// The engine is gone. Of what was being written something stays, or nothing.
    pub(super) fn cut_writing(&mut self) {
        for id in std::mem::take(&mut self.files.writing) {
            if self.rng.chance(500) {
                self.struck(Fault::BlobHalfWritten);
                self.files.there.insert(id);
            } else {
                self.struck(Fault::BlobLost);
            }
        }
    }

    /// An engine was opened: what no run refers to is an orphan of a crash.
    pub(super) fn sweep_blobs(&mut self) {
        let ids: Vec<BlobId> = self.files.there.iter().cloned().collect();
        let Some(host) = self.host.as_mut().filter(|_| !ids.is_empty()) else {
            return;
        };
        let unreferenced =
            stepwell_engine::Store::unreferenced_blobs(host.engine.store_mut(), &ids);
        let unreferenced = unreferenced.unwrap_or_default();
        if !unreferenced.is_empty() {
            self.saw(State::BlobsSwept);
        }
        for id in &unreferenced {
            self.files.there.remove(id);
        }
    }

    pub(super) fn judge_files(&mut self) {
        if self.workload.blobs > 0 {
            let verdict = blobs::all_there(&self.watch.borrow().history, &self.files.there);
            self.judge(blobs::NAME, verdict);
        }
    }
}

fn sender_of(input: &Input) -> &str {
    match input {
        Input::Client { client_id, .. } => client_id.as_str(),
        Input::Executor { executor_id, .. } => executor_id.as_str(),
        _ => "host",
    }
}

fn blobs_of(input: &Input) -> Vec<BlobId> {
    match input {
        Input::Client { request, .. } => match &request.command {
            Command::Trigger { run } => run.blobs.clone(),
            Command::BatchTrigger { runs } => {
                runs.iter().flat_map(|run| run.blobs.clone()).collect()
            }
            Command::Retrigger { blobs, .. } => blobs.clone(),
            _ => Vec::new(),
        },
        Input::Executor { envelope, .. } => match &envelope.message {
            ExecutorMessage::StepCommit { blobs, .. }
            | ExecutorMessage::RunComplete { blobs, .. } => blobs.clone(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}
