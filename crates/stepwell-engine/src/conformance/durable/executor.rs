//! An executor: what it is assigned, resumes and parks, what it says, and what it says again to a restarted engine.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Poll;

use stepwell_protocol::{
    Assignment, EngineMessage, ExecutorEnvelope, ExecutorId, ExecutorMessage, FailureCode,
    Generation, Holding, Payload, RunId, ServedJob, Step,
};

use super::active::{Active, after, poll};
use super::calls::{Calls, Phase};
use super::context::{Clock, Ctx, GRACE_MS};
use super::function::{Job, Outcome, Thrown};
use super::messages::{address, run_of};

pub(super) struct Executor {
    pub(super) id: ExecutorId,
    pub(super) is_alive: bool,
    /// The bound on parked functions; 0: none is kept, and every wait ends in a replay.
    pub(super) parked_max: usize,
    /// What leaves it next.
    pub(super) out: Vec<ExecutorEnvelope>,
    jobs: Rc<Vec<Job>>,
    slots: u32,
    clock: Clock,
    is_welcome: bool,
    is_online: bool,
    is_hung: bool,
    last_seq: u64,
    unanswered: BTreeMap<u64, ExecutorMessage>,
    runs: BTreeMap<RunId, Active>,
    /// Least recently used first.
    parked: Vec<(RunId, Active)>,
}

impl Executor {
    pub(super) fn new(
        id: ExecutorId,
        jobs: Rc<Vec<Job>>,
        slots: u32,
        parked_max: usize,
        clock: Clock,
    ) -> Self {
        Self {
            id,
            is_alive: true,
            parked_max,
            out: Vec::new(),
            jobs,
            slots,
            clock,
            is_welcome: false,
            is_online: true,
            is_hung: false,
            last_seq: 0,
            unanswered: BTreeMap::new(),
            runs: BTreeMap::new(),
            parked: Vec::new(),
        }
    }

    /// Says hello to an engine: nothing else leaves before its welcome.
    pub(super) fn hello(&mut self, build_id: &str) {
        self.is_welcome = false;
        let holding = self.runs.iter().map(|(run_id, run)| Holding {
            run_id: run_id.clone(),
            generation: run.calls.borrow().generation,
        });
        let served = |job: &Job| ServedJob {
            name: job.name.to_owned(),
            concurrency: None,
            needs_network: job.needs_network,
        };
        let message = ExecutorMessage::Hello {
            build_id: build_id.to_owned(),
            jobs: self.jobs.iter().map(served).collect(),
            slots: self.slots,
            holding: holding.collect(),
        };
        self.out = vec![ExecutorEnvelope { seq: 0, message }];
    }

    pub(super) fn works_on(&self, run_id: &RunId) -> bool {
        self.runs.contains_key(run_id)
    }

    pub(super) fn has_parked(&self, run_id: &RunId) -> bool {
        self.parked.iter().any(|(parked, _)| parked == run_id)
    }

    /// Drops a parked function, as the bound does.
    pub(super) fn forget(&mut self, run_id: &RunId) {
        self.parked.retain(|(parked, _)| parked != run_id);
    }

    /// When it has something to do by itself.
    pub(super) fn next_alarm(&self) -> Option<i64> {
        if self.is_hung || !self.is_alive {
            return None;
        }
        let alarms = self.runs.values().flat_map(|run| {
            let first = run.calls.borrow().alarms.first().copied();
            let own = run
                .times_out_at
                .into_iter()
                .flat_map(|at| [at, at + GRACE_MS]);
            first
                .into_iter()
                .chain(own.filter(|at| *at > self.clock.now()))
        });
        alarms.min()
    }

    /// A turn: everything goes on that can, and what only waits is suspended.
    pub(super) fn work(&mut self) {
        if self.is_hung || !self.is_alive {
            return;
        }
        for run_id in self.runs.keys().cloned().collect::<Vec<_>>() {
            self.time_out(&run_id);
            self.advance(&run_id);
            self.suspend(&run_id);
        }
        for (run_id, run) in &mut self.parked {
            let _ = poll(run);
            let mut calls = run.calls.borrow_mut();
            if std::mem::take(&mut calls.wants_wake) {
                let message = ExecutorMessage::Wake {
                    run_id: run_id.clone(),
                    generation: calls.generation,
                };
                self.out.push(ExecutorEnvelope { seq: 0, message });
            }
        }
    }

    pub(super) fn receive(&mut self, message: EngineMessage) {
        // A hung worker's messages wait for ever.
        if self.is_hung || !self.is_alive {
            return;
        }
        match message {
            EngineMessage::Welcome {
                adopted, is_online, ..
            } => self.welcomed(&adopted, is_online),
            EngineMessage::Assign { assignment } => self.start(&assignment),
            EngineMessage::Resume {
                run_id,
                generation,
                timeout_ms,
                steps,
            } => self.resume(run_id, generation, timeout_ms, &steps),
            EngineMessage::Resolved {
                run_id,
                generation,
                step,
            } => self.resolved(&run_id, generation, &step),
            EngineMessage::Network { is_online } => self.network(is_online),
            EngineMessage::Ack { seqs } => {
                for seq in seqs {
                    self.acked(seq);
                }
            }
            EngineMessage::Refused { seq, run_id, .. } => {
                if self.unanswered.contains_key(&seq) {
                    self.stop(&run_id);
                }
            }
            EngineMessage::Abort {
                run_id, generation, ..
            } => {
                let is_it = |run: &Active| run.calls.borrow().generation == generation;
                if self.runs.get(&run_id).is_some_and(is_it) {
                    self.stop(&run_id);
                    return;
                }
                self.parked
                    .retain(|(parked, run)| *parked != run_id || !is_it(run));
                self.say(ExecutorMessage::Released { run_id, generation });
            }
        }
    }

    fn welcomed(&mut self, adopted: &[Holding], is_online: bool) {
        self.is_welcome = true;
        let given: BTreeMap<&RunId, Generation> = adopted
            .iter()
            .map(|held| (&held.run_id, held.generation))
            .collect();
        self.runs.retain(|run_id, run| {
            let generation = given.get(run_id);
            if let Some(generation) = generation {
                run.calls.borrow_mut().generation = *generation;
            }
            generation.is_some()
        });
        self.unanswered
            .retain(|_, message| run_of(message).is_some_and(|run_id| given.contains_key(run_id)));
        for (seq, message) in &mut self.unanswered {
            if let Some((run_id, generation)) = address(message)
                && let Some(given) = given.get(&*run_id)
            {
                *generation = *given;
            }
            let (seq, message) = (*seq, message.clone());
            self.out.push(ExecutorEnvelope { seq, message });
        }
        let mut bodies = Vec::new();
        for (run_id, run) in &self.runs {
            let calls = run.calls.borrow();
            for (step_name, started) in &calls.running {
                bodies.push(ExecutorMessage::StepStart {
                    run_id: run_id.clone(),
                    generation: calls.generation,
                    step_name: step_name.clone(),
                    attempt: started.attempt,
                    timeout_ms: started.timeout_ms,
                    retry: started.retry,
                });
            }
        }
        for body in bodies {
            self.say(body);
        }
        self.network(is_online);
    }

    fn start(&mut self, assignment: &Assignment) {
        let jobs = Rc::clone(&self.jobs);
        let job = jobs.iter().find(|job| job.name == assignment.job_name);
        let job = job.expect("the engine assigns what is served");
        let calls = Rc::new(RefCell::new(Calls::new(assignment, self.is_online)));
        let ctx = Ctx {
            calls: Rc::clone(&calls),
            clock: self.clock.clone(),
        };
        let input = assignment.input.text().unwrap_or_default().to_owned();
        self.forget(&assignment.run_id);
        self.discard(&assignment.run_id);
        let run = Active {
            calls,
            function: Some((job.function)(ctx, input)),
            times_out_at: self.times_out_at(assignment.timeout_ms),
            suspending: None,
        };
        self.runs.insert(assignment.run_id.clone(), run);
        self.advance(&assignment.run_id);
    }

    fn times_out_at(&self, timeout_ms: Option<u64>) -> Option<i64> {
        let ms = i64::try_from(timeout_ms?).unwrap_or(i64::MAX / 2);
        Some(self.clock.now() + ms)
    }

    fn resume(
        &mut self,
        run_id: RunId,
        generation: Generation,
        timeout_ms: Option<u64>,
        steps: &[Step],
    ) {
        let Some(place) = self.parked.iter().position(|(parked, _)| *parked == run_id) else {
            self.say(ExecutorMessage::Unresumable { run_id, generation });
            return;
        };
        let (_, mut run) = self.parked.remove(place);
        run.times_out_at = self.times_out_at(timeout_ms);
        {
            let mut calls = run.calls.borrow_mut();
            calls.generation = generation;
            calls.phase = Phase::Active;
            calls.wants_wake = false;
            calls.is_online = self.is_online;
        }
        self.runs.insert(run_id.clone(), run);
        for step in steps {
            self.resolved(&run_id, generation, step);
        }
        self.advance(&run_id);
    }

    fn resolved(&mut self, run_id: &RunId, generation: Generation, step: &Step) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        if run.calls.borrow().generation != generation {
            return;
        }
        if !run.calls.borrow_mut().resolved(step) {
            return;
        }
        if let Some((_, waits)) = &mut run.suspending
            && waits.contains(&step.name)
        {
            // The `suspend` will be acknowledged without effect.
            waits.clear();
        }
        self.advance(run_id);
    }

    fn network(&mut self, is_online: bool) {
        self.is_online = is_online;
        for run in self.runs.values() {
            run.calls.borrow_mut().is_online = is_online;
        }
    }

    fn acked(&mut self, seq: u64) {
        let Some(message) = self.unanswered.remove(&seq) else {
            return;
        };
        let Some(run_id) = run_of(&message).cloned() else {
            return;
        };
        match &message {
            ExecutorMessage::RunComplete { .. } | ExecutorMessage::RunFail { .. } => {
                self.runs.remove(&run_id);
                return;
            }
            ExecutorMessage::Suspend { .. } => self.suspended(&run_id),
            _ => {
                let Some(run) = self.runs.get(&run_id) else {
                    return;
                };
                if let Some((name, call)) = after(&message) {
                    run.calls.borrow_mut().acked(name, call);
                }
            }
        }
        self.advance(&run_id);
    }

    fn suspended(&mut self, run_id: &RunId) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        let (_, waits) = run.suspending.take().expect("it was suspending");
        if waits.is_empty() {
            let mut calls = run.calls.borrow_mut();
            calls.phase = Phase::Active;
            calls.wants_wake = false;
            return;
        }
        run.calls.borrow_mut().phase = Phase::Parked;
        let run = self.runs.remove(run_id);
        if self.parked_max == 0 {
            return;
        }
        if self.parked.len() >= self.parked_max {
            self.parked.remove(0);
        }
        self.parked.extend(run.map(|run| (run_id.clone(), run)));
    }

    /// Runs a function until it waits or settles.
    fn advance(&mut self, run_id: &RunId) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        let end = loop {
            if let Poll::Ready(result) = poll(run) {
                run.function = None;
                break Some(result);
            }
            let is_active = run.calls.borrow().phase == Phase::Active;
            if !is_active || !run.calls.borrow_mut().release_next() {
                break None;
            }
        };
        let posts = std::mem::take(&mut run.calls.borrow_mut().posts);
        // Its messages before it hung still leave: `stepStart` is flushed before a body starts.
        self.is_hung |= run.calls.borrow().is_hung;
        for message in posts {
            self.post(message);
        }
        if let Some(result) = end {
            self.end(run_id, result);
        }
    }

    fn end(&mut self, run_id: &RunId, result: Outcome) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        run.times_out_at = None;
        let mut calls = run.calls.borrow_mut();
        calls.alarms.clear();
        calls.running.clear();
        let (run_id, generation) = (run_id.clone(), calls.generation);
        let report = calls.report();
        let message = match result {
            Ok(output) => ExecutorMessage::RunComplete {
                run_id,
                generation,
                output: Payload::from(output),
                blobs: Vec::new(),
                report,
            },
            Err(thrown) => ExecutorMessage::RunFail {
                run_id,
                generation,
                is_retryable: thrown.is_retryable(),
                retry_after_ms: thrown.after_ms,
                error: *thrown.by(None, calls.attempt).failure,
                report,
            },
        };
        drop(calls);
        self.post(message);
    }

    /// The job's timeout: a grace (functions here do not look at the signal), then its end.
    fn time_out(&mut self, run_id: &RunId) {
        let now = self.clock.now();
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        let mut calls = run.calls.borrow_mut();
        calls.alarms.retain(|at| *at > now);
        let Some(at) = run.times_out_at.filter(|at| *at <= now) else {
            return;
        };
        drop(calls);
        if run.function.is_some() && now >= at + GRACE_MS {
            run.function = None;
            let message = "the run was at work for longer than its timeout";
            self.end(run_id, Err(Thrown::of(FailureCode::Timeout, message)));
        }
    }

    fn suspend(&mut self, run_id: &RunId) {
        let Some(run) = self.runs.get_mut(run_id) else {
            return;
        };
        if run.function.is_none() || run.suspending.is_some() {
            return;
        }
        let mut calls = run.calls.borrow_mut();
        let waits = calls.open();
        if calls.is_busy() || waits.is_empty() {
            return;
        }
        calls.phase = Phase::Suspending;
        let message = ExecutorMessage::Suspend {
            run_id: run_id.clone(),
            generation: calls.generation,
            waits: waits.clone(),
            is_parked: self.parked_max > 0,
            report: calls.report(),
        };
        drop(calls);
        run.suspending = Some((self.last_seq + 1, waits));
        self.post(message);
    }

    /// A run that was lost: its function is dropped, and its slot is free at once.
    fn stop(&mut self, run_id: &RunId) {
        if let Some(run) = self.discard(run_id) {
            let generation = run.calls.borrow().generation;
            let run_id = run_id.clone();
            self.say(ExecutorMessage::Released { run_id, generation });
        }
    }

    fn discard(&mut self, run_id: &RunId) -> Option<Active> {
        self.unanswered
            .retain(|_, message| run_of(message) != Some(run_id));
        self.out
            .retain(|one| one.seq == 0 || run_of(&one.message) != Some(run_id));
        self.runs.remove(run_id)
    }

    fn post(&mut self, message: ExecutorMessage) {
        if matches!(message, ExecutorMessage::StepStart { .. }) {
            self.say(message);
            return;
        }
        self.last_seq += 1;
        let seq = self.last_seq;
        self.unanswered.insert(seq, message.clone());
        if self.is_welcome {
            self.out.push(ExecutorEnvelope { seq, message });
        }
    }

    fn say(&mut self, message: ExecutorMessage) {
        if self.is_welcome {
            self.out.push(ExecutorEnvelope { seq: 0, message });
        }
    }
}
