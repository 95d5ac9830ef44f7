//! What happens to tabs: they are closed, crash, hand over, are frozen.

use super::{After, World};
use crate::counts::Fault;
use crate::slips::Slip;

impl World {
    /// Whether something has happened to a tab.
    pub(in crate::world) fn fault_of_tabs(&mut self) -> bool {
        let Some(seat) = self.tabs.seat else {
            return true;
        };
        self.turn_to(seat);
        let workload = &self.workload;
        let (ends, hands, freezes) = (workload.tab_ends, workload.hand_overs, workload.freezes);
        let dice = self.rng.below(1_000);
        if dice < ends {
            self.end_a_tab(seat);
        } else if dice < ends + hands {
            if !self.tabs.is_frozen(seat) {
                self.drain(After::Follows);
            }
        } else if dice < ends + hands + freezes {
            self.freeze_a_tab(seat);
        } else {
            // Nothing can be done to a leader that is frozen, nor does it do anything.
            return self.tabs.is_frozen(seat);
        }
        true
    }

    fn end_a_tab(&mut self, seat: usize) {
        if !self.rng.chance(600) {
            let others: Vec<usize> = (0..self.tabs.all.len())
                .filter(|tab| *tab != seat && self.tabs.all[*tab].is_alive)
                .collect();
            if let Some(tab) = self.rng.pick(&others).copied() {
                self.turn_to(tab);
                self.tab_ends(tab);
            }
            return;
        }
        match self.rng.below(3) {
            _ if self.tabs.is_frozen(seat) => self.crash_tab(seat),
            0 => self.crash_tab(seat),
            1 => self.release_now(After::Ends),
            _ => self.drain(After::Ends),
        }
    }

    fn crash_tab(&mut self, tab: usize) {
        self.struck(Fault::LeaderCrashed);
        self.lose_engine();
        self.tab_ends(tab);
    }

    fn freeze_a_tab(&mut self, seat: usize) {
        let is_long = self.rng.chance(60);
        let ms = match is_long {
            true => self.rng.range(25_000, 45_000),
            false => self.rng.range(50, 6_000),
        };
        let tab = match self.rng.chance(600) {
            true => seat,
            false => usize::try_from(self.rng.below(self.tabs.all.len() as u64)).unwrap_or(0),
        };
        if !self.tabs.all[tab].is_alive || self.tabs.is_frozen(tab) {
            return;
        }
        self.turn_to(tab);
        if tab != seat {
            self.struck(Fault::FollowerFrozen);
            self.tab_freezes(tab, ms);
        } else if self.host.is_some() && self.rng.chance(500) {
            // A page that is told of it lets go before.
            self.struck(Fault::LeaderReleasedToFreeze);
            if self.slips(Slip::FrozenWriter) {
                self.follow_again(tab);
                self.tab_freezes(tab, ms);
            } else {
                self.release_now(After::Freezes(ms));
            }
        } else {
            self.struck(Fault::LeaderFrozen);
            self.tab_freezes(tab, ms);
        }
    }

    /// The faults are over: whatever is frozen goes on, some of it in its own time.
    pub(in crate::world) fn calm_tabs(&mut self) {
        for tab in 0..self.tabs.all.len() {
            if self.tabs.is_frozen(tab) && self.rng.chance(600) {
                self.turn_to(tab);
                self.tab_thaws(tab);
            }
        }
        if let Some(seat) = self.tabs.seat {
            self.turn_to(seat);
        }
    }
}
