//! What the holder of a lease writes. Every statement carries the fence.

use rusqlite::{Connection, OptionalExtension, Result, params};
use stepwell_engine::{Fence, RunHead, RunOutcome, RunWritten, StepOutcome, StepWritten};
use stepwell_protocol::{BlobId, LogLine, Report, RunId, RunStatus, StepStatus, TimestampMs};

use crate::{rows, sql, waits};

/// The hot path: one insert of the step, one update of the run.
pub(crate) fn step(
    connection: &Connection,
    fence: &Fence,
    outcome: &StepOutcome,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<StepWritten>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    let Some(completed_index) = insert_step(connection, fence, outcome, now)? else {
        return repeat_step(connection, fence, &outcome.name, report, now);
    };
    insert_blobs(connection, &fence.run_id, &outcome.blobs)?;
    let logs = insert_logs(connection, fence, report)?;
    let head = connection.prepare_cached(sql::COUNT_STEP)?.query_row(
        params![
            fence.run_id.as_str(),
            rows::integer(fence.generation.0),
            last_ordinal(report),
            progress,
            now.0,
            rows::integer(logs.len() as u64),
        ],
        |row| rows::head(&fence.run_id, row),
    )?;
    Ok(Some(StepWritten {
        head,
        completed_index,
        repeated: false,
        logs,
    }))
}

fn insert_step(
    connection: &Connection,
    fence: &Fence,
    outcome: &StepOutcome,
    now: TimestampMs,
) -> Result<Option<u32>> {
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
    connection
        .prepare_cached(sql::INSERT_STEP)?
        .query_row(
            params![
                fence.run_id.as_str(),
                rows::integer(fence.generation.0),
                outcome.name,
                outcome.kind.as_str(),
                status.as_str(),
                outcome.attempt,
                outcome.started_at.0,
                now.0,
                error,
                output,
            ],
            |row| row.get(0),
        )
        .optional()
}

/// Either the fence does not hold, or the outcome stands already and only the report may be new.
fn repeat_step(
    connection: &Connection,
    fence: &Fence,
    name: &str,
    new: &Report,
    now: TimestampMs,
) -> Result<Option<StepWritten>> {
    let Some(RunWritten { head, logs }) = report(connection, fence, new, now)? else {
        return Ok(None);
    };
    let completed_index = connection
        .prepare_cached(sql::STEP_INDEX)?
        .query_row([fence.run_id.as_str(), name], |row| row.get(0))?;
    Ok(Some(StepWritten {
        head,
        completed_index,
        repeated: true,
        logs,
    }))
}

pub(crate) fn report(
    connection: &Connection,
    fence: &Fence,
    report: &Report,
    now: TimestampMs,
) -> Result<Option<RunWritten>> {
    let progress = rows::progress_json(report.progress.as_ref())?;
    let logs = insert_logs(connection, fence, report)?;
    let head = count_report(connection, fence, report, &progress, &logs, now)?;
    Ok(head.map(|head| RunWritten { head, logs }))
}

/// The run's part of a report whose lines are stored.
pub(crate) fn count_report(
    connection: &Connection,
    fence: &Fence,
    report: &Report,
    progress: &Option<String>,
    logs: &[LogLine],
    now: TimestampMs,
) -> Result<Option<RunHead>> {
    let written = connection
        .prepare_cached(sql::WRITE_REPORT)?
        .query_row(
            params![
                fence.run_id.as_str(),
                rows::integer(fence.generation.0),
                last_ordinal(report),
                progress,
                now.0,
                rows::integer(logs.len() as u64),
            ],
            |row| rows::head(&fence.run_id, row),
        )
        .optional()?;
    match written {
        Some(head) => Ok(Some(head)),
        // A resend that brings nothing new is no write; the run is told as it stands.
        None => fenced_head(connection, fence),
    }
}

fn fenced_head(connection: &Connection, fence: &Fence) -> Result<Option<RunHead>> {
    connection
        .prepare_cached(sql::FENCED_HEAD)?
        .query_row(
            params![fence.run_id.as_str(), rows::integer(fence.generation.0)],
            |row| rows::head(&fence.run_id, row),
        )
        .optional()
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
    // Before the update, which ends the fence.
    let logs = insert_logs(connection, fence, report)?;
    let head = connection
        .prepare_cached(sql::FINISH)?
        .query_row(
            params![
                fence.run_id.as_str(),
                rows::integer(fence.generation.0),
                last_ordinal(report),
                progress,
                now.0,
                rows::integer(logs.len() as u64),
                status.as_str(),
                output,
                error,
            ],
            |row| rows::head(&fence.run_id, row),
        )
        .optional()?;
    #[cfg(feature = "planted")]
    if stepwell_engine::planted::has(stepwell_engine::planted::Bug::IdempotencyKeyFreedAtEnd) {
        connection
            .prepare_cached(sql::PLANTED_KEY_FREE)?
            .execute([fence.run_id.as_str()])?;
    }
    if head.is_some() {
        waits::close(connection, &fence.run_id)?;
        if let RunOutcome::Completed { blobs, .. } = outcome {
            insert_blobs(connection, &fence.run_id, blobs)?;
        }
    }
    Ok(head.map(|head| RunWritten { head, logs }))
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

/// Stores the lines that are not stored yet. Must come before the update that raises the run's `line_ordinal`.
pub(crate) fn insert_logs(
    connection: &Connection,
    fence: &Fence,
    report: &Report,
) -> Result<Vec<LogLine>> {
    let mut stored = Vec::new();
    if report.logs.is_empty() {
        return Ok(stored);
    }
    let mut statement = connection.prepare_cached(sql::INSERT_LOG)?;
    for (ordinal, line) in (report.first_ordinal..).zip(&report.logs) {
        let inserted = statement.execute(params![
            fence.run_id.as_str(),
            rows::integer(fence.generation.0),
            rows::integer(ordinal),
            line.level.rank(),
            line.attempt,
            line.timestamp.0,
            line.step_name,
            line.message,
            line.data.as_ref().map(rows::of_payload),
        ])?;
        if inserted == 1 {
            stored.push(LogLine {
                id: connection.last_insert_rowid().unsigned_abs(),
                run_id: fence.run_id.clone(),
                level: line.level,
                message: line.message.clone(),
                data: line.data.clone(),
                step_name: line.step_name.clone(),
                attempt: line.attempt,
                timestamp: line.timestamp,
            });
        }
    }
    Ok(stored)
}
