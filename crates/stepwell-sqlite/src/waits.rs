//! Waits of steps: opened under a lease, ended by whatever they wait for.

use rusqlite::{Connection, Error, OptionalExtension, Result, ToSql, ffi, params};
use stepwell_engine::{
    Fence, OpenWait, RunWritten, StepWait, Wait, WaitEnd, WaitEnded, WaitOpened,
};
use stepwell_protocol::{Report, RunId, Step, StepStatus, TimestampMs};

use crate::{rows, sql, steps, writes};

pub(crate) fn open(
    connection: &Connection,
    fence: &Fence,
    wait: &StepWait,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<WaitOpened>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    let inserted = match insert(connection, fence, wait) {
        Err(error) if is_taken(&error) => return Ok(Some(WaitOpened::KeyTaken)),
        inserted => inserted?,
    };
    let Some(mut step) = inserted else {
        // Either the fence does not hold, or the step stands already and only the report may be new.
        let repeated = writes::report(connection, fence, report, now)?;
        return Ok(repeated.map(|RunWritten { head, logs }| WaitOpened::Repeated { head, logs }));
    };
    steps::add_children(connection, &fence.run_id, std::slice::from_mut(&mut step))?;
    let logs = writes::insert_logs(connection, fence, report)?;
    let head = connection.prepare_cached(sql::COUNT_WAIT)?.query_row(
        params![
            fence.run_id.as_str(),
            rows::integer(fence.generation.0),
            writes::last_ordinal(report),
            progress,
            now.0,
            rows::integer(logs.len() as u64),
        ],
        |row| rows::head(&fence.run_id, row),
    )?;
    let step = Box::new(step);
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

fn insert(connection: &Connection, fence: &Fence, new: &StepWait) -> Result<Option<Step>> {
    let columns = columns(&new.wait)?;
    connection
        .prepare_cached(sql::INSERT_WAIT)?
        .query_row(
            params![
                fence.run_id.as_str(),
                rows::integer(fence.generation.0),
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
            ],
            rows::step,
        )
        .optional()
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
    let ended = connection
        .prepare_cached(sql::END_WAIT)?
        .query_row(
            params![
                run_id.as_str(),
                step_name,
                status.as_str(),
                is_outcome,
                now.0,
                error,
                output,
            ],
            |row| {
                Ok((
                    rows::kind(row, 0)?,
                    row.get(1)?,
                    rows::time(row, 2)?,
                    row.get(3)?,
                ))
            },
        )
        .optional()?;
    let Some((kind, attempt, started_at, completed_index)) = ended else {
        return Ok(None);
    };
    if let WaitEnd::Outcome { blobs, .. } = end {
        writes::insert_blobs(connection, run_id, blobs)?;
    }
    let head = connection
        .prepare_cached(sql::COUNT_END)?
        .query_row(params![run_id.as_str(), is_outcome, now.0], |row| {
            rows::head(run_id, row)
        })?;
    Ok(Some(WaitEnded {
        head,
        kind,
        attempt,
        started_at,
        completed_index,
    }))
}

/// The run has ended: its open waits become pending steps.
pub(crate) fn close(connection: &Connection, run_id: &RunId) -> Result<()> {
    connection
        .prepare_cached(sql::CLOSE_WAITS)?
        .execute([run_id.as_str()])?;
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
