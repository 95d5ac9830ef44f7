//! Events come after the commit that made them true, and without gaps within an epoch.

use std::collections::BTreeMap;

use stepwell_engine::Store;
use stepwell_protocol::{Epoch, EventBody, RunEvent, RunStatus};

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "events";

/// The last event that each engine told.
#[derive(Debug, Default)]
pub(crate) struct Events {
    sequences: BTreeMap<Epoch, u64>,
}

impl Events {
    /// An event leaves the engine; `store` is what has been committed by then, `None` where its run was deleted with it.
    pub(crate) fn see(
        &mut self,
        epoch: Epoch,
        event: &RunEvent,
        store: Option<&mut impl Store>,
    ) -> Verdict {
        let sequence = self.sequences.entry(epoch).or_default();
        *sequence += 1;
        let expected = *sequence;
        ensure(event.head.sequence == expected, || {
            format!("event {expected} of epoch {epoch} should come, and {event:?} did")
        })?;
        store.map_or(Ok(()), |store| committed(event, store))
    }
}

fn committed(event: &RunEvent, store: &mut impl Store) -> Verdict {
    let run_id = &event.head.run_id;
    let Ok(Some(run)) = store.run(run_id) else {
        return Err(format!("an event of a run that is not stored: {event:?}"));
    };
    ensure(run.version >= event.head.version, || {
        format!(
            "an event before its commit: {event:?}, stored version {}",
            run.version
        )
    })?;
    let same = run.version == event.head.version;
    let status = match &event.body {
        EventBody::RunComplete => RunStatus::Completed,
        EventBody::RunCancel => RunStatus::Cancelled,
        EventBody::RunFail { .. } => RunStatus::Failed,
        EventBody::StepComplete { step_name, .. } => {
            let steps = store.steps(run_id, false).unwrap_or_default();
            let stored = steps
                .iter()
                .any(|step| step.name == *step_name && step.completed_index.is_some());
            return ensure(stored, || {
                format!("an event of a step that is not stored: {event:?}")
            });
        }
        _ => return Ok(()),
    };
    ensure(!same || run.status == status, || {
        format!("{event:?}, and the run is {:?}", run.status)
    })
}
