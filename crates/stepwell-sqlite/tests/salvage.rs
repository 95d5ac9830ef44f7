//! What is saved of a damaged database: sound runs only, and each that a damaged page does not touch.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use stepwell_engine::{Claim, Inserted, NewRun, StepOutcome, Store, fence_of};
use stepwell_protocol::{
    BlobId, NewLog, Payload, Report, RequestId, Run, RunFilter, RunId, ServedJob, StepKind,
    TimestampMs,
};
use stepwell_sqlite::{Durability, SqliteStore, salvage};
use support::random::Random;

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);
const RUNS: usize = 120;
const PAGE: usize = 4_096;

fn memory() -> SqliteStore {
    SqliteStore::open_in_memory(Durability::Strict).expect("memory opens")
}

fn payload(number: usize) -> Payload {
    Payload::Bytes(vec![u8::try_from(number).expect("small"); 1_000])
}

/// Runs with inputs, steps, log lines, labels and blobs on some hundred pages.
fn filled() -> Vec<u8> {
    let mut store = memory();
    store.begin().expect("begins");
    let session = store.begin_session(NOW).expect("a session");
    let jobs = [ServedJob {
        name: "job".to_owned(),
        concurrency: None,
        needs_network: false,
    }];
    for number in 0..RUNS {
        let id = RunId(format!("run-{number:04}"));
        let request = RequestId(format!("request-{number:04}"));
        let mut new = NewRun::new(id, request, "job", payload(number), NOW);
        new.labels = BTreeMap::from([("number".to_owned(), number.to_string())]);
        new.blobs = vec![BlobId(format!("blob-{number}"))];
        assert!(matches!(store.insert_run(&new), Ok(Inserted::Created(_))));
        let claim = Claim {
            session,
            jobs: &jobs,
            limit: 1,
            leaving: &[],
            now: NOW,
            lease_expires_at: None,
        };
        let claimed = store.claim(&claim).expect("claims").remove(0);
        let step = StepOutcome {
            name: "one".to_owned(),
            kind: StepKind::Run,
            attempt: 1,
            result: Ok(payload(number)),
            blobs: Vec::new(),
            started_at: NOW,
        };
        let report = Report {
            first_ordinal: 1,
            logs: vec![NewLog {
                level: stepwell_protocol::LogLevel::Info,
                message: "hello ".repeat(100),
                data: None,
                step_name: None,
                attempt: 1,
                timestamp: NOW,
            }],
            progress: None,
        };
        store
            .write_step(&fence_of(&claimed.run), &step, &report, NOW)
            .expect("writes");
    }
    store.commit().expect("commits");
    store.export(&[]).expect("exports")
}

fn runs(store: &mut SqliteStore) -> BTreeMap<RunId, Run> {
    let filter = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    let page = store.runs(&filter).expect("reads").runs;
    page.into_iter().map(|run| (run.id.clone(), run)).collect()
}

/// What was saved, imported as a user would do it.
fn saved(damaged: &[u8]) -> SqliteStore {
    let bytes = salvage(damaged, &[]).expect("something is made of it");
    let mut store = memory();
    store.import(&bytes).expect("it can be imported");
    assert_eq!(store.orphans(), Ok(Vec::new()));
    assert_eq!(store.integrity_check(), Ok(Vec::new()));
    store
}

/// Runs as they were written. An import makes their leases void, which is no loss.
fn contents(store: &mut SqliteStore) -> BTreeMap<RunId, (Payload, u32, u64)> {
    let read = |run: Run| (run.id, (run.input, run.step_count, run.log_count));
    runs(store).into_values().map(read).collect()
}

#[test]
fn of_a_sound_database_everything_is_saved() {
    let bytes = filled();
    let mut store = saved(&bytes);
    assert_eq!(runs(&mut store).len(), RUNS);
    let steps = store
        .steps(&RunId("run-0007".to_owned()), true)
        .expect("reads");
    assert_eq!(steps.len(), 1);
}

#[test]
fn a_damaged_page_costs_what_is_on_it_and_what_is_saved_is_true() {
    let bytes = filled();
    let whole = contents(&mut saved(&bytes));
    let mut dear = Vec::new();
    // One of four: all of them take a minute on a busy machine.
    for (page, _) in bytes.chunks(PAGE).enumerate().step_by(4) {
        let mut damaged = bytes.clone();
        damaged[page * PAGE..][..PAGE].fill(0xA5);
        let found = contents(&mut saved(&damaged));
        // A value that spans pages has no checksum: of the one on the damaged page that part is what is there now.
        let changed = found.iter().filter(|&(id, run)| whole.get(id) != Some(run));
        assert!(changed.count() <= 1, "page {}", page + 1);
        if RUNS - found.len() > 8 {
            dear.push((page + 1, found.len()));
        }
    }
    // Those that lead to others: of the schema, and of the tables of runs and of inputs.
    assert!(dear.len() <= 12, "{dear:?}");
}

#[test]
fn the_first_page_is_lent_by_an_empty_database() {
    let bytes = filled();
    for damage in [0x00, 0xA5] {
        let mut damaged = bytes.clone();
        damaged[..PAGE].fill(damage);
        assert_eq!(contents(&mut saved(&damaged)).len(), RUNS);
    }
}

#[test]
fn several_damaged_pages_and_a_torn_end_cost_no_more_than_they_hold() {
    let bytes = filled();
    let pages = (bytes.len() / PAGE) as u64;
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut damaged = bytes.clone();
        let hit: BTreeSet<u64> = (0..4).map(|_| 40 + random.below(pages - 40)).collect();
        for &page in &hit {
            damaged[page as usize * PAGE + 4..][..PAGE - 4].fill(0x5A);
        }
        let found = contents(&mut saved(&damaged)).len();
        assert!(found >= RUNS - 25 * hit.len(), "seed {seed}: {found} runs");
    }
    let torn = &bytes[..bytes.len() / 2];
    drop(saved(torn));
}

#[test]
fn of_what_is_no_database_nothing_is_saved_in_a_sound_one() {
    for bytes in [&b""[..], b"hello", &[0xA5; 8_192], &[0; 3 * PAGE]] {
        assert!(runs(&mut saved(bytes)).is_empty());
    }
}

#[test]
fn blobs_go_with_it() {
    let blobs = vec![(BlobId("blob-3".to_owned()), vec![1, 2, 3])];
    let bytes = salvage(&filled(), &blobs).expect("is made");
    assert_eq!(memory().import(&bytes).expect("imports"), blobs);
}
