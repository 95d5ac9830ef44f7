//! Bugs on demand, for the simulator to find. Compiled with the feature `planted` only, which nothing that is shipped
//! turns on.

use std::cell::{Cell, RefCell};

use stepwell_protocol::{Output, RequestId};

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A step is written under whatever generation the run has.
    NoFenceOnStepWrite,
    /// Events of a batch leave although its commit failed.
    EventBeforeCommit,
    /// A stored outcome is overwritten by the next one.
    StepWrittenTwice,
    /// A run is never recovered too often.
    RecoveriesNotCounted,
    /// A new engine does not ask to be woken when it has waited long enough for its executors.
    WakeUpLostAtRestart,
    /// Clients are answered although the commit failed.
    ReplyWithoutCommit,
    /// A claim takes runs that somebody holds.
    ClaimOfLeasedRun,
    /// `retry` lets completed steps run again.
    RetryClearsCompletedSteps,
    /// The lines that come with a step are not stored.
    LogLostWithStep,
    /// An adopted run keeps its generation.
    AdoptionWithoutNewGeneration,
    /// A retried batch forgets what executors said.
    RetainedInputsLost,
    /// A dead executor's runs keep their leases.
    DeadExecutorKeepsLease,
    /// A run is claimed although another one of its concurrency key is at work.
    ConcurrencyKeyIgnoredAtClaim,
    /// A concurrency key is free as soon as its run is cancelled, though the function has not ended.
    LeavingKeyForgotten,
    /// A completed run gives its idempotency key back.
    IdempotencyKeyFreedAtEnd,
    /// A coalesced trigger makes a run too.
    CoalescedTriggerWrites,
    /// What a refused batch had written before it was refused stays.
    BatchHalfWritten,
    /// A delayed run may be claimed at once.
    DelayedRunClaimedEarly,
    /// Nobody remembers when the next delayed run may start.
    DueTimeForgotten,
    /// Runs are claimed by their time alone.
    PriorityIgnored,
    /// As many runs of a job are leased as there are slots.
    JobLimitIgnored,
    /// A purge deletes a run that is at work.
    PurgeTakesActiveRun,
    /// Upkeep deletes whatever has ended.
    RetentionTakesYoungRun,
    /// The log of a deleted run stays.
    DeletedRunLeavesLogs,
    /// The references of a deleted run to its blobs stay.
    DeletedRunKeepsBlobs,
    /// The blobs of a deleted run are deleted although another run has them too.
    BlobDeletedWhileReferenced,
    /// The end of a child counts for two.
    ChildCountedTwice,
    /// The end of the last child does not end its parent's wait.
    LastChildWakesNobody,
    /// The failure of a child leaves its siblings at work.
    FailFastLeavesSiblings,
    /// A cancelled run leaves its children at work.
    CancelLeavesChildren,
    /// A failed run leaves its children at work.
    FailureLeavesChildren,
    /// A parent that has lost its fence makes its children all the same.
    CancelledParentMakesChildren,
    /// A wait does not look for a signal that is kept.
    EarlySignalLost,
    /// A signal is given to the next wait of its key too.
    SignalDeliveredTwice,
    /// A restart lets open sleeps start over.
    SleepStartsOver,
    /// Nobody remembers when the next wait ends.
    DeadlineForgotten,
    /// A new engine does not think of what waits for the network.
    NetworkForgotten,
    /// A run is tried again without end.
    RunRetryIgnoresBudget,
    /// A delay is that of the next failure.
    DelayOfNextFailure,
    /// A waiting run is not looked for when its wait has ended.
    WokenRunForgotten,
    /// Woken runs take their turn by priority.
    WokenRunNotFirst,
    /// A run is suspended although a wait of it has ended.
    SuspendedThoughWaitEnded,
    /// A claim does not forget where a function was parked before.
    ParkingNotForgotten,
    /// An executor that hangs is not ended.
    HungExecutorSpared,
    /// A trigger that is sent again makes another run.
    ResentTriggerRepeated,
    /// A cancel or retry that is sent again is judged as if it were the first.
    ResentChangeForgotten,
    /// A signal that is sent again is another one.
    ResentSignalRepeated,
    /// What is given back in good order counts as interrupted.
    ReleaseCountsRecovery,
    /// An engine that was told to come to an end goes on claiming.
    DrainedEngineClaims,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 49] = [
        Self::NoFenceOnStepWrite,
        Self::EventBeforeCommit,
        Self::StepWrittenTwice,
        Self::RecoveriesNotCounted,
        Self::WakeUpLostAtRestart,
        Self::ReplyWithoutCommit,
        Self::ClaimOfLeasedRun,
        Self::RetryClearsCompletedSteps,
        Self::LogLostWithStep,
        Self::AdoptionWithoutNewGeneration,
        Self::RetainedInputsLost,
        Self::DeadExecutorKeepsLease,
        Self::ConcurrencyKeyIgnoredAtClaim,
        Self::LeavingKeyForgotten,
        Self::IdempotencyKeyFreedAtEnd,
        Self::CoalescedTriggerWrites,
        Self::BatchHalfWritten,
        Self::DelayedRunClaimedEarly,
        Self::DueTimeForgotten,
        Self::PriorityIgnored,
        Self::JobLimitIgnored,
        Self::PurgeTakesActiveRun,
        Self::RetentionTakesYoungRun,
        Self::DeletedRunLeavesLogs,
        Self::DeletedRunKeepsBlobs,
        Self::BlobDeletedWhileReferenced,
        Self::ChildCountedTwice,
        Self::LastChildWakesNobody,
        Self::FailFastLeavesSiblings,
        Self::CancelLeavesChildren,
        Self::FailureLeavesChildren,
        Self::CancelledParentMakesChildren,
        Self::EarlySignalLost,
        Self::SignalDeliveredTwice,
        Self::SleepStartsOver,
        Self::DeadlineForgotten,
        Self::NetworkForgotten,
        Self::RunRetryIgnoresBudget,
        Self::DelayOfNextFailure,
        Self::WokenRunForgotten,
        Self::WokenRunNotFirst,
        Self::SuspendedThoughWaitEnded,
        Self::ParkingNotForgotten,
        Self::HungExecutorSpared,
        Self::ResentTriggerRepeated,
        Self::ResentChangeForgotten,
        Self::ResentSignalRepeated,
        Self::ReleaseCountsRecovery,
        Self::DrainedEngineClaims,
    ];
}

thread_local! {
    static FORGOTTEN: Cell<u64> = const { Cell::new(0) };
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    /// What a batch would have said, had it been committed.
    static UNCOMMITTED: RefCell<Output> = RefCell::new(Output::default());
}

/// Plants a bug in every engine and store of this thread, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.with(|planted| planted.set(bug));
}

/// Whether this bug is planted.
#[must_use]
pub fn has(bug: Bug) -> bool {
    PLANTED.with(Cell::get) == Some(bug)
}

/// With that bug no request is known again.
pub(crate) fn forgotten(request_id: RequestId, bug: Bug) -> RequestId {
    if !has(bug) {
        return request_id;
    }
    let number = FORGOTTEN.with(|count| count.replace(count.get() + 1));
    RequestId(format!("{request_id}+{number}"))
}

pub(crate) fn keep_uncommitted(output: Output) {
    UNCOMMITTED.with(|kept| *kept.borrow_mut() = output);
}

/// Lets out what was not committed.
pub(crate) fn leak(mut output: Output) -> Output {
    let kept = UNCOMMITTED.with(|kept| std::mem::take(&mut *kept.borrow_mut()));
    if has(Bug::EventBeforeCommit) {
        output.events.extend(kept.events);
    } else if has(Bug::ReplyWithoutCommit) {
        output.replies = kept.replies;
    }
    output
}
