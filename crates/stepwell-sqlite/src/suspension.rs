//! Runs that wait: suspended, woken, put off until their next attempt.

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::{Fence, RunHead, RunWritten, Suspended, Suspension};
use stepwell_protocol::{ExecutorId, Report, RunId, RunStatus, TimestampMs, WaitingFor};

use crate::{held, rows, sql, writes};

pub(crate) fn suspend(
    connection: &Connection,
    fence: &Fence,
    suspension: &Suspension<'_>,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<Suspended>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    let Some(held) = held::look(connection, fence)? else {
        return Ok(None);
    };
    #[cfg(feature = "planted")]
    let waits: &[String] = match stepwell_engine::planted::has(
        stepwell_engine::planted::Bug::SuspendedThoughWaitEnded,
    ) {
        true => &[],
        false => suspension.waits,
    };
    #[cfg(not(feature = "planted"))]
    let waits = suspension.waits;
    if !all_wait(connection, &fence.run_id, waits)? {
        let RunWritten { head, logs } =
            writes::report_of(connection, fence, held, report, progress.as_deref(), now)?;
        return Ok(Some(Suspended {
            head,
            is_suspended: false,
            logs,
        }));
    }
    let logs = writes::insert_logs(connection, fence, &held, report)?;
    let needs_network = *suspension.waiting_for == WaitingFor::Network { step_name: None };
    let values = params![
        held.rowid,
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
    ];
    held::update(connection, sql::SUSPEND, values)?;
    let head = held.updated(RunStatus::Waiting);
    Ok(Some(Suspended {
        head,
        is_suspended: true,
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
    let Some(held) = held::look(connection, fence)? else {
        return Ok(None);
    };
    let logs = writes::insert_logs(connection, fence, &held, report)?;
    let values = params![
        held.rowid,
        rows::integer(fence.generation.0),
        writes::last_ordinal(report),
        progress,
        now.0,
        rows::integer(logs.len() as u64),
        rows::json(waiting_for)?,
        wake_at.0,
        fence.run_id.as_str(),
    ];
    held::update(connection, sql::RETRY_LATER, values)?;
    let head = held.updated(RunStatus::Waiting);
    connection
        .prepare_cached(sql::RETRY_STEPS)?
        .execute([fence.run_id.as_str()])?;
    Ok(Some(RunWritten { head, logs }))
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
