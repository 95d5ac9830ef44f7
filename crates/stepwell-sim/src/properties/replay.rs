//! A replay sees what the live execution saw: the outcomes of a run's calls reach its function in one order, whoever
//! runs it. Witnessed by the executors.

use std::collections::BTreeMap;

use stepwell_protocol::RunId;

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "replay";

/// What each attempt of each run was told.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    told: BTreeMap<(RunId, u32), Vec<String>>,
}

impl Replays {
    pub(crate) fn tell(
        &mut self,
        run_id: &RunId,
        attempt: u32,
        place: u64,
        told: String,
    ) -> Verdict {
        let all = self.told.entry((run_id.clone(), attempt)).or_default();
        let before = usize::try_from(place).ok().and_then(|place| all.get(place));
        if let Some(before) = before {
            return ensure(*before == told, || {
                format!("{run_id} was told as its outcome {place} {before}, and now {told}")
            });
        }
        all.push(told);
        Ok(())
    }
}
