//! Functions that wait for steps alone: suspended, parked, resumed, woken; and forgotten, least recently used first.

use std::collections::VecDeque;

use stepwell_protocol::{ExecutorMessage, Generation, RunId, Step};

use super::Scene;
use super::active::Active;
use super::executor::{Act, Alarm, Executor};
use super::messages::run_of;
use crate::counts::State;
use crate::properties::{ensure, leases};

/// Functions that stay in memory while their runs are suspended.
#[derive(Debug, Default)]
pub(super) struct ParkingLot {
    /// Least recently used first.
    functions: VecDeque<Active>,
}

impl ParkingLot {
    pub(super) fn get_mut(&mut self, run_id: &RunId) -> Option<&mut Active> {
        self.functions.iter_mut().find(|run| run.run_id() == run_id)
    }

    pub(super) fn remove(&mut self, run_id: &RunId) -> Option<Active> {
        let place = self
            .functions
            .iter()
            .position(|run| run.run_id() == run_id)?;
        self.functions.remove(place)
    }

    /// Forgets a function that is of no more use. Whether there was one.
    pub(super) fn drop_of(&mut self, run_id: &RunId, generation: Generation) -> bool {
        let is_it = self
            .get_mut(run_id)
            .is_some_and(|run| run.generation == generation);
        is_it && self.remove(run_id).is_some()
    }

    /// Whether another one had to go.
    fn put(&mut self, run: Active, bound: usize) -> bool {
        self.functions.push_back(run);
        let is_over = self.functions.len() > bound;
        if is_over {
            self.functions.pop_front();
        }
        is_over
    }

    /// Those that have something to do.
    fn restless(&self) -> Vec<RunId> {
        let is_restless = |run: &&Active| run.timers.get(&run.wave) == Some(&true);
        let restless = self.functions.iter().filter(is_restless);
        restless.map(|run| run.run_id().clone()).collect()
    }
}

impl Executor {
    /// Suspends a run whose function waits for nothing but steps.
    pub(super) fn suspend_idle(&mut self, run_id: &RunId, scene: &mut Scene<'_>) {
        let is_unanswered = self
            .unanswered
            .values()
            .any(|unanswered| run_of(&unanswered.message) == Some(run_id));
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        let is_waiting = !run.ended
            && run.suspending.is_none()
            && run.in_flight.is_empty()
            && run.again.is_empty()
            && !run.waits.is_empty()
            && !run.is_late;
        if is_unanswered || !is_waiting || self.is_blocked {
            return;
        }
        run.suspending = Some(false);
        let waits = run.waits.keys().cloned().collect();
        let generation = run.generation;
        let (report, lines) = run.take_report();
        let message = ExecutorMessage::Suspend {
            run_id: run_id.clone(),
            generation,
            waits,
            is_parked: scene.workload.parked_max > 0,
            report,
        };
        self.post(message, lines, scene);
    }

    /// A suspension is answered: the run waits, or goes on because a wait had ended.
    pub(super) fn suspended(&mut self, run_id: &RunId, scene: &mut Scene<'_>) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        if run.suspending.take() == Some(true) {
            scene.saw(State::SuspensionRefused);
            self.advance(run_id, scene);
            return;
        }
        scene.saw(State::Suspended);
        let bound = scene.workload.parked_max;
        if let Some(run) = self.runs.remove(run_id).filter(|_| bound > 0) {
            if self.parked.put(run, bound) {
                scene.saw(State::Evicted);
            }
            if self.parked.restless().contains(run_id) {
                self.say_wake(run_id, scene);
            }
        }
    }

    /// A parked function wants to go on by itself.
    pub(super) fn say_wake(&mut self, run_id: &RunId, scene: &mut Scene<'_>) {
        if let Some(run) = self.parked.get_mut(run_id) {
            let generation = run.generation;
            let run_id = run_id.clone();
            scene.saw(State::WokeItself);
            self.tell_engine(ExecutorMessage::Wake { run_id, generation }, scene);
        }
    }

    /// What was said to an engine that died is not known to the next one.
    pub(super) fn say_wakes(&mut self, scene: &mut Scene<'_>) {
        for run_id in self.parked.restless() {
            self.say_wake(&run_id, scene);
        }
    }

    pub(super) fn resume(
        &mut self,
        run_id: &RunId,
        generation: Generation,
        timeout_ms: Option<u64>,
        steps: &[Step],
        scene: &mut Scene<'_>,
    ) {
        let Some(mut run) = self.parked.remove(run_id) else {
            scene.saw(State::Unresumable);
            let run_id = run_id.clone();
            self.tell_engine(ExecutorMessage::Unresumable { run_id, generation }, scene);
            return;
        };
        scene.saw(State::Resumed);
        let verdict = ensure(generation.0 == run.generation.0 + 1, || {
            format!(
                "parked under {}, {run_id} is resumed under {generation}",
                run.generation
            )
        });
        scene
            .watch
            .borrow_mut()
            .verdicts
            .judge(leases::NAME, verdict);
        *scene.assignments += 1;
        (run.number, run.next_ordinal) = (*scene.assignments, 1);
        run.generation = generation;
        for step in steps {
            run.resolved(step);
        }
        self.runs.insert(run_id.clone(), run);
        self.set_deadline(run_id, timeout_ms, scene);
        self.advance(run_id, scene);
    }

    /// The job's own timeout, for this stretch of its work.
    pub(super) fn set_deadline(
        &self,
        run_id: &RunId,
        timeout_ms: Option<u64>,
        scene: &mut Scene<'_>,
    ) {
        if let (Some(run), Some(ms)) = (self.runs.get(run_id), timeout_ms) {
            let alarm = Alarm::RunTimedOut {
                run_id: run_id.clone(),
                number: run.number,
                is_final: false,
            };
            scene.acts.push(Act::After(ms.cast_signed(), alarm));
        }
    }
}
