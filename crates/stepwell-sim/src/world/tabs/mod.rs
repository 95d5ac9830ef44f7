//! Several tabs on one exclusive database: a seat that one of them holds, whose page hosts the engine and its executors;
//! the others follow it over channels. As `packages/core/src/channels.ts` has it.

mod audience;
mod changes;
mod following;
mod hand_over;
mod link;
mod seat;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use stepwell_protocol::{ClientId, ClientReply, ClientRequest, Epoch, RequestId, RunEvent};

pub(super) use self::audience::Audience;
pub(super) use self::hand_over::After;
use self::link::{Link, ToFollower};
use super::{Event, World};
use crate::counts::State;
use crate::properties::views::View;

/// On `:cmd`.
#[derive(Clone, Debug)]
pub(super) enum ToLeader {
    Join {
        client_id: ClientId,
    },
    /// For the engine of that epoch alone.
    Requests {
        client_id: ClientId,
        epoch: Epoch,
        requests: Vec<ClientRequest>,
    },
}

#[derive(Debug)]
pub(super) enum TabEvent {
    /// A tab is opened, with another client each time.
    Opens { tab: usize },
    /// From a page's own engine worker.
    Output {
        tab: usize,
        host: u64,
        replies: Vec<ClientReply>,
        events: Rc<[RunEvent]>,
    },
    /// From an engine, over a channel.
    ToFollower {
        tab: usize,
        life: u32,
        host: u64,
        sent_at: i64,
        message: ToFollower,
    },
    /// To whichever engine listens when it arrives.
    ToLeader(ToLeader),
    /// A follower joins, once more perhaps.
    Joins { tab: usize, life: u32 },
    /// The same, where what it misses has not come meanwhile.
    JoinsLate { tab: usize, life: u32, timer: u64 },
    /// What is shown could not be read.
    ReadsAgain { tab: usize, life: u32 },
    /// A frozen tab goes on, or is discarded.
    Thaws { tab: usize, life: u32 },
    /// An engine that is to let go has had its time.
    LetsGo { host: u64 },
    /// A follower whose requests are open listens whether there is a leader.
    Listens { tab: usize, life: u32 },
}

#[derive(Debug)]
enum Role {
    Follower(Link),
    /// It holds the seat; its engine may be on its way.
    Leader(Option<u64>),
}

/// A tab that is frozen: what reaches it waits. What everybody is told may be lost.
#[derive(Debug)]
struct Frozen {
    stash: Vec<Event>,
    loses: bool,
}

#[derive(Debug)]
struct Tab {
    is_alive: bool,
    /// How often it was opened.
    life: u32,
    role: Role,
    frozen: Option<Frozen>,
    view: View,
    /// The request that reads everything.
    reading: Option<RequestId>,
    /// To which engine each open request was sent last.
    sent_to: BTreeMap<RequestId, Epoch>,
    /// Those that more than one engine was sent.
    resent: BTreeSet<RequestId>,
    /// When the leader was heard last.
    heard_at: i64,
}

#[derive(Debug, Default)]
pub(super) struct Tabs {
    all: Vec<Tab>,
    /// Those that wait for the seat.
    queue: VecDeque<usize>,
    seat: Option<usize>,
    /// Of engines that died: what they said from then on is lost.
    cuts: BTreeMap<u64, i64>,
}

impl Tabs {
    pub(super) fn new(count: usize) -> Self {
        let tab = || Tab {
            is_alive: false,
            life: 0,
            role: Role::Follower(Link::default()),
            frozen: None,
            view: View::default(),
            reading: None,
            sent_to: BTreeMap::new(),
            resent: BTreeSet::new(),
            heard_at: 0,
        };
        Self {
            all: (0..count).map(|_| tab()).collect(),
            ..Self::default()
        }
    }

    /// The tab that leads, or is about to.
    pub(super) fn seat(&self) -> Option<usize> {
        self.seat
    }

    pub(super) fn may_open(&self, tab: usize) -> bool {
        self.seat == Some(tab) && self.all[tab].is_alive
    }

    pub(super) fn is_alive(&self, tab: usize) -> bool {
        self.all.get(tab).is_none_or(|tab| tab.is_alive)
    }

    pub(super) fn is_frozen(&self, tab: usize) -> bool {
        self.all.get(tab).is_some_and(|tab| tab.frozen.is_some())
    }

    fn is_of(&self, tab: usize, life: u32) -> bool {
        self.all[tab].is_alive && self.all[tab].life == life
    }
}

impl World {
    /// A tab that is frozen does nothing: what reaches it waits until it thaws.
    pub(super) fn stash(&mut self, page: usize, event: Event) -> Option<Event> {
        if matches!(
            event,
            Event::Tab(TabEvent::Thaws { .. } | TabEvent::Opens { .. })
        ) {
            return Some(event);
        }
        let Some(tab) = self.tabs.all.get_mut(page) else {
            return Some(event);
        };
        let Some(frozen) = tab.frozen.as_mut() else {
            return Some(event);
        };
        let is_told = matches!(
            &event,
            Event::Tab(TabEvent::ToFollower { message, .. }) if message.is_for_everybody()
        );
        if !(is_told && frozen.loses) {
            frozen.stash.push(event);
        }
        None
    }

    /// Which tab an event is about.
    pub(super) fn tab_of(&self, event: &TabEvent) -> Option<usize> {
        match event {
            TabEvent::Opens { tab }
            | TabEvent::Output { tab, .. }
            | TabEvent::ToFollower { tab, .. }
            | TabEvent::Joins { tab, .. }
            | TabEvent::JoinsLate { tab, .. }
            | TabEvent::ReadsAgain { tab, .. }
            | TabEvent::Thaws { tab, .. }
            | TabEvent::Listens { tab, .. } => Some(*tab),
            TabEvent::ToLeader(_) => self.tabs.seat,
            TabEvent::LetsGo { host } => self.page_of_host(*host),
        }
    }

    pub(super) fn handle_tab(&mut self, event: TabEvent) {
        match event {
            TabEvent::Opens { tab } => self.tab_opens(tab),
            TabEvent::Output {
                tab,
                host,
                replies,
                events,
            } => self.hear_own_engine(tab, host, replies, &events),
            TabEvent::ToFollower {
                tab,
                life,
                host,
                sent_at,
                message,
            } => {
                let is_cut = self.tabs.cuts.get(&host).is_some_and(|cut| sent_at >= *cut);
                if self.tabs.is_of(tab, life) {
                    self.hear_leader(tab, is_cut, message);
                }
            }
            TabEvent::ToLeader(message) => self.hear_follower(message),
            TabEvent::Joins { tab, life } => {
                if self.tabs.is_of(tab, life) {
                    self.join(tab);
                }
            }
            TabEvent::JoinsLate { tab, life, timer } => {
                if self.tabs.is_of(tab, life) && self.is_late(tab, timer) {
                    self.saw(State::GapStayed);
                    self.join(tab);
                }
            }
            TabEvent::ReadsAgain { tab, life } => {
                if self.tabs.is_of(tab, life) && self.tabs.all[tab].reading.is_none() {
                    self.read_everything(tab);
                }
            }
            TabEvent::Thaws { tab, life } => {
                if self.tabs.is_of(tab, life) {
                    self.tab_thaws(tab);
                }
            }
            TabEvent::LetsGo { host } => self.let_go(host),
            TabEvent::Listens { tab, life } => {
                if self.tabs.is_of(tab, life) {
                    self.listen(tab);
                }
            }
        }
    }
}
