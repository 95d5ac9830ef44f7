//! Every statement that works on the tables. Parameters are numbered; what each is, its caller shows.

/// What `rows::run` reads.
macro_rules! run_columns {
    () => {
        "stepwell_runs.id, job_name, status, \
         (SELECT input FROM stepwell_run_inputs WHERE run_id = stepwell_runs.id), \
         output, error, progress, attempt, version, lease_generation, recoveries, max_recoveries, step_count, \
         created_at, start_at, started_at, completed_at, updated_at"
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
        "lease_owner IS NULL AND status IN ('pending', 'running')"
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
         'stepwell_schema_versions')";
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
         recoveries, max_recoveries, step_count, next_index, line_ordinal, created_at, start_at, updated_at) \
        VALUES (?1, ?2, ?2, ?3, 'pending', 1, 1, 0, 0, 0, ?4, 0, 0, 0, ?5, ?6, ?5) \
        ON CONFLICT (request_id) DO NOTHING";
    INSERT_INPUT = "INSERT INTO stepwell_run_inputs (run_id, input) VALUES (?1, ?2)";

    RUN = concat!("SELECT ", run_columns!(), " FROM stepwell_runs WHERE id = ?1");
    RUN_BY_REQUEST = concat!("SELECT ", run_columns!(), " FROM stepwell_runs WHERE request_id = ?1");
    LAST_REQUEST = "SELECT last_request_id FROM stepwell_runs WHERE id = ?1";

    /// Pages are made of ids first, from an index alone: one query for each job and status that is asked for, merged.
    RUN_IDS = "SELECT id FROM stepwell_runs WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    RUN_IDS_BY_STATUS =
        "SELECT id FROM stepwell_runs WHERE status = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2";
    RUN_IDS_BY_JOB = "SELECT id FROM stepwell_runs WHERE job_name = ?4 AND status = ?3 AND id < ?1 \
        ORDER BY id DESC LIMIT ?2";

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
    /// The first few of each job, then the first few of these: it sorts jobs × limit ids, not all that wait. A JSON
    /// array of ours carries the jobs, so that the statement is the same for any number of them.
    CLAIM = concat!(
        "UPDATE stepwell_runs SET status = 'running', lease_generation = lease_generation + 1, \
         lease_owner = ?1, lease_expires_at = ?2, line_ordinal = 0, \
         interrupted = (status = 'running'), recoveries = recoveries + (status = 'running'), \
         started_at = coalesce(started_at, ?3), version = version + 1, updated_at = ?3 \
         WHERE id IN ( \
           SELECT candidate.id FROM json_each(?4) AS job CROSS JOIN stepwell_runs AS candidate \
           WHERE candidate.id IN ( \
             SELECT id FROM stepwell_runs INDEXED BY stepwell_runs_claimable \
             WHERE job_name = job.value AND ", claimable!(), " ORDER BY start_at, id LIMIT ?5) \
           ORDER BY candidate.start_at, candidate.id LIMIT ?5) \
         RETURNING ", run_columns!(), ", interrupted"
    );
    ADOPT = concat!(
        "UPDATE stepwell_runs SET lease_generation = lease_generation + 1, lease_owner = ?3, lease_expires_at = ?4, \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " AND lease_owner IS NULL RETURNING ", run_columns!()
    );
    RELEASE = concat!(
        "UPDATE stepwell_runs SET status = ?3, lease_generation = lease_generation + 1, lease_owner = NULL, \
         lease_expires_at = NULL, version = version + 1, updated_at = ?4 \
         WHERE ", fence!(), " RETURNING job_name, status, version"
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
         line_ordinal = max(line_ordinal, ?3), progress = coalesce(?4, progress), \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " RETURNING job_name, status, version"
    );
    STEP_INDEX = "SELECT completed_index FROM stepwell_steps WHERE run_id = ?1 AND name = ?2";
    /// ?3: the line's ordinal. Run before the run's own `line_ordinal` is raised.
    INSERT_LOG = concat!(
        "INSERT INTO stepwell_logs (run_id, level, attempt, timestamp, step_name, message, data) \
         SELECT id, ?4, ?5, ?6, ?7, ?8, ?9 FROM stepwell_runs WHERE ", fence!(), " AND line_ordinal < ?3"
    );
    WRITE_REPORT = concat!(
        "UPDATE stepwell_runs SET line_ordinal = max(line_ordinal, ?3), progress = coalesce(?4, progress), \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " AND (line_ordinal < ?3 OR ?4 IS NOT NULL) RETURNING job_name, status, version"
    );
    FENCED_HEAD = concat!("SELECT job_name, status, version FROM stepwell_runs WHERE ", fence!());
    FINISH = concat!(
        "UPDATE stepwell_runs SET status = ?6, output = ?7, error = ?8, completed_at = ?5, \
         lease_owner = NULL, lease_expires_at = NULL, \
         line_ordinal = max(line_ordinal, ?3), progress = coalesce(?4, progress), \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " RETURNING job_name, status, version"
    );

    CANCEL = concat!(
        "UPDATE stepwell_runs SET status = 'cancelled', completed_at = ?4, last_request_id = ?3, \
         lease_owner = NULL, lease_expires_at = NULL, version = version + 1, updated_at = ?4 \
         WHERE id = ?1 AND version = ?2 AND status IN ('pending', 'running', 'waiting') RETURNING ", run_columns!()
    );
    /// Failed steps are about to become pending, so completed ones alone count.
    RETRY = concat!(
        "UPDATE stepwell_runs SET status = 'pending', attempt = attempt + 1, recoveries = 0, error = NULL, \
         completed_at = NULL, last_request_id = ?3, \
         step_count = (SELECT count(*) FROM stepwell_steps WHERE run_id = ?1 AND status = 'completed'), \
         version = version + 1, updated_at = ?4 \
         WHERE id = ?1 AND version = ?2 AND status IN ('failed', 'cancelled') RETURNING ", run_columns!()
    );
    RETRY_STEPS = "UPDATE stepwell_steps SET status = 'pending', completed_index = NULL \
        WHERE run_id = ?1 AND status = 'failed'";
}

/// What the planted bugs write.
#[cfg(feature = "planted")]
pub(crate) const PLANTED_STEP_PENDING: &str =
    "UPDATE stepwell_steps SET status = 'pending' WHERE run_id = ?1 AND name = ?2";
#[cfg(feature = "planted")]
pub(crate) const PLANTED_STEPS_FAILED: &str =
    "UPDATE stepwell_steps SET status = 'failed' WHERE run_id = ?1";
#[cfg(feature = "planted")]
pub(crate) const PLANTED_GENERATION_DOWN: &str = "UPDATE stepwell_runs SET lease_generation = lease_generation - 1 \
    WHERE id = ?1 AND lease_generation = ?2 AND status = 'running' AND lease_owner IS NULL";
