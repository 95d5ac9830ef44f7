//! Several engines' stores on one native file: the children of a step end in any of them, and one of them is told that
//! it was the last.
#![allow(
    clippy::disallowed_methods,
    reason = "threads stand for processes here"
)]

mod support;

use std::path::Path;
use std::sync::Barrier;

use stepwell_engine::{
    Claim, Inserted, NewRun, Parent, RunOutcome, StepWait, Store, StoreResult, Wait, WaitEnd,
    WaitOpened, fence_of,
};
use stepwell_protocol::{
    InvokeMode, Report, RequestId, RunId, RunStatus, ServedJob, StepKind, StepStatus, TimestampMs,
};
use stepwell_sqlite::{Durability, SqliteStore};
use support::Folder;

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);
const STORES: u32 = 4;
const CHILDREN: u32 = 40;
const STEP: &str = "all";

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open_file(path, Durability::Relaxed).expect("the file opens")
}

fn transact<T>(
    store: &mut SqliteStore,
    work: impl FnOnce(&mut SqliteStore) -> StoreResult<T>,
) -> T {
    store.begin().expect("a transaction begins");
    let result = work(store).expect("no engine may see an error, least of all a busy file");
    store.commit().expect("it commits");
    result
}

fn parent_id() -> RunId {
    RunId::from("parent")
}

fn claim(store: &mut SqliteStore, job: &str) -> StoreResult<Vec<stepwell_engine::Claimed>> {
    let jobs = [ServedJob {
        name: job.to_owned(),
        concurrency: None,
        needs_network: false,
    }];
    let session = store.begin_session(NOW)?;
    store.claim(&Claim {
        session,
        jobs: &jobs,
        leaving: &[],
        limit: 1,
        now: NOW,
        lease_expires_at: Some(NOW.plus(60_000)),
    })
}

/// A parent at work that waits for its children.
fn fill(store: &mut SqliteStore) {
    let new = |id: &str, job: &str| {
        NewRun::new(RunId::from(id), RequestId::from(id), job, "1".into(), NOW)
    };
    transact(store, |store| store.insert_run(&new("parent", "parent")));
    let claimed = transact(store, |store| claim(store, "parent")).remove(0);
    let wait = StepWait {
        name: STEP.to_owned(),
        kind: StepKind::Invoke,
        attempt: 0,
        started_at: NOW,
        wait: Wait::Children {
            mode: InvokeMode::Settled,
            count: CHILDREN,
            pending: CHILDREN,
        },
    };
    transact(store, |store| {
        for index in 0..CHILDREN {
            let mut child = new(&format!("child-{index:03}"), "child");
            child.parent = Some(Parent {
                run_id: parent_id(),
                step_name: STEP.to_owned(),
                index,
                root_id: parent_id(),
            });
            assert!(matches!(store.insert_run(&child)?, Inserted::Created(_)));
        }
        let report = Report::default();
        let opened = store.open_wait(&fence_of(&claimed.run), &wait, &report, NOW)?;
        let Some(WaitOpened::Opened { step, .. }) = opened else {
            panic!("the wait opens, not {opened:?}");
        };
        assert_eq!(step.children.len(), CHILDREN as usize);
        Ok(())
    });
}

/// Ends children until there are none, and the step when it is told that none is left. The counts it was told, and the
/// place of the step's outcome if it was the one to end it.
fn engine(path: &Path, start: &Barrier) -> (Vec<u32>, Option<u32>) {
    start.wait();
    let mut store = open(path);
    let mut counts = Vec::new();
    let mut ended = None;
    loop {
        let Some(claimed) = transact(&mut store, |store| claim(store, "child")).pop() else {
            return (counts, ended);
        };
        let outcome = RunOutcome::Completed {
            output: "1".into(),
            blobs: Vec::new(),
        };
        transact(&mut store, |store| {
            let fence = fence_of(&claimed.run);
            let written = store.finish_run(&fence, &outcome, &Report::default(), NOW)?;
            let head = written.expect("nobody else has it").head;
            assert_eq!(head.parent_id, Some(parent_id()));
            let count = store.child_ended(&parent_id(), STEP)?;
            let count = count.expect("the step waits as long as one child has not ended");
            counts.push(count.pending);
            if count.pending == 0 {
                let end = WaitEnd::Outcome {
                    result: Ok(None),
                    blobs: Vec::new(),
                };
                let wait = store.end_wait(&parent_id(), STEP, &end, NOW)?;
                ended = wait.expect("the wait is open").completed_index;
            }
            Ok(())
        });
    }
}

#[test]
fn children_that_end_in_several_engines_are_counted_once_and_one_engine_sees_the_last() {
    let folder = Folder::new();
    let path = folder.file("shared.db");
    fill(&mut open(&path));
    let start = Barrier::new(STORES as usize);
    let told: Vec<(Vec<u32>, Option<u32>)> = std::thread::scope(|scope| {
        let engines: Vec<_> = (0..STORES)
            .map(|_| scope.spawn(|| engine(&path, &start)))
            .collect();
        engines
            .into_iter()
            .map(|engine| engine.join().expect("no thread panics"))
            .collect()
    });
    let mut counts: Vec<u32> = told.iter().flat_map(|(counts, _)| counts.clone()).collect();
    counts.sort_unstable();
    let each_once: Vec<u32> = (0..CHILDREN).collect();
    assert_eq!(counts, each_once, "no two engines were told the same");
    let ended: Vec<u32> = told.into_iter().filter_map(|(_, ended)| ended).collect();
    assert_eq!(ended, [0], "one engine ended the step");

    let mut store = open(&path);
    let step = store.step(&parent_id(), STEP).expect("it reads");
    let step = step.expect("it is there");
    assert_eq!(step.status, StepStatus::Completed);
    let completed = |child: &&stepwell_protocol::ChildResult| child.status == RunStatus::Completed;
    assert_eq!(
        step.children.iter().filter(completed).count(),
        CHILDREN as usize
    );
    let again = transact(&mut store, |store| store.child_ended(&parent_id(), STEP));
    assert_eq!(again, None, "nobody waits any more");
    assert_eq!(store.active_children(&parent_id(), None), Ok(vec![]));
    assert_eq!(store.orphans(), Ok(vec![]));
}
