//! The seat: a queue in which a tab waits to lead, the lives of tabs, and what ends them.

use stepwell_protocol::Epoch;

use super::link::Link;
use super::{Event, Frozen, Role, TabEvent, World};
use crate::counts::Fault;
use crate::properties::views::View;
use crate::slips::Slip;

impl World {
    pub(super) fn tab_opens(&mut self, tab: usize) {
        if self.tabs.all[tab].is_alive {
            return;
        }
        let now = self.now;
        let state = &mut self.tabs.all[tab];
        state.is_alive = true;
        state.life += 1;
        state.role = Role::Follower(Link::default());
        state.view = View::default();
        state.reading = None;
        state.sent_to.clear();
        state.heard_at = now;
        let life = state.life;
        self.clients[tab].open(life);
        self.tabs.queue.push_back(tab);
        self.after(0, Event::Tab(TabEvent::Joins { tab, life }));
        self.after(1_000, Event::Tab(TabEvent::Listens { tab, life }));
        self.pass_seat();
    }

    /// The tab is gone with all that it had. Its engine is gone already.
    pub(super) fn tab_ends(&mut self, tab: usize) {
        self.struck(Fault::TabGone);
        self.tabs.all[tab].is_alive = false;
        self.tabs.all[tab].frozen = None;
        self.clients[tab].reload();
        self.forget_executors_of(tab);
        self.tabs.queue.retain(|waiting| *waiting != tab);
        let ms = self.rng.range(20, 2_500);
        self.after(ms, Event::Tab(TabEvent::Opens { tab }));
        self.leave_seat(tab);
    }

    /// All of them, with the machine.
    pub(in crate::world) fn tabs_end(&mut self) {
        for tab in 0..self.tabs.all.len() {
            self.tabs.queue.clear();
            if self.tabs.all[tab].is_alive {
                self.tab_ends(tab);
            }
        }
    }

    /// The tab's renderer is gone, with the engine that it may have had.
    pub(in crate::world) fn page_ends(&mut self) {
        self.tab_ends(self.page);
    }

    pub(super) fn leave_seat(&mut self, tab: usize) {
        if self.tabs.seat == Some(tab) {
            self.tabs.seat = None;
            self.pass_seat();
        }
    }

    fn pass_seat(&mut self) {
        if self.tabs.seat.is_some() {
            return;
        }
        let Some(tab) = self.tabs.queue.pop_front() else {
            return;
        };
        self.tabs.seat = Some(tab);
        self.tabs.all[tab].role = Role::Leader(None);
        let ms = self.rng.range(5, 150);
        self.after(ms, Event::Open { page: tab });
        for slots in self.workload.slots {
            let (slots, page) = (*slots, tab);
            let ms = self.rng.range(1, 60);
            self.after(ms, Event::Spawn { slots, page });
        }
    }

    /// Followers run no jobs.
    pub(super) fn forget_executors_of(&mut self, tab: usize) {
        for number in 0..self.executors.len() {
            if self.executors[number].alive && self.executors[number].page == tab {
                self.forget_executor(number);
            }
        }
    }

    /// A leader of which nothing but the tab is left follows the next one, and queues again.
    pub(super) fn follow_again(&mut self, tab: usize) {
        self.forget_executors_of(tab);
        self.tabs.all[tab].role = Role::Follower(Link::default());
        self.tabs.all[tab].heard_at = self.now;
        self.tabs.queue.push_back(tab);
        let life = self.tabs.all[tab].life;
        self.after(0, Event::Tab(TabEvent::Joins { tab, life }));
        self.leave_seat(tab);
    }

    pub(super) fn tab_freezes(&mut self, tab: usize, ms: i64) {
        let loses = self.rng.chance(400) && self.tabs.seat != Some(tab);
        self.tabs.all[tab].frozen = Some(Frozen {
            stash: Vec::new(),
            loses,
        });
        let life = self.tabs.all[tab].life;
        self.after(ms, Event::Tab(TabEvent::Thaws { tab, life }));
    }

    /// A frozen tab goes on with all that has waited, or the browser has discarded it.
    pub(super) fn tab_thaws(&mut self, tab: usize) {
        let Some(frozen) = self.tabs.all[tab].frozen.take() else {
            return;
        };
        self.waiting_since = None;
        if self.chance_of_fault(200) {
            self.struck(Fault::FrozenDiscarded);
            self.lose_engine();
            self.tab_ends(tab);
            return;
        }
        for event in frozen.stash {
            self.after(0, event);
        }
        if self.tabs.seat != Some(tab) {
            let life = self.tabs.all[tab].life;
            let ms = self.rng.range(0, 200);
            self.after(ms, Event::Tab(TabEvent::Joins { tab, life }));
        }
    }

    /// The engine of the page that events are about now is gone, and what it said last with it.
    pub(in crate::world) fn lose_engine(&mut self) {
        let Some(host) = self.host.as_ref().map(|host| host.id) else {
            return;
        };
        self.cut_channels(host);
        self.end_engine();
        self.disk.borrow_mut().end_process();
    }

    pub(in crate::world) fn cut_channels(&mut self, host: u64) {
        let ms = self.rng.range(-30, 5);
        self.tabs.cuts.insert(host, self.now + ms);
    }

    pub(super) fn epoch_of(&self, host: u64) -> Epoch {
        let all = self.host.iter().chain(self.away.iter().flatten());
        let mut of = all.filter(|one| one.id == host);
        of.next().map_or(Epoch(0), |one| one.engine.epoch())
    }

    /// Whether the page gives its seat away with everything open.
    pub(super) fn slips(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }
}
