//! Several engines' stores on one native file, at once.
#![allow(
    clippy::disallowed_methods,
    reason = "threads stand for processes here"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Barrier;

use stepwell_engine::{Claim, NewRun, RunOutcome, StepOutcome, Store, StoreResult, fence_of};
use stepwell_protocol::{
    Epoch, Report, RequestId, RunFilter, RunId, RunStatus, ServedJob, StepKind, TimestampMs,
};
use stepwell_sqlite::{Durability, SqliteStore};
use support::Folder;

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);
const STORES: u32 = 4;
const RUNS_EACH: u32 = 60;

fn transact<T>(
    store: &mut SqliteStore,
    work: impl FnOnce(&mut SqliteStore) -> StoreResult<T>,
) -> StoreResult<T> {
    store.begin()?;
    let result = work(store)?;
    store.commit()?;
    Ok(result)
}

fn new_run(number: u32) -> NewRun {
    let request_id = RequestId(format!("request-{number}"));
    NewRun::new(
        RunId(format!("run-{number:06}")),
        request_id,
        "job",
        "1".into(),
        NOW,
    )
}

fn claim_two(
    store: &mut SqliteStore,
    session: Epoch,
) -> StoreResult<Vec<stepwell_engine::Claimed>> {
    let claim = Claim {
        session,
        jobs: &[ServedJob {
            name: "job".to_owned(),
            concurrency: None,
            needs_network: false,
        }],
        leaving: &[],
        limit: 2,
        now: NOW,
        lease_expires_at: Some(NOW.plus(60_000)),
    };
    // It reads first, as `cancel` does: a transaction that only then became a writer would be told that the file is busy.
    transact(store, |store| {
        store.claimable_jobs()?;
        store.claim(&claim)
    })
}

/// Opens a store, triggers its share, then claims and runs whatever there is. The runs it claimed.
fn engine(path: &Path, number: u32, start: &Barrier) -> StoreResult<Vec<RunId>> {
    start.wait();
    let mut store = SqliteStore::open_file(path, Durability::Relaxed)?;
    let session = transact(&mut store, |store| store.begin_session(NOW))?;
    let mut claimed_here = Vec::new();
    for round in 0..RUNS_EACH {
        let new = new_run(number * RUNS_EACH + round);
        transact(&mut store, |store| store.insert_run(&new))?;
        work(&mut store, session, &mut claimed_here)?;
    }
    while work(&mut store, session, &mut claimed_here)? {}
    Ok(claimed_here)
}

fn work(
    store: &mut SqliteStore,
    session: Epoch,
    claimed_here: &mut Vec<RunId>,
) -> StoreResult<bool> {
    let claimed = claim_two(store, session)?;
    let some = !claimed.is_empty();
    for claimed in claimed {
        assert!(!claimed.is_interrupted(), "nobody's lease is void here");
        let fence = fence_of(&claimed.run);
        let outcome = StepOutcome {
            blobs: Vec::new(),
            name: "only".into(),
            kind: StepKind::Run,
            attempt: 1,
            result: Ok("1".into()),
            started_at: NOW,
        };
        let written = transact(store, |store| {
            store.write_step(&fence, &outcome, &Report::default(), NOW)
        })?;
        assert!(
            written.is_some_and(|written| !written.repeated),
            "it runs once"
        );
        let ended = RunOutcome::Completed {
            output: "1".into(),
            blobs: Vec::new(),
        };
        let ended = transact(store, |store| {
            store.finish_run(&fence, &ended, &Report::default(), NOW)
        })?;
        assert!(ended.is_some(), "nobody has taken it away");
        claimed_here.push(claimed.run.id);
    }
    Ok(some)
}

#[test]
fn engines_on_one_file_share_the_work_and_are_never_told_that_it_is_busy() {
    let folder = Folder::new();
    let path = folder.file("shared.db");
    let start = Barrier::new(STORES as usize);
    let claims: Vec<StoreResult<Vec<RunId>>> = std::thread::scope(|scope| {
        let engines: Vec<_> = (0..STORES)
            .map(|number| {
                let (path, start) = (&path, &start);
                scope.spawn(move || engine(path, number, start))
            })
            .collect();
        engines
            .into_iter()
            .map(|engine| engine.join().expect("no thread panics"))
            .collect()
    });
    let mut times = BTreeMap::new();
    for claimed in claims {
        for run_id in claimed.expect("no engine may see an error, least of all a busy file") {
            *times.entry(run_id).or_insert(0) += 1;
        }
    }
    let all = STORES * RUNS_EACH;
    assert_eq!(times.len(), all as usize, "every run was claimed");
    assert!(times.values().all(|&times| times == 1), "and by one engine");
    let mut store = SqliteStore::open_file(&path, Durability::Relaxed).expect("it opens");
    let completed = RunFilter {
        statuses: vec![RunStatus::Completed],
        limit: 1_000,
        ..RunFilter::default()
    };
    let completed = store.runs(&completed).expect("it reads").runs;
    assert_eq!(completed.len(), all as usize);
    assert_eq!(store.integrity_check(), Ok(vec![]));
}

#[test]
fn engines_may_open_a_new_file_at_the_same_moment() {
    for _ in 0..20 {
        let folder = Folder::new();
        let path = folder.file("new.db");
        let start = Barrier::new(STORES as usize);
        std::thread::scope(|scope| {
            for _ in 0..STORES {
                scope.spawn(|| {
                    start.wait();
                    SqliteStore::open_file(&path, Durability::Strict).expect("it opens for each");
                });
            }
        });
    }
}
