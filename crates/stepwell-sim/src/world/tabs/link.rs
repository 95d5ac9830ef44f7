//! How a follower hears the leader's engine, as `packages/core/src/client/following.ts` does: joins, is welcomed, puts
//! into one order what two channels bring without one, and starts over after a gap that stays.
//!
//! | it hears …                    | while …                | it …                                                |
//! |-------------------------------|------------------------|-----------------------------------------------------|
//! | `leading` of another epoch    | ever                   | joins                                               |
//! | events of another epoch       | ever                   | keeps them for the welcome, joins in a while        |
//! | a welcome of an older epoch   | ever                   | ignores it                                          |
//! | any other welcome             | not exactly there      | reads everything, sends again what has no answer    |
//! | events that name it           | welcomed               | waits for its replies, which bring them             |
//! | events ahead of others        | welcomed               | holds them, and joins when the others do not come   |
//! | replies ahead of events       | welcomed               | holds them until those are there, or a welcome is   |
//! | replies of another epoch      | ever                   | ignores them                                        |
//! | `released`                    | welcomed               | knows no engine until the next welcome              |

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use stepwell_protocol::{ClientId, ClientReply, Epoch, RunEvent};

use crate::slips::Slip;

/// A batch's events, or a part of them, with their place in the epoch.
#[derive(Clone, Debug)]
pub(in crate::world) struct EventsAt {
    pub(super) position: u64,
    pub(super) events: Rc<[RunEvent]>,
}

/// What one follower is answered by a batch.
#[derive(Clone, Debug)]
pub(in crate::world) struct RepliesAt {
    /// Of the last events of earlier batches.
    pub(super) after: u64,
    /// The sequence of the last one. Tabs do not hear this, the properties do.
    pub(super) told: u64,
    pub(super) replies: Vec<ClientReply>,
    /// The first events of the same batch.
    pub(super) events: Option<EventsAt>,
}

/// On `:events` and on `:reply:<clientId>`.
#[derive(Clone, Debug)]
pub(in crate::world) enum ToFollower {
    Leading {
        epoch: Epoch,
    },
    Welcome {
        epoch: Epoch,
        position: u64,
        /// Of the last event before it. Tabs do not hear this, the properties do.
        sequence: u64,
    },
    Replies {
        epoch: Epoch,
        at: RepliesAt,
    },
    Events {
        epoch: Epoch,
        replied_to: Rc<[ClientId]>,
        at: EventsAt,
    },
    Released {
        epoch: Epoch,
    },
}

impl ToFollower {
    pub(super) fn is_for_everybody(&self) -> bool {
        !matches!(self, Self::Welcome { .. } | Self::Replies { .. })
    }
}

/// What a follower does about it.
#[derive(Debug)]
pub(super) enum Move {
    Join,
    /// Unless what is missing comes meanwhile: the timer with this number.
    JoinLater(u64),
    /// It follows that engine from here on.
    Attach {
        sequence: u64,
    },
    /// `told`: of the last event that must have been heard; `None` where a welcome has it all.
    Settle {
        epoch: Epoch,
        replies: Vec<ClientReply>,
        told: Option<u64>,
    },
    Apply(Rc<[RunEvent]>),
    IgnoreOldReply,
}

#[derive(Debug, Default)]
pub(super) struct Link {
    /// Of the engine that has welcomed it.
    pub(super) epoch: Option<Epoch>,
    position: u64,
    /// Ahead of a gap. `None`: it comes with this tab's replies.
    held: BTreeMap<u64, Option<Rc<[RunEvent]>>>,
    /// Ahead of events that came before them.
    replies: VecDeque<RepliesAt>,
    /// Of an epoch in which this tab is not welcomed yet.
    early: Vec<(Epoch, Rc<[ClientId]>, EventsAt)>,
    timers: u64,
    /// The one that is set.
    timer: Option<u64>,
}

impl Link {
    /// It says that it is there: what came before is in the answer.
    pub(super) fn join(&mut self) {
        self.timer = None;
        self.held.clear();
        self.early.clear();
    }

    /// Whether the timer with this number is still the one that is set.
    pub(super) fn is_due(&self, timer: u64) -> bool {
        self.timer == Some(timer)
    }

    pub(super) fn is_held_up(&self) -> bool {
        !self.held.is_empty() || !self.replies.is_empty()
    }

    pub(super) fn hear(
        &mut self,
        me: &ClientId,
        message: ToFollower,
        slip: Option<Slip>,
    ) -> Vec<Move> {
        let mut moves = Vec::new();
        match message {
            ToFollower::Leading { epoch } => {
                if self.epoch != Some(epoch) {
                    moves.push(Move::Join);
                }
            }
            ToFollower::Welcome {
                epoch,
                position,
                sequence,
            } => {
                let is_old = self.epoch.is_some_and(|known| epoch < known);
                if !is_old {
                    self.welcome(me, epoch, (position, sequence), &mut moves, slip);
                }
            }
            ToFollower::Replies { epoch, at } => {
                if self.epoch == Some(epoch) {
                    self.replies.push_back(at);
                    self.tell_held(&mut moves, slip);
                } else {
                    moves.push(Move::IgnoreOldReply);
                }
            }
            ToFollower::Events {
                epoch,
                replied_to,
                at,
            } => self.events(me, epoch, replied_to, at, &mut moves, slip),
            ToFollower::Released { epoch } => {
                if self.epoch == Some(epoch) {
                    self.epoch = None;
                }
            }
        }
        moves
    }

    fn events(
        &mut self,
        me: &ClientId,
        epoch: Epoch,
        replied_to: Rc<[ClientId]>,
        at: EventsAt,
        moves: &mut Vec<Move>,
        slip: Option<Slip>,
    ) {
        if self.epoch != Some(epoch) {
            self.early.push((epoch, replied_to, at));
            self.join_later(moves);
            return;
        }
        let comes_with_reply = replied_to.contains(me) && slip != Some(Slip::EventsTwice);
        let events = (!comes_with_reply).then_some(at.events);
        self.hold(at.position, events, moves, slip);
    }

    fn welcome(
        &mut self,
        me: &ClientId,
        epoch: Epoch,
        (position, sequence): (u64, u64),
        moves: &mut Vec<Move>,
        slip: Option<Slip>,
    ) {
        let is_other = self.epoch != Some(epoch);
        let is_stale = is_other || self.position != position;
        if is_other {
            self.held.clear();
            self.replies.clear();
        }
        (self.epoch, self.position) = (Some(epoch), position);
        self.held.retain(|at, _| *at > position);
        for at in std::mem::take(&mut self.replies) {
            self.settle(at, None, moves, slip);
        }
        let early = std::mem::take(&mut self.early);
        if is_stale {
            moves.push(Move::Attach { sequence });
        }
        self.tell_held(moves, slip);
        for (of, replied_to, at) in early {
            if of == epoch {
                self.events(me, of, replied_to, at, moves, slip);
            }
        }
    }

    fn hold(
        &mut self,
        at: u64,
        events: Option<Rc<[RunEvent]>>,
        moves: &mut Vec<Move>,
        slip: Option<Slip>,
    ) {
        if self.keep(at, events, moves, slip) {
            self.tell_held(moves, slip);
        }
    }

    /// Whether it is ahead.
    fn keep(
        &mut self,
        at: u64,
        events: Option<Rc<[RunEvent]>>,
        moves: &mut Vec<Move>,
        slip: Option<Slip>,
    ) -> bool {
        if at <= self.position {
            if slip == Some(Slip::EventsTwice) {
                moves.extend(events.map(Move::Apply));
            }
            return false;
        }
        if events.is_some() || !self.held.contains_key(&at) {
            self.held.insert(at, events);
        }
        true
    }

    fn settle(
        &mut self,
        at: RepliesAt,
        told: Option<u64>,
        moves: &mut Vec<Move>,
        slip: Option<Slip>,
    ) {
        if let Some(epoch) = self.epoch {
            moves.push(Move::Settle {
                epoch,
                replies: at.replies,
                told,
            });
        }
        if let Some(EventsAt { position, events }) = at.events {
            self.keep(position, Some(events), moves, slip);
        }
    }

    /// What follows without a gap.
    fn tell_held(&mut self, moves: &mut Vec<Move>, slip: Option<Slip>) {
        if slip == Some(Slip::GapIgnored)
            && let Some((first, Some(_))) = self.held.first_key_value()
        {
            self.position = first - 1;
        }
        loop {
            let is_due =
                |at: &mut RepliesAt| at.after <= self.position || slip == Some(Slip::ReplyAhead);
            if let Some(at) = self.replies.pop_front_if(is_due) {
                let told = Some(at.told);
                self.settle(at, told, moves, slip);
            } else if let Some(Some(events)) = self.held.get(&(self.position + 1)) {
                moves.push(Move::Apply(Rc::clone(events)));
                self.position += 1;
                self.held.remove(&self.position);
            } else {
                break;
            }
        }
        if self.is_held_up() {
            self.join_later(moves);
        } else {
            self.timer = None;
        }
    }

    fn join_later(&mut self, moves: &mut Vec<Move>) {
        if self.timer.is_none() {
            self.timers += 1;
            self.timer = Some(self.timers);
            moves.push(Move::JoinLater(self.timers));
        }
    }
}
