//! Waits of steps: opened under a lease, ended by whatever they wait for.

use rusqlite::{Connection, Error, OptionalExtension, Result, ToSql, ffi, params};
use stepwell_engine::{
    Fence, OpenWait, RunHead, RunWritten, StepWait, Wait, WaitEnd, WaitEnded, WaitOpened,
};
use stepwell_protocol::{Report, RunId, RunStatus, StepKind, StepStatus, TimestampMs};

use crate::{held, rows, sql, steps, writes};

pub(crate) fn open(
    connection: &Connection,
    fence: &Fence,
    wait: &StepWait,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<WaitOpened>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    let Some(held) = held::look(connection, fence)? else {
        return Ok(None);
    };
    match insert(connection, &fence.run_id, wait) {
        Err(error) if is_taken(&error) => return Ok(Some(WaitOpened::KeyTaken)),
        Ok(false) => {
            let RunWritten { head, logs } =
                writes::report_of(connection, fence, held, report, progress.as_deref(), now)?;
            return Ok(Some(WaitOpened::Repeated { head, logs }));
        }
        inserted => inserted?,
    };
    let step = steps::one(connection, &fence.run_id, &wait.name)?;
    let step = Box::new(step.ok_or(Error::QueryReturnedNoRows)?);
    let logs = writes::insert_logs(connection, fence, &held, report)?;
    let values = params![
        held.rowid,
        rows::integer(fence.generation.0),
        writes::last_ordinal(report),
        progress,
        now.0,
        rows::integer(logs.len() as u64),
    ];
    held::update(connection, sql::COUNT_WAIT, values)?;
    let head = held.updated(RunStatus::Running);
    Ok(Some(WaitOpened::Opened { head, step, logs }))
}

/// The columns of a step that tell its wait.
#[derive(Default)]
struct Columns<'a> {
    wait: &'static str,
    wake_at: Option<i64>,
    key: Option<&'a str>,
    mode: Option<&'static str>,
    count: Option<u32>,
    pending: Option<u32>,
    error: Option<String>,
}

fn columns(wait: &Wait) -> Result<Columns<'_>> {
    let default = Columns::default();
    Ok(match wait {
        Wait::Retry { wake_at, error } => Columns {
            wait: "retry",
            wake_at: Some(wake_at.0),
            error: Some(rows::json(error)?),
            ..default
        },
        Wait::Sleep { wake_at } => Columns {
            wait: "sleep",
            wake_at: Some(wake_at.0),
            ..default
        },
        Wait::Signal { key, wake_at } => Columns {
            wait: "signal",
            wake_at: wake_at.map(|at| at.0),
            key: Some(key),
            ..default
        },
        Wait::Network => Columns {
            wait: "network",
            ..default
        },
        Wait::Children {
            mode,
            count,
            pending,
        } => Columns {
            wait: "children",
            mode: Some(rows::mode_name(*mode)),
            count: Some(*count),
            pending: Some(*pending),
            ..default
        },
    })
}

/// Whether it was inserted: not where the step stands already.
fn insert(connection: &Connection, run_id: &RunId, new: &StepWait) -> Result<bool> {
    let columns = columns(&new.wait)?;
    let inserted = connection
        .prepare_cached(sql::INSERT_WAIT)?
        .execute(params![
            run_id.as_str(),
            new.name,
            new.kind.as_str(),
            new.attempt,
            new.started_at.0,
            columns.wait,
            columns.wake_at,
            columns.key,
            columns.mode,
            columns.count,
            columns.pending,
            columns.error,
        ])?;
    Ok(inserted > 0)
}

/// The one unique index that a wait can break is that of the keys awaited. SQLite has undone the statement then.
fn is_taken(error: &Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|cause| cause.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE)
}

pub(crate) fn end(
    connection: &Connection,
    run_id: &RunId,
    step_name: &str,
    end: &WaitEnd,
    now: TimestampMs,
) -> Result<Option<WaitEnded>> {
    let (status, output, error) = match end {
        WaitEnd::Again => (StepStatus::Pending, None, None),
        WaitEnd::Outcome {
            result: Ok(output), ..
        } => {
            let output = output.as_ref().map(rows::of_payload);
            (StepStatus::Completed, output, None)
        }
        WaitEnd::Outcome {
            result: Err(error), ..
        } => (StepStatus::Failed, None, Some(rows::json(error)?)),
    };
    let is_outcome = status != StepStatus::Pending;
    let Some(open) = look(connection, run_id, step_name)? else {
        return Ok(None);
    };
    let completed_index = is_outcome.then_some(open.next_index);
    let values = params![
        run_id.as_str(),
        step_name,
        status.as_str(),
        completed_index,
        is_outcome.then_some(now.0),
        error,
        output,
    ];
    held::update(connection, sql::END_WAIT, values)?;
    if let WaitEnd::Outcome { blobs, .. } = end {
        writes::insert_blobs(connection, run_id, blobs)?;
    }
    let values = params![open.rowid, is_outcome, now.0];
    held::update(connection, sql::COUNT_END, values)?;
    let mut head = open.head;
    head.version += 1;
    Ok(Some(WaitEnded {
        head,
        kind: open.kind,
        attempt: open.attempt,
        started_at: open.started_at,
        completed_index,
    }))
}

/// A step that waits, and its run, before the wait ends.
struct Open {
    rowid: i64,
    next_index: u32,
    kind: StepKind,
    attempt: u32,
    started_at: TimestampMs,
    head: RunHead,
}

fn look(connection: &Connection, run_id: &RunId, step_name: &str) -> Result<Option<Open>> {
    connection
        .prepare_cached(sql::OPEN_WAIT)?
        .query_row([run_id.as_str(), step_name], |row| {
            Ok(Open {
                rowid: row.get(0)?,
                next_index: row.get(1)?,
                kind: rows::kind(row, 2)?,
                attempt: row.get(3)?,
                started_at: rows::time(row, 4)?,
                head: rows::head_from(run_id, row, 5)?,
            })
        })
        .optional()
}

/// The run has ended: its open waits become pending steps. Most have none, and a look costs less than an update that
/// finds nothing.
pub(crate) fn close(connection: &Connection, run_id: &RunId) -> Result<()> {
    let has_waits = connection
        .prepare_cached(sql::HAS_WAITS)?
        .exists([run_id.as_str()])?;
    if has_waits {
        connection
            .prepare_cached(sql::CLOSE_WAITS)?
            .execute([run_id.as_str()])?;
    }
    Ok(())
}

pub(crate) fn due(connection: &Connection, now: TimestampMs, limit: u32) -> Result<Vec<OpenWait>> {
    list(connection, sql::DUE_WAITS, params![now.0, limit])
}

pub(crate) fn for_network(connection: &Connection, limit: u32) -> Result<Vec<OpenWait>> {
    list(connection, sql::NETWORK_WAITS, params![limit])
}

fn list(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<OpenWait>> {
    connection
        .prepare_cached(sql)?
        .query_map(values, rows::open_wait)?
        .collect()
}

pub(crate) fn next(connection: &Connection) -> Result<Option<TimestampMs>> {
    let next: Option<i64> = connection
        .prepare_cached(sql::NEXT_WAIT)?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(TimestampMs))
}
