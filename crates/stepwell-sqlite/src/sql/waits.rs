//! Waits of steps and of runs.

statements! {
    /// Nothing where the step waits already, has its outcome, or has had the wait after that very attempt. What a sleep
    /// or a signal waited for before its run failed goes on as it was. Fails where another step waits for the signal.
    INSERT_WAIT = "INSERT INTO stepwell_steps \
         (run_id, name, kind, status, attempt, first_attempt, started_at, wait, wake_at, signal_key, child_mode, \
          child_count, pending_children, error) \
         VALUES (?1, ?2, ?3, 'waiting', ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (run_id, name) DO UPDATE SET \
         kind = excluded.kind, status = excluded.status, attempt = excluded.attempt, started_at = excluded.started_at, \
         completed_at = NULL, wait = excluded.wait, \
         wake_at = CASE WHEN excluded.wait IN ('sleep', 'signal') \
           THEN coalesce(stepwell_steps.wake_at, excluded.wake_at) ELSE excluded.wake_at END, \
         signal_key = excluded.signal_key, child_mode = excluded.child_mode, child_count = excluded.child_count, \
         pending_children = excluded.pending_children, error = excluded.error \
         WHERE stepwell_steps.status = 'pending' \
         AND NOT (excluded.wait = 'retry' AND excluded.attempt <= stepwell_steps.attempt)";
    COUNT_WAIT = concat!("UPDATE stepwell_runs SET recoveries = 0, ", report!(), " WHERE ", held!());
    /// Under no fence: whoever holds the lease, if anybody.
    OPEN_WAIT = concat!(
        "SELECT stepwell_runs.rowid, next_index, kind, stepwell_steps.attempt, stepwell_steps.started_at, ", head_columns!(), " \
         FROM stepwell_steps CROSS JOIN stepwell_runs ON stepwell_runs.id = stepwell_steps.run_id \
         WHERE run_id = ?1 AND name = ?2 AND stepwell_steps.status = 'waiting' \
         AND stepwell_runs.status IN ('running', 'waiting')"
    );
    /// ?3 is the status. ?4 and ?5 are NULL where no outcome came.
    END_WAIT = "UPDATE stepwell_steps SET status = ?3, wait = NULL, wake_at = NULL, completed_index = ?4, \
         completed_at = ?5, error = CASE WHEN ?4 IS NULL THEN error ELSE ?6 END, output = ?7 \
         WHERE run_id = ?1 AND name = ?2 AND status = 'waiting'";
    /// A running run is due already. ?2: whether an outcome came.
    COUNT_END = "UPDATE stepwell_runs SET step_count = step_count + ?2, next_index = next_index + ?2, is_due = 1, \
         version = version + 1, updated_at = ?3 \
         WHERE rowid = ?1 AND status IN ('running', 'waiting')";
    HAS_WAITS = "SELECT 1 FROM stepwell_steps INDEXED BY stepwell_steps_waiting WHERE run_id = ?1 AND status = 'waiting'";
    /// Of a run that has ended. `wake_at` stays, for the next attempt.
    CLOSE_WAITS = "UPDATE stepwell_steps INDEXED BY stepwell_steps_waiting SET status = 'pending', wait = NULL \
        WHERE run_id = ?1 AND status = 'waiting'";
    DUE_WAITS = "SELECT run_id, name, kind FROM stepwell_steps INDEXED BY stepwell_steps_due \
        WHERE status = 'waiting' AND wake_at IS NOT NULL AND wake_at <= ?1 ORDER BY wake_at, run_id, name LIMIT ?2";
    NEXT_WAIT = "SELECT min(wake_at) FROM stepwell_steps INDEXED BY stepwell_steps_due \
        WHERE status = 'waiting' AND wake_at IS NOT NULL";
    NETWORK_WAITS = "SELECT run_id, name, kind FROM stepwell_steps INDEXED BY stepwell_steps_offline \
        WHERE status = 'waiting' AND wait = 'network' ORDER BY run_id, name LIMIT ?1";
    SIGNAL_WAIT = "SELECT run_id, name, kind FROM stepwell_steps INDEXED BY stepwell_steps_signal \
        WHERE signal_key = ?1 AND status = 'waiting' AND wait = 'signal'";

    STEP_WAITS = "SELECT 1 FROM stepwell_steps WHERE run_id = ?1 AND name = ?2 AND status = 'waiting'";
    /// ?8 is in whose memory the function stays, ?10 whether it was claimed in this transaction and not started.
    SUSPEND = concat!(
        "UPDATE stepwell_runs SET status = 'waiting', is_due = 0, lease_owner = NULL, lease_expires_at = NULL, \
         waiting_for = ?7, parked_by = ?8, parked_index = CASE WHEN ?8 IS NOT NULL THEN next_index END, \
         needs_network = ?9, started_at = CASE WHEN ?10 AND is_first_start THEN NULL ELSE started_at END, \
         worked_ms = worked_ms + ?11, ", report!(), " WHERE ", held!()
    );
    /// Failed steps are about to become pending, so completed ones alone count.
    RETRY_LATER = concat!(
        "UPDATE stepwell_runs SET status = 'waiting', is_due = 0, due_at = ?8, lease_owner = NULL, \
         lease_expires_at = NULL, waiting_for = ?7, attempt = attempt + 1, recoveries = 0, worked_ms = 0, \
         step_count = (SELECT count(*) FROM stepwell_steps WHERE run_id = ?9 AND status = 'completed'), \
         ", report!(), " WHERE ", held!()
    );
    WAKE = concat!(
        "UPDATE stepwell_runs SET is_due = 1, version = version + 1, updated_at = ?3 \
         WHERE id = ?1 AND lease_generation = ?2 AND status = 'waiting' RETURNING ", head_columns!()
    );
    PARKED_BY = "SELECT parked_by FROM stepwell_runs WHERE id = ?1 AND parked_by IS NOT NULL AND status = 'waiting'";
}
