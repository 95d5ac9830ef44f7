//! Letting go in good order: no more claims, a while for what runs, then the leases are given back and the next one leads.

use stepwell_protocol::{Input, RunStatus};

use super::link::ToFollower;
use super::{Event, TabEvent, World};
use crate::counts::{Fault, State};
use crate::slips::Slip;

/// How long what runs may take.
const DRAIN_MS: i64 = 1_000;

/// What becomes of a tab that has let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::world) enum After {
    /// It follows the next leader.
    Follows,
    /// It is closed.
    Ends,
    /// It is frozen for so many milliseconds.
    Freezes(i64),
}

impl World {
    /// The engine of this page comes to an end.
    pub(super) fn drain(&mut self, after: After) {
        let Some(host) = self.host.as_mut() else {
            return;
        };
        if host.audience.letting_go.is_some() {
            return;
        }
        host.audience.letting_go = Some(after);
        let host = host.id;
        self.struck(Fault::HandedOver);
        self.post_to_engine(host, Input::Drain);
        self.after(DRAIN_MS, Event::Tab(TabEvent::LetsGo { host }));
    }

    /// After a batch: where nothing runs any more, nothing is waited for.
    pub(in crate::world) fn let_go_if_idle(&mut self) {
        let Some(host) = self.host.as_mut() else {
            return;
        };
        let is_paused = host.engine.status().paused.is_some();
        host.audience.is_drained |= host.audience.is_told && !is_paused;
        if host.audience.is_drained && host.engine.active_runs() == 0 {
            let host = host.id;
            self.saw(State::DrainedIdle);
            self.after(0, Event::Tab(TabEvent::LetsGo { host }));
        }
    }

    pub(super) fn let_go(&mut self, host: u64) {
        let Some(current) = self.host.as_ref().filter(|current| current.id == host) else {
            return;
        };
        if let Some(after) = current.audience.letting_go {
            if current.engine.active_runs() > 0 {
                self.saw(State::DrainTimedOut);
            }
            self.release_now(after);
        }
    }

    /// The leases are given back, the handles closed, the lock given up.
    pub(super) fn release_now(&mut self, after: After) {
        let tab = self.page;
        let Some(host) = self.host.as_ref().map(|host| host.id) else {
            return;
        };
        self.struck(Fault::Released);
        self.releases += 1;
        self.strike = None;
        let held = self.held_runs();
        if !self.slips(Slip::ReleasedWithoutLeases) {
            self.post_to_engine(host, Input::Release);
            self.flush(host);
        }
        let Some(current) = self.host.as_ref().filter(|current| current.id == host) else {
            return;
        };
        if current.engine.status().paused.is_none() {
            for run_id in held {
                let run = self.watch.borrow().history.run(&run_id).cloned();
                if let Some(run) = run {
                    self.epochs.hand_over(&run);
                }
            }
        }
        let epoch = current.engine.epoch();
        self.broadcast(host, &ToFollower::Released { epoch });
        self.end_engine();
        self.disk.borrow_mut().end_process();
        match after {
            After::Follows => self.follow_again(tab),
            After::Ends => self.tab_ends(tab),
            After::Freezes(ms) => {
                self.follow_again(tab);
                self.tab_freezes(tab, ms);
            }
        }
    }

    /// The runs that both the engine and an executor know as that executor's.
    fn held_runs(&self) -> Vec<stepwell_protocol::RunId> {
        let watch = self.watch.borrow();
        let of_page = |executor: &&super::super::Executor| {
            let is_there = executor.alive && executor.open;
            is_there && executor.host == self.host.as_ref().map(|host| host.id)
        };
        let all = self.executors.iter().filter(of_page);
        let runs = all.flat_map(|executor| executor.held());
        let is_held = |(run_id, generation): &(&stepwell_protocol::RunId, _)| {
            watch.history.run(run_id).is_some_and(|run| {
                run.status == RunStatus::Running && run.generation == *generation
            }) && !watch.given_up_ever.contains(*run_id)
        };
        runs.filter(is_held)
            .map(|(run_id, _)| run_id.clone())
            .collect()
    }
}
