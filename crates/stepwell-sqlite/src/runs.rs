//! Runs as clients see them: inserts, reads, `cancel` and `retry`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::{Inserted, NewRun, UNCLAIMED};
use stepwell_protocol::{
    LogPage, LogQuery, Order, RequestId, Run, RunFilter, RunId, RunPage, RunStatus, Step,
    TimestampMs,
};

use crate::{rows, sql};

/// Greater than every id, so that one statement serves the first page and all others.
const AFTER_ALL_IDS: &str = "\u{10FFFF}";

pub(crate) fn insert(connection: &Connection, new: &NewRun) -> Result<Inserted> {
    let inserted = connection
        .prepare_cached(sql::INSERT_RUN)?
        .execute(params![
            new.id.as_str(),
            new.request_id.as_str(),
            new.job_name,
            new.max_recoveries,
            new.created_at.0,
            new.start_at.0,
        ])?;
    if inserted == 0 {
        let existing = connection
            .prepare_cached(sql::RUN_BY_REQUEST)?
            .query_row([new.request_id.as_str()], rows::run)?;
        return Ok(Inserted::Existing(existing));
    }
    connection
        .prepare_cached(sql::INSERT_INPUT)?
        .execute([new.id.as_str(), new.input.as_str()])?;
    Ok(Inserted::Created(as_inserted(new)))
}

/// The run as it now stands, without reading what was just written.
fn as_inserted(new: &NewRun) -> Run {
    Run {
        id: new.id.clone(),
        job_name: new.job_name.clone(),
        status: RunStatus::Pending,
        input: new.input.clone(),
        output: None,
        error: None,
        progress: None,
        attempt: 1,
        version: 1,
        generation: UNCLAIMED,
        recoveries: 0,
        max_recoveries: new.max_recoveries,
        step_count: 0,
        labels: BTreeMap::new(),
        created_at: new.created_at,
        start_at: new.start_at,
        started_at: None,
        completed_at: None,
        updated_at: new.created_at,
    }
}

pub(crate) fn read(connection: &Connection, run_id: &RunId) -> Result<Option<Run>> {
    connection
        .prepare_cached(sql::RUN)?
        .query_row([run_id.as_str()], rows::run)
        .optional()
}

pub(crate) fn last_request(connection: &Connection, run_id: &RunId) -> Result<Option<RequestId>> {
    connection
        .prepare_cached(sql::LAST_REQUEST)?
        .query_row([run_id.as_str()], |row| row.get(0).map(RequestId))
        .optional()
}

pub(crate) fn page(connection: &Connection, filter: &RunFilter) -> Result<RunPage> {
    let limit = filter.limit as usize;
    let mut ids = matching_ids(connection, filter)?;
    // The newest of each query, merged. A job or status that was named twice is found twice.
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.dedup();
    let more = ids.len() > limit;
    ids.truncate(limit);
    let mut runs = Vec::with_capacity(ids.len());
    let mut statement = connection.prepare_cached(sql::RUN)?;
    for id in &ids {
        runs.push(statement.query_row([id], rows::run)?);
    }
    let next_cursor = ids.pop().filter(|_| more).map(RunId);
    Ok(RunPage { runs, next_cursor })
}

/// One id more than the limit of each job and status that is asked for.
fn matching_ids(connection: &Connection, filter: &RunFilter) -> Result<Vec<String>> {
    let cursor = filter.cursor.as_ref().map_or(AFTER_ALL_IDS, RunId::as_str);
    let limit = i64::from(filter.limit) + 1;
    let statuses = match filter.statuses.as_slice() {
        [] => &RunStatus::ALL,
        some => some,
    };
    let mut ids = Vec::new();
    if filter.job_names.is_empty() && filter.statuses.is_empty() {
        add_ids(connection, sql::RUN_IDS, params![cursor, limit], &mut ids)?;
    } else if filter.job_names.is_empty() {
        for status in statuses {
            let values = params![cursor, limit, status.as_str()];
            add_ids(connection, sql::RUN_IDS_BY_STATUS, values, &mut ids)?;
        }
    } else {
        for job in &filter.job_names {
            for status in statuses {
                let values = params![cursor, limit, status.as_str(), job];
                add_ids(connection, sql::RUN_IDS_BY_JOB, values, &mut ids)?;
            }
        }
    }
    Ok(ids)
}

fn add_ids(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
    ids: &mut Vec<String>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    for id in statement.query_map(values, |row| row.get(0))? {
        ids.push(id?);
    }
    Ok(())
}

pub(crate) fn steps(connection: &Connection, run_id: &RunId, outputs: bool) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = connection
        .prepare_cached(sql::STEPS)?
        .query_map(params![run_id.as_str(), outputs], rows::step)?
        .collect::<Result<_>>()?;
    // They come by name; a run's steps are few enough to sort here, and no index on the order has to be kept.
    steps.sort_by_key(|step| step.completed_index.unwrap_or(u32::MAX));
    Ok(steps)
}

pub(crate) fn logs(connection: &Connection, query: &LogQuery) -> Result<LogPage> {
    let limit = query.limit as usize;
    let (sql, start) = match query.order {
        Order::Asc => (sql::LOGS_ASC, 0),
        Order::Desc => (sql::LOGS_DESC, i64::MAX),
    };
    let cursor = query.cursor.map_or(start, rows::integer);
    let level = query.level.map_or(0, stepwell_protocol::LogLevel::rank);
    let mut logs: Vec<_> = connection
        .prepare_cached(sql)?
        .query_map(
            params![
                query.run_id.as_str(),
                cursor,
                level,
                i64::from(query.limit) + 1
            ],
            rows::log_line,
        )?
        .collect::<Result<_>>()?;
    let more = logs.len() > limit;
    logs.truncate(limit);
    let next_cursor = logs.last().filter(|_| more).map(|line| line.id);
    Ok(LogPage { logs, next_cursor })
}

pub(crate) fn cancel(
    connection: &Connection,
    run_id: &RunId,
    version: u64,
    request_id: &RequestId,
    now: TimestampMs,
) -> Result<Option<Run>> {
    guarded(connection, sql::CANCEL, run_id, version, request_id, now)
}

pub(crate) fn retry(
    connection: &Connection,
    run_id: &RunId,
    version: u64,
    request_id: &RequestId,
    now: TimestampMs,
) -> Result<Option<Run>> {
    let retried = guarded(connection, sql::RETRY, run_id, version, request_id, now)?;
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::RetryClearsCompletedSteps) {
        connection
            .prepare_cached(sql::PLANTED_STEPS_FAILED)?
            .execute([run_id.as_str()])?;
    }
    if retried.is_some() {
        connection
            .prepare_cached(sql::RETRY_STEPS)?
            .execute([run_id.as_str()])?;
    }
    Ok(retried)
}

/// An update that holds only for this version of the run.
fn guarded(
    connection: &Connection,
    sql: &str,
    run_id: &RunId,
    version: u64,
    request_id: &RequestId,
    now: TimestampMs,
) -> Result<Option<Run>> {
    connection
        .prepare_cached(sql)?
        .query_row(
            params![
                run_id.as_str(),
                rows::integer(version),
                request_id.as_str(),
                now.0
            ],
            rows::run,
        )
        .optional()
}
