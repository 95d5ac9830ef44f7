//! Deleting runs and what belongs to them.

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::Deleted;
use stepwell_protocol::{BlobId, RunId, TimestampMs};

#[cfg(feature = "planted")]
use stepwell_engine::planted::{Bug, has};

use crate::{rows, sql};

pub(crate) fn run(connection: &Connection, run_id: &RunId) -> Result<Option<Deleted>> {
    let id = run_id.as_str();
    let delete = sql::DELETE_RUN;
    #[cfg(feature = "planted")]
    let delete = match has(Bug::PurgeTakesActiveRun) {
        true => sql::PLANTED_DELETE,
        false => delete,
    };
    let deleted = connection
        .prepare_cached(delete)?
        .query_row([id], |row| rows::head(run_id, row))
        .optional()?;
    let Some(head) = deleted else {
        return Ok(None);
    };
    for sql in [
        sql::DELETE_INPUT,
        sql::DELETE_STEPS,
        sql::DELETE_LOGS,
        sql::DELETE_SIGNALS,
    ] {
        #[cfg(feature = "planted")]
        if sql == sql::DELETE_LOGS && has(Bug::DeletedRunLeavesLogs) {
            continue;
        }
        connection.prepare_cached(sql)?.execute([id])?;
    }
    for (key, value) in &head.labels {
        connection
            .prepare_cached(sql::DELETE_LABEL)?
            .execute([id, key, value])?;
    }
    let blobs = blobs_of(connection, id)?;
    let has_blobs = !blobs.is_empty();
    #[cfg(feature = "planted")]
    let has_blobs = has_blobs && !has(Bug::DeletedRunKeepsBlobs);
    if has_blobs {
        connection
            .prepare_cached(sql::DELETE_BLOBS)?
            .execute([id])?;
    }
    #[cfg(feature = "planted")]
    if has(Bug::BlobDeletedWhileReferenced) {
        return Ok(Some(Deleted { head, blobs }));
    }
    let blobs = unreferenced_blobs(connection, &blobs)?;
    Ok(Some(Deleted { head, blobs }))
}

/// The blobs that belong to a run, or to a signal that is kept.
pub(crate) fn blobs_of(connection: &Connection, owner: &str) -> Result<Vec<BlobId>> {
    connection
        .prepare_cached(sql::BLOBS_OF_RUN)?
        .query_map([owner], |row| row.get(0).map(BlobId))?
        .collect()
}

pub(crate) fn ended_before(
    connection: &Connection,
    before: TimestampMs,
    limit: u32,
) -> Result<Vec<RunId>> {
    connection
        .prepare_cached(sql::ENDED_BEFORE)?
        .query_map(params![before.0, limit], |row| row.get(0).map(RunId))?
        .collect()
}

pub(crate) fn unreferenced_blobs(connection: &Connection, blobs: &[BlobId]) -> Result<Vec<BlobId>> {
    let mut unreferenced = Vec::new();
    for blob in blobs {
        let is_referenced: bool = connection
            .prepare_cached(sql::BLOB_IS_REFERENCED)?
            .query_row([blob.as_str()], |row| row.get(0))?;
        if !is_referenced {
            unreferenced.push(blob.clone());
        }
    }
    Ok(unreferenced)
}
