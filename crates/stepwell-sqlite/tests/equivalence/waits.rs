//! Calls about waits, signals and children. They look open waits up in the reference store, so that most calls hit.

use stepwell_engine::{MemoryStore, Signal, StepWait, Store, Wait, WaitEnd};
use stepwell_protocol::{
    ExecutorId, InvokeMode, Payload, RequestId, RunFilter, RunId, RunStatus, Step, StepKind,
    StepStatus, TimestampMs, WaitingFor,
};

use crate::call::{Call, Suspend};
use crate::maker::{Maker, STEPS};

impl Maker {
    pub(crate) fn call_of_waits(&mut self, reference: &mut MemoryStore) -> Call {
        let few = self.random.below(4) as u32;
        match self.random.below(78) {
            0..=1 => Call::Step(self.run_id(), self.step_name()),
            2..=4 => Call::StepsSince(self.run_id(), few),
            5..=7 => Call::DueWaits(few),
            8 => Call::NextWait,
            9..=10 => Call::NetworkWaits(few),
            11..=12 => Call::WakeNetworkRuns,
            13..=17 => self.retry_later(reference),
            18..=36 => self.open_wait(reference),
            37..=42 => {
                let (id, name) = self.open_step(|_| true, reference);
                Call::EndWait(id, name, self.end())
            }
            43..=52 => self.suspend(reference),
            53..=55 => Call::Wake(self.fence_of(RunStatus::Waiting, reference)),
            56..=57 => Call::ParkedBy(self.waiting_run(reference)),
            58..=61 => {
                let request = self.random.below(12);
                let request = RequestId(format!("signal-{request}"));
                Call::StoreSignal(request, self.key(), self.signal())
            }
            62..=64 => Call::TakeSignal(self.key(), self.run_id()),
            65 => Call::SignalWait(self.key()),
            66..=67 => {
                let at = self.random.below(600) as i64 - 500;
                Call::ForgetSignals(self.at(at), few)
            }
            68..=69 => Call::Children(self.run_id(), self.step_name()),
            70 => Call::ChildIds(self.run_id()),
            71..=72 => {
                let step = self.random.chance(50).then(|| self.step_name());
                Call::ActiveChildren(self.run_id(), step)
            }
            _ => {
                let (id, name) = self.open_step(|step| step.kind == StepKind::Invoke, reference);
                Call::ChildEnded(id, name)
            }
        }
    }

    fn step_name(&mut self) -> String {
        self.random.pick(&STEPS).to_owned()
    }

    fn soon(&mut self) -> TimestampMs {
        let ms = self.random.below(500) as i64 - 100;
        self.at(ms)
    }

    fn waiting_run(&mut self, reference: &mut MemoryStore) -> RunId {
        match self.run_in(&[RunStatus::Waiting], reference) {
            Some(run) => run.id,
            None => self.run_id(),
        }
    }

    /// A step of an active run: a waiting one that is wanted, if there is one.
    fn open_step(
        &mut self,
        is_wanted: impl Fn(&Step) -> bool,
        reference: &mut MemoryStore,
    ) -> (RunId, String) {
        let active = RunFilter {
            statuses: vec![RunStatus::Running, RunStatus::Waiting],
            limit: 100,
            ..RunFilter::default()
        };
        let runs = reference.runs(&active).expect("the reference reads").runs;
        let mut open: Vec<(RunId, String)> = Vec::new();
        for run in runs {
            let names = open_waits(&run.id, &is_wanted, reference);
            open.extend(names.into_iter().map(|name| (run.id.clone(), name)));
        }
        if open.is_empty() || self.random.chance(10) {
            return (self.run_id(), self.step_name());
        }
        let chosen = self.random.below(open.len() as u64) as usize;
        open.swap_remove(chosen)
    }

    /// Often again for a step that is pending, which may have waited before.
    fn open_wait(&mut self, reference: &mut MemoryStore) -> Call {
        let fence = self.fence(reference);
        let mut wait = self.wait();
        let is_pending = |step: &Step| step.status == StepStatus::Pending;
        let pending = steps_that(&fence.run_id, is_pending, reference);
        if !pending.is_empty() && self.random.chance(60) {
            wait.name = pending[self.random.below(pending.len() as u64) as usize].clone();
        }
        Call::OpenWait(fence, wait, self.report())
    }

    fn wait(&mut self) -> StepWait {
        let (kind, wait) = match self.random.below(5) {
            0 => {
                let error = self.failure();
                let wake_at = self.soon();
                (StepKind::Run, Wait::Retry { wake_at, error })
            }
            1 => {
                let wake_at = self.soon();
                (StepKind::Sleep, Wait::Sleep { wake_at })
            }
            2 => {
                let wake_at = self.random.chance(50).then(|| self.soon());
                let key = self.key();
                (StepKind::Signal, Wait::Signal { key, wake_at })
            }
            3 => (StepKind::Run, Wait::Network),
            _ => {
                let count = self.random.below(3) as u32;
                let mode = [InvokeMode::FailFast, InvokeMode::Settled];
                let children = Wait::Children {
                    mode: self.random.pick(&mode),
                    count,
                    pending: count,
                };
                (StepKind::Invoke, children)
            }
        };
        let name = match kind {
            StepKind::Invoke => self.parent_step(),
            _ => self.step_name(),
        };
        StepWait {
            name,
            kind,
            attempt: self.random.below(3) as u32,
            started_at: self.at(-3),
            wait,
        }
    }

    fn end(&mut self) -> WaitEnd {
        let result = match self.random.below(4) {
            0 => return WaitEnd::Again,
            1 => Ok(None),
            2 => Ok(Some(Payload::from(self.random.next().to_string()))),
            _ => Err(self.failure()),
        };
        WaitEnd::Outcome {
            result,
            blobs: self.blobs(),
        }
    }

    fn waiting_for(&mut self) -> WaitingFor {
        match self.random.below(3) {
            0 => WaitingFor::Network { step_name: None },
            1 => WaitingFor::Sleep {
                step_name: self.step_name(),
                until: self.soon(),
            },
            _ => WaitingFor::Signal {
                step_name: self.step_name(),
                key: self.key(),
                until: None,
            },
        }
    }

    /// Mostly with all of the run's open waits, sometimes with one that is none.
    fn suspend(&mut self, reference: &mut MemoryStore) -> Call {
        let fence = self.fence(reference);
        let mut waits = open_waits(&fence.run_id, |_| true, reference);
        if self.random.chance(15) {
            waits.push(self.step_name());
        }
        let suspend = Suspend {
            waits,
            waiting_for: self.waiting_for(),
            parked_by: self.random.chance(50).then(|| ExecutorId::from("executor")),
            is_unstarted: self.random.chance(20),
            worked_ms: self.random.below(1_000),
        };
        Call::Suspend(fence, suspend, self.report())
    }

    fn retry_later(&mut self, reference: &mut MemoryStore) -> Call {
        let until = self.soon();
        let waiting_for = WaitingFor::Retry {
            step_name: None,
            attempt: 2,
            until,
            error: self.failure(),
        };
        Call::RetryLater(self.fence(reference), waiting_for, until, self.report())
    }

    fn signal(&mut self) -> Signal {
        let result = match self.random.chance(70) {
            true => Ok(Payload::Bytes(self.random.next().to_be_bytes().to_vec())),
            false => Err(self.failure()),
        };
        Signal {
            result,
            blobs: self.blobs(),
        }
    }
}

fn open_waits(
    run_id: &RunId,
    is_wanted: impl Fn(&Step) -> bool,
    reference: &mut MemoryStore,
) -> Vec<String> {
    let is_open = |step: &Step| step.status == StepStatus::Waiting && is_wanted(step);
    steps_that(run_id, is_open, reference)
}

fn steps_that(
    run_id: &RunId,
    is_wanted: impl Fn(&Step) -> bool,
    reference: &mut MemoryStore,
) -> Vec<String> {
    let steps = reference.steps(run_id, false).expect("the reference reads");
    let wanted = steps.into_iter().filter(is_wanted);
    wanted.map(|step| step.name).collect()
}
