//! Steps, and what the holder of a lease writes.

statements! {
    /// ?2: whether to read outputs. CASE is lazy, so that an output which is not asked for costs nothing.
    STEPS = concat!("SELECT ", step_columns!("CASE WHEN ?2 THEN output END"), " \
        FROM stepwell_steps WHERE run_id = ?1");
    STEP = concat!("SELECT ", step_columns!("output"), " FROM stepwell_steps WHERE run_id = ?1 AND name = ?2");
    /// No index on the order of outcomes: it would be one more that each step commit writes to.
    STEPS_SINCE = concat!("SELECT ", step_columns!("output"), " \
        FROM stepwell_steps WHERE run_id = ?1 AND (completed_index >= ?2 OR status = 'pending')");

    /// The run whose fence holds.
    HELD = concat!("SELECT rowid, next_index, line_ordinal, ", head_columns!(), " FROM stepwell_runs WHERE ", fence!());
    /// Nothing where there is a step of that name.
    INSERT_STEP = "INSERT INTO stepwell_steps \
         (run_id, name, kind, status, completed_index, attempt, first_attempt, started_at, completed_at, error, output) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10) ON CONFLICT (run_id, name) DO NOTHING";
    /// Nothing where the outcome stands already. The same parameters.
    REPLACE_STEP = "UPDATE stepwell_steps SET kind = ?3, status = ?4, completed_index = ?5, attempt = ?6, \
         started_at = ?7, completed_at = ?8, wait = NULL, wake_at = NULL, error = ?9, output = ?10 \
         WHERE run_id = ?1 AND name = ?2 AND status IN ('pending', 'waiting')";
    COUNT_STEP = concat!(
        "UPDATE stepwell_runs SET step_count = step_count + 1, next_index = next_index + 1, recoveries = 0, \
         ", report!(), " WHERE ", held!()
    );
    STEP_INDEX = "SELECT completed_index FROM stepwell_steps WHERE run_id = ?1 AND name = ?2";
    INSERT_LOG = "INSERT INTO stepwell_logs (run_id, level, attempt, timestamp, step_name, message, data) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    WRITE_REPORT = concat!("UPDATE stepwell_runs SET ", report!(), " WHERE ", held!());
    FINISH = concat!(
        "UPDATE stepwell_runs SET status = ?7, output = ?8, error = ?9, completed_at = ?5, \
         lease_owner = NULL, lease_expires_at = NULL, ", report!(), " WHERE ", held!()
    );
}
