//! After the faults stop every run ends and every request is answered within a bound of virtual time; before, no run is
//! recovered more often than it may be.

use std::collections::BTreeMap;

use stepwell_protocol::{Run, RunId};

use super::{Verdict, ensure};

pub(crate) const NAME: &str = "liveness";

/// How often each run was assigned without a new step.
#[derive(Debug, Default)]
pub(crate) struct Recoveries {
    assigned: BTreeMap<RunId, ((u32, u32), u32)>,
}

impl Recoveries {
    /// A run is assigned. `uncounted`: leases that were given back in good order, which count no recovery.
    pub(crate) fn assigned(&mut self, run: &Run, uncounted: u32) -> Verdict {
        let place = (run.attempt, run.step_count);
        let (at, times) = self.assigned.entry(run.id.clone()).or_insert((place, 0));
        if *at != place {
            (*at, *times) = (place, 0);
        }
        *times += 1;
        let times_max = run.max_recoveries + 1 + uncounted;
        ensure(*times <= times_max, || {
            format!(
                "{} was assigned {times} times without a new step: {run:?}",
                run.id
            )
        })
    }
}

/// At the bound.
pub(crate) fn ended(run: &Run) -> Verdict {
    ensure(run.status.is_terminal(), || {
        format!("long after the last fault a run has not ended: {run:?}")
    })
}
