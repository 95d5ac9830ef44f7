//! What travels between clients, executors and the engine: in order on each channel, with delays; doubled and reordered
//! where the workload says so.

use stepwell_protocol::{ClientRequest, ExecutorEnvelope, Input, RequestId};

use super::{Event, World};
use crate::counts::Fault;

impl World {
    /// Posts an event on a channel that keeps its order.
    pub(super) fn send(&mut self, channel: String, event: Event) {
        let latency = self.latency();
        let arrives = self.arrivals.entry(channel).or_default();
        *arrives = (*arrives).max(self.now + latency);
        let ms = *arrives - self.now;
        self.after(ms, event);
    }

    /// As [`World::send`], from one process to another: slower, and each channel by itself.
    pub(super) fn send_between_tabs(&mut self, channel: String, event: Event) {
        let ms = self.rng.range(0, 6);
        let arrives = self.arrivals.entry(channel.clone()).or_default();
        *arrives = (*arrives).max(self.now + ms);
        self.send(channel, event);
    }

    pub(super) fn latency(&mut self) -> i64 {
        if self.chance_of_fault(15) {
            self.struck(Fault::MessageDelayed);
            return self.rng.range(50, 600);
        }
        self.rng.range(0, 2)
    }

    pub(super) fn say(&mut self, executor: usize, envelope: ExecutorEnvelope) {
        let Some(host) = self.executors[executor].host else {
            return;
        };
        let executor_id = self.executors[executor].id.clone();
        let channel = format!("{executor_id}>{host}");
        let input = Input::Executor {
            executor_id,
            envelope,
        };
        self.send(channel, Event::ToEngine { host, input });
    }

    /// Sends a request, or sends it again. While there is no engine it waits for the next one.
    pub(super) fn ask(&mut self, client: usize, request_id: &RequestId) {
        if self.workload.tabs > 0 {
            self.ask_as_tab(client, request_id);
            return;
        }
        let Some(host) = self.host.as_ref().map(|host| host.id) else {
            return;
        };
        let asking = &self.clients[client];
        let Some(command) = asking.outstanding.get(request_id).cloned() else {
            return;
        };
        let request = ClientRequest {
            request_id: request_id.clone(),
            command,
        };
        let input = Input::Client {
            client_id: asking.id.clone(),
            request,
        };
        let channel = format!("tab{}>{host}", asking.number());
        // One copy to each engine. A second one could be on its way with a blob whose file the first one's refusal deletes.
        let sent_to = &mut self.clients[client].sent_to;
        if self.workload.blobs > 0 && sent_to.insert(request_id.clone(), host) == Some(host) {
            return;
        }
        if !self.workload.unordered || self.is_calm {
            self.send(channel, Event::ToEngine { host, input });
            return;
        }
        if self.rng.chance(200) {
            self.struck(Fault::MessageDoubled);
            let ms = self.rng.range(0, 400);
            self.after(
                ms,
                Event::ToEngine {
                    host,
                    input: input.clone(),
                },
            );
        }
        if self.rng.chance(300) {
            self.struck(Fault::MessageReordered);
        }
        let ms = self.rng.range(0, 60);
        self.after(ms, Event::ToEngine { host, input });
    }
}
