//! A tab's side of the channels: what it hears, asks, sends again and shows.

use stepwell_protocol::{
    ClientReply, ClientRequest, Epoch, ErrorCode, Input, Reply, RequestId, RunEvent,
};

use super::link::{Link, Move, ToFollower};
use super::{Event, Role, TabEvent, ToLeader, World};
use crate::counts::{Fault, State};
use crate::properties::{once, views};
use crate::slips::Slip;

/// A follower gives up what it has asked when it has heard nothing for so long.
const SILENT_MS_MAX: i64 = 30_000;
/// So long may a message be behind one that was sent after it.
const GAP_MS_MAX: i64 = 1_000;
/// So often it listens.
const LISTENS_MS: i64 = 1_000;

impl World {
    pub(super) fn hear_own_engine(
        &mut self,
        tab: usize,
        host: u64,
        replies: Vec<ClientReply>,
        events: &[RunEvent],
    ) {
        let epoch = match (&self.tabs.all[tab].role, self.host.as_ref()) {
            (Role::Leader(Some(own)), Some(engine)) if *own == host && engine.id == host => {
                engine.engine.epoch()
            }
            // It has died since, or lets go: the same is asked of the next one.
            _ => return,
        };
        self.settle(tab, epoch, replies, None);
        self.apply(tab, events);
    }

    pub(super) fn hear_leader(&mut self, tab: usize, is_cut: bool, message: ToFollower) {
        if is_cut {
            self.struck(match message {
                ToFollower::Replies { .. } => Fault::ReplyLost,
                _ => Fault::MessageLost,
            });
            return;
        }
        self.tabs.all[tab].heard_at = self.now;
        let me = self.clients[tab].id.clone();
        let Role::Follower(link) = &mut self.tabs.all[tab].role else {
            return;
        };
        let moves = link.hear(&me, message, self.slip);
        if link.is_held_up() {
            self.saw(State::HeldForReply);
        }
        for next in moves {
            match next {
                Move::Join => self.join(tab),
                Move::JoinLater(timer) => {
                    let life = self.tabs.all[tab].life;
                    let event = TabEvent::JoinsLate { tab, life, timer };
                    self.after(GAP_MS_MAX, Event::Tab(event));
                }
                Move::Attach { sequence } => self.attach(tab, sequence),
                Move::Settle {
                    epoch,
                    replies,
                    told,
                } => self.settle(tab, epoch, replies, told),
                Move::Apply(events) => self.apply(tab, &events),
                Move::IgnoreOldReply => self.saw(State::OldReplyIgnored),
            }
        }
    }

    pub(super) fn join(&mut self, tab: usize) {
        let client_id = self.clients[tab].id.clone();
        let Role::Follower(link) = &mut self.tabs.all[tab].role else {
            return;
        };
        link.join();
        self.post_to_leader(ToLeader::Join { client_id });
    }

    pub(super) fn is_late(&self, tab: usize, timer: u64) -> bool {
        matches!(&self.tabs.all[tab].role, Role::Follower(link) if link.is_due(timer))
    }

    fn post_to_leader(&mut self, message: ToLeader) {
        let (ToLeader::Join { client_id } | ToLeader::Requests { client_id, .. }) = &message;
        let channel = format!("{client_id}>cmd");
        self.send_between_tabs(channel, Event::Tab(TabEvent::ToLeader(message)));
    }

    /// A tab follows an engine from here on: all that it shows is read again, and what is open is sent to that engine.
    pub(super) fn attach(&mut self, tab: usize, sequence: u64) {
        let is_first = self.tabs.all[tab].view.is_new();
        self.tabs.all[tab].view.follow(sequence);
        let known = self.clients[tab].outstanding.keys().cloned().collect();
        if is_first || self.slip != Some(Slip::NothingReadAgain) {
            self.tabs.all[tab].view.forget();
            self.read_everything(tab);
        }
        if self.slip != Some(Slip::NotResent) {
            self.post_requests(tab, known);
        }
    }

    pub(super) fn read_everything(&mut self, tab: usize) {
        self.saw(State::ReadAgain);
        let request_id = self.clients[tab].read_everything();
        self.tabs.all[tab].reading = Some(request_id.clone());
        self.post_requests(tab, vec![request_id]);
    }

    pub(in crate::world) fn ask_as_tab(&mut self, client: usize, request_id: &RequestId) {
        self.post_requests(client, vec![request_id.clone()]);
    }

    /// Posts them where there is an engine. Where there is none, they are posted to the next one.
    fn post_requests(&mut self, tab: usize, request_ids: Vec<RequestId>) {
        let client = &self.clients[tab];
        let client_id = client.id.clone();
        let with_command = |request_id: RequestId| {
            let command = client.outstanding.get(&request_id)?.clone();
            Some(ClientRequest {
                request_id,
                command,
            })
        };
        let requests: Vec<ClientRequest> =
            request_ids.into_iter().filter_map(with_command).collect();
        if requests.is_empty() {
            return;
        }
        match &self.tabs.all[tab].role {
            Role::Leader(Some(host)) => {
                let (host, epoch) = (*host, self.epoch_of(*host));
                for request in requests {
                    self.note_sent(tab, &request.request_id, epoch);
                    let channel = format!("{client_id}>{host}");
                    let client_id = client_id.clone();
                    let input = Input::Client { client_id, request };
                    self.send(channel, Event::ToEngine { host, input });
                }
            }
            Role::Follower(Link {
                epoch: Some(epoch), ..
            }) => {
                let epoch = *epoch;
                for request in &requests {
                    self.note_sent(tab, &request.request_id, epoch);
                }
                self.post_to_leader(ToLeader::Requests {
                    client_id,
                    epoch,
                    requests,
                });
            }
            _ => {}
        }
    }

    fn note_sent(&mut self, tab: usize, request_id: &RequestId, epoch: Epoch) {
        let before = self.tabs.all[tab].sent_to.insert(request_id.clone(), epoch);
        if before.is_some_and(|before| before != epoch) {
            self.tabs.all[tab].resent.insert(request_id.clone());
            self.saw(State::SentToNextLeader);
        }
    }

    fn settle(&mut self, tab: usize, epoch: Epoch, replies: Vec<ClientReply>, told: Option<u64>) {
        if let Some(told) = told {
            let verdict = self.tabs.all[tab].view.answered(told);
            let verdict = verdict.map_err(|message| format!("tab {tab}: {message}"));
            self.judge(views::NAME, verdict);
        }
        for ClientReply { request_id, reply } in replies {
            let Some(command) = self.clients[tab].outstanding.get(&request_id).cloned() else {
                continue;
            };
            let sent_to = self.tabs.all[tab].sent_to.remove(&request_id);
            if sent_to.is_some_and(|to| to != epoch) {
                self.saw(State::AnsweredByOld);
            }
            if self.tabs.all[tab].reading.as_ref() == Some(&request_id) {
                self.tabs.all[tab].reading = None;
                self.show(tab, &reply);
            }
            let was_resent = self.tabs.all[tab].resent.remove(&request_id);
            let verdict = {
                let watch = &mut *self.watch.borrow_mut();
                watch
                    .once
                    .answered((&request_id, was_resent), &command, &reply, &watch.history)
            };
            self.judge(once::NAME, verdict);
            self.clients[tab].settle(&request_id, &reply);
        }
    }

    fn show(&mut self, tab: usize, reply: &Reply) {
        match reply {
            Reply::Runs { page } => self.tabs.all[tab].view.read(&page.runs),
            Reply::Error { error } if error.code != ErrorCode::InvalidInput => {
                let life = self.tabs.all[tab].life;
                self.after(250, Event::Tab(TabEvent::ReadsAgain { tab, life }));
            }
            other => {
                let verdict = Err(format!("everything was asked for, and came: {other:?}"));
                self.judge(views::NAME, verdict);
            }
        }
    }

    fn apply(&mut self, tab: usize, events: &[RunEvent]) {
        for event in events {
            let verdict = self.tabs.all[tab].view.apply(event);
            let verdict = verdict.map_err(|message| format!("tab {tab}: {message}"));
            self.judge(views::NAME, verdict);
        }
    }

    pub(super) fn listen(&mut self, tab: usize) {
        if self.clients[tab].outstanding.is_empty() {
            self.tabs.all[tab].heard_at = self.now;
        }
        let is_follower = matches!(self.tabs.all[tab].role, Role::Follower(_));
        let silent_ms = self.now - self.tabs.all[tab].heard_at;
        if is_follower && silent_ms > SILENT_MS_MAX {
            // What was sent may have been carried out, or will be: its outcome is unknown.
            self.saw(State::GivenUpInSilence);
            self.clients[tab].reload();
            self.tabs.all[tab].sent_to.clear();
            self.tabs.all[tab].heard_at = self.now;
            if self.tabs.all[tab].reading.take().is_some() {
                self.read_everything(tab);
            }
        }
        let life = self.tabs.all[tab].life;
        self.after(LISTENS_MS, Event::Tab(TabEvent::Listens { tab, life }));
    }

    /// At the end: every tab that is there follows the engine that is there, and shows what is stored.
    pub(in crate::world) fn check_tabs(&self) {
        for (number, tab) in self.tabs.all.iter().enumerate() {
            if !tab.is_alive {
                continue;
            }
            let verdict = tab.view.is_of(&self.watch.borrow().history);
            let verdict = verdict.map_err(|message| format!("tab {number}: {message}"));
            self.judge(views::NAME, verdict);
        }
    }
}
