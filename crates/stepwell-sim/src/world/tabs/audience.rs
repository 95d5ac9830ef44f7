//! The engine's side of the channels, as the engine worker has it: whom it welcomes, what it tells whom.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use stepwell_protocol::{Addressed, ClientId, ClientReply, Epoch, Input, RunEvent};

use super::link::{EventsAt, RepliesAt, ToFollower};
use super::{After, Event, Role, TabEvent, ToLeader, World};
use crate::counts::{Fault, State};

/// So many events go in one message: few, so that batches are parted.
const EVENTS_PER_MESSAGE: usize = 4;

/// What an engine's host knows of the tabs that listen.
#[derive(Debug, Default)]
pub(in crate::world) struct Audience {
    /// How many messages with events there were.
    position: u64,
    /// Those that have joined.
    followers: BTreeSet<ClientId>,
    /// Of the last event.
    sequence: u64,
    /// What is to follow when what it runs has come to an end.
    pub(super) letting_go: Option<After>,
    /// The engine has been handed `drain`.
    pub(in crate::world) is_told: bool,
    /// It has taken it.
    pub(in crate::world) is_drained: bool,
}

impl World {
    /// An engine was opened: its page hears of it at once, the others over the channel.
    pub(in crate::world) fn tab_leads(&mut self, host: u64, epoch: Epoch) {
        let tab = self.page;
        let verdict = self.epochs.opened(epoch);
        self.judge(crate::properties::epochs::NAME, verdict);
        self.tabs.all[tab].role = Role::Leader(Some(host));
        self.broadcast(host, &ToFollower::Leading { epoch });
        self.attach(tab, 0);
    }

    /// Replies go to who asked, events to everybody. To its own page both go in one message.
    pub(in crate::world) fn tell_tabs(
        &mut self,
        replies: Vec<Addressed>,
        events: &[RunEvent],
        has_status: bool,
    ) {
        let own = self.page;
        let own_id = self.clients[own].id.clone();
        let Some(host) = self.host.as_mut() else {
            return;
        };
        let id = host.id;
        let told = host.audience.sequence;
        if let Some(last) = events.last() {
            host.audience.sequence = last.head.sequence;
        }
        let is_own = |addressed: &Addressed| addressed.client_id == own_id;
        let (own_replies, replies): (Vec<_>, Vec<_>) = replies.into_iter().partition(is_own);
        let own_replies: Vec<ClientReply> = own_replies.into_iter().map(|one| one.reply).collect();
        if !own_replies.is_empty() || !events.is_empty() {
            let output = TabEvent::Output {
                tab: own,
                host: id,
                replies: own_replies,
                events: events.into(),
            };
            self.send(format!("{id}>{own_id}"), Event::Tab(output));
        }
        self.tell_followers(replies, told, events, has_status);
    }

    /// Replies go first, with the first events of their batch. `told`: the last event of earlier ones.
    fn tell_followers(
        &mut self,
        replies: Vec<Addressed>,
        told: u64,
        events: &[RunEvent],
        has_status: bool,
    ) {
        let Some(host) = self.host.as_mut() else {
            return;
        };
        let (id, epoch, audience) = (host.id, host.engine.epoch(), &mut host.audience);
        if audience.followers.is_empty() {
            return;
        }
        let mut by_client: BTreeMap<ClientId, Vec<ClientReply>> = BTreeMap::new();
        for Addressed { client_id, reply } in replies {
            if audience.followers.contains(&client_id) {
                by_client.entry(client_id).or_default().push(reply);
            }
        }
        let after = audience.position;
        let mut parts = Vec::new();
        let is_empty = events.is_empty() && !has_status;
        let chunks = events.chunks(EVENTS_PER_MESSAGE);
        let alone = (events.is_empty() && has_status).then_some(events);
        for events in chunks.chain(alone) {
            audience.position += 1;
            parts.push(EventsAt {
                position: audience.position,
                events: events.into(),
            });
        }
        let mut replied_to: Rc<[ClientId]> = by_client.keys().cloned().collect();
        let first = parts.first().filter(|_| !is_empty).cloned();
        for (client_id, replies) in by_client {
            let at = RepliesAt {
                after,
                told,
                replies,
                events: first.clone(),
            };
            let message = ToFollower::Replies { epoch, at };
            self.post_to(&client_id, id, "reply", message);
        }
        for at in parts {
            let replied_to = std::mem::replace(&mut replied_to, Rc::new([]));
            let message = ToFollower::Events {
                epoch,
                replied_to,
                at,
            };
            self.broadcast(id, &message);
        }
    }

    /// To all other tabs.
    pub(super) fn broadcast(&mut self, host: u64, message: &ToFollower) {
        for tab in 0..self.tabs.all.len() {
            if tab != self.page {
                let to = self.clients[tab].id.clone();
                self.post_to(&to, host, "events", message.clone());
            }
        }
    }

    /// Each channel keeps the order of one sender, and knows nothing of the other channel.
    pub(super) fn post_to(&mut self, to: &ClientId, host: u64, channel: &str, message: ToFollower) {
        let Some(tab) = self.clients.iter().position(|client| client.id == *to) else {
            self.struck(Fault::MessageLost);
            return;
        };
        if !self.tabs.all[tab].is_alive {
            return;
        }
        let event = TabEvent::ToFollower {
            tab,
            life: self.tabs.all[tab].life,
            host,
            sent_at: self.now,
            message,
        };
        let channel = format!("{host}>{channel}>{to}");
        self.send_between_tabs(channel, Event::Tab(event));
    }

    /// A message for whichever engine listens. Nobody does while there is none.
    pub(super) fn hear_follower(&mut self, message: ToLeader) {
        let Some(host) = self.host.as_mut() else {
            self.struck(Fault::MessageLost);
            return;
        };
        let (id, own_epoch) = (host.id, host.engine.epoch());
        match message {
            ToLeader::Join { client_id } => {
                host.audience.followers.insert(client_id.clone());
                let welcome = ToFollower::Welcome {
                    epoch: own_epoch,
                    position: host.audience.position,
                    sequence: host.audience.sequence,
                };
                self.post_to(&client_id, id, "reply", welcome);
            }
            ToLeader::Requests { epoch, .. } if epoch != own_epoch => {
                self.saw(State::OldRequestIgnored);
            }
            ToLeader::Requests {
                client_id,
                requests,
                ..
            } => {
                for request in requests {
                    let client_id = client_id.clone();
                    self.post_to_engine(id, Input::Client { client_id, request });
                }
            }
        }
    }
}
