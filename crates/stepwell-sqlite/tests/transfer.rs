//! Export and import: what goes out comes back, and nothing else is let in.

mod support;

use std::collections::BTreeMap;
use std::process::Command;

use stepwell_engine::{
    Claim, Fence, Inserted, NewRun, Parent, RunOutcome, Signal, SignalStored, StepOutcome,
    StepWait, Store, StoreError, Suspension, Wait, WaitOpened, fence_of,
};
use stepwell_protocol::{
    BlobId, Epoch, ExecutorId, Generation, InvokeMode, NewLog, Report, RequestId, Run, RunFilter,
    RunId, RunStatus, ServedJob, StepKind, TimestampMs, WaitingFor,
};
use stepwell_sqlite::{Durability, SqliteStore};
use support::{Folder, as_opfs, open};

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

/// A run that has ended, with everything that a run can have, and one at work.
fn fill(store: &mut SqliteStore, prefix: &str) -> Epoch {
    store.begin().expect("begins");
    let session = store.begin_session(NOW).expect("a session");
    for number in 1..=2 {
        let id = RunId(format!("{prefix}-{number}"));
        let request = RequestId(format!("{prefix}-{number}"));
        let mut new = NewRun::new(id, request, "job", vec_payload(), NOW);
        new.labels = BTreeMap::from([("tenant".to_owned(), "a".to_owned())]);
        new.blobs = vec![BlobId(format!("{prefix}-blob-{number}"))];
        assert!(matches!(store.insert_run(&new), Ok(Inserted::Created(_))));
        let claimed = store.claim(&claim(session)).expect("claims").remove(0);
        let fence = fence_of(&claimed.run);
        let step = StepOutcome {
            name: "one".to_owned(),
            kind: StepKind::Run,
            attempt: 1,
            result: Ok(vec_payload()),
            blobs: Vec::new(),
            started_at: NOW,
        };
        let report = Report {
            first_ordinal: 1,
            logs: vec![NewLog {
                level: stepwell_protocol::LogLevel::Info,
                message: "hello".to_owned(),
                data: None,
                step_name: None,
                attempt: 1,
                timestamp: NOW,
            }],
            progress: None,
        };
        store
            .write_step(&fence, &step, &report, NOW)
            .expect("writes");
        if number == 1 {
            let end = RunOutcome::Completed {
                output: "1".into(),
                blobs: Vec::new(),
            };
            store
                .finish_run(&fence, &end, &Report::default(), NOW)
                .expect("ends");
        }
    }
    store.commit().expect("commits");
    session
}

fn vec_payload() -> stepwell_protocol::Payload {
    stepwell_protocol::Payload::Bytes(vec![1, 0, 255])
}

fn claim(session: Epoch) -> Claim<'static> {
    static JOBS: std::sync::LazyLock<Vec<ServedJob>> = std::sync::LazyLock::new(|| {
        vec![ServedJob {
            name: "job".to_owned(),
            concurrency: None,
            needs_network: false,
        }]
    });
    Claim {
        session,
        jobs: &JOBS,
        limit: 1,
        leaving: &[],
        now: NOW,
        lease_expires_at: None,
    }
}

fn runs(store: &mut SqliteStore) -> Vec<Run> {
    let filter = RunFilter {
        limit: 100,
        ..RunFilter::default()
    };
    store.runs(&filter).expect("reads").runs
}

fn memory() -> SqliteStore {
    SqliteStore::open_in_memory(Durability::Strict).expect("memory opens")
}

#[test]
fn an_export_is_a_plain_file_that_sqlite_opens() {
    let folder = Folder::new();
    let mut store =
        open(&folder.file("source.db"), as_opfs(Durability::Strict)).expect("the store opens");
    fill(&mut store, "a");
    let bytes = store.export(&[]).expect("exports");
    let file = folder.file("exported.db");
    std::fs::write(&file, &bytes).expect("it is written");
    let connection = rusqlite::Connection::open(&file).expect("it opens");
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .expect("it is read");
    assert_eq!(mode, "delete", "no WAL is looked for");
    let count: u32 = connection
        .query_row("SELECT count(*) FROM stepwell_runs", [], |row| row.get(0))
        .expect("it is read");
    assert_eq!(count, 2, "what was only in the WAL is in it");
    drop(connection);
    // Where the command is there, it must do too.
    if let Ok(output) = Command::new("sqlite3")
        .arg(&file)
        .arg("SELECT status FROM stepwell_runs ORDER BY id")
        .output()
    {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text.trim(), "completed\nrunning");
    }
}

#[test]
fn an_import_replaces_everything_and_its_unfinished_runs_are_claimed() {
    let mut source = memory();
    fill(&mut source, "a");
    let before = runs(&mut source);
    let bytes = source.export(&[]).expect("exports");

    let mut target = memory();
    let session = fill(&mut target, "b");
    let blobs = target.import(&bytes).expect("imports");
    assert_eq!(blobs, []);
    let after = runs(&mut target);
    assert_eq!(after[1], before[1], "an ended run is as it was");
    let unfinished = Run {
        generation: Generation(before[0].generation.0 + 1),
        ..before[0].clone()
    };
    assert_eq!(after[0], unfinished, "whoever held it has lost its lease");
    let held = fence_of(&before[0]);
    let adopted = target
        .adopt(&held, session, NOW, None)
        .expect("is answered");
    assert_eq!(adopted, None);
    let claimed = target.claim(&claim(session)).expect("claims").remove(0);
    assert_eq!(claimed.run.id, before[0].id);
    assert!(claimed.is_interrupted());
    assert_eq!(claimed.run.step_count, 1);
    assert_eq!(target.steps(&before[0].id, true).expect("reads").len(), 1);
    let filter = RunFilter {
        labels: BTreeMap::from([("tenant".to_owned(), "a".to_owned())]),
        statuses: vec![RunStatus::Completed],
        limit: 9,
        ..RunFilter::default()
    };
    assert_eq!(target.runs(&filter).expect("reads").runs.len(), 1);
    let next = target.begin_session(NOW).expect("a session");
    assert!(next > session, "epochs go on rising");
}

/// A run that is parked with an open wait and a child, and a signal that is kept with a blob.
fn fill_waits(store: &mut SqliteStore) -> Fence {
    store.begin().expect("begins");
    let session = store.begin_session(NOW).expect("a session");
    let new = |id: &str| NewRun::new(id.into(), RequestId::from(id), "job", "1".into(), NOW);
    store.insert_run(&new("parked")).expect("inserts");
    let fence = fence_of(&store.claim(&claim(session)).expect("claims").remove(0).run);
    let mut child = new("the-child");
    child.parent = Some(Parent {
        run_id: fence.run_id.clone(),
        step_name: "children".to_owned(),
        index: 0,
        root_id: fence.run_id.clone(),
    });
    store.insert_run(&child).expect("inserts");
    let waits = ["children".to_owned(), "sleep".to_owned()];
    let of_children = Wait::Children {
        mode: InvokeMode::Settled,
        count: 1,
        pending: 1,
    };
    let wake_at = NOW.plus(1_000);
    for (name, kind, wait) in [
        (&waits[0], StepKind::Invoke, of_children),
        (&waits[1], StepKind::Sleep, Wait::Sleep { wake_at }),
    ] {
        let wait = StepWait {
            name: name.clone(),
            kind,
            attempt: 0,
            started_at: NOW,
            wait,
        };
        let opened = store.open_wait(&fence, &wait, &Report::default(), NOW);
        assert!(matches!(opened, Ok(Some(WaitOpened::Opened { .. }))));
    }
    let suspension = Suspension {
        waits: &waits,
        waiting_for: &WaitingFor::Sleep {
            step_name: "sleep".to_owned(),
            until: wake_at,
        },
        parked_by: Some(&ExecutorId::from("executor")),
        is_unstarted: false,
        worked_ms: 70,
    };
    let suspended = store.suspend(&fence, &suspension, &Report::default(), NOW);
    assert!(
        suspended
            .expect("suspends")
            .expect("is fenced")
            .is_suspended
    );
    let signal = Signal {
        result: Ok(vec_payload()),
        blobs: vec![BlobId::from("signal-blob")],
    };
    store
        .store_signal(&RequestId::from("signal"), "key", &signal, NOW)
        .expect("keeps");
    store.commit().expect("commits");
    fence
}

#[test]
fn waits_children_and_kept_signals_travel_and_parked_functions_do_not() {
    let mut source = memory();
    let fence = fill_waits(&mut source);
    let steps = source.steps(&fence.run_id, true).expect("reads");
    assert_eq!(source.orphans(), Ok(vec![]));
    let bytes = source.export(&[]).expect("exports");

    // The same runs are there already, and one is parked.
    let mut target = memory();
    fill_waits(&mut target);
    target.import(&bytes).expect("imports");
    assert_eq!(target.orphans(), Ok(vec![]));
    assert_eq!(target.steps(&fence.run_id, true), Ok(steps));
    assert_eq!(target.next_wait(), Ok(Some(NOW.plus(1_000))));
    assert_eq!(
        target.child_ids(&fence.run_id),
        Ok(vec![RunId::from("the-child")])
    );
    assert_eq!(
        target.parked_by(&fence.run_id),
        Ok(None),
        "what is parked is another function"
    );
    assert_eq!(target.wake(&fence, NOW), Ok(None), "its token is void");
    let kept = target
        .store_signal(
            &RequestId::from("signal"),
            "key",
            &Signal {
                result: Ok("1".into()),
                blobs: Vec::new(),
            },
            NOW,
        )
        .expect("is answered");
    assert_eq!(kept, SignalStored::RepeatedKept);
    let blob = BlobId::from("signal-blob");
    let unreferenced = target.unreferenced_blobs(std::slice::from_ref(&blob));
    assert_eq!(unreferenced, Ok(vec![]));
    let taken = target.take_signal("key", &fence.run_id).expect("takes");
    assert_eq!(taken.expect("is kept").blobs, [blob]);
}

#[test]
fn blobs_travel_in_a_table_of_their_own() {
    let mut source = memory();
    fill(&mut source, "a");
    let files = vec![
        (BlobId::from("a-blob-1"), vec![7; 1_000_000]),
        (BlobId::from("a-blob-2"), Vec::new()),
    ];
    let bytes = source.export(&files).expect("exports");
    let mut target = memory();
    assert_eq!(target.import(&bytes).expect("imports"), files);
    let again = target.export(&[]).expect("exports");
    assert!(again.len() < 1_000_000, "they are not kept in the database");
}

#[test]
fn what_is_no_sound_database_of_ours_changes_nothing() {
    let mut target = memory();
    fill(&mut target, "b");
    let before = runs(&mut target);
    let mut source = memory();
    fill(&mut source, "a");
    let sound = source.export(&[]).expect("exports");

    let mut refuse = |bytes: &[u8]| {
        let error = target.import(bytes).expect_err("it is refused");
        assert_eq!(runs(&mut target), before, "nothing was written: {error}");
        error
    };
    for bytes in [&b""[..], b"hello", b"SQLite format 3\0", &sound[..3_000]] {
        assert!(matches!(refuse(bytes), StoreError::NotImportable(_)));
    }
    let mut damaged = sound.clone();
    for page in damaged.chunks_mut(4_096).skip(1) {
        page[8..200].fill(0xA5);
    }
    assert!(matches!(refuse(&damaged), StoreError::NotImportable(_)));

    let other = |sql: &str| {
        let mut connection = rusqlite::Connection::open_in_memory().expect("opens");
        connection
            .deserialize_read_exact(rusqlite::MAIN_DB, sound.as_slice(), sound.len(), false)
            .expect("is read");
        connection.execute_batch(sql).expect("is changed");
        let bytes = connection.serialize(rusqlite::MAIN_DB).expect("is written");
        bytes.to_vec()
    };
    let newer = other("INSERT INTO stepwell_schema_versions VALUES (99)");
    assert!(matches!(
        refuse(&newer),
        StoreError::SchemaTooNew { found: 99, .. }
    ));
    let foreign = other("DROP TABLE stepwell_schema_versions");
    assert!(matches!(refuse(&foreign), StoreError::NotImportable(_)));
    let torn = other("DROP TABLE stepwell_steps");
    assert!(matches!(refuse(&torn), StoreError::NotImportable(_)));
    let bent = other(
        "CREATE TABLE runs AS SELECT * FROM stepwell_runs; DROP TABLE stepwell_runs; \
         ALTER TABLE runs RENAME TO stepwell_runs; UPDATE stepwell_runs SET status = 'odd'",
    );
    assert!(
        matches!(refuse(&bent), StoreError::NotImportable(_)),
        "rows that break our rules"
    );
    target.import(&sound).expect("the sound one is taken");
}
