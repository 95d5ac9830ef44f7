//! The schema, as numbered migrations. A published migration is never edited: write the next one. The browser's SQLite
//! knows no ALTER TABLE until a migration needs it (`xtask/src/sqlite.rs`).

use rusqlite::{Connection, TransactionBehavior};
use stepwell_engine::{StoreError, StoreResult};

use crate::error::store_error;
use crate::sql;

/// The newest schema version that this build knows.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// Migration `i` makes version `i + 1`.
const MIGRATIONS: [&str; 1] = [V1];

/// How many tables `V1` makes; fewer in a database of ours means damage.
const TABLES: u32 = 9;

/// A step commit rewrites one row of `stepwell_runs` and adds one of `stepwell_steps`, so both are laid out for that:
///
/// - A run's input may be a megabyte and SQLite rewrites a whole row on UPDATE, so inputs have a table of their own.
///   Output and error are written with the run's last UPDATE and can stay in the row.
/// - Payloads are of type ANY: text, or a blob where binary data are part of them. They stand last in their rows, so
///   that what is read often does not lie behind them.
/// - No index holds a column that a step commit changes: it touches one page here, one there.
/// - The indexes for lists keep runs without a parent apart: a few may have made a thousand times as many children.
/// - `stepwell_steps` without a rowid: one B-tree, and a run's steps lie together. `stepwell_runs` with one: rows as
///   large as an output would make a poor B-tree of keys.
/// - The indexes on work to do are partial: a run that has ended is in none, however many there are, nor is a step whose
///   wait is over.
/// - No CHECK and no index has `IN` with more than two values: SQLite makes a database in memory of such a list each time
///   that it looks at one, five a step commit once.
/// - What most rows lack is NULL in them, a byte each: the usual retry policy, the root of a run without a parent.
///
/// Rows are joined by the statements that insert them (each selects its run), so foreign keys would only cost look-ups.
const V1: &str = "
CREATE TABLE stepwell_schema_versions (
  version INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE stepwell_sessions (
  id INTEGER PRIMARY KEY,
  started_at INTEGER NOT NULL
) STRICT;

CREATE TABLE stepwell_runs (
  id TEXT NOT NULL PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  last_request_id TEXT NOT NULL,
  job_name TEXT NOT NULL,
  idempotency_key TEXT,
  concurrency_key TEXT,
  priority INTEGER NOT NULL,
  is_due INTEGER NOT NULL,
  due_at INTEGER,
  status TEXT NOT NULL
    CHECK (status = 'pending' OR status = 'running' OR status = 'waiting' OR status = 'completed'
      OR status = 'failed' OR status = 'cancelled'),
  attempt INTEGER NOT NULL,
  first_attempt INTEGER NOT NULL,
  version INTEGER NOT NULL,
  lease_generation INTEGER NOT NULL,
  lease_owner INTEGER,
  lease_expires_at INTEGER,
  is_first_start INTEGER NOT NULL,
  released_orderly INTEGER NOT NULL,
  recoveries INTEGER NOT NULL,
  max_recoveries INTEGER NOT NULL,
  step_count INTEGER NOT NULL,
  next_index INTEGER NOT NULL,
  line_ordinal INTEGER NOT NULL,
  log_count INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  start_at INTEGER NOT NULL,
  started_at INTEGER,
  completed_at INTEGER,
  updated_at INTEGER NOT NULL,
  worked_ms INTEGER NOT NULL,
  timeout_ms INTEGER,
  retry TEXT,
  parent_id TEXT,
  parent_step TEXT,
  child_index INTEGER,
  root_id TEXT,
  needs_network INTEGER NOT NULL,
  parked_by TEXT,
  parked_index INTEGER,
  waiting_for TEXT,
  labels TEXT NOT NULL,
  progress TEXT,
  error TEXT,
  output ANY
) STRICT;

CREATE TABLE stepwell_run_inputs (
  run_id TEXT NOT NULL PRIMARY KEY,
  input ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stepwell_labels (
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (key, value, run_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE stepwell_blobs (
  blob_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  PRIMARY KEY (blob_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX stepwell_blobs_by_run ON stepwell_blobs (run_id);

CREATE INDEX stepwell_runs_by_status ON stepwell_runs (status, (parent_id IS NOT NULL), id);
CREATE INDEX stepwell_runs_by_job ON stepwell_runs (job_name, status, (parent_id IS NOT NULL), id);
CREATE INDEX stepwell_runs_claimable
  ON stepwell_runs (job_name, (status = 'waiting') DESC, priority DESC, start_at, id)
  WHERE lease_owner IS NULL AND is_due = 1 AND completed_at IS NULL;
CREATE INDEX stepwell_runs_delayed ON stepwell_runs (due_at)
  WHERE is_due = 0 AND due_at IS NOT NULL AND status IN ('pending', 'waiting');
CREATE INDEX stepwell_runs_offline ON stepwell_runs (id)
  WHERE is_due = 0 AND needs_network = 1 AND status = 'waiting';
CREATE INDEX stepwell_runs_ended ON stepwell_runs (completed_at, id)
  WHERE completed_at IS NOT NULL AND parent_id IS NULL;
CREATE UNIQUE INDEX stepwell_runs_idempotency ON stepwell_runs (job_name, idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX stepwell_runs_pending_key ON stepwell_runs (job_name, concurrency_key)
  WHERE concurrency_key IS NOT NULL AND status = 'pending';
CREATE INDEX stepwell_runs_active_key ON stepwell_runs (job_name, concurrency_key)
  WHERE concurrency_key IS NOT NULL AND status IN ('running', 'waiting');
CREATE INDEX stepwell_runs_leased ON stepwell_runs (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX stepwell_runs_by_parent ON stepwell_runs (parent_id, id) WHERE parent_id IS NOT NULL;
CREATE INDEX stepwell_runs_by_step ON stepwell_runs (parent_id, parent_step, child_index)
  WHERE parent_id IS NOT NULL;
CREATE INDEX stepwell_runs_active_descendants ON stepwell_runs (root_id)
  WHERE root_id IS NOT NULL AND completed_at IS NULL;

CREATE TABLE stepwell_steps (
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status = 'completed' OR status = 'failed' OR status = 'pending' OR status = 'waiting'),
  completed_index INTEGER,
  attempt INTEGER NOT NULL,
  first_attempt INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  completed_at INTEGER,
  wait TEXT
    CHECK (wait IS NULL OR wait = 'retry' OR wait = 'sleep' OR wait = 'signal' OR wait = 'network' OR wait = 'children'),
  wake_at INTEGER,
  signal_key TEXT,
  child_mode TEXT,
  child_count INTEGER,
  pending_children INTEGER,
  error TEXT,
  output ANY,
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX stepwell_steps_waiting ON stepwell_steps (run_id) WHERE status = 'waiting';
CREATE INDEX stepwell_steps_due ON stepwell_steps (wake_at) WHERE status = 'waiting' AND wake_at IS NOT NULL;
CREATE INDEX stepwell_steps_offline ON stepwell_steps (run_id) WHERE status = 'waiting' AND wait = 'network';
CREATE UNIQUE INDEX stepwell_steps_signal ON stepwell_steps (signal_key) WHERE status = 'waiting' AND wait = 'signal';

CREATE TABLE stepwell_signals (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  run_id TEXT,
  created_at INTEGER NOT NULL,
  error TEXT,
  value ANY
) STRICT;

CREATE UNIQUE INDEX stepwell_signals_kept ON stepwell_signals (key) WHERE run_id IS NULL;
CREATE INDEX stepwell_signals_by_age ON stepwell_signals (created_at, request_id) WHERE run_id IS NULL;
CREATE INDEX stepwell_signals_by_run ON stepwell_signals (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE stepwell_logs (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL,
  level INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  step_name TEXT,
  message TEXT NOT NULL,
  data ANY
) STRICT;

CREATE INDEX stepwell_logs_by_run ON stepwell_logs (run_id);
";

/// The version of the schema in the database; 0 where it has none. Reads only.
pub(crate) fn stored_version(connection: &Connection) -> StoreResult<u32> {
    let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<u32>>(0));
    if read(sql::VERSION_TABLE_COUNT).map_err(store_error)? == Some(0) {
        return Ok(0);
    }
    let found = read(sql::STORED_VERSION).map_err(store_error)?.unwrap_or(0);
    if found > SCHEMA_VERSION {
        return Err(StoreError::SchemaTooNew {
            found,
            supported: SCHEMA_VERSION,
        });
    }
    // After the version, never before: another engine may be migrating between the two.
    let tables = read(sql::TABLE_COUNT).map_err(store_error)?.unwrap_or(0);
    if found > 0 && tables != TABLES {
        return Err(StoreError::Corrupt(format!(
            "{tables} of its {TABLES} tables are there"
        )));
    }
    Ok(found)
}

/// Brings the schema to [`SCHEMA_VERSION`], each migration in a transaction of its own.
///
/// `version` is the one that was found when the database was opened: what was the newest then is so still.
pub(crate) fn migrate(connection: &mut Connection, mut version: u32) -> StoreResult<()> {
    while version < SCHEMA_VERSION {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(store_error)?;
        // Again, under the lock: another engine may have come first.
        version = stored_version(&transaction)?;
        if let Some(migration) = MIGRATIONS.get(version as usize) {
            version += 1;
            transaction.execute_batch(migration).map_err(store_error)?;
            transaction
                .execute(sql::INSERT_VERSION, [version])
                .map_err(store_error)?;
            transaction.commit().map_err(store_error)?;
        }
    }
    Ok(())
}
