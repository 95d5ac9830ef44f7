//! Executors and clients as the page sees them: started, connected, killed, started again.

use stepwell_protocol::{Command, EngineMessage, ExecutorId, RequestId, WaitingFor};

use super::client::Stage;
use super::executor::{Act, Executor};
use super::{BUILD, Event, Scene, World};
use crate::counts::{Fault, State};

impl World {
    pub(super) fn spawn(&mut self, slots: u32) {
        let number = self.executors.len();
        let page = self.page;
        if self.workload.tabs > 0 && !self.tabs.may_open(page) {
            return;
        }
        self.executors.push(Executor::new(
            ExecutorId(format!("ex{number}")),
            slots,
            page,
        ));
        if let Some(host) = self.host.as_ref().map(|host| host.id) {
            self.after(
                1,
                Event::Connect {
                    executor: number,
                    host,
                },
            );
        }
    }

    pub(super) fn connect(&mut self, executor: usize, host: u64) {
        let is_current = self.host.as_ref().is_some_and(|current| current.id == host);
        if !is_current || !self.executors[executor].alive || self.executors[executor].is_blocked {
            return;
        }
        let jobs = self.workload.served();
        let late = self
            .host
            .as_ref()
            .is_some_and(|host| self.now > host.opened_at + 1_000);
        if late && self.executors[executor].run_ids().next().is_some() {
            self.struck(Fault::LateHello);
        }
        let opened_at = self.host.as_ref().map_or(0, |host| host.opened_at);
        let executor_state = &mut self.executors[executor];
        let gate_passed = self.now > opened_at + 300 || self.jumped_at >= opened_at;
        executor_state.is_late = gate_passed && executor_state.run_ids().next().is_some();
        executor_state.host = Some(host);
        let hello = executor_state.hello(BUILD, jobs);
        self.say(executor, hello);
    }

    pub(super) fn hand_to_executor(
        &mut self,
        executor: usize,
        host: u64,
        messages: Vec<EngineMessage>,
    ) {
        let state = &self.executors[executor];
        if !state.alive || state.host != Some(host) {
            self.struck(Fault::MessageLost);
            return;
        }
        for message in messages {
            let starts = matches!(
                message,
                EngineMessage::Assign { .. } | EngineMessage::Resume { .. }
            );
            self.with_executor(executor, |executor, scene| executor.receive(message, scene));
            if starts {
                self.judge_functions();
            }
        }
    }

    /// Lets a living executor act, and does what it wants.
    pub(super) fn with_executor(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Executor, &mut Scene<'_>),
    ) {
        if !self.executors[number].alive || self.executors[number].is_blocked {
            return;
        }
        let mut acts = Vec::new();
        let mut scene = Scene {
            now: self.now,
            is_calm: self.is_calm,
            workload: &self.workload,
            watch: &self.watch,
            leases: &self.leases,
            bodies: &mut self.bodies,
            acknowledged: &mut self.acknowledged,
            assignments: &mut self.assignments,
            acts: &mut acts,
        };
        act(&mut self.executors[number], &mut scene);
        for act in acts {
            match act {
                Act::Say(envelope) => self.say(number, envelope),
                Act::After(ms, alarm) => self.after(
                    ms,
                    Event::Alarm {
                        executor: number,
                        alarm,
                    },
                ),
                Act::Die => self.kill_executor(number),
            }
        }
    }

    /// What it has said still arrives; its death is told by its lock, some time later; another one takes its place.
    pub(super) fn kill_executor(&mut self, number: usize) {
        if !self.executors[number].alive {
            return;
        }
        self.forget_executor(number);
        let id = self.executors[number].id.clone();
        let slots = self.executors[number].slots;
        let told_in = self.rng.range(0, 200);
        self.after(told_in, Event::Gone { id });
        let back_in = self.rng.range(20, 400);
        let page = self.executors[number].page;
        self.after(back_in, Event::Spawn { slots, page });
    }

    /// As the engine says: its port is closed, and what it said last is not heard.
    pub(super) fn terminate(&mut self, id: &ExecutorId) {
        let number = self
            .executors
            .iter()
            .position(|executor| executor.id == *id);
        if let Some(number) = number {
            self.saw(State::Terminated);
            self.terminations += 1;
            self.kill_executor(number);
        }
    }

    pub(super) fn forget_executor(&mut self, number: usize) {
        let executor = &mut self.executors[number];
        executor.alive = false;
        for run_id in executor.run_ids() {
            self.bodies.lost_lease(run_id);
        }
    }

    pub(super) fn client_acts(&mut self, client: usize) {
        if self.is_calm {
            return;
        }
        if !self.tabs.is_alive(client) {
            self.after(500, Event::ClientActs { client });
            return;
        }
        let wall_ms = self.now + self.wall_offset;
        let stage = self.stage();
        let asking = &mut self.clients[client];
        let asked = asking.act(&self.workload, &mut self.rng, wall_ms, &stage);
        if let Some(request_id) = asked {
            self.note_asked(client, &request_id);
            self.ask(client, &request_id);
        }
        let pause = self
            .rng
            .range(self.workload.pause_ms.0, self.workload.pause_ms.1);
        self.after(pause, Event::ClientActs { client });
    }

    fn note_asked(&self, client: usize, request_id: &RequestId) {
        if let Some(command) = self.clients[client].outstanding.get(request_id) {
            let mut watch = self.watch.borrow_mut();
            watch.batches.ask(request_id, command);
            if let Command::Signal { key, .. } = command {
                watch.signals.send(request_id, key);
            }
        }
    }

    /// What clients may know beyond their own runs.
    fn stage(&self) -> Stage {
        let mut stage = Stage::default();
        if self.workload.signals + self.workload.meddles == 0 {
            return stage;
        }
        for (run, steps) in self.watch.borrow().history.all() {
            if run.parent_id.is_some() || self.workload.tabs > 0 {
                stage.others.push(run.id.clone());
            }
            for step in steps {
                if let Some(WaitingFor::Signal { key, .. }) = &step.waiting_for {
                    stage.keys.push(key.clone());
                }
            }
        }
        stage
    }

    /// In the end somebody sends what everything waits for.
    pub(super) fn signal_all(&mut self) {
        for key in self.stage().keys {
            let is_asked = |command: &Command| matches!(command, Command::Signal { key: other, .. } if *other == key);
            let sender = self.tabs.seat().unwrap_or(0);
            if !self.clients[sender].outstanding.values().any(is_asked) {
                self.turn_to(sender);
                let request_id = self.clients[sender].send(key);
                self.note_asked(sender, &request_id);
                self.ask(sender, &request_id);
            }
        }
        let pause = self.workload.calm_ms / 200;
        self.after(pause.max(500), Event::SignalAll);
    }
}
