//! What is only seen from inside: query plans, pragmas, a full disk, the pages that a step commit touches.

use rusqlite::Connection;
use stepwell_engine::{
    Claim, Fence, Inserted, NewRun, Ownership, StepOutcome, Store, StoreError, fence_of,
};
use stepwell_protocol::{Progress, Report, RequestId, RunId, ServedJob, StepKind, TimestampMs};

use crate::{Durability, Medium, OpenOptions, SqliteStore};

mod plans;

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

fn memory() -> SqliteStore {
    SqliteStore::open_in_memory(Durability::Strict).expect("memory opens")
}

fn pragma(store: &SqliteStore, name: &str) -> String {
    store
        .connection
        .pragma_query_value(None, name, |row| {
            row.get_ref(0).map(|value| match value {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                other => other.as_str().unwrap_or("?").to_owned(),
            })
        })
        .expect("a pragma is read")
}

struct TempFile(std::path::PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        let file = format!("stepwell-{name}-{}.db", std::process::id());
        let made = Self(std::env::temp_dir().join(file));
        made.remove();
        made
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.0.display()));
        }
    }

    fn open(&self, medium: Medium, ownership: Ownership, durability: Durability) -> SqliteStore {
        let options = OpenOptions {
            ownership,
            durability,
            medium,
        };
        let connection = Connection::open(&self.0).expect("the file opens");
        SqliteStore::open(connection, options).expect("the store opens")
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        self.remove();
    }
}

#[test]
fn pragmas_are_as_designed() {
    use rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    for (durability, synchronous) in [(Durability::Strict, "2"), (Durability::Relaxed, "1")] {
        for (medium, ownership) in [
            (Medium::Opfs, Ownership::Exclusive),
            (Medium::File, Ownership::Exclusive),
            (Medium::File, Ownership::Shared),
        ] {
            let file = TempFile::new("pragmas");
            let store = file.open(medium, ownership, durability);
            let locking = match ownership {
                Ownership::Exclusive => "exclusive",
                Ownership::Shared => "normal",
            };
            assert_eq!(pragma(&store, "locking_mode"), locking);
            assert_eq!(pragma(&store, "journal_mode"), "wal");
            assert_eq!(pragma(&store, "synchronous"), synchronous);
            assert_eq!(pragma(&store, "page_size"), "4096");
            assert_eq!(pragma(&store, "auto_vacuum"), "2", "2 is incremental");
            assert_eq!(pragma(&store, "temp_store"), "2", "2 is memory");
            assert_eq!(pragma(&store, "journal_size_limit"), "8388608");
            assert_eq!(pragma(&store, "busy_timeout"), "5000");
            let keeps_wal = store
                .connection
                .db_config(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
                .expect("it is read");
            assert_eq!(keeps_wal, medium == Medium::Opfs);
        }
        let store = SqliteStore::open_in_memory(durability).expect("memory opens");
        assert_eq!(pragma(&store, "journal_mode"), "memory");
        assert_eq!(pragma(&store, "synchronous"), synchronous);
    }
}

/// `PRAGMA auto_vacuum` wrote the header page each time: a commit with its flush before the session's own.
#[test]
fn opening_again_commits_nothing_by_itself() {
    let file = TempFile::new("again");
    let wal_bytes = || {
        let wal = format!("{}-wal", file.0.display());
        std::fs::metadata(wal).expect("the log is there").len()
    };
    drop(file.open(Medium::Opfs, Ownership::Exclusive, Durability::Strict));
    let before = wal_bytes();
    let store = file.open(Medium::Opfs, Ownership::Exclusive, Durability::Strict);
    assert_eq!(wal_bytes(), before);
    assert_eq!(pragma(&store, "page_size"), "4096");
    assert_eq!(pragma(&store, "auto_vacuum"), "2", "2 is incremental");
}

fn new_run(number: u32) -> NewRun {
    let request_id = RequestId(format!("request-{number}"));
    NewRun::new(
        RunId(format!("01b00000-0000-7000-8000-{number:012}")),
        request_id,
        "job",
        "x".repeat(1_000).into(),
        NOW,
    )
}

fn insert(store: &mut SqliteStore, new: &NewRun) {
    store.begin().expect("a transaction begins");
    let inserted = store.insert_run(new).expect("it is inserted");
    assert!(matches!(inserted, Inserted::Created(_)));
    store.commit().expect("it commits");
}

fn claim(store: &mut SqliteStore) -> Fence {
    store.begin().expect("a transaction begins");
    let session = store.begin_session(NOW).expect("a session begins");
    let claim = Claim {
        session,
        jobs: &[ServedJob {
            name: "job".to_owned(),
            concurrency: None,
            needs_network: false,
        }],
        leaving: &[],
        limit: 1,
        now: NOW,
        lease_expires_at: None,
    };
    let claimed = store.claim(&claim).expect("it is claimed");
    store.commit().expect("it commits");
    fence_of(&claimed[0].run)
}

#[test]
fn a_full_disk_fails_the_batch_and_loses_nothing() {
    let file = TempFile::new("full");
    let mut store = file.open(Medium::Opfs, Ownership::Exclusive, Durability::Strict);
    for number in 0..10 {
        insert(&mut store, &new_run(number));
    }
    let limit_pages = |store: &SqliteStore, pages: u32| {
        store
            .connection
            .pragma_update(None, "max_page_count", pages)
            .expect("a pragma is set");
    };
    limit_pages(&store, 30);
    store.begin().expect("a transaction begins");
    let full = (10..1_000).find_map(|number| store.insert_run(&new_run(number)).err());
    assert_eq!(full, Some(StoreError::Full));
    store.rollback();
    assert_eq!(store.run(&new_run(10).id), Ok(None));
    let kept = store.run(&new_run(9).id).expect("it reads");
    assert!(kept.is_some());
    limit_pages(&store, 1_000_000);
    insert(&mut store, &new_run(10));
    assert_eq!(store.integrity_check(), Ok(vec![]));
}

/// Frames of 4,096 bytes and a head of 24 that a commit adds to the WAL.
fn wal_frames(
    file: &TempFile,
    store: &mut SqliteStore,
    work: impl FnOnce(&mut SqliteStore),
) -> u64 {
    let path = format!("{}-wal", file.0.display());
    let size = || std::fs::metadata(&path).map_or(0, |file| file.len());
    let before = size();
    store.begin().expect("a transaction begins");
    work(store);
    store.commit().expect("it commits");
    (size() - before) / (4_096 + 24)
}

#[test]
fn a_step_commit_writes_two_pages_however_large_the_input() {
    let file = TempFile::new("frames");
    let mut store = file.open(Medium::Opfs, Ownership::Exclusive, Durability::Strict);
    let mut new = new_run(0);
    new.input = format!("\"{}\"", "x".repeat(1 << 20)).as_str().into();
    insert(&mut store, &new);
    let fence = claim(&mut store);
    let mut frames = Vec::new();
    for number in 0..20 {
        let outcome = StepOutcome {
            blobs: Vec::new(),
            name: format!("step-{number:03}"),
            kind: StepKind::Run,
            attempt: 1,
            result: Ok("{\"rows\":100}".into()),
            started_at: NOW,
        };
        frames.push(wal_frames(&file, &mut store, |store| {
            let written = store.write_step(&fence, &outcome, &Report::default(), NOW);
            assert!(written.expect("it works").is_some());
        }));
    }
    let usual = frames.iter().filter(|&&count| count == 2).count();
    assert!(
        usual >= 18,
        "two pages but for a page split, not {frames:?}"
    );
}

#[test]
fn a_progress_that_json_cannot_carry_is_refused_before_anything_is_written() {
    let mut store = memory();
    insert(&mut store, &new_run(0));
    let fence = claim(&mut store);
    for current in [f64::NAN, f64::INFINITY] {
        let report = Report {
            progress: Some(Progress {
                current,
                total: None,
                message: None,
            }),
            ..Report::default()
        };
        store.begin().expect("a transaction begins");
        let refused = store.write_report(&fence, &report, NOW);
        assert!(matches!(refused, Err(StoreError::Other(_))), "{refused:?}");
        assert_eq!(store.commit(), Ok(false));
    }
}
