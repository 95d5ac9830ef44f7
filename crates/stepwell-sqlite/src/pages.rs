//! Pages of runs, newest first.

use rusqlite::{Connection, Result, Row, ToSql, params};
use stepwell_protocol::{RunFilter, RunId, RunPage, RunStatus, TimestampMs};

use crate::{rows, sql};

/// Greater than every id, so that one statement serves the first page and all others.
const AFTER_ALL_IDS: &str = "\u{10FFFF}";

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

/// One id more than the limit of each query.
fn matching_ids(connection: &Connection, filter: &RunFilter) -> Result<Vec<String>> {
    let cursor = filter.cursor.as_ref().map_or(AFTER_ALL_IDS, RunId::as_str);
    let first_id = filter.created_after.map_or_else(String::new, first_id_of);
    let mut ids = Vec::new();
    // The parameters that all of these statements share, and some more.
    let mut add = |sql: &str, more: &[&dyn ToSql]| {
        let mut values: Vec<&dyn ToSql> = vec![&cursor, &first_id];
        values.extend(more);
        add_ids(connection, filter, sql, &values, &mut ids)
    };
    let (roots_only, jobs) = (filter.roots_only, &filter.job_names);
    if let Some(parent_id) = &filter.parent_id {
        add(sql::RUN_IDS_BY_PARENT, params![parent_id.as_str()])?;
        return Ok(ids);
    }
    if let Some(label) = filter.labels.iter().next()
        && !is_active_only(&filter.statuses)
    {
        add(sql::RUN_IDS_BY_LABEL, params![label.0, label.1])?;
        return Ok(ids);
    }
    // The index of all ids does not tell children from others; those by status and job do.
    if jobs.is_empty() && filter.statuses.is_empty() && !roots_only {
        add(sql::RUN_IDS, &[])?;
        return Ok(ids);
    }
    let statuses = match filter.statuses.as_slice() {
        [] => &RunStatus::ALL,
        some => some,
    };
    let kinds: &[bool] = if roots_only { &[false] } else { &[false, true] };
    for status in statuses {
        for is_child in kinds {
            if jobs.is_empty() {
                let values = params![is_child, status.as_str()];
                add(sql::RUN_IDS_BY_STATUS, values)?;
            }
            for job in jobs {
                let values = params![is_child, status.as_str(), job];
                add(sql::RUN_IDS_BY_JOB, values)?;
            }
        }
    }
    Ok(ids)
}

/// Active runs are few: each of them is looked at sooner than all that ever had a label.
fn is_active_only(statuses: &[RunStatus]) -> bool {
    !statuses.is_empty() && statuses.iter().all(|status| !status.is_terminal())
}

/// No id of a run that was made at that time or later is less: the 48 bits of a UUIDv7's time.
fn first_id_of(at: TimestampMs) -> String {
    let ms = u64::try_from(at.0).unwrap_or(0);
    format!("{:08x}-{:04x}", (ms >> 16) & 0xFFFF_FFFF, ms & 0xFFFF)
}

fn add_ids(
    connection: &Connection,
    filter: &RunFilter,
    sql: &str,
    values: &[&dyn ToSql],
    ids: &mut Vec<String>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut room = filter.limit.saturating_add(1);
    while room > 0
        && let Some(row) = rows.next()?
    {
        if is_wanted(filter, row)? {
            ids.push(row.get(0)?);
            room -= 1;
        }
    }
    Ok(())
}

fn is_wanted(filter: &RunFilter, row: &Row<'_>) -> Result<bool> {
    let created_at = rows::time(row, 1)?;
    if filter.created_after.is_some_and(|after| created_at < after)
        || filter
            .created_before
            .is_some_and(|before| created_at >= before)
        || (filter.roots_only && !row.get::<_, bool>(2)?)
        || (!filter.statuses.is_empty() && !filter.statuses.contains(&rows::status(row, 3)?))
    {
        return Ok(false);
    }
    let job = row.get_ref(4)?.as_str()?;
    if !filter.job_names.is_empty() && !filter.job_names.iter().any(|name| name == job) {
        return Ok(false);
    }
    if filter.labels.is_empty() {
        return Ok(true);
    }
    let labels = rows::labels(row, 5)?;
    Ok(filter
        .labels
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value)))
}
