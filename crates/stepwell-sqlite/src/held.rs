//! A run whose fence holds, looked up once for each write; the statements that follow find its row by number.
//!
//! Transactions are immediate, so what was read stays true until the commit: nobody else writes in between. Updates of
//! the run repeat the fence all the same. What goes into other tables has no fence of its own.
//!
//! No statement of a hot path has RETURNING: for each run of one, SQLite makes a database in memory and throws it away,
//! which cost more than the rest of a step commit together.

use rusqlite::{Connection, Error, OptionalExtension, Params, Result, params};
use stepwell_engine::{Fence, RunHead};
use stepwell_protocol::RunStatus;

use crate::{rows, sql};

/// A run as it stands before a write.
pub(crate) struct Held {
    pub(crate) rowid: i64,
    pub(crate) next_index: u32,
    pub(crate) line_ordinal: i64,
    pub(crate) head: RunHead,
}

/// The run, if the fence holds.
pub(crate) fn look(connection: &Connection, fence: &Fence) -> Result<Option<Held>> {
    connection
        .prepare_cached(sql::HELD)?
        .query_row(
            params![fence.run_id.as_str(), rows::integer(fence.generation.0)],
            |row| {
                Ok(Held {
                    rowid: row.get(0)?,
                    next_index: row.get(1)?,
                    line_ordinal: row.get(2)?,
                    head: rows::head_from(&fence.run_id, row, 3)?,
                })
            },
        )
        .optional()
}

impl Held {
    /// The run after an update. Each raises the version by one.
    pub(crate) fn updated(self, status: RunStatus) -> RunHead {
        RunHead {
            status,
            version: self.head.version + 1,
            ..self.head
        }
    }
}

/// Writes to a row that was read in this very transaction.
pub(crate) fn update(connection: &Connection, sql: &str, values: impl Params) -> Result<()> {
    match connection.prepare_cached(sql)?.execute(values)? {
        1 => Ok(()),
        other => Err(Error::StatementChangedRows(other)),
    }
}
