//! What can be saved of a damaged database, as a sound one.
//!
//! A damaged page takes the rows on it along, and ends every scan that comes upon it. So a table is read from both ends,
//! and what lies between two damaged pages is looked up run by run. Where not even the schema can be read, the first page
//! of an empty database takes the place of the first page: the tables of one schema version begin on the same pages in
//! every database.

use rusqlite::{Connection, Result};
use stepwell_engine::StoreResult;

use crate::error::store_error;
use crate::open::{Durability, PAGE_BYTES};
use crate::sql;
use crate::store::SqliteStore;
use crate::transfer::{BlobFile, RowCopy, deserialized, serialized};

/// Where the header says how many pages there are.
const PAGE_COUNT_BYTES: std::ops::Range<usize> = 28..32;

/// A table, the order of its rows in the file, and the column with the run's id (`None`: it has no index).
type Table = (&'static str, &'static str, Option<&'static str>);

const TABLES: [Table; 7] = [
    ("stepwell_run_inputs", "run_id", Some("run_id")),
    ("stepwell_runs", "rowid", Some("id")),
    ("stepwell_steps", "run_id", Some("run_id")),
    ("stepwell_logs", "rowid", Some("run_id")),
    ("stepwell_labels", "key", None),
    ("stepwell_blobs", "blob_id", Some("run_id")),
    ("stepwell_signals", "rowid", Some("run_id")),
];

/// A sound database with what can be read of a damaged one: the runs whose own row and input are there, and their rows.
/// The bytes are those of the whole file, its WAL copied in. The given blobs go with it.
///
/// # Errors
/// Where memory runs out.
pub fn salvage(bytes: &[u8], blobs: &[BlobFile]) -> StoreResult<Vec<u8>> {
    let mut target = SqliteStore::open_in_memory(Durability::Relaxed)?;
    if let Some(source) = readable(bytes, &mut target)? {
        // Twice: a run that is found late is looked up everywhere.
        for table in TABLES.iter().chain(&TABLES) {
            // What goes wrong here is what cannot be saved.
            drop(rescue(&source, &target.connection, table));
        }
        delete_fragments(&target.connection).map_err(store_error)?;
    }
    target.export(blobs)
}

fn delete_fragments(target: &Connection) -> Result<()> {
    target.execute(sql::DELETE_RUNS_WITHOUT_INPUT, [])?;
    while target.execute(sql::DELETE_RUNS_WITHOUT_PARENT, [])? > 0 {}
    target.execute_batch(sql::DELETE_FRAGMENTS)
}

/// A connection to the bytes, where there is a schema to read or one can be lent by an empty database.
fn readable(bytes: &[u8], empty: &mut SqliteStore) -> StoreResult<Option<Connection>> {
    let page = PAGE_BYTES as usize;
    if bytes.len() < page {
        return Ok(None);
    }
    let source = deserialized(bytes)?;
    if has_schema(&source) {
        return Ok(Some(source));
    }
    let mut repaired = serialized(&mut empty.connection)?;
    repaired.truncate(page);
    let pages = u32::try_from(bytes.len() / page).unwrap_or(u32::MAX);
    repaired[PAGE_COUNT_BYTES].copy_from_slice(&pages.to_be_bytes());
    repaired.extend_from_slice(&bytes[page..]);
    let source = deserialized(&repaired)?;
    Ok(has_schema(&source).then_some(source))
}

fn has_schema(source: &Connection) -> bool {
    source.prepare(sql::SALVAGED_RUNS).is_ok()
}

fn rescue(from: &Connection, to: &Connection, &(table, order, key): &Table) -> Result<()> {
    let copy = RowCopy::new(from, to, table, "OR IGNORE")?;
    if copy.rows(&format!("ORDER BY {order}"), None).is_ok() {
        return Ok(());
    }
    drop(copy.rows(&format!("ORDER BY {order} DESC"), None));
    let Some(key) = key else { return Ok(()) };
    let mut statement = to.prepare(sql::SALVAGED_RUNS)?;
    let runs: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_>>()?;
    for run in runs {
        drop(copy.rows(&format!("WHERE {key} = ?1"), Some(&run)));
    }
    Ok(())
}
