//! Empty databases for benches.
#![allow(unreachable_pub, reason = "a bench has no outside")]
#![allow(dead_code, reason = "each bench uses its part")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use stepwell_engine::Ownership;
use stepwell_sqlite::{Durability, Medium, OpenOptions, SqliteStore};

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// Where the database lies.
#[derive(Clone, Copy)]
pub enum Place {
    /// As in the browser: one owner, a write-ahead log.
    File(Durability),
    Memory,
}

/// A folder that goes with the value. In cargo's folder and not in the system's, which may lie in memory.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench-{}-{number}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    pub fn open(&self, place: Place) -> SqliteStore {
        match place {
            Place::Memory => {
                SqliteStore::open_in_memory(Durability::Strict).expect("SQLite opens in memory")
            }
            Place::File(durability) => Self::on(self.connection(), durability),
        }
    }

    pub fn connection(&self) -> Connection {
        Connection::open(self.0.join("bench.db")).expect("the file opens")
    }

    pub fn on(connection: Connection, durability: Durability) -> SqliteStore {
        let options = OpenOptions {
            ownership: Ownership::Exclusive,
            durability,
            medium: Medium::Opfs,
        };
        SqliteStore::open(connection, options).expect("the database is sound")
    }

    /// The pages in the write-ahead log.
    pub fn pages_in_log(&self) -> u64 {
        const HEADER_BYTES: u64 = 32;
        const FRAME_BYTES: u64 = 24 + 4_096;
        let log = std::fs::metadata(self.0.join("bench.db-wal")).expect("there is a log");
        log.len().saturating_sub(HEADER_BYTES) / FRAME_BYTES
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
