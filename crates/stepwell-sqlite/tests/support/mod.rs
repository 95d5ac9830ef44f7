//! A folder of its own for each test, and stores in it.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod random;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;
use stepwell_engine::{Ownership, StoreResult};
use stepwell_sqlite::{Durability, Medium, OpenOptions, SqliteStore};

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A folder that goes with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        loop {
            let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
            let name = format!("stepwell-sqlite-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                Ok(()) => return Self(path),
                // Left by a killed process that had this one's number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => panic!("a temporary folder can be made: {error}"),
            }
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn open(path: &Path, options: OpenOptions) -> StoreResult<SqliteStore> {
    SqliteStore::open(Connection::open(path).expect("the file opens"), options)
}

/// As in the browser, on a native file.
pub(crate) fn as_opfs(durability: Durability) -> OpenOptions {
    OpenOptions {
        ownership: Ownership::Exclusive,
        durability,
        medium: Medium::Opfs,
    }
}
