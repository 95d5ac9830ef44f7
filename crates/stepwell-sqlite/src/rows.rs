//! Between rows and the protocol's types.

use std::collections::BTreeMap;

use rusqlite::types::{FromSqlError, FromSqlResult, ToSqlOutput, Type, ValueRef};
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stepwell_engine::{ChildCount, OpenWait, Parked, RunHead};
use stepwell_protocol::{
    ChildResult, ExecutorId, Generation, InvokeMode, LogLevel, LogLine, Payload, Progress,
    RetryPolicy, Run, RunFailure, RunId, RunStatus, Step, StepKind, StepStatus, TimestampMs,
    WaitingFor,
};

/// SQLite's integers are signed. Counters that start at 0 and rise by 1 never reach the sign.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn counter(row: &Row<'_>, column: usize) -> Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Error::IntegralValueOutOfRange(column, value))
}

fn optional_counter(row: &Row<'_>, column: usize) -> Result<Option<u64>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => counter(row, column).map(Some),
    }
}

fn optional_run_id(row: &Row<'_>, column: usize) -> Result<Option<RunId>> {
    Ok(row.get::<_, Option<String>>(column)?.map(RunId))
}

pub(crate) fn time(row: &Row<'_>, column: usize) -> Result<TimestampMs> {
    row.get(column).map(TimestampMs)
}

fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<TimestampMs>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(TimestampMs))
}

/// A user's value: text or a blob.
fn payload(value: ValueRef<'_>) -> FromSqlResult<Payload> {
    match value {
        ValueRef::Text(_) => value.as_str().map(Payload::from),
        ValueRef::Blob(bytes) => Ok(Payload::Bytes(bytes.to_vec())),
        _ => Err(FromSqlError::InvalidType),
    }
}

fn optional_payload(row: &Row<'_>, column: usize) -> Result<Option<Payload>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => required_payload(row, column).map(Some),
    }
}

fn required_payload(row: &Row<'_>, column: usize) -> Result<Payload> {
    let value = row.get_ref(column)?;
    payload(value).map_err(|error| {
        Error::FromSqlConversionFailure(column, value.data_type(), Box::new(error))
    })
}

/// A user's value as a parameter.
pub(crate) fn of_payload(payload: &Payload) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match payload {
        Payload::Text(text) => ValueRef::Text(text.as_bytes()),
        Payload::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

/// Most runs have none: no parser for them.
pub(crate) fn labels(row: &Row<'_>, column: usize) -> Result<BTreeMap<String, String>> {
    if row.get_ref(column)?.as_str()? == NO_LABELS {
        return Ok(BTreeMap::new());
    }
    Ok(ours(row, column)?.unwrap_or_default())
}

/// The labels of a run that has none, as stored.
pub(crate) const NO_LABELS: &str = "{}";

/// A value of ours that is stored as JSON.
fn ours<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn named<T>(row: &Row<'_>, column: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let name = row.get_ref(column)?.as_str()?;
    parse(name).ok_or_else(|| unknown(column, name))
}

fn unknown(column: usize, name: &str) -> Error {
    let message = format!("unknown value {name:?}");
    Error::FromSqlConversionFailure(column, Type::Text, message.into())
}

/// The JSON of a value of ours.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// JSON knows no NaN and no infinity: it would store `null` and could not be read again.
pub(crate) fn progress_json(progress: Option<&Progress>) -> Result<Option<String>> {
    let finite = |progress: &Progress| {
        progress.current.is_finite() && progress.total.is_none_or(f64::is_finite)
    };
    match progress {
        Some(progress) if !finite(progress) => Err(Error::ToSqlConversionFailure(
            "a progress that is not a finite number".into(),
        )),
        progress => progress.map(json).transpose(),
    }
}

/// The usual policy is NULL: most runs have it.
pub(crate) fn retry_json(policy: &RetryPolicy) -> Result<Option<String>> {
    match *policy == RetryPolicy::NONE {
        true => Ok(None),
        false => json(policy).map(Some),
    }
}

pub(crate) const fn mode_name(mode: InvokeMode) -> &'static str {
    match mode {
        InvokeMode::FailFast => "fail_fast",
        InvokeMode::Settled => "settled",
    }
}

fn mode_from_name(name: &str) -> Option<InvokeMode> {
    [InvokeMode::FailFast, InvokeMode::Settled]
        .into_iter()
        .find(|&mode| mode_name(mode) == name)
}

/// How many columns [`run`] reads.
pub(crate) const RUN_COLUMNS: usize = 31;

pub(crate) fn run(row: &Row<'_>) -> Result<Run> {
    let id = RunId(row.get(0)?);
    let root_id = optional_run_id(row, 30)?.unwrap_or_else(|| id.clone());
    Ok(Run {
        id,
        job_name: row.get(1)?,
        status: named(row, 2, RunStatus::from_name)?,
        input: required_payload(row, 3)?,
        output: optional_payload(row, 4)?,
        error: ours(row, 5)?,
        progress: ours(row, 6)?,
        attempt: row.get(7)?,
        version: counter(row, 8)?,
        generation: Generation(counter(row, 9)?),
        recoveries: row.get(10)?,
        max_recoveries: row.get(11)?,
        step_count: row.get(12)?,
        log_count: counter(row, 18)?,
        idempotency_key: row.get(19)?,
        concurrency_key: row.get(20)?,
        priority: row.get(21)?,
        waiting_for: ours(row, 23)?,
        first_attempt: row.get(24)?,
        retry: ours(row, 25)?.unwrap_or(RetryPolicy::NONE),
        timeout_ms: optional_counter(row, 26)?,
        parent_id: optional_run_id(row, 27)?,
        parent_step: row.get(28)?,
        child_index: row.get(29)?,
        root_id,
        labels: labels(row, 22)?,
        created_at: time(row, 13)?,
        start_at: time(row, 14)?,
        started_at: optional_time(row, 15)?,
        completed_at: optional_time(row, 16)?,
        updated_at: time(row, 17)?,
    })
}

pub(crate) fn head(run_id: &RunId, row: &Row<'_>) -> Result<RunHead> {
    head_from(run_id, row, 0)
}

/// From the column `first` on.
pub(crate) fn head_from(run_id: &RunId, row: &Row<'_>, first: usize) -> Result<RunHead> {
    Ok(RunHead {
        run_id: run_id.clone(),
        job_name: row.get(first)?,
        labels: labels(row, first + 3)?,
        parent_id: optional_run_id(row, first + 4)?,
        parent_step: row.get(first + 5)?,
        status: named(row, first + 1, RunStatus::from_name)?,
        version: counter(row, first + 2)?,
    })
}

/// Without its children, which are runs.
pub(crate) fn step(row: &Row<'_>) -> Result<Step> {
    let name: String = row.get(0)?;
    let attempt = row.get(4)?;
    let error: Option<RunFailure> = ours(row, 6)?;
    let waiting_for = waiting_for(row, &name, attempt, error.as_ref())?;
    Ok(Step {
        name,
        kind: named(row, 1, StepKind::from_name)?,
        status: named(row, 2, StepStatus::from_name)?,
        completed_index: row.get(3)?,
        attempt,
        output: optional_payload(row, 5)?,
        error,
        started_at: time(row, 7)?,
        completed_at: optional_time(row, 8)?,
        first_attempt: row.get(9)?,
        waiting_for,
        children: Vec::new(),
    })
}

/// What a step waits for is not stored as such: its columns tell it.
fn waiting_for(
    row: &Row<'_>,
    name: &str,
    attempt: u32,
    error: Option<&RunFailure>,
) -> Result<Option<WaitingFor>> {
    let step_name = name.to_owned();
    let Some(wait) = row.get_ref(10)?.as_str_or_null().map_err(Error::from)? else {
        return Ok(None);
    };
    let waiting_for = match wait {
        "retry" => WaitingFor::Retry {
            step_name: Some(step_name),
            attempt: attempt + 1,
            until: time(row, 11)?,
            error: error.cloned().ok_or_else(|| unknown(6, "NULL"))?,
        },
        "sleep" => WaitingFor::Sleep {
            step_name,
            until: time(row, 11)?,
        },
        "signal" => WaitingFor::Signal {
            step_name,
            key: row.get(12)?,
            until: optional_time(row, 11)?,
        },
        "children" => WaitingFor::Children {
            step_name,
            count: row.get(13)?,
        },
        "network" => WaitingFor::Network {
            step_name: Some(step_name),
        },
        other => return Err(unknown(10, other)),
    };
    Ok(Some(waiting_for))
}

pub(crate) fn open_wait(row: &Row<'_>) -> Result<OpenWait> {
    Ok(OpenWait {
        run_id: RunId(row.get(0)?),
        step_name: row.get(1)?,
        kind: kind(row, 2)?,
    })
}

pub(crate) fn kind(row: &Row<'_>, column: usize) -> Result<StepKind> {
    named(row, column, StepKind::from_name)
}

pub(crate) fn status(row: &Row<'_>, column: usize) -> Result<RunStatus> {
    named(row, column, RunStatus::from_name)
}

/// The executor's id and the index beside it.
pub(crate) fn parked(row: &Row<'_>, column: usize) -> Result<Option<Parked>> {
    let Some(executor_id) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    Ok(Some(Parked {
        executor_id: ExecutorId(executor_id),
        next_index: row.get(column + 1)?,
    }))
}

pub(crate) fn child(row: &Row<'_>) -> Result<ChildResult> {
    Ok(ChildResult {
        run_id: RunId(row.get(0)?),
        job_name: row.get(1)?,
        status: status(row, 2)?,
        output: optional_payload(row, 3)?,
        error: ours(row, 4)?,
    })
}

pub(crate) fn child_count(row: &Row<'_>) -> Result<ChildCount> {
    Ok(ChildCount {
        pending: row.get(0)?,
        mode: named(row, 1, mode_from_name)?,
    })
}

/// What a signal brought: a failure, or else a value.
pub(crate) fn sent(
    row: &Row<'_>,
    value: usize,
    error: usize,
) -> Result<std::result::Result<Payload, RunFailure>> {
    match ours(row, error)? {
        Some(failure) => Ok(Err(failure)),
        None => required_payload(row, value).map(Ok),
    }
}

pub(crate) fn log_line(row: &Row<'_>) -> Result<LogLine> {
    let level: u8 = row.get(2)?;
    Ok(LogLine {
        id: counter(row, 0)?,
        run_id: RunId(row.get(1)?),
        level: LogLevel::from_rank(level).ok_or_else(|| unknown(2, &level.to_string()))?,
        message: row.get(3)?,
        data: optional_payload(row, 4)?,
        step_name: row.get(5)?,
        attempt: row.get(6)?,
        timestamp: time(row, 7)?,
    })
}
