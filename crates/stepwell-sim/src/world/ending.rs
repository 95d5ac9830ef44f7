//! The end: the faults stop, everything has its time, and all that is stored is judged.

use stepwell_engine::Store;
use stepwell_protocol::{Run, Step, StepKind, StepStatus, TimestampMs};

use super::messages::{Seen, outcome_of, output_of_run};
use super::{Event, World};
use crate::counts::Fault;
use crate::payloads::value_of;
use crate::properties::liveness;
use crate::properties::reference::whole_log;
use crate::properties::{blobs, ensure, forgetting, logs, promises};
use crate::workloads::plan::plan;

/// The longest that a timer is set for.
const TIMER_MS_MAX: i64 = 60_000;
/// How long after its end of retention a run is surely gone, in an idle system.
const IDLE_MS_MAX: i64 = 2_000;

impl World {
    /// The faults are over: whatever hangs is killed, as a user would do it, and all is judged when it has had its time.
    pub(super) fn calm(&mut self) {
        self.is_calm = true;
        self.disk.borrow_mut().full = false;
        self.disk.borrow_mut().plan(None);
        self.watch.borrow_mut().unexpected = 0;
        self.calm_tabs();
        // A last restart or death leaves the system in the middle of something, with nothing else to wake it.
        if self.workload.has_faults() && !self.tabs.is_frozen(self.page) && self.rng.chance(300) {
            self.last_blow();
        }
        if !self.is_online {
            self.change_network();
        }
        if self.workload.signals > 0 {
            self.after(100, Event::SignalAll);
        }
        for number in 0..self.executors.len() {
            if self.executors[number].has_hung_body(self.now) {
                self.kill_executor(number);
            }
        }
        let mut ms = self.workload.calm_ms;
        // Who put the clock back puts it right again, else what is to start later has hours to wait. Nothing tells the
        // engine but its timer, which it must not set for longer than a minute while something waits for its time.
        if self.workload.waits() && self.wall_offset < self.wall_offset_max {
            self.struck(Fault::ClockForward);
            self.wall_offset = self.wall_offset_max;
            ms += TIMER_MS_MAX;
        }
        self.after(ms, Event::Check);
    }

    pub(super) fn check(&mut self) {
        self.is_over = true;
        self.turn_to(self.tabs.seat().unwrap_or(0));
        let unanswered: Vec<String> = self
            .clients
            .iter()
            .flat_map(|client| client.outstanding.iter())
            .map(|(request_id, command)| format!("{request_id}: {command:?}"))
            .collect();
        let verdict = ensure(unanswered.is_empty(), || {
            format!("requests without an answer: {}", unanswered.join("; "))
        });
        self.judge(liveness::NAME, verdict);
        self.check_tabs();
        self.check_forgetting();
        self.check_store();
    }

    /// Idle moments were many: nothing is over its age. A restart is the last that sweeps files.
    fn check_forgetting(&mut self) {
        let now = self.host.as_ref().map_or(0, |host| host.now.0);
        if let Some(retention_ms) = self.workload.retention_ms {
            let before = TimestampMs(now - retention_ms - IDLE_MS_MAX);
            let verdict = forgetting::none_over_age(&self.watch.borrow().history, before);
            self.judge(forgetting::NAME, verdict);
        }
        self.sweep_blobs();
        self.judge_files();
        let verdict = blobs::none_left(&self.watch.borrow().history, &self.files.there);
        self.judge(blobs::NAME, verdict);
    }

    /// At the end: everything that is stored, against everything that was promised and done.
    pub(super) fn check_store(&mut self) {
        let Some(mut host) = self.host.take() else {
            self.judge(
                liveness::NAME,
                Err("there is no engine at the end".to_owned()),
            );
            return;
        };
        let store = host.engine.store_mut();
        store.check_all();
        for run_id in self.promises.run_ids() {
            if self.watch.borrow().history.is_gone(run_id) {
                continue;
            }
            let verdict = promises::kept(run_id, store);
            self.watch
                .borrow_mut()
                .verdicts
                .judge(promises::NAME, verdict);
        }
        let run_ids: Vec<_> = self.watch.borrow().history.run_ids().cloned().collect();
        for run_id in run_ids {
            let (Ok(Some(run)), Ok(steps)) = (store.run(&run_id), store.steps(&run_id, true))
            else {
                self.judge(
                    promises::NAME,
                    Err(format!("the run {run_id} cannot be read")),
                );
                continue;
            };
            let lines = store
                .logs(&whole_log(&run_id))
                .map(|page| page.logs)
                .unwrap_or_default();
            self.judge(liveness::NAME, liveness::ended(&run));
            let acknowledged = self.acknowledged.get(&run_id);
            let verdict = logs::check(&lines, &steps, acknowledged, &self.bodies);
            self.judge(logs::NAME, verdict);
            self.judge(promises::NAME, self.seen_outputs(&run, &steps));
        }
        self.host = Some(host);
    }

    /// Each stored output of a body was made by one of that very step, and the run's output by what its steps show.
    fn seen_outputs(&self, run: &Run, steps: &[Step]) -> Result<(), String> {
        let mut seen = Seen::new();
        for step in steps {
            let Some(outcome) = outcome_of(step) else {
                continue;
            };
            if step.kind == StepKind::Run && step.status == StepStatus::Completed {
                let stored = step.output.clone().unwrap_or_default();
                let body = self.bodies.of_output(&stored);
                ensure(body.is_some_and(|body| body.step == step.name), || {
                    format!("no body of the step made this output: {step:?}, {body:?}")
                })?;
            }
            let place = u64::from(step.completed_index.unwrap_or(0));
            seen.insert(step.name.clone(), (place, outcome));
        }
        let Some(output) = &run.output else {
            return Ok(());
        };
        let expected = output_of_run(&plan(&run.input, &self.workload), &seen);
        ensure(value_of(output) == expected, || {
            format!("{} returned {output:?}, and its steps {expected:?}", run.id)
        })
    }
}
