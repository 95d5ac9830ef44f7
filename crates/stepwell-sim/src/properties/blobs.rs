//! Each blob that a stored run refers to has its file; when all is quiet and the engine has been opened again, no file is
//! without a run. Which blobs a run refers to is read from its payloads, and not from the store's references.

use std::collections::BTreeSet;

use stepwell_protocol::BlobId;

use super::history::History;
use super::{Verdict, ensure};
use crate::payloads::blobs_in;

pub(crate) const NAME: &str = "blobs";

/// All blobs in the payloads of stored runs.
fn referenced(history: &History) -> BTreeSet<BlobId> {
    let mut ids = BTreeSet::new();
    for (run, steps) in history.all() {
        let outputs = steps.iter().filter_map(|step| step.output.as_ref());
        let payloads = std::iter::once(&run.input)
            .chain(&run.output)
            .chain(outputs);
        ids.extend(payloads.flat_map(blobs_in));
    }
    ids
}

/// After each batch.
pub(crate) fn all_there(history: &History, files: &BTreeSet<BlobId>) -> Verdict {
    let referenced = referenced(history);
    let missing = referenced.difference(files).next();
    ensure(missing.is_none(), || {
        let run = history
            .all()
            .find(|(run, _)| missing.is_some_and(|id| blobs_in(&run.input).contains(id)));
        format!("the blob {missing:?} of a stored run has no file: {run:?}")
    })
}

/// At the end, after a restart.
pub(crate) fn none_left(history: &History, files: &BTreeSet<BlobId>) -> Verdict {
    let referenced = referenced(history);
    let left: Vec<&BlobId> = files.difference(&referenced).collect();
    ensure(left.is_empty(), || format!("files without a run: {left:?}"))
}
