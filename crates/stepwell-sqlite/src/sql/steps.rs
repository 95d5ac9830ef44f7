//! Steps, and what the holder of a lease writes.

statements! {
    /// ?2: whether to read outputs. CASE is lazy, so that an output which is not asked for costs nothing.
    STEPS = concat!("SELECT ", step_columns!("CASE WHEN ?2 THEN output END"), " \
        FROM stepwell_steps WHERE run_id = ?1");
    STEP = concat!("SELECT ", step_columns!("output"), " FROM stepwell_steps WHERE run_id = ?1 AND name = ?2");
    /// No index on the order of outcomes: it would be one more that each step commit writes to.
    STEPS_SINCE = concat!("SELECT ", step_columns!("output"), " \
        FROM stepwell_steps WHERE run_id = ?1 AND (completed_index >= ?2 OR status = 'pending')");

    /// Nothing where the fence does not hold, and nothing where the outcome stands already.
    INSERT_STEP = concat!(
        "INSERT INTO stepwell_steps \
         (run_id, name, kind, status, completed_index, attempt, first_attempt, started_at, completed_at, error, output) \
         SELECT id, ?3, ?4, ?5, next_index, ?6, 1, ?7, ?8, ?9, ?10 FROM stepwell_runs WHERE ", fence!(), " \
         ON CONFLICT (run_id, name) DO UPDATE SET \
         kind = excluded.kind, status = excluded.status, completed_index = excluded.completed_index, \
         attempt = excluded.attempt, started_at = excluded.started_at, completed_at = excluded.completed_at, \
         wait = NULL, wake_at = NULL, error = excluded.error, output = excluded.output \
         WHERE stepwell_steps.status IN ('pending', 'waiting') \
         RETURNING completed_index"
    );
    COUNT_STEP = concat!(
        "UPDATE stepwell_runs SET step_count = step_count + 1, next_index = next_index + 1, recoveries = 0, \
         ", report!(), " WHERE ", fence!(), " RETURNING ", head_columns!()
    );
    STEP_INDEX = "SELECT completed_index FROM stepwell_steps WHERE run_id = ?1 AND name = ?2";
    /// ?3: the line's ordinal. Run before the run's own `line_ordinal` is raised.
    INSERT_LOG = concat!(
        "INSERT INTO stepwell_logs (run_id, level, attempt, timestamp, step_name, message, data) \
         SELECT id, ?4, ?5, ?6, ?7, ?8, ?9 FROM stepwell_runs WHERE ", fence!(), " AND line_ordinal < ?3"
    );
    WRITE_REPORT = concat!(
        "UPDATE stepwell_runs SET ", report!(), " \
         WHERE ", fence!(), " AND (line_ordinal < ?3 OR ?4 IS NOT NULL) RETURNING ", head_columns!()
    );
    FENCED_HEAD = concat!("SELECT ", head_columns!(), " FROM stepwell_runs WHERE ", fence!());
    FINISH = concat!(
        "UPDATE stepwell_runs SET status = ?7, output = ?8, error = ?9, completed_at = ?5, \
         lease_owner = NULL, lease_expires_at = NULL, ", report!(), " \
         WHERE ", fence!(), " RETURNING ", head_columns!()
    );
}
