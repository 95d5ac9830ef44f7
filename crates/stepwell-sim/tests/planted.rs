//! Every planted bug is found by a property, with SQLite compared to the reference store and without, in seeds from 0 on
//! of the workload that does what the bug spoils. So is everything that the models of tabs can do wrong.
#![allow(
    clippy::disallowed_methods,
    reason = "whole simulations side by side; inside of one there is a single thread"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use stepwell_engine::planted::{Bug, plant};
use stepwell_sim::{Options, Slip, simulate};

const SEEDS: u64 = 150;
/// As many as the machines have on which this must be quick; a bug is planted in a thread.
const THREADS: usize = 2;

/// Where its seeds are taken from.
const fn workload_of(bug: Bug) -> &'static str {
    match bug {
        Bug::ClaimOfLeasedRun | Bug::LogLostWithStep | Bug::AdoptionWithoutNewGeneration => {
            "steady"
        }
        Bug::NoFenceOnStepWrite
        | Bug::StepWrittenTwice
        | Bug::RetryClearsCompletedSteps
        | Bug::DeadExecutorKeepsLease
        | Bug::RunRetryIgnoresBudget => "failing",
        Bug::EventBeforeCommit | Bug::RecoveriesNotCounted | Bug::ReplyWithoutCommit => "poison",
        Bug::ConcurrencyKeyIgnoredAtClaim
        | Bug::LeavingKeyForgotten
        | Bug::IdempotencyKeyFreedAtEnd
        | Bug::CoalescedTriggerWrites => "keys",
        Bug::DelayedRunClaimedEarly
        | Bug::DueTimeForgotten
        | Bug::PriorityIgnored
        | Bug::RetainedInputsLost => "delays",
        Bug::JobLimitIgnored => "limits",
        Bug::WakeUpLostAtRestart => "bulk",
        Bug::BatchHalfWritten
        | Bug::PurgeTakesActiveRun
        | Bug::RetentionTakesYoungRun
        | Bug::DeletedRunLeavesLogs => "forgetting",
        Bug::DeletedRunKeepsBlobs | Bug::BlobDeletedWhileReferenced => "blobs",
        Bug::SleepStartsOver
        | Bug::DeadlineForgotten
        | Bug::WokenRunForgotten
        | Bug::WokenRunNotFirst
        | Bug::ParkingNotForgotten => "sleeping",
        Bug::EarlySignalLost | Bug::SignalDeliveredTwice | Bug::SuspendedThoughWaitEnded => {
            "signals"
        }
        Bug::DelayOfNextFailure => "retries",
        Bug::ChildCountedTwice
        | Bug::LastChildWakesNobody
        | Bug::FailFastLeavesSiblings
        | Bug::CancelLeavesChildren
        | Bug::FailureLeavesChildren
        | Bug::CancelledParentMakesChildren => "children",
        Bug::HungExecutorSpared => "timeouts",
        Bug::NetworkForgotten => "network",
        Bug::ResentTriggerRepeated | Bug::ResentChangeForgotten | Bug::ResentSignalRepeated => {
            "tabs"
        }
        Bug::ReleaseCountsRecovery | Bug::DrainedEngineClaims => "handover",
    }
}

const fn workload_of_slip(slip: Slip) -> &'static str {
    match slip {
        Slip::EventsTwice | Slip::ReplyAhead | Slip::NothingReadAgain | Slip::NotResent => "tabs",
        Slip::ReleasedWithoutLeases => "handover",
        Slip::GapIgnored | Slip::FrozenWriter => "frozen",
    }
}

/// The first seed that finds it, and by which property.
fn first(options: Options) -> Option<(u64, &'static str)> {
    (0..SEEDS).find_map(|seed| {
        let violation = simulate(Options { seed, ..options }).violation?;
        Some((seed, violation.property))
    })
}

/// The same, with the reference store's answers and without them.
fn found(bug: Bug) -> [Option<(u64, &'static str)>; 2] {
    plant(Some(bug));
    let found = [true, false].map(|reference| {
        first(Options {
            workload: Some(workload_of(bug)),
            reference,
            ..Options::of(0)
        })
    });
    plant(None);
    found
}

/// Each thread takes the next one when it has done with one.
fn for_each<T: Copy + Send + Sync + 'static, R: Send + 'static>(
    all: &'static [T],
    search: fn(T) -> R,
) -> Vec<(T, R)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let numbers = std::iter::from_fn(|| all.get(next.fetch_add(1, Ordering::Relaxed)));
        numbers.map(|one| (*one, search(*one))).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        let results = threads.into_iter();
        results
            .flat_map(|thread| thread.join().expect("a search that ends"))
            .collect()
    })
}

#[test]
fn each_planted_bug_is_found() {
    let results = for_each(&Bug::ALL, found);
    for (bug, [with_reference, without]) in &results {
        let workload = workload_of(*bug);
        eprintln!("| {bug:?} | {workload} | {with_reference:?} | {without:?} |");
    }
    for (bug, found) in results {
        assert!(
            found.iter().all(Option::is_some),
            "{bug:?} is not found within {SEEDS} seeds, with the reference and without: {found:?}"
        );
    }
}

#[test]
fn each_slip_of_a_tab_is_found() {
    let search = |slip| {
        first(Options {
            workload: Some(workload_of_slip(slip)),
            slip: Some(slip),
            ..Options::of(0)
        })
    };
    let results = for_each(&Slip::ALL, search);
    for (slip, found) in &results {
        let workload = workload_of_slip(*slip);
        eprintln!("| {slip:?} | {workload} | {found:?} |");
    }
    for (slip, found) in results {
        assert!(
            found.is_some(),
            "{slip:?} is not found within {SEEDS} seeds"
        );
    }
}
