//! Opening a database: options, pragmas in the order that matters, migration.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use stepwell_engine::{Ownership, StoreError, StoreResult};

use crate::error::store_error;
use crate::migrations;
use crate::store::SqliteStore;

/// What a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: one flush a commit.
    #[default]
    Strict,
    /// The death of the process. At power loss the last commits may be gone; the database stays whole.
    Relaxed,
}

/// Where the database lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// The browser's private file system, through synchronous access handles.
    Opfs,
    /// A native file.
    File,
    /// Memory: gone with the store.
    Memory,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether other engines may work on it at the same time. Only a [`Medium::File`] can be shared.
    pub ownership: Ownership,
    /// What a commit survives.
    pub durability: Durability,
    /// Where it lies.
    pub medium: Medium,
}

/// How long a connection waits for another one's transaction.
const BUSY_MS_MAX: u64 = 5_000;
/// A WAL that grew beyond this is cut back after its checkpoint.
const WAL_BYTES_MAX: u32 = 8 * 1024 * 1024;
/// How often entering WAL mode is tried again beside other connections that do the same.
const WAL_TRIES_MAX: u32 = 100;
/// The pages of every database that is made here.
pub const PAGE_BYTES: u32 = 4_096;
/// More than there are statements, so that none is ever prepared twice.
const CACHED_STATEMENTS_MAX: usize = 128;

impl SqliteStore {
    /// Takes over a connection that has not been used yet.
    ///
    /// # Errors
    /// `SchemaTooNew` for a database of a newer build (nothing is written to it), `Corrupt` for a file that is damaged
    /// or no database, `Busy` where another connection owns it, and whatever else the medium says.
    pub fn open(mut connection: Connection, options: OpenOptions) -> StoreResult<Self> {
        if options.ownership == Ownership::Shared && options.medium != Medium::File {
            return Err(StoreError::Unavailable(
                "only a native file can be shared by several engines".to_owned(),
            ));
        }
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS_MAX);
        // Else statements are prepared anew at each use where a parameter's value could make another plan better.
        set_config(&connection, DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // A checkpoint at close rewrites what a torn write can break (OPFS), and would write to a database that is
        // refused here.
        keep_wal_on_close(&connection, true)?;
        if options.medium == Medium::File {
            connection
                .busy_timeout(Duration::from_millis(BUSY_MS_MAX))
                .map_err(store_error)?;
        }
        let in_file = options.medium != Medium::Memory;
        // Before anything is read: after that, `journal_mode` would silently stay as it is.
        if in_file && options.ownership == Ownership::Exclusive {
            set_and_expect(&connection, "locking_mode", "EXCLUSIVE", "exclusive")?;
        }
        let version = migrations::stored_version(&connection)?;
        if version == 0 {
            // They hold from the first table on. Later `auto_vacuum` would be a commit of its own at each opening.
            set(&connection, "page_size", PAGE_BYTES)?;
            set(&connection, "auto_vacuum", "INCREMENTAL")?;
        }
        match in_file {
            true => enter_wal(&connection)?,
            false => set_and_expect(&connection, "journal_mode", "MEMORY", "memory")?,
        }
        let synchronous = match options.durability {
            Durability::Strict => "FULL",
            Durability::Relaxed => "NORMAL",
        };
        set(&connection, "synchronous", synchronous)?;
        set(&connection, "temp_store", "MEMORY")?;
        set(&connection, "journal_size_limit", WAL_BYTES_MAX)?;
        migrations::migrate(&mut connection, version)?;
        keep_wal_on_close(&connection, options.medium == Medium::Opfs)?;
        Ok(Self::new(connection, options.ownership))
    }

    /// Opens an empty database in memory, under exclusive ownership.
    ///
    /// # Errors
    /// Whatever SQLite says.
    pub fn open_in_memory(durability: Durability) -> StoreResult<Self> {
        let options = OpenOptions {
            ownership: Ownership::Exclusive,
            durability,
            medium: Medium::Memory,
        };
        Self::open(Connection::open_in_memory().map_err(store_error)?, options)
    }

    /// Opens, or makes, a native file that several engines may share.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    pub fn open_file(
        path: impl AsRef<std::path::Path>,
        durability: Durability,
    ) -> StoreResult<Self> {
        let options = OpenOptions {
            ownership: Ownership::Shared,
            durability,
            medium: Medium::File,
        };
        Self::open(Connection::open(path).map_err(store_error)?, options)
    }
}

fn keep_wal_on_close(connection: &Connection, keep: bool) -> StoreResult<()> {
    set_config(connection, DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
}

fn set_config(connection: &Connection, config: DbConfig, on: bool) -> StoreResult<()> {
    connection.set_db_config(config, on).map_err(store_error)?;
    Ok(())
}

/// Two connections that make one new file stand in each other's way, and SQLite tells one of them at once that the file
/// is busy, whatever its timeout. An empty transaction does wait for the other; then it is tried again.
fn enter_wal(connection: &Connection) -> StoreResult<()> {
    let mut result = set_and_expect(connection, "journal_mode", "WAL", "wal");
    for _ in 0..WAL_TRIES_MAX {
        if !matches!(result, Err(StoreError::Busy(_))) {
            break;
        }
        let waited = connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
        if waited.is_err() {
            return result;
        }
        result = set_and_expect(connection, "journal_mode", "WAL", "wal");
    }
    result
}

fn set(connection: &Connection, pragma: &str, value: impl rusqlite::ToSql) -> StoreResult<()> {
    connection
        .pragma_update(None, pragma, value)
        .map_err(store_error)
}

/// Sets a pragma that answers with what it really did.
fn set_and_expect(
    connection: &Connection,
    pragma: &str,
    value: &str,
    expected: &str,
) -> StoreResult<()> {
    let answer: String = connection
        .pragma_update_and_check(None, pragma, value, |row| row.get(0))
        .map_err(store_error)?;
    if answer == expected {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "{pragma} is {answer} and cannot be {expected}"
    )))
}
