//! What goes into and comes out of `Engine::handle`.

use serde::{Deserialize, Serialize};

use crate::{
    BlobId, ClientId, ClientReply, ClientRequest, EngineMessage, Epoch, ErrorInfo,
    ExecutorEnvelope, ExecutorId, RunEvent, TimestampMs,
};

/// One thing for the engine to handle. A batch of them is one transaction.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// A client asks.
    Client {
        /// Who is answered.
        client_id: ClientId,
        /// What is asked.
        request: ClientRequest,
    },
    /// An executor says something.
    Executor {
        /// Who.
        executor_id: ExecutorId,
        /// What.
        envelope: ExecutorEnvelope,
    },
    /// An executor is dead: its liveness lock was granted to the engine's host.
    ExecutorGone {
        /// Which.
        executor_id: ExecutorId,
    },
    /// The host wants another executor in this one's place, for the code of its jobs has changed. Its runs are given up in
    /// good order, and go on in another one when it is dead.
    ReplaceExecutor {
        /// Which.
        executor_id: ExecutorId,
    },
    /// An idle moment: delete a few runs whose retention has ended.
    Upkeep,
    /// The browser is online or offline: at the start, and with each change. Until the first one it counts as online.
    Network {
        /// Whether it is online.
        is_online: bool,
    },
    /// The host will let go of the database soon: claim nothing more, and let what runs come to an end.
    Drain,
    /// The host is about to let go of the database in good order: stop claiming, give leases back uncounted.
    Release,
}

/// An answer and the client it goes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Addressed {
    /// The client.
    pub client_id: ClientId,
    /// The answer.
    pub reply: ClientReply,
}

/// An instruction to the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Effect {
    /// Send this message to this executor.
    Send {
        /// To whom.
        executor_id: ExecutorId,
        /// What.
        message: EngineMessage,
    },
    /// End this executor, whatever it does, and close its port: a function there does not yield, or another executor was
    /// asked for in its place. The engine ignores it from now on, and waits up to 3 s for its death before its runs go to others.
    TerminateExecutor {
        /// Which.
        executor_id: ExecutorId,
    },
    /// Delete these files: no run refers to them.
    DeleteBlobs {
        /// Which.
        ids: Vec<BlobId>,
    },
}

/// What the host does after the commit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Answers to clients, in the order of their requests.
    pub replies: Vec<Addressed>,
    /// Events for every tab, in order.
    #[cfg_attr(feature = "ts", tsify(type = "RunEvent[]"))]
    pub events: Vec<RunEvent>,
    /// Instructions, in order.
    pub effects: Vec<Effect>,
    /// When to call again with a tick if nothing else happens; replaces what was said before.
    pub wake_at: Option<TimestampMs>,
    /// Whether another [`Input::Upkeep`] would find something to do.
    pub more_upkeep: bool,
    /// The engine's state, where `paused` or `unserved_jobs` changed.
    pub status: Option<EngineStatus>,
}

/// What the engine counts, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Batches handled.
    pub batches: u64,
    /// Transactions that wrote.
    pub commits: u64,
    /// Step outcomes stored.
    pub steps: u64,
    /// Claims and adoptions.
    pub leases: u64,
}

/// The engine's own state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct EngineStatus {
    /// The session.
    pub epoch: Epoch,
    /// Why no work is done now; `None` when all is well. The engine tries again by itself.
    pub paused: Option<ErrorInfo>,
    /// Jobs with pending runs that no connected executor serves.
    pub unserved_jobs: Vec<String>,
    /// What was counted.
    pub counters: Counters,
}
