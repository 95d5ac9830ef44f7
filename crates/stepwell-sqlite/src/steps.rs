//! Reading steps, with the children that theirs are.

use rusqlite::{Connection, OptionalExtension, Params, Result, params};
use stepwell_protocol::{RunId, Step, StepKind};

use crate::{children, rows, sql};

pub(crate) fn all(connection: &Connection, run_id: &RunId, outputs: bool) -> Result<Vec<Step>> {
    let mut steps = read(connection, sql::STEPS, params![run_id.as_str(), outputs])?;
    if outputs {
        add_children(connection, run_id, &mut steps)?;
    }
    Ok(steps)
}

pub(crate) fn one(
    connection: &Connection,
    run_id: &RunId,
    step_name: &str,
) -> Result<Option<Step>> {
    let mut step = connection
        .prepare_cached(sql::STEP)?
        .query_row([run_id.as_str(), step_name], rows::step)
        .optional()?;
    add_children(connection, run_id, step.as_mut_slice())?;
    Ok(step)
}

pub(crate) fn since(connection: &Connection, run_id: &RunId, next_index: u32) -> Result<Vec<Step>> {
    let mut steps = read(
        connection,
        sql::STEPS_SINCE,
        params![run_id.as_str(), next_index],
    )?;
    add_children(connection, run_id, &mut steps)?;
    Ok(steps)
}

fn read(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = connection
        .prepare_cached(sql)?
        .query_map(values, rows::step)?
        .collect::<Result<_>>()?;
    // They come by name; a run's steps are few enough to sort here, and no index on the order has to be kept.
    steps.sort_by_key(|step| step.completed_index.unwrap_or(u32::MAX));
    Ok(steps)
}

pub(crate) fn add_children(
    connection: &Connection,
    run_id: &RunId,
    steps: &mut [Step],
) -> Result<()> {
    for step in steps {
        if step.kind == StepKind::Invoke {
            step.children = children::of_step(connection, run_id, &step.name)?;
        }
    }
    Ok(())
}
