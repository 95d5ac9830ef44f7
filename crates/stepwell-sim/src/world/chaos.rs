//! When what goes wrong.

use stepwell_protocol::Input;

use super::{BUILD, CrashAt, Event, Victim, World};
use crate::counts::{Fault, State};
use crate::disk::{PowerLoss, Trouble};

/// Which part of a batch a crash hits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Before,
    /// At this write or flush.
    Inside(u32),
    After,
}

/// How much a crash takes with it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Level {
    /// The engine.
    Engine,
    /// The page with all its workers.
    Page,
    /// The machine.
    Machine(PowerLoss),
}

/// A crash that waits for the next batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    pub(super) moment: Moment,
    pub(super) level: Level,
}

impl World {
    pub(super) fn chance_of_fault(&mut self, per_mille: u64) -> bool {
        !self.is_calm && self.workload.has_faults() && self.rng.chance(per_mille)
    }

    /// One fault, and the next one later.
    pub(super) fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        if self.workload.engines > 1 {
            self.fault_of_sharing();
            return;
        }
        if self.workload.tabs > 0 && self.fault_of_tabs() {
            self.next_fault();
            return;
        }
        match self.rng.below(20) {
            0..=5 => self.strike = Some(self.new_strike()),
            6..=8 => self.kill_any_executor(),
            9 => self.jump_forward(),
            10 => self.jump_back(),
            11 => {
                self.fill_disk();
                // What was said before waits in the engine, and is said again after the welcome.
                if self.rng.chance(400) {
                    self.hello_again();
                }
            }
            12..=13 => self.plan_disk_trouble(),
            14..=15 => self.watch.borrow_mut().unexpected = u32::from(self.rng.chance(400)) * 2 + 1,
            16 => self.hello_again(),
            17 => self.release(),
            _ => self.maintain(),
        }
        self.next_fault();
    }

    fn next_fault(&mut self) {
        let (low, high) = self.workload.fault_ms;
        let pause = self.rng.range(low, high);
        self.after(pause, Event::Fault);
    }

    fn new_strike(&mut self) -> Strike {
        let moment = match self.rng.below(4) {
            0 => Moment::Before,
            1 => Moment::After,
            _ => Moment::Inside(u32::try_from(self.rng.below(12)).unwrap_or(0)),
        };
        let level = match self.rng.below(10) {
            0..=4 => Level::Engine,
            5..=6 => Level::Page,
            7 => Level::Machine(PowerLoss::Lost),
            _ => Level::Machine(PowerLoss::Torn),
        };
        Strike { moment, level }
    }

    /// The engine is gone, and what else the level says. Another one is opened soon.
    pub(super) fn crash(&mut self, level: Level) {
        if self.workload.tabs > 0
            && let Some(host) = self.host.as_ref().map(|host| host.id)
        {
            self.cut_channels(host);
        }
        self.end_engine();
        match level {
            Level::Engine => self.disk.borrow_mut().end_process(),
            Level::Page => {
                self.struck(Fault::PageKilled);
                self.disk.borrow_mut().end_process();
                self.kill_page();
            }
            Level::Machine(how) => {
                let harmed = self.disk.borrow_mut().lose_power(how, &mut self.rng);
                if harmed {
                    self.struck(match how {
                        PowerLoss::Lost => Fault::WritesLost,
                        PowerLoss::Torn => Fault::WritesTorn,
                    });
                    self.is_torn = how == PowerLoss::Torn;
                }
                self.kill_machine();
            }
        }
        let ms = self.rng.range(5, 150);
        let page = self.page;
        self.after(ms, Event::Open { page });
    }

    /// Nothing more reaches the disk from it.
    pub(super) fn end_engine(&mut self) {
        self.disk.borrow_mut().kill();
        self.host = None;
        self.cut_writing();
        self.watch.borrow_mut().take_deleted();
        self.waiting_since = None;
        self.bodies.crash();
    }

    fn kill_machine(&mut self) {
        match self.workload.tabs {
            0 => self.kill_page(),
            _ => self.tabs_end(),
        }
    }

    /// All executors and clients of the page die with it, and are there again when it has been loaded.
    fn kill_page(&mut self) {
        let page = self.page;
        if self.workload.tabs > 0 {
            self.page_ends();
            return;
        }
        for number in 0..self.executors.len() {
            if self.executors[number].alive && self.executors[number].page == page {
                self.forget_executor(number);
                let slots = self.executors[number].slots;
                let ms = self.rng.range(1, 60);
                self.after(ms, Event::Spawn { slots, page });
            }
        }
        for client in 0..self.clients.len() {
            if self.page_of_client(client) == page {
                self.clients[client].reload();
            }
        }
    }

    /// Of several engines on one file one is struck: the disk is the operating system's, and the clock is one for all.
    fn fault_of_sharing(&mut self) {
        let page = usize::try_from(self.rng.below(self.workload.engines as u64)).unwrap_or(0);
        self.turn_to(page);
        match self.rng.below(6) {
            0..=2 => {
                let mut strike = self.new_strike();
                if let Level::Machine(_) = strike.level {
                    strike.level = Level::Page;
                }
                self.strike = Some(strike);
            }
            3 => self.kill_any_executor(),
            4 => self.release(),
            _ => self.maintain(),
        }
        self.next_fault();
    }

    /// The browser goes offline, or is back.
    pub(super) fn change_network(&mut self) {
        self.is_online = !self.is_online || self.is_calm;
        if !self.is_online {
            self.struck(Fault::Offline);
        }
        for page in 0..self.workload.pages() {
            self.turn_to(page);
            if let Some(host) = self.host.as_ref().map(|host| host.id) {
                let is_online = self.is_online;
                self.post_to_engine(host, Input::Network { is_online });
            }
        }
        if !self.is_calm {
            let ms = self.rng.range(1, self.workload.offline_ms * 2);
            self.after(ms, Event::Network);
        }
    }

    /// The one crash of a workload without faults, where the next transaction is the one.
    pub(super) fn plan_crash(&mut self) {
        let mut watch = self.watch.borrow_mut();
        let is_next = |crash: &CrashAt| crash.commit == watch.commits && !crash.is_committed;
        if self.crash_at.as_ref().is_some_and(is_next) {
            watch.dies_at_commit = true;
        }
    }

    /// Whether it has come.
    pub(super) fn crashes_as_planned(&mut self, has_died: bool) -> bool {
        let Some(crash) = self.crash_at else {
            return false;
        };
        let commits = self.watch.borrow().commits;
        if !(has_died || crash.is_committed && commits == crash.commit + 1) {
            return false;
        }
        self.crash_at = None;
        match crash.victim {
            Victim::Engine => self.crash(Level::Engine),
            Victim::Page => self.crash(Level::Page),
            Victim::Executors => {
                for number in 0..self.executors.len() {
                    self.kill_executor(number);
                }
                return false;
            }
        }
        true
    }

    fn kill_any_executor(&mut self) {
        let alive: Vec<usize> = self.alive();
        if let Some(&number) = self.rng.pick(&alive) {
            self.struck(Fault::ExecutorDied);
            self.kill_executor(number);
        }
    }

    fn alive(&self) -> Vec<usize> {
        let is_here = |number: &usize| {
            self.executors[*number].alive && self.executors[*number].page == self.page
        };
        (0..self.executors.len()).filter(is_here).collect()
    }

    fn jump_forward(&mut self) {
        self.struck(Fault::ClockForward);
        self.jumped_at = self.now;
        self.wall_offset += self.rng.range(500, 7_200_000);
        self.wall_offset_max = self.wall_offset_max.max(self.wall_offset);
    }

    fn jump_back(&mut self) {
        if self.rng.chance(500) {
            self.struck(Fault::ClockBack);
            self.wall_offset -= self.rng.range(10, 50_000);
        } else {
            self.struck(Fault::ClockFarBack);
            self.wall_offset -= self.rng.range(120_000, 7_200_000);
        }
    }

    fn fill_disk(&mut self) {
        self.disk.borrow_mut().full = true;
        let ms = self.rng.range(20, 1_500);
        self.after(ms, Event::DiskHeals);
    }

    fn plan_disk_trouble(&mut self) {
        let operation = u32::try_from(self.rng.below(6)).unwrap_or(0);
        let trouble = match self.rng.chance(500) {
            true => Trouble::Write(operation),
            false => Trouble::Sync(operation / 3),
        };
        self.disk.borrow_mut().plan(Some(trouble));
    }

    pub(super) fn plan_trouble_at_opening(&mut self) {
        if self.chance_of_fault(60) {
            let operation = u32::try_from(self.rng.below(30)).unwrap_or(0);
            let trouble = match self.rng.below(3) {
                0 => Trouble::Write(operation),
                1 => Trouble::Sync(operation / 5),
                _ => Trouble::Crash(operation),
            };
            self.disk.borrow_mut().plan(Some(trouble));
        }
    }

    /// As after a hot reload: the same executor, the same engine, another hello.
    fn hello_again(&mut self) {
        let alive = self.alive();
        let Some(&number) = self.rng.pick(&alive) else {
            return;
        };
        let is_connected = self
            .host
            .as_ref()
            .is_some_and(|host| self.executors[number].host == Some(host.id));
        if is_connected && !self.executors[number].is_blocked {
            self.struck(Fault::HelloAgain);
            let jobs = self.workload.served();
            let hello = self.executors[number].hello(BUILD, jobs);
            self.say(number, hello);
        }
    }

    /// The host lets go in good order, as a page does that is put away, and is there again later.
    fn release(&mut self) {
        let Some(host) = self.host.as_ref().map(|host| host.id) else {
            return;
        };
        self.struck(Fault::Released);
        self.releases += 1;
        self.strike = None;
        self.post_to_engine(host, Input::Release);
        self.flush(host);
        if self.host.is_some() {
            self.crash(Level::Page);
        }
    }

    /// Right before the calm: a restart of which nothing but the engine's own timer may wake it, for an executor that it
    /// expects does not come.
    pub(super) fn last_blow(&mut self) {
        if self.host.is_none() {
            return;
        }
        self.struck(Fault::MissingExecutor);
        self.misses_executor = true;
        self.strike = None;
        self.crash(Level::Engine);
    }

    /// A torn database was opened again.
    pub(super) fn note_recovery(&mut self) {
        if std::mem::take(&mut self.is_torn) {
            self.saw(State::TornRecovered);
        }
    }
}
