//! What is set when a database is opened, and which files are refused.

mod support;

use rusqlite::Connection;
use stepwell_engine::{Inserted, NewRun, Ownership, Store, StoreError};
use stepwell_protocol::TimestampMs;
use stepwell_protocol::{RequestId, RunId};
use stepwell_sqlite::{Durability, Medium, OpenOptions, SCHEMA_VERSION, SqliteStore};
use support::{Folder, as_opfs, open};

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

fn new_run(number: u32) -> NewRun {
    let request_id = RequestId(format!("request-{number}"));
    NewRun::new(
        RunId(format!("run-{number:06}")),
        request_id,
        "job",
        "x".repeat(1_000).into(),
        NOW,
    )
}

fn insert(store: &mut SqliteStore, numbers: std::ops::Range<u32>) {
    store.begin().expect("a transaction begins");
    for number in numbers {
        let inserted = store.insert_run(&new_run(number)).expect("it is inserted");
        assert!(matches!(inserted, Inserted::Created(_)));
    }
    store.commit().expect("it commits");
}

#[test]
fn a_medium_that_cannot_be_shared_is_refused() {
    for medium in [Medium::Opfs, Medium::Memory] {
        let options = OpenOptions {
            ownership: Ownership::Shared,
            durability: Durability::Strict,
            medium,
        };
        let connection = Connection::open_in_memory().expect("memory opens");
        let refused = SqliteStore::open(connection, options).expect_err("it must be refused");
        assert!(matches!(refused, StoreError::Unavailable(_)));
    }
}

#[test]
fn a_store_opens_again_with_what_it_held() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    for start in [0, 10, 20] {
        let mut store = open(&path, as_opfs(Durability::Strict)).expect("it opens");
        insert(&mut store, start..start + 10);
        assert_eq!(store.integrity_check(), Ok(vec![]));
    }
    let mut store = SqliteStore::open_file(&path, Durability::Strict).expect("it opens shared too");
    let last = store.run(&"run-000029".into()).expect("it reads");
    assert!(last.is_some());
}

#[test]
fn a_second_owner_is_told_that_it_is_busy() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    let options = as_opfs(Durability::Strict);
    let mut first = open(&path, options).expect("it opens");
    insert(&mut first, 0..1);
    let second = open(&path, options).expect_err("one owner is enough");
    assert!(matches!(second, StoreError::Busy(_)), "{second:?}");
    drop(first);
    open(&path, options).expect("when the first has gone, it opens");
}

#[test]
fn a_schema_from_the_future_is_refused_and_left_alone() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    let mut store = open(&path, as_opfs(Durability::Strict)).expect("it opens");
    insert(&mut store, 0..50);
    drop(store);
    let future = Connection::open(&path).expect("it opens");
    let sql = "INSERT INTO stepwell_schema_versions (version) VALUES (?1); ";
    future.execute(sql, [SCHEMA_VERSION + 4]).expect("it runs");
    drop(future);
    let files = || ["a.db", "a.db-wal"].map(|name| std::fs::read(folder.file(name)).ok());
    let before = files();
    let shared = OpenOptions {
        ownership: Ownership::Shared,
        durability: Durability::Strict,
        medium: Medium::File,
    };
    for options in [as_opfs(Durability::Strict), shared] {
        let refused = open(&path, options).expect_err("it must be refused");
        let expected = StoreError::SchemaTooNew {
            found: SCHEMA_VERSION + 4,
            supported: SCHEMA_VERSION,
        };
        assert_eq!(refused, expected);
    }
    // An empty WAL may have been made by reading; nothing is in it.
    let after = files().map(|bytes| bytes.filter(|bytes| !bytes.is_empty()));
    assert!(before == after, "not a byte may have changed");
}

#[test]
fn a_file_that_is_no_database_is_corrupt_and_left_alone() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    let text = "this is a letter to my aunt\n".repeat(400);
    std::fs::write(&path, &text).expect("it is written");
    let refused = open(&path, as_opfs(Durability::Strict)).expect_err("it must be refused");
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused:?}");
    let refused = SqliteStore::open_file(&path, Durability::Strict).expect_err("shared too");
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused:?}");
    let after = std::fs::read_to_string(&path).expect("it reads");
    assert_eq!(after, text);
}

#[test]
fn a_missing_table_is_corrupt() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    drop(SqliteStore::open_file(&path, Durability::Strict).expect("it opens"));
    let connection = Connection::open(&path).expect("it opens");
    connection
        .execute_batch("DROP TABLE stepwell_steps")
        .expect("it runs");
    drop(connection);
    let refused = SqliteStore::open_file(&path, Durability::Strict).expect_err("it is refused");
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused:?}");
}

#[test]
fn damage_in_the_middle_is_found() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    let mut store = SqliteStore::open_file(&path, Durability::Strict).expect("it opens");
    insert(&mut store, 0..2_000);
    assert_eq!(store.integrity_check(), Ok(vec![]));
    drop(store);
    let mut bytes = std::fs::read(&path).expect("it reads");
    let (start, end) = (bytes.len() / 4, bytes.len() * 3 / 4);
    bytes[start..end].fill(0xA5);
    std::fs::write(&path, bytes).expect("it is written");
    let mut store = SqliteStore::open_file(&path, Durability::Strict).expect("its head is whole");
    match store.integrity_check() {
        Ok(problems) => assert_ne!(problems, Vec::<String>::new()),
        Err(error) => assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}"),
    }
    let read: Result<Vec<_>, _> = (0..2_000)
        .map(|number| store.run(&new_run(number).id))
        .collect();
    assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
}

#[test]
fn a_foreign_database_gets_our_tables_beside_its_own() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    let connection = Connection::open(&path).expect("it opens");
    connection
        .execute_batch(
            "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1); PRAGMA user_version = 77",
        )
        .expect("it runs");
    drop(connection);
    let mut store = SqliteStore::open_file(&path, Durability::Strict).expect("it opens");
    insert(&mut store, 0..1);
    drop(store);
    let connection = Connection::open(&path).expect("it opens");
    let theirs: u32 = connection
        .query_row("SELECT x FROM theirs", [], |row| row.get(0))
        .expect("their table stands");
    assert_eq!(theirs, 1);
}

#[test]
fn a_failed_migration_leaves_nothing_behind() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    let connection = Connection::open(&path).expect("it opens");
    // The last table of the first migration is in the way.
    connection
        .execute_batch("CREATE TABLE stepwell_logs (theirs)")
        .expect("it runs");
    SqliteStore::open_file(&path, Durability::Strict).expect_err("the migration must fail");
    let tables: u32 = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'stepwell%'",
            [],
            |row| row.get(0),
        )
        .expect("it reads");
    assert_eq!(tables, 1, "all of a migration, or nothing");
    connection
        .execute_batch("DROP TABLE stepwell_logs")
        .expect("it runs");
    SqliteStore::open_file(&path, Durability::Strict).expect("and it can be tried again");
}

#[test]
fn maintenance_gives_space_back() {
    let folder = Folder::new();
    let path = folder.file("a.db");
    let mut store = SqliteStore::open_file(&path, Durability::Relaxed).expect("it opens");
    insert(&mut store, 0..4_000);
    assert_eq!(store.maintain(), Ok(false), "nothing is free yet");
    let size = || std::fs::metadata(&path).expect("it is there").len();
    let before = size();
    let connection = Connection::open(&path).expect("it opens");
    connection
        .execute_batch("DELETE FROM stepwell_run_inputs")
        .expect("it runs");
    let mut rounds = 1;
    while store.maintain().expect("it works") {
        rounds += 1;
    }
    assert!(rounds > 1, "each call does a bounded part");
    assert!(size() < before / 2, "{} of {before} bytes are left", size());
    assert_eq!(store.integrity_check(), Ok(vec![]));
}
