//! Signals that are kept until a wait takes them, and then for as long as its run.

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::{OpenWait, Signal, SignalStored};
use stepwell_protocol::{BlobId, RequestId, RunId, TimestampMs};

use crate::{deletion, rows, sql, writes};

/// The owner of a kept signal's blobs, in place of a run. No run has such an id.
fn owner_of(request_id: &str) -> String {
    format!("{}{request_id}", sql::SIGNAL_OWNER)
}

pub(crate) fn store(
    connection: &Connection,
    request_id: &RequestId,
    key: &str,
    signal: &Signal,
    now: TimestampMs,
) -> Result<SignalStored> {
    let (value, error) = match &signal.result {
        Ok(value) => (Some(rows::of_payload(value)), None),
        Err(error) => (None, Some(rows::json(error)?)),
    };
    let id = request_id.as_str();
    let inserted = connection
        .prepare_cached(sql::INSERT_SIGNAL)?
        .execute(params![id, key, now.0, error, value])?;
    if inserted == 1 {
        writes::insert_blobs_of(connection, &owner_of(id), &signal.blobs)?;
        return Ok(SignalStored::Kept);
    }
    let is_taken: Option<bool> = connection
        .prepare_cached(sql::SIGNAL_IS_TAKEN)?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(match is_taken {
        Some(true) => SignalStored::RepeatedTaken,
        Some(false) => SignalStored::RepeatedKept,
        None => SignalStored::Ignored,
    })
}

pub(crate) fn take(connection: &Connection, key: &str, run_id: &RunId) -> Result<Option<Signal>> {
    let taken = connection
        .prepare_cached(sql::TAKE_SIGNAL)?
        .query_row([key, run_id.as_str()], |row| {
            let (id, request_id): (i64, String) = (row.get(0)?, row.get(1)?);
            Ok((id, request_id, rows::sent(row, 2, 3)?))
        })
        .optional()?;
    let Some((id, request_id, result)) = taken else {
        return Ok(None);
    };
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::SignalDeliveredTwice) {
        connection
            .prepare_cached(sql::PLANTED_SIGNAL_KEPT)?
            .execute([id])?;
        return Ok(Some(Signal {
            result,
            blobs: Vec::new(),
        }));
    }
    connection
        .prepare_cached(sql::EMPTY_SIGNAL)?
        .execute([id])?;
    let blobs = release_blobs(connection, &request_id)?;
    writes::insert_blobs(connection, run_id, &blobs)?;
    Ok(Some(Signal { result, blobs }))
}

/// Takes a kept signal's blobs from it.
fn release_blobs(connection: &Connection, request_id: &str) -> Result<Vec<BlobId>> {
    let owner = owner_of(request_id);
    let blobs = deletion::blobs_of(connection, &owner)?;
    if !blobs.is_empty() {
        connection
            .prepare_cached(sql::DELETE_BLOBS)?
            .execute([owner])?;
    }
    Ok(blobs)
}

pub(crate) fn awaited_by(connection: &Connection, key: &str) -> Result<Option<OpenWait>> {
    connection
        .prepare_cached(sql::SIGNAL_WAIT)?
        .query_row([key], rows::open_wait)
        .optional()
}

pub(crate) fn forget(
    connection: &Connection,
    before: TimestampMs,
    limit: u32,
) -> Result<Vec<BlobId>> {
    let old: Vec<(i64, String)> = connection
        .prepare_cached(sql::OLD_SIGNALS)?
        .query_map(params![before.0, limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<_>>()?;
    let mut blobs = Vec::new();
    for (id, request_id) in old {
        connection
            .prepare_cached(sql::DELETE_SIGNAL)?
            .execute([id])?;
        blobs.extend(release_blobs(connection, &request_id)?);
    }
    blobs.sort_unstable();
    blobs.dedup();
    deletion::unreferenced_blobs(connection, &blobs)
}
