//! Runs as clients see them.

/// What `pages::is_wanted` reads.
macro_rules! filtered_columns {
    () => {
        "stepwell_runs.id, created_at, parent_id IS NULL, status, job_name, labels"
    };
}

statements! {
    INSERT_RUN = "INSERT INTO stepwell_runs \
        (id, request_id, last_request_id, job_name, status, attempt, first_attempt, version, lease_generation, \
         is_first_start, released_orderly, recoveries, max_recoveries, step_count, next_index, line_ordinal, log_count, \
         created_at, start_at, updated_at, is_due, due_at, idempotency_key, concurrency_key, priority, labels, \
         worked_ms, needs_network, timeout_ms, retry, parent_id, parent_step, child_index, root_id) \
        VALUES (?1, ?2, ?2, ?3, 'pending', 1, 1, 1, 0, 0, 0, 0, ?4, 0, 0, 0, 0, ?5, ?6, ?5, ?6 <= ?5, \
         CASE WHEN ?6 > ?5 THEN ?6 END, ?7, ?8, ?9, ?10, 0, 0, ?11, ?12, ?13, ?14, ?15, ?16) \
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
    INSERT_LABEL = "INSERT INTO stepwell_labels (key, value, run_id) VALUES (?2, ?3, ?1)";
    /// Under no fence of its own: the statement before it has shown that the fence holds, in the same transaction.
    INSERT_BLOB = "INSERT INTO stepwell_blobs (blob_id, run_id) VALUES (?2, ?1) ON CONFLICT DO NOTHING";
    LAST_REQUEST = "SELECT last_request_id FROM stepwell_runs WHERE id = ?1";

    /// Pages are made of ids first: one query for each job and status that is asked for, children and others, merged.
    /// Ids begin with a time that is never before `created_at`, so ?2 ends the search where only older runs are left.
    RUN_IDS = concat!("SELECT ", filtered_columns!(), " FROM stepwell_runs \
        WHERE id < ?1 AND id >= ?2 ORDER BY id DESC");
    /// ?3: children, or runs without a parent.
    RUN_IDS_BY_STATUS = concat!("SELECT ", filtered_columns!(), " FROM stepwell_runs INDEXED BY stepwell_runs_by_status \
        WHERE status = ?4 AND (parent_id IS NOT NULL) = ?3 AND id < ?1 AND id >= ?2 ORDER BY id DESC");
    RUN_IDS_BY_JOB = concat!("SELECT ", filtered_columns!(), " FROM stepwell_runs INDEXED BY stepwell_runs_by_job \
        WHERE job_name = ?5 AND status = ?4 AND (parent_id IS NOT NULL) = ?3 AND id < ?1 AND id >= ?2 ORDER BY id DESC");
    /// Where runs are asked for by labels and not only active ones: ?3 and ?4 are one of the labels.
    RUN_IDS_BY_LABEL = concat!("SELECT ", filtered_columns!(), " FROM stepwell_labels AS label CROSS JOIN stepwell_runs \
        ON stepwell_runs.id = label.run_id \
        WHERE label.key = ?3 AND label.value = ?4 AND label.run_id < ?1 AND label.run_id >= ?2 \
        ORDER BY label.run_id DESC");
    /// The children of ?3.
    RUN_IDS_BY_PARENT = concat!("SELECT ", filtered_columns!(), " FROM stepwell_runs INDEXED BY stepwell_runs_by_parent \
        WHERE parent_id = ?3 AND id < ?1 AND id >= ?2 ORDER BY id DESC");

    LOGS_ASC = "SELECT id, run_id, level, message, data, step_name, attempt, timestamp FROM stepwell_logs \
        WHERE run_id = ?1 AND id > ?2 AND level >= ?3 ORDER BY id LIMIT ?4";
    LOGS_DESC = "SELECT id, run_id, level, message, data, step_name, attempt, timestamp FROM stepwell_logs \
        WHERE run_id = ?1 AND id < ?2 AND level >= ?3 ORDER BY id DESC LIMIT ?4";

    CANCEL = concat!(
        "UPDATE stepwell_runs SET status = 'cancelled', completed_at = ?4, last_request_id = ?3, \
         lease_owner = NULL, lease_expires_at = NULL, ", waits_no_more!(), ", version = version + 1, updated_at = ?4 \
         WHERE id = ?1 AND version = ?2 AND status IN ('pending', 'running', 'waiting') RETURNING ", run_columns!()
    );
    /// Failed steps are about to become pending, so completed ones alone count.
    RETRY = concat!(
        "UPDATE stepwell_runs SET status = 'pending', attempt = attempt + 1, first_attempt = attempt + 1, \
         recoveries = 0, worked_ms = 0, error = NULL, \
         completed_at = NULL, last_request_id = ?3, is_due = 1, released_orderly = 0, start_at = min(start_at, ?4), \
         step_count = (SELECT count(*) FROM stepwell_steps WHERE run_id = ?1 AND status = 'completed'), \
         version = version + 1, updated_at = ?4 \
         WHERE id = ?1 AND version = ?2 AND status IN ('failed', 'cancelled') RETURNING ", run_columns!()
    );
    /// What has no result has to run again, with a fresh budget.
    RETRY_STEPS = "UPDATE stepwell_steps \
        SET status = 'pending', completed_index = NULL, wait = NULL, first_attempt = attempt + 1 \
        WHERE run_id = ?1 AND status IN ('failed', 'pending', 'waiting')";
}
