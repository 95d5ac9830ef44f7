//! What struck and what was reached, by name.

macro_rules! named {
    ($(#[$doc:meta])* $kind:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind { $($(#[$variant_doc])* $variant,)* }

        impl $kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is printed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

named! {
    /// What the world does to the system.
    Fault {
        /// The engine's memory is lost before a batch is handled; executors live on.
        CrashBefore = "engine crash before a transaction",
        /// The same after the commit, before anything of it leaves.
        CrashAfter = "engine crash after a commit, before its output",
        /// The same at some write or flush inside a transaction.
        CrashInside = "engine crash inside a transaction",
        /// Engine, executors and clients die; what the system was given survives.
        PageKilled = "restart of everything",
        /// The same with power loss, every unflushed write gone.
        WritesLost = "power loss: unflushed writes lost",
        /// The same with unflushed writes kept, lost and torn at random.
        WritesTorn = "power loss: unflushed writes torn",
        /// An executor dies.
        ExecutorDied = "executor death",
        /// A body kills its executor whenever it runs.
        PoisonedBody = "body that kills its executor",
        /// A body that takes seconds.
        SlowBody = "slow body",
        /// A body that never ends.
        HungBody = "hung body",
        /// The wall clock runs ahead.
        ClockForward = "clock jump forward",
        /// The wall clock is put back by seconds.
        ClockBack = "clock jump back, absorbed",
        /// The wall clock is put back by minutes or hours.
        ClockFarBack = "clock jump back, followed",
        /// Writes fail with `SQLITE_FULL` for a while.
        DiskFull = "SQLITE_FULL",
        /// A write fails with `SQLITE_IOERR`.
        WriteFailed = "SQLITE_IOERR on write",
        /// A flush fails with `SQLITE_IOERR`.
        SyncFailed = "SQLITE_IOERR on sync",
        /// A store call fails for no known reason.
        Unexpected = "unexpected store error",
        /// Messages on their way to an engine that died.
        MessageLost = "message lost with its engine or port",
        /// A client's message arrives twice.
        MessageDoubled = "client message doubled",
        /// A client's message overtakes another.
        MessageReordered = "client message reordered",
        /// A message takes much longer than usual.
        MessageDelayed = "message delayed",
        /// What a dead executor said arrives after its death was told.
        LateMessage = "late message of a dead executor",
        /// An executor says hello long after the engine's start.
        LateHello = "hello after the gate",
        /// An executor that the engine expects does not come.
        MissingExecutor = "expected executor missing",
        /// An executor says hello again to the same engine.
        HelloAgain = "hello again to the same engine",
        /// Opening the database fails.
        OpenFailed = "opening the database failed",
        /// The engine dies while the file of a blob is written; it stays, in part.
        BlobHalfWritten = "crash while a blob is written: file kept",
        /// The same, and nothing of it stays.
        BlobLost = "crash while a blob is written: file lost",
        /// The host lets go in good order.
        Released = "orderly release",
        /// The browser goes offline.
        Offline = "browser offline",
        /// A body does not yield: its executor hears nothing any more.
        BlockedBody = "body that does not yield",
        /// A tab is closed, or dies with everything that it had.
        TabGone = "tab gone",
        /// The renderer of the leading tab dies between two batches.
        LeaderCrashed = "crash of the leading tab between transactions",
        /// The leading tab starts to let go in good order.
        HandedOver = "hand-over started",
        /// The leading tab is frozen with lock and handles in its hands.
        LeaderFrozen = "leader frozen with everything open",
        /// The leading tab lets go and is frozen.
        LeaderReleasedToFreeze = "leader that let go to be frozen",
        /// A tab that follows, or queues, is frozen.
        FollowerFrozen = "follower frozen",
        /// A frozen tab is discarded by the browser.
        FrozenDiscarded = "frozen tab discarded",
        /// An answer is lost with the engine that gave it.
        ReplyLost = "reply lost with its engine",
    }
}

named! {
    /// Where the system was seen.
    State {
        /// A restarted engine took over a run with its body.
        Adopted = "run adopted",
        /// A void lease was claimed again.
        Reclaimed = "run reclaimed",
        /// A resent step was answered from the store.
        StepRepeated = "resent step answered from the store",
        /// A resent end of a run was acknowledged from the store.
        EndRepeated = "resent end answered from the store",
        /// A resent trigger found its run.
        TriggerRepeated = "resent trigger answered from the store",
        /// A message was refused.
        LateWriteRefused = "refused late write",
        /// Too many recoveries.
        RecoveryCap = "recovery cap reached",
        /// A batch was tried input by input.
        OneByOne = "batch re-run one by one",
        /// A run was taken from its executor because its message failed twice.
        GaveUp = "message given up after failing twice",
        /// The engine paused and went on.
        PausedAndResumed = "paused and resumed",
        /// A database with torn writes was opened, and was sound.
        TornRecovered = "torn write recovered",
        /// The transaction in which the machine died is there after all.
        CommitSurfaced = "unconfirmed commit found after a restart",
        /// Memoised outcomes were replayed.
        Replayed = "stored step replayed",
        /// A retried run kept its completed steps.
        RetriedWithSteps = "retry kept completed steps",
        /// A run was aborted in its executor.
        Aborted = "running body aborted",
        /// The engine went on without an executor that it waited for.
        GateTimedOut = "gate opened by time",
        /// Two or more inputs shared a transaction.
        GroupCommit = "group commit",
        /// Time went back.
        ClockTold = "clock jump told by the clock",
        /// The write-ahead log was copied into the database.
        Checkpointed = "checkpoint and vacuum",
        /// A run was found under its idempotency key.
        Idempotent = "trigger that found its idempotency key",
        /// A pending run stood in the way of a trigger.
        PendingKey = "trigger that found its concurrency key pending",
        /// A pending run was passed over while its key was at work.
        KeyWaited = "pending run passed over for its key",
        /// A function of a key had lost its lease and not ended.
        KeyLeaving = "key not given while a function leaves",
        /// A job's limit left no room.
        LimitReached = "job at its limit",
        /// A run was claimed that had to wait for its time.
        DelayedClaimed = "delayed run claimed",
        /// A batch made its runs.
        BatchMade = "batch made whole",
        /// A batch was refused by one of its triggers.
        BatchRefused = "batch refused whole",
        /// A trigger was told a pending run instead.
        Coalesced = "coalesced trigger",
        /// An ended run was triggered again.
        Retriggered = "run triggered again",
        /// A run was deleted by name.
        Deleted = "run deleted",
        /// A run was deleted for its age.
        Purged = "run purged, or deleted for its age",
        /// There was more to delete than one upkeep takes.
        MoreUpkeep = "upkeep that left more to do",
        /// A deletion of which nobody was told is there after a restart.
        DeletionSurfaced = "deletion found after a restart",
        /// The files of blobs were deleted, as the engine said.
        BlobsDeleted = "files of blobs deleted",
        /// A file without a run was found at an opening.
        BlobsSwept = "orphaned files swept",
        /// A resent message found its file.
        BlobKept = "file found there by a resend",
        /// A job had no executor.
        Unserved = "job unserved",
        /// A run gave up its slot to wait.
        Suspended = "run suspended",
        /// One that was to be suspended went on, because a wait had ended.
        SuspensionRefused = "suspension overtaken by the end of a wait",
        /// A parked function went on.
        Resumed = "parked function resumed",
        /// A woken run was replayed, because nothing of it was parked.
        WokenReplayed = "woken run replayed",
        /// An executor had no function to resume.
        Unresumable = "parked function not in memory any more",
        /// A parked function had to go for another one.
        Evicted = "parked function dropped for another one",
        /// A parked function was of no more use.
        ParkedDropped = "parked function dropped because its run went on elsewhere or ended",
        /// A parked function wanted to go on by itself.
        WokeItself = "parked function that woke itself",
        /// A wait that was said again.
        WaitRepeated = "resent wait answered from the store",
        /// A sleep was over.
        SleepEnded = "sleep ended",
        /// A signal reached its wait.
        SignalDelivered = "signal delivered",
        /// A signal came before its wait.
        SignalKept = "signal kept",
        /// A signal came while another one was kept.
        SignalIgnored = "signal ignored",
        /// A wait gave up.
        SignalTimedOut = "wait for a signal timed out",
        /// Two waits wanted one key.
        KeyTaken = "signal key taken by another wait",
        /// A step is tried again.
        StepRetried = "step failed and tried again",
        /// A run is tried again by its policy.
        RunRetried = "run failed and tried again",
        /// An attempt of a step took too long.
        StepTimedOut = "step timed out",
        /// An attempt of a run took too long.
        RunTimedOut = "run timed out",
        /// An engine had an executor ended.
        Terminated = "executor terminated for a body that does not yield",
        /// A step waited for the network.
        NetworkWaited = "step that waited for the network",
        /// A run waited for the network.
        RunAwaitedNetwork = "run that waited for the network",
        /// Children were made, or were let go on.
        ChildrenMade = "children made",
        /// A child's failure ended its step.
        FailedFast = "step failed by a child",
        /// A child was cancelled, by its parent's end or by name.
        ChildCancelled = "child cancelled",
        /// What has no answer goes to another engine.
        SentToNextLeader = "request sent again to the next leader",
        /// What was sent to the last engine reaches the next one.
        OldRequestIgnored = "request for an older epoch ignored",
        /// An answer comes when another engine is followed already.
        OldReplyIgnored = "late reply of an older epoch ignored",
        /// An answer is taken that came from another engine than the one that was asked last.
        AnsweredByOld = "request answered by another engine than was asked",
        /// A tab reads all that it shows.
        ReadAgain = "everything read again by a tab",
        /// A tab has missed events, or its leader's word.
        GapStayed = "events missed for a second: joined again",
        /// Events wait for others that were told before them.
        HeldForReply = "events held until what was told before them has come",
        /// A tab has heard of no leader for long.
        GivenUpInSilence = "requests given up after 30 s without a leader",
        /// What ran came to an end before the engine let go.
        DrainedIdle = "drained before its time was over",
        /// Something still ran when the engine let go.
        DrainTimedOut = "drained for all of its time",
    }
}

/// How often each fault struck and each state was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    faults: Vec<u64>,
    states: Vec<u64>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            faults: vec![0; Fault::ALL.len()],
            states: vec![0; State::ALL.len()],
        }
    }
}

impl Counts {
    /// A fault struck.
    pub fn struck(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }

    /// A state was seen.
    pub fn saw(&mut self, state: State) {
        self.states[state as usize] += 1;
    }

    /// How often the fault struck.
    #[must_use]
    pub fn fault(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }

    /// How often the state was seen.
    #[must_use]
    pub fn state(&self, state: State) -> u64 {
        self.states[state as usize]
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.faults.iter_mut().zip(&other.faults) {
            *sum += count;
        }
        for (sum, count) in self.states.iter_mut().zip(&other.states) {
            *sum += count;
        }
    }
}
