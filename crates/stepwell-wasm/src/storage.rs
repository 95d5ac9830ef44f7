//! Which store the engine works on: SQLite, on OPFS or in memory.

use rusqlite::{Connection, OpenFlags};
use serde::Deserialize;
use stepwell_engine::{Ownership, StoreError, StoreResult};
use stepwell_sqlite::{Medium, OpenOptions, SqliteStore};

use crate::pool::{RELAXED_VFS, STRICT_VFS};

/// The database's name in its pool.
const FILE: &str = "stepwell.sqlite3";

/// What a commit survives, as the page says it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Durability {
    Strict,
    Relaxed,
}

/// Where the database lies, as the page says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Storage {
    Opfs,
    Memory,
}

/// Opens the store. For OPFS the pool must be open. A suspect database is `Corrupt` unless all of it is sound.
pub(crate) fn open(
    storage: Storage,
    durability: Durability,
    is_suspect: bool,
) -> StoreResult<SqliteStore> {
    let (durability, vfs) = match durability {
        Durability::Strict => (stepwell_sqlite::Durability::Strict, STRICT_VFS),
        Durability::Relaxed => (stepwell_sqlite::Durability::Relaxed, RELAXED_VFS),
    };
    match storage {
        Storage::Memory => SqliteStore::open_in_memory(durability),
        Storage::Opfs => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let connection = Connection::open_with_flags_and_vfs(FILE, flags, vfs)
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let options = OpenOptions {
                ownership: Ownership::Exclusive,
                durability,
                medium: Medium::Opfs,
            };
            let mut store = SqliteStore::open(connection, options)?;
            if is_suspect && let Some(problem) = store.integrity_check()?.pop() {
                return Err(StoreError::Corrupt(problem));
            }
            Ok(store)
        }
    }
}
