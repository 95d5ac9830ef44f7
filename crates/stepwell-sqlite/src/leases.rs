//! Sessions, and who may work on a run.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::{Claim, Claimed, Fence, KeyOfJob, Ownership, Parked, Release, RunHead};
use stepwell_protocol::{Epoch, Run, RunStatus, ServedJob, TimestampMs};

use crate::{held, rows, sql};

pub(crate) fn begin_session(
    connection: &Connection,
    ownership: Ownership,
    now: TimestampMs,
) -> Result<Epoch> {
    if ownership == Ownership::Exclusive {
        connection.prepare_cached(sql::VOID_LEASES)?.execute([])?;
    }
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::SleepStartsOver) {
        connection
            .prepare_cached(sql::PLANTED_SLEEP_AGAIN)?
            .execute([])?;
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

/// As many seeks as there are jobs, however many runs wait.
pub(crate) fn claimable_jobs(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(sql::NEXT_CLAIMABLE_JOB)?;
    let mut jobs: Vec<String> = Vec::new();
    let mut from = String::new();
    while let Some(job) = statement.query_row([&from], |row| row.get(0)).optional()? {
        // Nothing lies between a text and the same with a NUL behind it.
        from = format!("{job}\0");
        jobs.push(job);
    }
    Ok(jobs)
}

pub(crate) fn claim(connection: &Connection, claim: &Claim<'_>) -> Result<Vec<Claimed>> {
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::ClaimOfLeasedRun) {
        connection.prepare_cached(sql::VOID_LEASES)?.execute([])?;
    }
    let mut candidates = Vec::new();
    for job in claim.jobs {
        add_candidates(connection, claim, job, &mut candidates)?;
    }
    candidates.sort_unstable_by(|a, b| a.place.cmp(&b.place));
    candidates.dedup_by(|a, b| a.place == b.place);
    candidates.truncate(claim.limit as usize);
    let mut claimed = Vec::with_capacity(candidates.len());
    #[cfg(not(feature = "planted"))]
    let claim_sql = sql::CLAIM;
    #[cfg(feature = "planted")]
    let claim_sql: &str = &planted_claim();
    let mut read = connection.prepare_cached(sql::CLAIMED)?;
    for Candidate {
        rowid,
        from,
        parked,
        ..
    } in candidates
    {
        let values = params![
            rowid,
            rows::integer(claim.session.0),
            claim.lease_expires_at.map(|at| at.0),
            claim.now.0,
        ];
        held::update(connection, claim_sql, values)?;
        claimed.push(read.query_row([rowid], |row| {
            Ok(Claimed {
                run: rows::run(row)?,
                from,
                parked,
                worked_ms: rows::counter(row, rows::RUN_COLUMNS)?,
            })
        })?);
    }
    Ok(claimed)
}

/// A claimable run, as it was before its claim.
struct Candidate {
    /// Its place in the claim order: whether it was woken, its priority, its time, its id.
    place: (Reverse<bool>, Reverse<i32>, i64, String),
    /// The number of its row.
    rowid: i64,
    from: RunStatus,
    parked: Option<Parked>,
}

/// The first claimable runs of a job, as many as the claim and the job's limit allow.
fn add_candidates(
    connection: &Connection,
    claim: &Claim<'_>,
    job: &ServedJob,
    candidates: &mut Vec<Candidate>,
) -> Result<()> {
    let limit = match job.concurrency {
        None => claim.limit,
        Some(limit) => {
            let leased: u32 = connection
                .prepare_cached(sql::LEASED_OF_JOB)?
                .query_row([&job.name], |row| row.get(0))?;
            limit.saturating_sub(leased).min(claim.limit)
        }
    };
    let of_job = |left: &&KeyOfJob| left.job_name == job.name;
    let leaving: Vec<&str> = claim
        .leaving
        .iter()
        .filter(of_job)
        .map(|left| left.key.as_str())
        .collect();
    #[cfg(not(feature = "planted"))]
    let candidates_sql = sql::CANDIDATES;
    #[cfg(feature = "planted")]
    let (candidates_sql, limit) = planted_candidates(claim, limit);
    let mut statement = connection.prepare_cached(candidates_sql.as_ref())?;
    let found = statement.query_map([&job.name], |row| {
        let key = row.get_ref(6)?.as_str_or_null()?;
        if key.is_some_and(|key| leaving.contains(&key)) {
            return Ok(None);
        }
        let from = rows::status(row, 3)?;
        let is_woken = from == RunStatus::Waiting;
        #[cfg(feature = "planted")]
        let is_woken = is_woken
            && !stepwell_engine::planted::has(stepwell_engine::planted::Bug::WokenRunNotFirst);
        Ok(Some(Candidate {
            place: (
                Reverse(is_woken),
                Reverse(row.get(0)?),
                row.get(1)?,
                row.get(2)?,
            ),
            rowid: row.get(7)?,
            from,
            parked: rows::parked(row, 4)?,
        }))
    })?;
    for candidate in found.filter_map(Result::transpose).take(limit as usize) {
        candidates.push(candidate?);
    }
    Ok(())
}

#[cfg(feature = "planted")]
fn planted_claim() -> String {
    use stepwell_engine::planted::{Bug, has};
    match has(Bug::ParkingNotForgotten) {
        true => sql::CLAIM.replace("parked_by = NULL", "parked_by = parked_by"),
        false => sql::CLAIM.to_owned(),
    }
}

/// The statement and the limit, as a planted bug has them.
#[cfg(feature = "planted")]
fn planted_candidates(claim: &Claim<'_>, limit: u32) -> (String, u32) {
    use stepwell_engine::planted::{Bug, has};
    let sql = sql::CANDIDATES;
    if has(Bug::ConcurrencyKeyIgnoredAtClaim) {
        return (sql.replace("NOT EXISTS", "1 OR NOT EXISTS"), limit);
    }
    if has(Bug::WokenRunNotFirst) {
        return (sql.replace("(status = 'waiting') DESC, ", ""), limit);
    }
    if has(Bug::PriorityIgnored) {
        return (sql.replace("priority DESC, start_at", "start_at"), limit);
    }
    let limit = match has(Bug::JobLimitIgnored) {
        true => claim.limit,
        false => limit,
    };
    (sql.to_owned(), limit)
}

pub(crate) fn promote_due(
    connection: &Connection,
    now: TimestampMs,
) -> Result<Option<TimestampMs>> {
    connection
        .prepare_cached(sql::PROMOTE_DUE)?
        .execute([now.0])?;
    let next: Option<i64> = connection
        .prepare_cached(sql::NEXT_DUE)?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(TimestampMs))
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
    let Some(held) = held::look(connection, fence)? else {
        return Ok(None);
    };
    let values = params![
        held.rowid,
        rows::integer(fence.generation.0),
        how == Release::Orderly,
        now.0,
    ];
    held::update(connection, sql::RELEASE, values)?;
    Ok(Some(held.updated(RunStatus::Running)))
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
