//! What is only seen from inside: query plans, pragmas, a full disk, the pages that a step commit touches.

use rusqlite::Connection;
use stepwell_engine::{
    Claim, Fence, Inserted, NewRun, Ownership, StepOutcome, Store, StoreError, fence_of,
};
use stepwell_protocol::{Progress, Report, RequestId, RunId, ServedJob, StepKind, TimestampMs};

use crate::{Durability, Medium, OpenOptions, SqliteStore, sql};

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

fn memory() -> SqliteStore {
    SqliteStore::open_in_memory(Durability::Strict).expect("memory opens")
}

fn plan(store: &SqliteStore, sql: &str) -> Vec<String> {
    let mut statement = store
        .connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap_or_else(|error| panic!("{error} in {sql}"));
    let lines = statement
        .raw_query()
        .mapped(|row| row.get::<_, String>(3))
        .collect::<rusqlite::Result<_>>();
    lines.expect("a plan is read")
}

/// Scans and sorts that are meant, as often as they stand here, each with what bounds it.
const MEANT: &[(&str, &str)] = &[
    // A handful of rows in the schema table.
    ("TABLE_COUNT", "SCAN sqlite_schema"),
    ("VERSION_TABLE_COUNT", "SCAN sqlite_schema"),
    ("BLOB_FILES_TABLE", "SCAN sqlite_schema"),
    // Nothing but what is woken: a run that needs no network, or was woken already, is not in this index.
    (
        "WAKE_OFFLINE",
        "SCAN stepwell_runs USING INDEX stepwell_runs_offline",
    ),
    // Nothing but what is answered, and no further than its limit.
    (
        "NETWORK_WAITS",
        "SCAN stepwell_steps USING INDEX stepwell_steps_offline",
    ),
    // Leases are as few as slots; runs without one are not in this index.
    (
        "VOID_LEASES",
        "SEARCH stepwell_runs USING COVERING INDEX stepwell_runs_leased (lease_owner>?)",
    ),
];

#[test]
fn every_statement_searches_by_an_index() {
    let store = memory();
    for (name, sql) in sql::all() {
        let lines = plan(&store, sql);
        for line in &lines {
            let found = lines.iter().filter(|other| *other == line).count();
            let allowed = MEANT.iter().filter(|&meant| *meant == (name, line)).count();
            let meant = found <= allowed;
            let scans = line.starts_with("SCAN") && line != "SCAN CONSTANT ROW";
            let sorts = line.contains("TEMP B-TREE");
            let automatic = line.contains("AUTOMATIC");
            assert!(
                meant || !(scans || sorts || automatic),
                "{name} would read too much: {line} in {lines:#?}"
            );
        }
    }
}

#[test]
fn the_hot_statements_use_the_index_made_for_them() {
    let store = memory();
    let by_id = "INDEX sqlite_autoindex_stepwell_runs_1 (id=?)";
    let by_name = "SEARCH stepwell_steps USING PRIMARY KEY (run_id=?";
    let claimable = "INDEX stepwell_runs_claimable (job_name=?)";
    let uses = [
        ("CLAIM", by_id),
        ("CANDIDATES", claimable),
        (
            "NEXT_CLAIMABLE_JOB",
            "INDEX stepwell_runs_claimable (job_name>?)",
        ),
        ("INSERT_STEP", by_id),
        ("COUNT_STEP", by_id),
        ("WRITE_REPORT", by_id),
        ("FINISH", by_id),
        ("STEPS", by_name),
        (
            "LOGS_ASC",
            "INDEX stepwell_logs_by_run (run_id=? AND rowid>?)",
        ),
        (
            "LOGS_DESC",
            "INDEX stepwell_logs_by_run (run_id=? AND rowid<?)",
        ),
        (
            "RUN_IDS",
            "INDEX sqlite_autoindex_stepwell_runs_1 (id>? AND id<?)",
        ),
        (
            "RUN_IDS_BY_STATUS",
            "INDEX stepwell_runs_by_status (status=? AND <expr>=? AND id>? AND id<?)",
        ),
        (
            "RUN_IDS_BY_JOB",
            "INDEX stepwell_runs_by_job (job_name=? AND status=? AND <expr>=? AND id>? AND id<?)",
        ),
        (
            "RUN_IDS_BY_LABEL",
            "SEARCH label USING PRIMARY KEY (key=? AND value=? AND run_id>? AND run_id<?)",
        ),
        (
            "CANDIDATES",
            "INDEX stepwell_runs_active_key (job_name=? AND concurrency_key=?)",
        ),
        (
            "PROMOTE_DUE",
            "INDEX stepwell_runs_delayed (due_at>? AND due_at<?)",
        ),
        ("NEXT_DUE", "INDEX stepwell_runs_delayed (due_at>?)"),
        (
            "RUN_BY_IDEMPOTENCY",
            "INDEX stepwell_runs_idempotency (job_name=? AND idempotency_key=?)",
        ),
        (
            "PENDING_OF_KEY",
            "INDEX stepwell_runs_pending_key (job_name=? AND concurrency_key=?)",
        ),
        ("ENDED_BEFORE", "INDEX stepwell_runs_ended"),
        ("DELETE_STEPS", by_name),
        ("DELETE_LOGS", "INDEX stepwell_logs_by_run (run_id=?)"),
        ("BLOB_IS_REFERENCED", "PRIMARY KEY (blob_id=?)"),
        ("EXPIRE_LEASES", "INDEX stepwell_runs_leased"),
        ("RENEW_LEASES", "INDEX stepwell_runs_leased (lease_owner=?)"),
        ("INSERT_WAIT", by_id),
        ("COUNT_WAIT", by_id),
        ("SUSPEND", by_id),
        (
            "STEP_WAITS",
            "SEARCH stepwell_steps USING PRIMARY KEY (run_id=? AND name=?)",
        ),
        (
            "END_WAIT",
            "SEARCH stepwell_steps USING PRIMARY KEY (run_id=? AND name=?)",
        ),
        ("COUNT_END", by_id),
        ("STEPS_SINCE", by_name),
        ("CLOSE_WAITS", "INDEX stepwell_steps_waiting (run_id=?)"),
        (
            "DUE_WAITS",
            "INDEX stepwell_steps_due (wake_at>? AND wake_at<?)",
        ),
        ("NEXT_WAIT", "COVERING INDEX stepwell_steps_due (wake_at>?)"),
        ("SIGNAL_WAIT", "INDEX stepwell_steps_signal (signal_key=?)"),
        ("TAKE_SIGNAL", "INDEX stepwell_signals_kept (key=?)"),
        (
            "OLD_SIGNALS",
            "INDEX stepwell_signals_by_age (created_at<?)",
        ),
        ("DELETE_SIGNALS", "INDEX stepwell_signals_by_run (run_id=?)"),
        (
            "CHILDREN",
            "INDEX stepwell_runs_by_step (parent_id=? AND parent_step=?)",
        ),
        (
            "CHILD_IDS",
            "COVERING INDEX stepwell_runs_by_parent (parent_id=?)",
        ),
        (
            "ACTIVE_CHILDREN",
            "INDEX stepwell_runs_by_parent (parent_id=?)",
        ),
        (
            "CHILD_ENDED",
            "SEARCH stepwell_steps USING PRIMARY KEY (run_id=? AND name=?)",
        ),
        (
            "RUN_IDS_BY_PARENT",
            "INDEX stepwell_runs_by_parent (parent_id=? AND id>? AND id<?)",
        ),
        (
            "ENDED_BEFORE",
            "INDEX stepwell_runs_active_descendants (root_id=?)",
        ),
    ];
    for (name, expected) in uses {
        let (_, sql) = sql::all()
            .find(|(known, _)| *known == name)
            .expect("the statement is in the list");
        let plan = plan(&store, sql);
        assert!(
            plan.iter().any(|line| line.contains(expected)),
            "{name} should use {expected}, not {plan:#?}"
        );
    }
}

/// The columns that COUNT_STEP sets, and some more that change while a run is at work.
const CHANGED_BY_A_STEP: [&str; 9] = [
    "step_count",
    "next_index",
    "recoveries",
    "line_ordinal",
    "log_count",
    "progress",
    "version",
    "updated_at",
    "worked_ms",
];

#[test]
fn no_index_holds_a_column_that_a_step_commit_changes() {
    let store = memory();
    let mut statement = store
        .connection
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        .expect("the schema is read");
    let indexes: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .expect("the schema is read");
    assert!(indexes.len() > 15);
    for index in indexes {
        for column in CHANGED_BY_A_STEP {
            assert!(!index.contains(column), "{column} is in {index}");
        }
    }
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
