//! Sessions, and who may work on a run.

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::{Claim, Claimed, Fence, Ownership, Release, RunHead};
use stepwell_protocol::{Epoch, Run, RunStatus, TimestampMs};

use crate::{rows, sql};

pub(crate) fn begin_session(
    connection: &Connection,
    ownership: Ownership,
    now: TimestampMs,
) -> Result<Epoch> {
    if ownership == Ownership::Exclusive {
        connection.prepare_cached(sql::VOID_LEASES)?.execute([])?;
    }
    let id = connection
        .prepare_cached(sql::INSERT_SESSION)?
        .insert([now.0])?;
    Ok(Epoch(id.unsigned_abs()))
}

pub(crate) fn renew(
    connection: &Connection,
    session: Epoch,
    expires_at: TimestampMs,
) -> Result<()> {
    connection
        .prepare_cached(sql::RENEW_LEASES)?
        .execute([rows::integer(session.0), expires_at.0])?;
    Ok(())
}

pub(crate) fn expire(connection: &Connection, now: TimestampMs) -> Result<u64> {
    let expired = connection
        .prepare_cached(sql::EXPIRE_LEASES)?
        .execute([now.0])?;
    Ok(expired as u64)
}

pub(crate) fn claimable_jobs(connection: &Connection) -> Result<Vec<String>> {
    connection
        .prepare_cached(sql::CLAIMABLE_JOBS)?
        .query_map([], |row| row.get(0))?
        .collect()
}

pub(crate) fn claim(connection: &Connection, claim: &Claim<'_>) -> Result<Vec<Claimed>> {
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::ClaimOfLeasedRun) {
        connection.prepare_cached(sql::VOID_LEASES)?.execute([])?;
    }
    let mut jobs: Vec<&String> = claim.jobs.iter().collect();
    jobs.sort_unstable();
    jobs.dedup();
    let mut claimed: Vec<Claimed> = connection
        .prepare_cached(sql::CLAIM)?
        .query_map(
            params![
                rows::integer(claim.session.0),
                claim.lease_expires_at.map(|at| at.0),
                claim.now.0,
                rows::json(&jobs)?,
                claim.limit,
            ],
            |row| {
                Ok(Claimed {
                    run: rows::run(row)?,
                    interrupted: row.get(rows::RUN_COLUMNS)?,
                })
            },
        )?
        .collect::<Result<_>>()?;
    // RETURNING promises no order.
    claimed.sort_unstable_by(|a, b| (a.run.start_at, &a.run.id).cmp(&(b.run.start_at, &b.run.id)));
    Ok(claimed)
}

pub(crate) fn adopt(
    connection: &Connection,
    held: &Fence,
    session: Epoch,
    now: TimestampMs,
    expires_at: Option<TimestampMs>,
) -> Result<Option<Run>> {
    #[cfg(feature = "planted")]
    let lowered = planted_generation(connection, held)?;
    #[cfg(feature = "planted")]
    let held = lowered.as_ref().unwrap_or(held);
    connection
        .prepare_cached(sql::ADOPT)?
        .query_row(
            params![
                held.run_id.as_str(),
                rows::integer(held.generation.0),
                rows::integer(session.0),
                expires_at.map(|at| at.0),
                now.0,
            ],
            rows::run,
        )
        .optional()
}

pub(crate) fn release(
    connection: &Connection,
    fence: &Fence,
    how: Release,
    now: TimestampMs,
) -> Result<Option<RunHead>> {
    let status = match how {
        Release::Orderly => RunStatus::Pending,
        Release::Interrupted => RunStatus::Running,
    };
    connection
        .prepare_cached(sql::RELEASE)?
        .query_row(
            params![
                fence.run_id.as_str(),
                rows::integer(fence.generation.0),
                status.as_str(),
                now.0,
            ],
            |row| rows::head(&fence.run_id, row),
        )
        .optional()
}

/// The generation is lowered first, so that the adoption raises it to what it was.
#[cfg(feature = "planted")]
fn planted_generation(connection: &Connection, held: &Fence) -> Result<Option<Fence>> {
    use stepwell_engine::planted::{Bug, has};
    if !has(Bug::AdoptionWithoutNewGeneration) {
        return Ok(None);
    }
    connection
        .prepare_cached(sql::PLANTED_GENERATION_DOWN)?
        .execute(params![
            held.run_id.as_str(),
            rows::integer(held.generation.0)
        ])?;
    Ok(Some(Fence {
        generation: stepwell_protocol::Generation(held.generation.0 - 1),
        ..held.clone()
    }))
}
