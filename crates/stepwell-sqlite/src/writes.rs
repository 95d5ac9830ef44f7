//! What the holder of a lease writes, under a fence that holds (`held.rs`).

use rusqlite::{Connection, Result, params};
use stepwell_engine::{Fence, RunOutcome, RunWritten, StepOutcome, StepWritten};
use stepwell_protocol::{BlobId, LogLine, Report, RunId, RunStatus, StepStatus, TimestampMs};

use crate::held::{self, Held};
use crate::{rows, sql, waits};

/// The hot path: a look at the run, one insert of the step, one update of the run.
pub(crate) fn step(
    connection: &Connection,
    fence: &Fence,
    outcome: &StepOutcome,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<StepWritten>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    let Some(held) = held::look(connection, fence)? else {
        return Ok(None);
    };
    let completed_index = held.next_index;
    if !store_step(connection, fence, outcome, completed_index, now)? {
        return repeat_step(
            connection,
            fence,
            held,
            &outcome.name,
            report,
            progress.as_deref(),
            now,
        )
        .map(Some);
    }
    insert_blobs(connection, &fence.run_id, &outcome.blobs)?;
    let logs = insert_logs(connection, fence, &held, report)?;
    let values = params![
        held.rowid,
        rows::integer(fence.generation.0),
        last_ordinal(report),
        progress,
        now.0,
        rows::integer(logs.len() as u64),
    ];
    held::update(connection, sql::COUNT_STEP, values)?;
    let head = held.updated(RunStatus::Running);
    Ok(Some(StepWritten {
        head,
        completed_index,
        repeated: false,
        logs,
    }))
}

/// Whether it was stored: not where the outcome stands already.
fn store_step(
    connection: &Connection,
    fence: &Fence,
    outcome: &StepOutcome,
    completed_index: u32,
    now: TimestampMs,
) -> Result<bool> {
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::StepWrittenTwice) {
        connection
            .prepare_cached(sql::PLANTED_STEP_PENDING)?
            .execute([fence.run_id.as_str(), outcome.name.as_str()])?;
    }
    let (status, error, output) = match &outcome.result {
        Ok(output) => (StepStatus::Completed, None, Some(rows::of_payload(output))),
        Err(error) => (StepStatus::Failed, Some(rows::json(error)?), None),
    };
    let values = params![
        fence.run_id.as_str(),
        outcome.name,
        outcome.kind.as_str(),
        status.as_str(),
        completed_index,
        outcome.attempt,
        outcome.started_at.0,
        now.0,
        error,
        output,
    ];
    let inserted = connection
        .prepare_cached(sql::INSERT_STEP)?
        .execute(values)?;
    let stored = match inserted {
        0 => connection
            .prepare_cached(sql::REPLACE_STEP)?
            .execute(values)?,
        inserted => inserted,
    };
    Ok(stored > 0)
}

/// The outcome stands already: only the report may be new.
fn repeat_step(
    connection: &Connection,
    fence: &Fence,
    held: Held,
    name: &str,
    report: &Report,
    progress: Option<&str>,
    now: TimestampMs,
) -> Result<StepWritten> {
    let RunWritten { head, logs } = report_of(connection, fence, held, report, progress, now)?;
    let completed_index = connection
        .prepare_cached(sql::STEP_INDEX)?
        .query_row([fence.run_id.as_str(), name], |row| row.get(0))?;
    Ok(StepWritten {
        head,
        completed_index,
        repeated: true,
        logs,
    })
}

pub(crate) fn report(
    connection: &Connection,
    fence: &Fence,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<RunWritten>> {
    // Before anything is looked up: a progress that JSON cannot carry is refused whatever the fence.
    let progress = rows::progress_json(report.progress.as_ref())?;
    held::look(connection, fence)?
        .map(|held| report_of(connection, fence, held, report, progress.as_deref(), now))
        .transpose()
}

/// Of a run that was looked up; `progress` is the report's, as JSON. A resend that brings nothing new is no write; the run
/// is told as it stands.
pub(crate) fn report_of(
    connection: &Connection,
    fence: &Fence,
    held: Held,
    report: &Report,
    progress: Option<&str>,
    now: TimestampMs,
) -> Result<RunWritten> {
    let logs = insert_logs(connection, fence, &held, report)?;
    if logs.is_empty() && progress.is_none() {
        let head = held.head;
        return Ok(RunWritten { head, logs });
    }
    let values = params![
        held.rowid,
        rows::integer(fence.generation.0),
        last_ordinal(report),
        progress,
        now.0,
        rows::integer(logs.len() as u64),
    ];
    held::update(connection, sql::WRITE_REPORT, values)?;
    let head = held.updated(RunStatus::Running);
    Ok(RunWritten { head, logs })
}

pub(crate) fn finish(
    connection: &Connection,
    fence: &Fence,
    outcome: &RunOutcome,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<RunWritten>> {
    let (status, output, error) = match outcome {
        RunOutcome::Completed { output, .. } => {
            (RunStatus::Completed, Some(rows::of_payload(output)), None)
        }
        RunOutcome::Failed(error) => (RunStatus::Failed, None, Some(rows::json(error)?)),
    };
    let progress = rows::progress_json(report.progress.as_ref())?;
    let Some(held) = held::look(connection, fence)? else {
        return Ok(None);
    };
    let logs = insert_logs(connection, fence, &held, report)?;
    let values = params![
        held.rowid,
        rows::integer(fence.generation.0),
        last_ordinal(report),
        progress,
        now.0,
        rows::integer(logs.len() as u64),
        status.as_str(),
        output,
        error,
    ];
    held::update(connection, sql::FINISH, values)?;
    let head = held.updated(status);
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::IdempotencyKeyFreedAtEnd) {
        connection
            .prepare_cached(sql::PLANTED_KEY_FREE)?
            .execute([fence.run_id.as_str()])?;
    }
    waits::close(connection, &fence.run_id)?;
    if let RunOutcome::Completed { blobs, .. } = outcome {
        insert_blobs(connection, &fence.run_id, blobs)?;
    }
    Ok(Some(RunWritten { head, logs }))
}

/// Ties blobs to a run. After a statement that has shown that the run may be written to, in the same transaction.
pub(crate) fn insert_blobs(
    connection: &Connection,
    run_id: &RunId,
    blobs: &[BlobId],
) -> Result<()> {
    insert_blobs_of(connection, run_id.as_str(), blobs)
}

/// Ties blobs to a run, or to a signal that is kept.
pub(crate) fn insert_blobs_of(
    connection: &Connection,
    owner: &str,
    blobs: &[BlobId],
) -> Result<()> {
    for blob in blobs {
        connection
            .prepare_cached(sql::INSERT_BLOB)?
            .execute([owner, blob.as_str()])?;
    }
    Ok(())
}

/// The ordinal of the last line; 0 where there is none.
pub(crate) fn last_ordinal(report: &Report) -> i64 {
    match report.logs.len() {
        0 => 0,
        lines => rows::integer(report.first_ordinal.saturating_add(lines as u64 - 1)),
    }
}

/// Stores the lines that are not stored yet.
pub(crate) fn insert_logs(
    connection: &Connection,
    fence: &Fence,
    held: &Held,
    report: &Report,
) -> Result<Vec<LogLine>> {
    let ordinals = (report.first_ordinal..).map(rows::integer);
    let new = ordinals
        .zip(&report.logs)
        .filter(|&(ordinal, _)| ordinal > held.line_ordinal);
    let mut new = new.peekable();
    if new.peek().is_none() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(sql::INSERT_LOG)?;
    new.map(|(_, line)| {
        let id = statement.insert(params![
            fence.run_id.as_str(),
            line.level.rank(),
            line.attempt,
            line.timestamp.0,
            line.step_name,
            line.message,
            line.data.as_ref().map(rows::of_payload),
        ])?;
        Ok(LogLine {
            id: id.unsigned_abs(),
            run_id: fence.run_id.clone(),
            level: line.level,
            message: line.message.clone(),
            data: line.data.clone(),
            step_name: line.step_name.clone(),
            attempt: line.attempt,
            timestamp: line.timestamp,
        })
    })
    .collect()
}
