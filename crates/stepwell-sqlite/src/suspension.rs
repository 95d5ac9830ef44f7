//! Runs that wait: suspended, woken, put off until their next attempt.

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::{Fence, RunHead, RunWritten, Suspended, Suspension};
use stepwell_protocol::{ExecutorId, Report, RunId, TimestampMs, WaitingFor};

use crate::{rows, sql, writes};

pub(crate) fn suspend(
    connection: &Connection,
    fence: &Fence,
    suspension: &Suspension<'_>,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<Suspended>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    // Before the update, which ends the fence.
    let logs = writes::insert_logs(connection, fence, report)?;
    #[cfg(feature = "planted")]
    let waits: &[String] = match stepwell_engine::planted::has(
        stepwell_engine::planted::Bug::SuspendedThoughWaitEnded,
    ) {
        true => &[],
        false => suspension.waits,
    };
    #[cfg(not(feature = "planted"))]
    let waits = suspension.waits;
    let all_wait = all_wait(connection, &fence.run_id, waits)?;
    let needs_network = *suspension.waiting_for == WaitingFor::Network { step_name: None };
    let mut suspended = None;
    if all_wait {
        suspended = connection
            .prepare_cached(sql::SUSPEND)?
            .query_row(
                params![
                    fence.run_id.as_str(),
                    rows::integer(fence.generation.0),
                    writes::last_ordinal(report),
                    progress,
                    now.0,
                    rows::integer(logs.len() as u64),
                    rows::json(suspension.waiting_for)?,
                    suspension.parked_by.map(ExecutorId::as_str),
                    needs_network,
                    suspension.is_unstarted,
                    rows::integer(suspension.worked_ms),
                ],
                |row| rows::head(&fence.run_id, row),
            )
            .optional()?;
    }
    let is_suspended = suspended.is_some();
    let head = match suspended {
        Some(head) => Some(head),
        None => writes::count_report(connection, fence, report, &progress, &logs, now)?,
    };
    Ok(head.map(|head| Suspended {
        head,
        is_suspended,
        logs,
    }))
}

fn all_wait(connection: &Connection, run_id: &RunId, steps: &[String]) -> Result<bool> {
    let mut statement = connection.prepare_cached(sql::STEP_WAITS)?;
    for step in steps {
        if !statement.exists([run_id.as_str(), step])? {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(crate) fn retry_later(
    connection: &Connection,
    fence: &Fence,
    waiting_for: &WaitingFor,
    wake_at: TimestampMs,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<RunWritten>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    let logs = writes::insert_logs(connection, fence, report)?;
    let head = connection
        .prepare_cached(sql::RETRY_LATER)?
        .query_row(
            params![
                fence.run_id.as_str(),
                rows::integer(fence.generation.0),
                writes::last_ordinal(report),
                progress,
                now.0,
                rows::integer(logs.len() as u64),
                rows::json(waiting_for)?,
                wake_at.0,
            ],
            |row| rows::head(&fence.run_id, row),
        )
        .optional()?;
    if head.is_some() {
        connection
            .prepare_cached(sql::RETRY_STEPS)?
            .execute([fence.run_id.as_str()])?;
    }
    Ok(head.map(|head| RunWritten { head, logs }))
}

pub(crate) fn wake(
    connection: &Connection,
    suspended: &Fence,
    now: TimestampMs,
) -> Result<Option<RunHead>> {
    let run_id = &suspended.run_id;
    connection
        .prepare_cached(sql::WAKE)?
        .query_row(
            params![
                run_id.as_str(),
                rows::integer(suspended.generation.0),
                now.0
            ],
            |row| rows::head(run_id, row),
        )
        .optional()
}

pub(crate) fn wake_offline(connection: &Connection) -> Result<u64> {
    let woken = connection.prepare_cached(sql::WAKE_OFFLINE)?.execute([])?;
    Ok(woken as u64)
}

pub(crate) fn parked_by(connection: &Connection, run_id: &RunId) -> Result<Option<ExecutorId>> {
    connection
        .prepare_cached(sql::PARKED_BY)?
        .query_row([run_id.as_str()], |row| row.get(0).map(ExecutorId))
        .optional()
}
