//! Waits for a time: none ends early, each ends with the first batch at its time, a deadline is set once and survives
//! whatever happens, and the engine asks to be called exactly then.

use std::collections::BTreeMap;

use stepwell_protocol::{
    Run, RunId, RunStatus, Step, StepKind, StepStatus, TimestampMs, WaitingFor,
};

use super::history::History;
use super::{Verdict, ensure};

pub(crate) const NAME: &str = "times";

/// What ends a wait by itself.
pub(crate) fn until_of(waiting_for: &WaitingFor) -> Option<TimestampMs> {
    match waiting_for {
        WaitingFor::Retry { until, .. } | WaitingFor::Sleep { until, .. } => Some(*until),
        WaitingFor::Signal { until, .. } => *until,
        WaitingFor::Children { .. } | WaitingFor::Network { .. } => None,
    }
}

/// The deadline of each wait that was ever seen. Of retries one each attempt.
#[derive(Debug, Default)]
pub(crate) struct Times {
    deadlines: BTreeMap<(RunId, String, u32), Option<TimestampMs>>,
}

impl Times {
    /// A run as it stands after a commit.
    pub(crate) fn see(&mut self, run: &Run, steps: &[Step]) -> Verdict {
        ensure(
            run.waiting_for.is_some() == (run.status == RunStatus::Waiting),
            || format!("waits for something, or for nothing: {run:?}"),
        )?;
        for step in steps {
            let attempt = match step.kind {
                StepKind::Run => step.attempt,
                _ => 0,
            };
            let key = (run.id.clone(), step.name.clone(), attempt);
            match &step.waiting_for {
                Some(WaitingFor::Network { .. }) => {}
                Some(waiting_for) => {
                    let until = until_of(waiting_for);
                    let first = *self.deadlines.entry(key).or_insert(until);
                    ensure(first == until, || {
                        format!(
                            "a deadline of {first:?} became another one in {}: {step:?}",
                            run.id
                        )
                    })?;
                }
                None => self.ended(step, &key)?,
            }
        }
        Ok(())
    }

    fn ended(&mut self, step: &Step, key: &(RunId, String, u32)) -> Verdict {
        let is_timed_out = step.kind == StepKind::Sleep
            || step.kind == StepKind::Signal && step.output.is_none() && step.error.is_none();
        if step.status == StepStatus::Failed {
            // A retry of its run waits anew.
            self.deadlines.remove(key);
        }
        if step.status != StepStatus::Completed || !is_timed_out {
            return Ok(());
        }
        let Some(deadline) = self.deadlines.get(key) else {
            // Opened and ended by one transaction: it was due at once.
            return Ok(());
        };
        let is_due = deadline.is_some_and(|until| step.completed_at.is_some_and(|at| at >= until));
        ensure(is_due, || {
            format!(
                "due at {deadline:?}, and ended before: {step:?} of {}",
                key.0
            )
        })
    }
}

/// When a batch left what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) now: TimestampMs,
    /// The latest time that any engine told: what was due then stays so when the clock is put back.
    pub(crate) latest: TimestampMs,
    /// When the engine wants to be called.
    pub(crate) wake_at: Option<TimestampMs>,
    /// Nothing is to be done before the next time, and no time was called off.
    pub(crate) is_idle: bool,
}

/// What a batch leaves behind.
pub(crate) fn kept(history: &History, left: Left) -> Verdict {
    let Left {
        now,
        latest,
        wake_at,
        is_idle,
    } = left;
    let mut next: Option<TimestampMs> = None;
    for (run, steps) in history.all() {
        if run.status.is_terminal() {
            continue;
        }
        let waits = steps
            .iter()
            .filter(|step| step.status == StepStatus::Waiting)
            .filter_map(|step| step.waiting_for.as_ref());
        for until in waits.filter_map(until_of) {
            // What a batch opened for no time at all, or more than one batch ends, the next one ends at once.
            ensure(until > now || wake_at.is_some_and(|at| at <= now), || {
                format!("due at {until}, and not ended at {now}: {run:?}, {steps:?}")
            })?;
            next = Some(next.map_or(until, |next| next.min(until)));
        }
        let own = match (&run.status, &run.waiting_for) {
            (RunStatus::Pending, _) => Some(run.start_at),
            (
                _,
                Some(WaitingFor::Retry {
                    step_name: None,
                    until,
                    ..
                }),
            ) => Some(*until),
            _ => None,
        };
        // What is due already waits for a slot, not for a time.
        if let Some(until) = own.filter(|until| *until > now.max(latest)) {
            next = Some(next.map_or(until, |next| next.min(until)));
        }
    }
    let Some(next) = next else {
        return Ok(());
    };
    ensure(wake_at.is_some_and(|at| at <= next), || {
        format!("something is due at {next}, and the engine asks for {wake_at:?}")
    })?;
    ensure(!is_idle || wake_at == Some(next), || {
        format!("idle until {next}, and the engine asks for {wake_at:?}")
    })
}
