//! Between rows and the protocol's types.

use std::collections::BTreeMap;

use rusqlite::types::{FromSqlError, FromSqlResult, ToSqlOutput, Type, ValueRef};
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use stepwell_engine::RunHead;
use stepwell_protocol::{
    Generation, LogLevel, LogLine, Payload, Progress, Run, RunId, RunStatus, Step, StepKind,
    StepStatus, TimestampMs,
};

/// SQLite's integers are signed. Counters that start at 0 and rise by 1 never reach the sign.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn counter(row: &Row<'_>, column: usize) -> Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Error::IntegralValueOutOfRange(column, value))
}

fn time(row: &Row<'_>, column: usize) -> Result<TimestampMs> {
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

pub(crate) const fn kind_name(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Run => "run",
    }
}

fn kind_from_name(name: &str) -> Option<StepKind> {
    [StepKind::Run]
        .into_iter()
        .find(|&kind| kind_name(kind) == name)
}

/// How many columns [`run`] reads.
pub(crate) const RUN_COLUMNS: usize = 23;

pub(crate) fn run(row: &Row<'_>) -> Result<Run> {
    Ok(Run {
        id: RunId(row.get(0)?),
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
        labels: labels(row, 22)?,
        created_at: time(row, 13)?,
        start_at: time(row, 14)?,
        started_at: optional_time(row, 15)?,
        completed_at: optional_time(row, 16)?,
        updated_at: time(row, 17)?,
    })
}

pub(crate) fn head(run_id: &RunId, row: &Row<'_>) -> Result<RunHead> {
    Ok(RunHead {
        run_id: run_id.clone(),
        job_name: row.get(0)?,
        labels: labels(row, 3)?,
        status: named(row, 1, RunStatus::from_name)?,
        version: counter(row, 2)?,
    })
}

pub(crate) fn step(row: &Row<'_>) -> Result<Step> {
    Ok(Step {
        name: row.get(0)?,
        kind: named(row, 1, kind_from_name)?,
        status: named(row, 2, StepStatus::from_name)?,
        completed_index: row.get(3)?,
        attempt: row.get(4)?,
        output: optional_payload(row, 5)?,
        error: ours(row, 6)?,
        started_at: time(row, 7)?,
        completed_at: optional_time(row, 8)?,
    })
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
