//! Every statement that works on the tables. Parameters are numbered; what each is, its caller shows.

/// What `rows::run` reads.
macro_rules! run_columns {
    () => {
        "stepwell_runs.id, job_name, status, \
         (SELECT input FROM stepwell_run_inputs WHERE run_id = stepwell_runs.id), \
         output, error, progress, attempt, version, lease_generation, recoveries, max_recoveries, step_count, \
         created_at, start_at, started_at, completed_at, updated_at, \
         log_count, idempotency_key, concurrency_key, priority, labels"
    };
}

/// What `rows::head` reads.
macro_rules! head_columns {
    () => {
        "job_name, status, version, labels"
    };
}

/// The run ?1 is `running` under the generation ?2.
macro_rules! fence {
    () => {
        "id = ?1 AND lease_generation = ?2 AND status = 'running'"
    };
}

/// Just so in the partial index, for SQLite to see that it fits.
macro_rules! claimable {
    () => {
        "lease_owner IS NULL AND is_due = 1 AND status IN ('pending', 'running')"
    };
}

/// The run has the labels ?5 (a JSON object, or NULL for any) and was made from ?3 on and before ?4.
macro_rules! matching {
    () => {
        "created_at >= ?3 AND created_at < ?4 AND (?5 IS NULL OR NOT EXISTS ( \
           SELECT 1 FROM json_each(?5) AS wanted WHERE NOT EXISTS ( \
             SELECT 1 FROM stepwell_labels WHERE stepwell_labels.key = wanted.key \
             AND stepwell_labels.value = wanted.value AND run_id = stepwell_runs.id)))"
    };
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)*

        /// All of them by name, for the test of their plans.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

statements! {
    /// How many of the tables of the first schema are there.
    TABLE_COUNT = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN \
        ('stepwell_sessions', 'stepwell_runs', 'stepwell_run_inputs', 'stepwell_steps', 'stepwell_logs', \
         'stepwell_labels', 'stepwell_blobs', 'stepwell_schema_versions')";
    VERSION_TABLE_COUNT =
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'stepwell_schema_versions'";
    STORED_VERSION = "SELECT max(version) FROM stepwell_schema_versions";
    INSERT_VERSION = "INSERT INTO stepwell_schema_versions (version) VALUES (?1)";

    INSERT_SESSION = "INSERT INTO stepwell_sessions (started_at) VALUES (?1)";
    VOID_LEASES = "UPDATE stepwell_runs SET lease_owner = NULL, lease_expires_at = NULL \
        WHERE lease_owner IS NOT NULL";
    RENEW_LEASES = "UPDATE stepwell_runs SET lease_expires_at = ?2 WHERE lease_owner = ?1";
    /// Leases are few: all are looked at, none of the runs without one.
    EXPIRE_LEASES = "UPDATE stepwell_runs SET lease_owner = NULL, lease_expires_at = NULL \
        WHERE lease_owner IS NOT NULL AND lease_expires_at <= ?1";

    INSERT_RUN = "INSERT INTO stepwell_runs \
        (id, request_id, last_request_id, job_name, status, attempt, version, lease_generation, interrupted, \
         released_orderly, recoveries, max_recoveries, step_count, next_index, line_ordinal, log_count, created_at, \
         start_at, updated_at, is_due, idempotency_key, concurrency_key, priority, labels) \
        VALUES (?1, ?2, ?2, ?3, 'pending', 1, 1, 0, 0, 0, 0, ?4, 0, 0, 0, 0, ?5, ?6, ?5, ?6 <= ?5, ?7, ?8, ?9, ?10) \
        ON CONFLICT DO NOTHING";
    INSERT_INPUT = "INSERT INTO stepwell_run_inputs (run_id, input) VALUES (?1, ?2)";

    RUN = concat!("SELECT ", run_columns!(), " FROM stepwell_runs WHERE id = ?1");
    RUN_BY_REQUEST = concat!("SELECT ", run_columns!(), " FROM stepwell_runs WHERE request_id = ?1");
    RUN_BY_IDEMPOTENCY = concat!("SELECT ", run_columns!(), " FROM stepwell_runs \
        WHERE job_name = ?1 AND idempotency_key = ?2");
    RUN_PENDING_BY_KEY = concat!("SELECT ", run_columns!(), " FROM stepwell_runs \
        WHERE job_name = ?1 AND concurrency_key = ?2 AND status = 'pending'");
    PENDING_OF_KEY = "SELECT id FROM stepwell_runs \
        WHERE job_name = ?1 AND concurrency_key = ?2 AND status = 'pending'";
    INSERT_LABELS = "INSERT INTO stepwell_labels (key, value, run_id) SELECT key, value, ?1 FROM json_each(?2)";
    /// Under no fence of its own: the statement before it has shown that the fence holds, in the same transaction.
    INSERT_BLOBS = "INSERT INTO stepwell_blobs (blob_id, run_id) SELECT value, ?1 FROM json_each(?2) \
        WHERE true ON CONFLICT DO NOTHING";
    LAST_REQUEST = "SELECT last_request_id FROM stepwell_runs WHERE id = ?1";

    /// Pages are made of ids first: one query for each job and status that is asked for, merged. Ids begin with a time
    /// that is never before `created_at`, so ?6 ends the search where only older runs are left.
    RUN_IDS = concat!("SELECT id FROM stepwell_runs WHERE id < ?1 AND id >= ?6 AND ", matching!(), " \
        ORDER BY id DESC LIMIT ?2");
    RUN_IDS_BY_STATUS = concat!("SELECT id FROM stepwell_runs INDEXED BY stepwell_runs_by_status \
        WHERE status = ?7 AND id < ?1 AND id >= ?6 AND ", matching!(), " ORDER BY id DESC LIMIT ?2");
    RUN_IDS_BY_JOB = concat!("SELECT id FROM stepwell_runs INDEXED BY stepwell_runs_by_job \
        WHERE job_name = ?8 AND status = ?7 AND id < ?1 AND id >= ?6 AND ", matching!(), " ORDER BY id DESC LIMIT ?2");
    /// Where runs are asked for by labels and not only active ones: ?9 and ?10 are one of the labels, ?7 and ?8 JSON
    /// arrays of statuses and jobs, NULL for any.
    RUN_IDS_BY_LABEL = concat!("SELECT stepwell_runs.id FROM stepwell_labels AS label CROSS JOIN stepwell_runs \
        ON stepwell_runs.id = label.run_id \
        WHERE label.key = ?9 AND label.value = ?10 AND label.run_id < ?1 AND label.run_id >= ?6 AND ", matching!(), " \
        AND (?7 IS NULL OR status IN (SELECT value FROM json_each(?7))) \
        AND (?8 IS NULL OR job_name IN (SELECT value FROM json_each(?8))) \
        ORDER BY label.run_id DESC LIMIT ?2");

    /// ?2: whether to read outputs. CASE is lazy, so that an output which is not asked for costs nothing.
    STEPS = "SELECT name, kind, status, completed_index, attempt, \
        CASE WHEN ?2 THEN output END, error, started_at, completed_at \
        FROM stepwell_steps WHERE run_id = ?1";
    LOGS_ASC = "SELECT id, run_id, level, message, data, step_name, attempt, timestamp FROM stepwell_logs \
        WHERE run_id = ?1 AND id > ?2 AND level >= ?3 ORDER BY id LIMIT ?4";
    LOGS_DESC = "SELECT id, run_id, level, message, data, step_name, attempt, timestamp FROM stepwell_logs \
        WHERE run_id = ?1 AND id < ?2 AND level >= ?3 ORDER BY id DESC LIMIT ?4";

    /// From each job's first claimable run to the next job's: as many seeks as there are jobs, however many runs wait.
    /// `INDEXED BY`, because by itself SQLite takes the index by status and looks at all that wait.
    CLAIMABLE_JOBS = concat!(
        "WITH RECURSIVE job (name) AS ( \
           SELECT (SELECT job_name FROM stepwell_runs INDEXED BY stepwell_runs_claimable \
             WHERE ", claimable!(), " AND job_name >= '' ORDER BY job_name LIMIT 1) \
           UNION ALL \
           SELECT (SELECT job_name FROM stepwell_runs INDEXED BY stepwell_runs_claimable \
             WHERE ", claimable!(), " AND job_name > job.name ORDER BY job_name LIMIT 1) \
           FROM job WHERE job.name IS NOT NULL) \
         SELECT name FROM job WHERE name IS NOT NULL"
    );
    /// How many leases a job has. Leases are few: all are looked at.
    LEASED_OF_JOB = "SELECT count(*) FROM stepwell_runs INDEXED BY stepwell_runs_leased \
        WHERE lease_owner IS NOT NULL AND job_name = ?1";
    PROMOTE_DUE = "UPDATE stepwell_runs INDEXED BY stepwell_runs_delayed \
        SET is_due = 1 WHERE is_due = 0 AND status = 'pending' AND start_at <= ?1";
    NEXT_DUE = "SELECT min(start_at) FROM stepwell_runs INDEXED BY stepwell_runs_delayed \
        WHERE is_due = 0 AND status = 'pending'";
    /// The first few claimable runs of the job ?1. ?3 is a JSON array of the keys that are leaving, NULL for none. A run
    /// that its concurrency key blocks is passed over; there are at most as many of these as keys at work.
    CANDIDATES = concat!(
        "SELECT priority, start_at, id FROM stepwell_runs AS free INDEXED BY stepwell_runs_claimable \
         WHERE job_name = ?1 AND ", claimable!(), " \
         AND (concurrency_key IS NULL OR status = 'running' OR NOT EXISTS ( \
           SELECT 1 FROM stepwell_runs AS other INDEXED BY stepwell_runs_active_key \
           WHERE other.job_name = ?1 AND other.concurrency_key = free.concurrency_key \
           AND other.concurrency_key IS NOT NULL AND other.status IN ('running', 'waiting'))) \
         AND (?3 IS NULL OR concurrency_key IS NULL OR concurrency_key NOT IN (SELECT value FROM json_each(?3))) \
         ORDER BY priority DESC, start_at, id LIMIT ?2"
    );
    /// Found by CANDIDATES in the same transaction, which no other can write between.
    CLAIM = concat!(
        "UPDATE stepwell_runs SET status = 'running', lease_generation = lease_generation + 1, \
         lease_owner = ?2, lease_expires_at = ?3, line_ordinal = 0, \
         interrupted = (status = 'running'), recoveries = recoveries + (status = 'running' AND NOT released_orderly), \
         released_orderly = 0, \
         started_at = coalesce(started_at, ?4), version = version + 1, updated_at = ?4 \
         WHERE id = ?1 AND ", claimable!(), " RETURNING ", run_columns!(), ", interrupted"
    );
    ADOPT = concat!(
        "UPDATE stepwell_runs SET lease_generation = lease_generation + 1, lease_owner = ?3, lease_expires_at = ?4, \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " AND lease_owner IS NULL RETURNING ", run_columns!()
    );
    RELEASE = concat!(
        "UPDATE stepwell_runs SET released_orderly = ?3, lease_generation = lease_generation + 1, lease_owner = NULL, \
         lease_expires_at = NULL, version = version + 1, updated_at = ?4 \
         WHERE ", fence!(), " RETURNING ", head_columns!()
    );

    /// Nothing where the fence does not hold, and nothing where the outcome stands already.
    INSERT_STEP = concat!(
        "INSERT INTO stepwell_steps \
         (run_id, name, kind, status, completed_index, attempt, started_at, completed_at, error, output) \
         SELECT id, ?3, ?4, ?5, next_index, ?6, ?7, ?8, ?9, ?10 FROM stepwell_runs WHERE ", fence!(), " \
         ON CONFLICT (run_id, name) DO UPDATE SET \
         kind = excluded.kind, status = excluded.status, completed_index = excluded.completed_index, \
         attempt = excluded.attempt, started_at = excluded.started_at, completed_at = excluded.completed_at, \
         error = excluded.error, output = excluded.output WHERE stepwell_steps.status = 'pending' \
         RETURNING completed_index"
    );
    COUNT_STEP = concat!(
        "UPDATE stepwell_runs SET step_count = step_count + 1, next_index = next_index + 1, recoveries = 0, \
         line_ordinal = max(line_ordinal, ?3), log_count = log_count + ?6, progress = coalesce(?4, progress), \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " RETURNING ", head_columns!()
    );
    STEP_INDEX = "SELECT completed_index FROM stepwell_steps WHERE run_id = ?1 AND name = ?2";
    /// ?3: the line's ordinal. Run before the run's own `line_ordinal` is raised.
    INSERT_LOG = concat!(
        "INSERT INTO stepwell_logs (run_id, level, attempt, timestamp, step_name, message, data) \
         SELECT id, ?4, ?5, ?6, ?7, ?8, ?9 FROM stepwell_runs WHERE ", fence!(), " AND line_ordinal < ?3"
    );
    WRITE_REPORT = concat!(
        "UPDATE stepwell_runs SET line_ordinal = max(line_ordinal, ?3), log_count = log_count + ?6, progress = coalesce(?4, progress), \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " AND (line_ordinal < ?3 OR ?4 IS NOT NULL) RETURNING ", head_columns!()
    );
    FENCED_HEAD = concat!("SELECT ", head_columns!(), " FROM stepwell_runs WHERE ", fence!());
    FINISH = concat!(
        "UPDATE stepwell_runs SET status = ?6, output = ?7, error = ?8, completed_at = ?5, \
         lease_owner = NULL, lease_expires_at = NULL, \
         line_ordinal = max(line_ordinal, ?3), log_count = log_count + ?9, progress = coalesce(?4, progress), \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " RETURNING ", head_columns!()
    );

    CANCEL = concat!(
        "UPDATE stepwell_runs SET status = 'cancelled', completed_at = ?4, last_request_id = ?3, \
         lease_owner = NULL, lease_expires_at = NULL, version = version + 1, updated_at = ?4 \
         WHERE id = ?1 AND version = ?2 AND status IN ('pending', 'running', 'waiting') RETURNING ", run_columns!()
    );
    /// Failed steps are about to become pending, so completed ones alone count.
    RETRY = concat!(
        "UPDATE stepwell_runs SET status = 'pending', attempt = attempt + 1, recoveries = 0, error = NULL, \
         completed_at = NULL, last_request_id = ?3, is_due = 1, released_orderly = 0, start_at = min(start_at, ?4), \
         step_count = (SELECT count(*) FROM stepwell_steps WHERE run_id = ?1 AND status = 'completed'), \
         version = version + 1, updated_at = ?4 \
         WHERE id = ?1 AND version = ?2 AND status IN ('failed', 'cancelled') RETURNING ", run_columns!()
    );
    RETRY_STEPS = "UPDATE stepwell_steps SET status = 'pending', completed_index = NULL \
        WHERE run_id = ?1 AND status = 'failed'";

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
    ENDED_BEFORE = "SELECT id FROM stepwell_runs WHERE completed_at IS NOT NULL AND completed_at < ?1 \
        ORDER BY completed_at, id LIMIT ?2";

    /// Only in an export.
    BLOB_FILES_TABLE = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'stepwell_blob_files'";
    COLUMNS = "SELECT name FROM pragma_table_info(?1)";
    /// So that nobody adopts a run of the same generation whose rows were replaced.
    TAKE_LEASES_AWAY = "UPDATE stepwell_runs INDEXED BY stepwell_runs_by_status \
        SET lease_generation = lease_generation + 1, lease_owner = NULL, lease_expires_at = NULL WHERE status = 'running'";
}

/// For checks only: it reads whole tables, which no statement of ours may.
pub(crate) const ORPHANS: &str = "SELECT DISTINCT name FROM ( \
    SELECT 'stepwell_run_inputs' AS name, run_id FROM stepwell_run_inputs \
    UNION ALL SELECT 'stepwell_steps', run_id FROM stepwell_steps \
    UNION ALL SELECT 'stepwell_logs', run_id FROM stepwell_logs \
    UNION ALL SELECT 'stepwell_labels', run_id FROM stepwell_labels \
    UNION ALL SELECT 'stepwell_blobs', run_id FROM stepwell_blobs) \
    WHERE run_id NOT IN (SELECT id FROM stepwell_runs)";

/// On an export with blobs, which alone has this table.
pub(crate) const CREATE_BLOB_FILES: &str = "CREATE TABLE stepwell_blob_files (blob_id TEXT NOT NULL PRIMARY KEY, data BLOB NOT NULL) STRICT";
pub(crate) const INSERT_BLOB_FILE: &str =
    "INSERT INTO stepwell_blob_files (blob_id, data) VALUES (?1, ?2)";
pub(crate) const BLOB_FILES: &str = "SELECT blob_id, data FROM stepwell_blob_files";

/// What the planted bugs write.
#[cfg(feature = "planted")]
pub(crate) const PLANTED_STEP_PENDING: &str =
    "UPDATE stepwell_steps SET status = 'pending' WHERE run_id = ?1 AND name = ?2";
#[cfg(feature = "planted")]
pub(crate) const PLANTED_STEPS_FAILED: &str =
    "UPDATE stepwell_steps SET status = 'failed' WHERE run_id = ?1";
#[cfg(feature = "planted")]
pub(crate) const PLANTED_DUE: &str = "UPDATE stepwell_runs SET is_due = 1 WHERE id = ?1";
#[cfg(feature = "planted")]
pub(crate) const PLANTED_KEY_FREE: &str =
    "UPDATE stepwell_runs SET idempotency_key = NULL WHERE id = ?1 AND status = 'completed'";
#[cfg(feature = "planted")]
pub(crate) const PLANTED_DELETE: &str =
    "DELETE FROM stepwell_runs WHERE id = ?1 RETURNING job_name, status, version, labels";
#[cfg(feature = "planted")]
pub(crate) const PLANTED_GENERATION_DOWN: &str = "UPDATE stepwell_runs SET lease_generation = lease_generation - 1 \
    WHERE id = ?1 AND lease_generation = ?2 AND status = 'running' AND lease_owner IS NULL";
