//! What a host does between batches: checks, checkpoints, giving space back.

use rusqlite::{Connection, Result};
use stepwell_engine::StoreResult;

use crate::error::store_error;
use crate::sql;
use crate::store::SqliteStore;

/// The most pages that one call of [`SqliteStore::maintain`] gives back: a megabyte, a few milliseconds.
const VACUUM_PAGES_MAX: u32 = 256;

impl SqliteStore {
    /// The problems that SQLite finds in the file; none in a sound one. Reads the whole database.
    ///
    /// # Errors
    /// Where the file is too damaged to be read at all.
    pub fn integrity_check(&mut self) -> StoreResult<Vec<String>> {
        integrity_problems(&self.connection).map_err(store_error)
    }

    /// The tables that have rows of runs which are not there; none in a sound database. Reads whole tables.
    ///
    /// # Errors
    /// Whatever SQLite says.
    pub fn orphans(&mut self) -> StoreResult<Vec<String>> {
        let look = || -> Result<Vec<String>> {
            let mut statement = self.connection.prepare(sql::ORPHANS)?;
            let tables = statement.query_map([], |row| row.get(0))?;
            tables.collect()
        };
        look().map_err(store_error)
    }

    /// Upkeep for an idle moment, outside of a transaction: gives a bounded number of free pages back and copies the
    /// WAL into the database as far as readers allow. Whether there is more to give back.
    ///
    /// # Errors
    /// Whatever SQLite says; the data are as they were.
    pub fn maintain(&mut self) -> StoreResult<bool> {
        let upkeep = || -> Result<bool> {
            self.run_pragma(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES_MAX})"))?;
            self.run_pragma("PRAGMA wal_checkpoint(PASSIVE)")?;
            let free: u32 = self
                .connection
                .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
            Ok(free > 0)
        };
        upkeep().map_err(store_error)
    }

    /// To its end: `incremental_vacuum` frees one page with each row.
    fn run_pragma(&self, pragma: &str) -> Result<()> {
        let mut statement = self.connection.prepare_cached(pragma)?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }
}

/// The problems that SQLite finds in a database; none in a sound one.
pub(crate) fn integrity_problems(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let mut problems: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_>>()?;
    problems.retain(|problem| problem != "ok");
    Ok(problems)
}
