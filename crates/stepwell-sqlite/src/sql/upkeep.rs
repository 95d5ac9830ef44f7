//! The schema, deletion, checks, export and import.

statements! {
    /// How many of the tables of the first schema are there.
    TABLE_COUNT = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN \
        ('stepwell_sessions', 'stepwell_runs', 'stepwell_run_inputs', 'stepwell_steps', 'stepwell_logs', \
         'stepwell_labels', 'stepwell_blobs', 'stepwell_signals', 'stepwell_schema_versions')";
    VERSION_TABLE_COUNT =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'stepwell_schema_versions'";
    STORED_VERSION = "SELECT max(version) FROM stepwell_schema_versions";
    INSERT_VERSION = "INSERT INTO stepwell_schema_versions (version) VALUES (?1)";

    /// Its labels are needed to find their rows.
    DELETE_RUN = concat!("DELETE FROM stepwell_runs \
        WHERE id = ?1 AND status IN ('completed', 'failed', 'cancelled') RETURNING ", head_columns!());
    DELETE_INPUT = "DELETE FROM stepwell_run_inputs WHERE run_id = ?1";
    DELETE_STEPS = "DELETE FROM stepwell_steps WHERE run_id = ?1";
    DELETE_LOGS = "DELETE FROM stepwell_logs WHERE run_id = ?1";
    DELETE_LABEL = "DELETE FROM stepwell_labels WHERE key = ?2 AND value = ?3 AND run_id = ?1";
    BLOBS_OF_RUN = "SELECT blob_id FROM stepwell_blobs WHERE run_id = ?1";
    DELETE_BLOBS = "DELETE FROM stepwell_blobs WHERE run_id = ?1";
    BLOB_IS_REFERENCED = "SELECT EXISTS (SELECT 1 FROM stepwell_blobs WHERE blob_id = ?1)";
    /// Children go with the run at the top, so its index holds no others.
    ENDED_BEFORE = "SELECT id FROM stepwell_runs AS root INDEXED BY stepwell_runs_ended \
        WHERE completed_at IS NOT NULL AND parent_id IS NULL AND completed_at < ?1 AND NOT EXISTS ( \
          SELECT 1 FROM stepwell_runs AS active INDEXED BY stepwell_runs_active_descendants \
          WHERE active.root_id = root.id AND active.root_id IS NOT NULL AND active.completed_at IS NULL) \
        ORDER BY completed_at, id LIMIT ?2";

    /// Only in an export.
    BLOB_FILES_TABLE = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'stepwell_blob_files'";
    /// So that nobody adopts, or goes on with, a run of the same generation whose rows were replaced.
    TAKE_LEASES_AWAY = "UPDATE stepwell_runs INDEXED BY stepwell_runs_by_status \
        SET lease_generation = lease_generation + 1, lease_owner = NULL, lease_expires_at = NULL, \
        parked_by = NULL, parked_index = NULL WHERE status IN ('running', 'waiting')";
}

/// What a kept signal's request is preceded by where the signal owns blobs.
pub(crate) const SIGNAL_OWNER: &str = "signal:";

/// For checks only: it reads whole tables, which no statement of ours may. The blobs of a signal that is kept belong to
/// the signal until a run takes it.
pub(crate) const ORPHANS: &str = "SELECT DISTINCT name FROM ( \
    SELECT 'stepwell_run_inputs' AS name, run_id FROM stepwell_run_inputs \
    UNION ALL SELECT 'stepwell_runs', parent_id FROM stepwell_runs WHERE parent_id IS NOT NULL \
    UNION ALL SELECT 'stepwell_steps', run_id FROM stepwell_steps \
    UNION ALL SELECT 'stepwell_logs', run_id FROM stepwell_logs \
    UNION ALL SELECT 'stepwell_labels', run_id FROM stepwell_labels \
    UNION ALL SELECT 'stepwell_signals', run_id FROM stepwell_signals WHERE run_id IS NOT NULL \
    UNION ALL SELECT 'stepwell_blobs', run_id FROM stepwell_blobs WHERE run_id NOT IN ( \
      SELECT 'signal:' || request_id FROM stepwell_signals WHERE run_id IS NULL)) \
    WHERE run_id NOT IN (SELECT id FROM stepwell_runs)";

/// Of what could be saved: the ids of runs of which there is anything.
pub(crate) const SALVAGED_RUNS: &str =
    "SELECT id FROM stepwell_runs UNION SELECT run_id FROM stepwell_run_inputs";
/// What is no run any more: without its input, or without the run that made it; and then all that belonged to none.
pub(crate) const DELETE_RUNS_WITHOUT_INPUT: &str =
    "DELETE FROM stepwell_runs WHERE id NOT IN (SELECT run_id FROM stepwell_run_inputs)";
/// Each time it finds those that the time before left without a parent.
pub(crate) const DELETE_RUNS_WITHOUT_PARENT: &str =
    "DELETE FROM stepwell_runs WHERE parent_id NOT IN (SELECT id FROM stepwell_runs)";
pub(crate) const DELETE_FRAGMENTS: &str = "\
    DELETE FROM stepwell_run_inputs WHERE run_id NOT IN (SELECT id FROM stepwell_runs); \
    DELETE FROM stepwell_steps WHERE run_id NOT IN (SELECT id FROM stepwell_runs); \
    DELETE FROM stepwell_logs WHERE run_id NOT IN (SELECT id FROM stepwell_runs); \
    DELETE FROM stepwell_labels WHERE run_id NOT IN (SELECT id FROM stepwell_runs); \
    DELETE FROM stepwell_signals WHERE run_id NOT IN (SELECT id FROM stepwell_runs); \
    DELETE FROM stepwell_blobs WHERE run_id NOT IN (SELECT id FROM stepwell_runs \
      UNION ALL SELECT 'signal:' || request_id FROM stepwell_signals WHERE run_id IS NULL)";

/// On an export with blobs, which alone has this table.
pub(crate) const CREATE_BLOB_FILES: &str = "CREATE TABLE stepwell_blob_files (blob_id TEXT NOT NULL PRIMARY KEY, data BLOB NOT NULL) STRICT";
pub(crate) const INSERT_BLOB_FILE: &str =
    "INSERT INTO stepwell_blob_files (blob_id, data) VALUES (?1, ?2)";
pub(crate) const BLOB_FILES: &str = "SELECT blob_id, data FROM stepwell_blob_files";
