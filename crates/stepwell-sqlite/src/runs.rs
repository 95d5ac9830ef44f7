//! Runs as clients see them: inserts, reads, `cancel` and `retry`.

use rusqlite::{Connection, Error, OptionalExtension, Result, ToSql, params};
use stepwell_engine::{Inserted, LAST_REQUESTS_MAX, NewRun, UNCLAIMED};
use stepwell_protocol::{LogPage, LogQuery, Order, RequestId, Run, RunId, RunStatus, TimestampMs};

use crate::{rows, sql, waits, writes};

pub(crate) fn insert(connection: &Connection, new: &NewRun) -> Result<Inserted> {
    let labels = rows::json(&new.labels)?;
    let parent = new.parent.as_ref();
    let inserted = connection
        .prepare_cached(sql::INSERT_RUN)?
        .execute(params![
            new.id.as_str(),
            new.request_id.as_str(),
            new.job_name,
            new.max_recoveries,
            new.created_at.0,
            new.start_at.0,
            new.idempotency_key,
            new.concurrency_key,
            new.priority,
            labels,
            new.timeout_ms.map(rows::integer),
            rows::retry_json(&new.retry)?,
            parent.map(|parent| parent.run_id.as_str()),
            parent.map(|parent| parent.step_name.as_str()),
            parent.map(|parent| parent.index),
            parent.map(|parent| parent.root_id.as_str()),
        ])?;
    if inserted == 0 {
        return in_the_way(connection, new);
    }
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::DelayedRunClaimedEarly) {
        connection
            .prepare_cached(sql::PLANTED_DUE)?
            .execute([new.id.as_str()])?;
    }
    connection
        .prepare_cached(sql::INSERT_INPUT)?
        .execute(params![new.id.as_str(), rows::of_payload(&new.input)])?;
    for (key, value) in &new.labels {
        connection
            .prepare_cached(sql::INSERT_LABEL)?
            .execute([new.id.as_str(), key, value])?;
    }
    writes::insert_blobs(connection, &new.id, &new.blobs)?;
    Ok(Inserted::Created(as_inserted(new)))
}

/// The run for which nothing was inserted.
fn in_the_way(connection: &Connection, new: &NewRun) -> Result<Inserted> {
    let find = |sql: &str, values: &[&dyn ToSql]| {
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_row(values, rows::run).optional()
    };
    if let Some(run) = of_request(connection, &new.request_id)? {
        return Ok(Inserted::Existing(run));
    }
    // A key that is not there is NULL, which equals nothing.
    let by_idempotency = params![new.job_name, new.idempotency_key];
    if let Some(run) = find(sql::RUN_BY_IDEMPOTENCY, by_idempotency)? {
        return Ok(Inserted::Idempotent(run));
    }
    let by_key = params![new.job_name, new.concurrency_key];
    if let Some(run) = find(sql::RUN_PENDING_BY_KEY, by_key)? {
        return Ok(Inserted::Pending(run));
    }
    let taken = format!("the run id {} is taken by another request", new.id);
    Err(Error::ToSqlConversionFailure(taken.into()))
}

/// The run as it now stands, without reading what was just written.
fn as_inserted(new: &NewRun) -> Run {
    let parent = new.parent.as_ref();
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
        log_count: 0,
        idempotency_key: new.idempotency_key.clone(),
        concurrency_key: new.concurrency_key.clone(),
        priority: new.priority,
        waiting_for: None,
        first_attempt: 1,
        retry: new.retry,
        timeout_ms: new.timeout_ms,
        parent_id: parent.map(|parent| parent.run_id.clone()),
        parent_step: parent.map(|parent| parent.step_name.clone()),
        child_index: parent.map(|parent| parent.index),
        root_id: parent.map_or(&new.id, |parent| &parent.root_id).clone(),
        labels: new.labels.clone(),
        created_at: new.created_at,
        start_at: new.start_at,
        started_at: None,
        completed_at: None,
        updated_at: new.created_at,
    }
}

pub(crate) fn pending_of_key(
    connection: &Connection,
    job_name: &str,
    key: &str,
) -> Result<Option<RunId>> {
    connection
        .prepare_cached(sql::PENDING_OF_KEY)?
        .query_row([job_name, key], |row| row.get(0).map(RunId))
        .optional()
}

pub(crate) fn read(connection: &Connection, run_id: &RunId) -> Result<Option<Run>> {
    connection
        .prepare_cached(sql::RUN)?
        .query_row([run_id.as_str()], rows::run)
        .optional()
}

pub(crate) fn of_request(connection: &Connection, request_id: &RequestId) -> Result<Option<Run>> {
    connection
        .prepare_cached(sql::RUN_BY_REQUEST)?
        .query_row([request_id.as_str()], rows::run)
        .optional()
}

/// Between the ids in `last_request_id`, the newest first.
const BETWEEN_REQUESTS: char = '\n';

pub(crate) fn last_requests(connection: &Connection, run_id: &RunId) -> Result<Vec<RequestId>> {
    let ids: Option<String> = connection
        .prepare_cached(sql::LAST_REQUEST)?
        .query_row([run_id.as_str()], |row| row.get(0))
        .optional()?;
    let ids = ids.iter().flat_map(|ids| ids.split(BETWEEN_REQUESTS));
    Ok(ids.map(RequestId::from).collect())
}

/// With one more, and without those that are too many then.
fn requests_with(
    connection: &Connection,
    run_id: &RunId,
    request_id: &RequestId,
) -> Result<String> {
    let mut ids = vec![request_id.clone()];
    ids.extend(last_requests(connection, run_id)?);
    ids.truncate(LAST_REQUESTS_MAX);
    let ids: Vec<&str> = ids.iter().map(RequestId::as_str).collect();
    Ok(ids.join(&BETWEEN_REQUESTS.to_string()))
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
    let cancelled = guarded(connection, sql::CANCEL, run_id, version, request_id, now)?;
    if cancelled.is_some() {
        waits::close(connection, run_id)?;
    }
    Ok(cancelled)
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
    let requests = requests_with(connection, run_id, request_id)?;
    connection
        .prepare_cached(sql)?
        .query_row(
            params![run_id.as_str(), rows::integer(version), requests, now.0],
            rows::run,
        )
        .optional()
}
