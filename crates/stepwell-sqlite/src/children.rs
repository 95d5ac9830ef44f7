//! Runs that a step of another run made.

use rusqlite::{Connection, OptionalExtension, Params, Result};
use stepwell_engine::ChildCount;
use stepwell_protocol::{ChildResult, RunId};

use crate::{rows, sql};

pub(crate) fn of_step(
    connection: &Connection,
    run_id: &RunId,
    step_name: &str,
) -> Result<Vec<ChildResult>> {
    connection
        .prepare_cached(sql::CHILDREN)?
        .query_map([run_id.as_str(), step_name], rows::child)?
        .collect()
}

pub(crate) fn ids(connection: &Connection, run_id: &RunId) -> Result<Vec<RunId>> {
    read_ids(connection, sql::CHILD_IDS, [run_id.as_str()])
}

pub(crate) fn active(
    connection: &Connection,
    run_id: &RunId,
    step_name: Option<&str>,
) -> Result<Vec<RunId>> {
    let values = (run_id.as_str(), step_name);
    read_ids(connection, sql::ACTIVE_CHILDREN, values)
}

fn read_ids(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<RunId>> {
    connection
        .prepare_cached(sql)?
        .query_map(values, |row| row.get(0).map(RunId))?
        .collect()
}

pub(crate) fn ended(
    connection: &Connection,
    run_id: &RunId,
    step_name: &str,
) -> Result<Option<ChildCount>> {
    connection
        .prepare_cached(sql::CHILD_ENDED)?
        .query_row([run_id.as_str(), step_name], rows::child_count)
        .optional()
}
