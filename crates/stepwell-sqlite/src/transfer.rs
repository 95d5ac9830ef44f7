//! A database as bytes: an export that any SQLite tool opens, and an import that is checked before it replaces anything.

use std::io::Read;

use rusqlite::{Connection, MAIN_DB, OptionalExtension, Result, params_from_iter, types::Value};
use stepwell_engine::{StoreError, StoreResult};
use stepwell_protocol::BlobId;

use crate::error::store_error;
use crate::store::SqliteStore;
use crate::upkeep::integrity_problems;
use crate::{migrations, sql};

/// A blob's file, beside its id.
pub type BlobFile = (BlobId, Vec<u8>);

const MAGIC: &[u8] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;
/// Where the header says how the file is written: 1 for a rollback journal, 2 for a WAL.
const JOURNAL_BYTES: std::ops::Range<usize> = 18..20;
/// Enough to name the trouble.
const PROBLEMS_MAX: usize = 3;

/// What is carried over, in no particular order: rows refer to each other by id. Sessions are not: epochs go on rising.
const TABLES: [&str; 7] = [
    "stepwell_runs",
    "stepwell_run_inputs",
    "stepwell_steps",
    "stepwell_logs",
    "stepwell_labels",
    "stepwell_blobs",
    "stepwell_signals",
];

impl SqliteStore {
    /// The database as a file that needs no WAL, with the given blobs in a table of their own, `stepwell_blob_files`.
    ///
    /// # Errors
    /// Whatever SQLite says.
    pub fn export(&mut self, blobs: &[BlobFile]) -> StoreResult<Vec<u8>> {
        let bytes = serialized(&mut self.connection)?;
        if blobs.is_empty() {
            return Ok(bytes);
        }
        let mut copy = deserialized(&bytes)?;
        let add = |copy: &Connection| -> Result<()> {
            copy.execute_batch(sql::CREATE_BLOB_FILES)?;
            let mut insert = copy.prepare(sql::INSERT_BLOB_FILE)?;
            for (id, bytes) in blobs {
                insert.execute((id.as_str(), bytes))?;
            }
            Ok(())
        };
        add(&copy).map_err(store_error)?;
        serialized(&mut copy)
    }

    /// Replaces everything by what an export holds, in one transaction, and returns the blobs that came with it. The
    /// engine on this store must be opened anew: nothing that it remembers is true any more. Runs that were at work
    /// when the export was made go on as interrupted ones; whoever holds one now, or its parked function, has lost it.
    ///
    /// # Errors
    /// `NotImportable` for what is no sound database of Stepwell, `SchemaTooNew` for one of a newer build, and whatever
    /// SQLite says; nothing was written then.
    pub fn import(&mut self, bytes: &[u8]) -> StoreResult<Vec<BlobFile>> {
        let mut source = checked(bytes)?;
        let version = migrations::stored_version(&source)?;
        migrations::migrate(&mut source, version)?;
        let blobs = blob_files(&source).map_err(store_error)?;
        let transaction = self.connection.transaction().map_err(store_error)?;
        let copy = || -> Result<()> {
            for table in TABLES {
                transaction.execute(&format!("DELETE FROM {table}"), [])?;
                RowCopy::new(&source, &transaction, table, "")?.rows("", None)?;
            }
            transaction.execute(sql::TAKE_LEASES_AWAY, [])?;
            Ok(())
        };
        copy().map_err(|error| match store_error(error) {
            // Rows that our tables do not take.
            StoreError::Other(message) => foreign(&message),
            other => other,
        })?;
        transaction.commit().map_err(store_error)?;
        Ok(blobs)
    }
}

pub(crate) fn serialized(connection: &mut Connection) -> StoreResult<Vec<u8>> {
    let mut bytes = connection.serialize(MAIN_DB).map_err(store_error)?.to_vec();
    // All of the WAL is in it. A reader must not look for one beside it.
    if bytes.len() > JOURNAL_BYTES.end {
        bytes[JOURNAL_BYTES].fill(1);
    }
    Ok(bytes)
}

/// A connection to the bytes, which must be at least a header. They are copied once.
pub(crate) fn deserialized(bytes: &[u8]) -> StoreResult<Connection> {
    let mut connection = Connection::open_in_memory().map_err(store_error)?;
    let (header, rest) = bytes.split_at(JOURNAL_BYTES.end);
    let mut header = header.to_vec();
    header[JOURNAL_BYTES].fill(1);
    connection
        .deserialize_read_exact(MAIN_DB, header.as_slice().chain(rest), bytes.len(), false)
        .map_err(store_error)?;
    Ok(connection)
}

/// A connection to a sound database of ours.
fn checked(bytes: &[u8]) -> StoreResult<Connection> {
    if !bytes.starts_with(MAGIC) || bytes.len() < HEADER_BYTES {
        return Err(foreign("not even one of SQLite"));
    }
    let source = deserialized(bytes)?;
    let mut problems = integrity_problems(&source).map_err(|error| foreign(&error.to_string()))?;
    problems.truncate(PROBLEMS_MAX);
    if !problems.is_empty() {
        return Err(foreign(&problems.join("; ")));
    }
    match migrations::stored_version(&source) {
        Ok(0) => Err(foreign("Stepwell did not write it")),
        Ok(_) => Ok(source),
        Err(StoreError::Corrupt(why)) => Err(foreign(&why)),
        Err(other) => Err(other),
    }
}

fn foreign(why: &str) -> StoreError {
    StoreError::NotImportable(why.to_owned())
}

fn blob_files(source: &Connection) -> Result<Vec<BlobFile>> {
    let table: Option<u32> = source
        .query_row(sql::BLOB_FILES_TABLE, [], |row| row.get(0))
        .optional()?;
    if table.is_none() {
        return Ok(Vec::new());
    }
    let mut statement = source.prepare(sql::BLOB_FILES)?;
    let files = statement.query_map([], |row| Ok((BlobId(row.get(0)?), row.get(1)?)))?;
    files.collect()
}

/// Copies rows of a table between two connections, columns by their names: their order may differ after migrations.
pub(crate) struct RowCopy<'a> {
    from: &'a Connection,
    to: &'a Connection,
    select: String,
    insert: String,
}

impl<'a> RowCopy<'a> {
    /// `conflict` is what `INSERT` does with a row that is there already.
    pub(crate) fn new(
        from: &'a Connection,
        to: &'a Connection,
        table: &str,
        conflict: &str,
    ) -> Result<Self> {
        let all = to.prepare(&format!("SELECT * FROM {table}"))?;
        let columns: Vec<&str> = all.column_names().collect();
        let (names, places) = (columns.join(", "), vec!["?"; columns.len()].join(", "));
        Ok(Self {
            from,
            to,
            select: format!("SELECT {names} FROM {table} "),
            insert: format!("INSERT {conflict} INTO {table} ({names}) VALUES ({places})"),
        })
    }

    /// Those that the clause, with the key as its parameter, finds; up to the first that cannot be read or is not taken.
    pub(crate) fn rows(&self, clause: &str, key: Option<&str>) -> Result<()> {
        let mut insert = self.to.prepare_cached(&self.insert)?;
        let mut select = self
            .from
            .prepare_cached(&format!("{}{clause}", self.select))?;
        let columns = select.column_count();
        let mut rows = select.query(params_from_iter(key))?;
        while let Some(row) = rows.next()? {
            let values: Vec<Value> = (0..columns)
                .map(|column| row.get(column))
                .collect::<Result<_>>()?;
            insert.execute(params_from_iter(values))?;
        }
        Ok(())
    }
}
