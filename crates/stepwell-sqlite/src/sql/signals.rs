//! Signals that nobody waited for when they came.

statements! {
    INSERT_SIGNAL = "INSERT INTO stepwell_signals (request_id, key, created_at, error, value) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    SIGNAL_IS_TAKEN = "SELECT run_id IS NOT NULL FROM stepwell_signals WHERE request_id = ?1";
    TAKE_SIGNAL = "UPDATE stepwell_signals SET run_id = ?2 WHERE key = ?1 AND run_id IS NULL \
        RETURNING id, request_id, value, error";
    /// Its value goes on as a step's outcome; the row stays, so that a resend is known.
    EMPTY_SIGNAL = "UPDATE stepwell_signals SET value = NULL, error = NULL WHERE id = ?1";
    OLD_SIGNALS = "SELECT id, request_id FROM stepwell_signals INDEXED BY stepwell_signals_by_age \
        WHERE run_id IS NULL AND created_at < ?1 ORDER BY created_at, request_id LIMIT ?2";
    DELETE_SIGNAL = "DELETE FROM stepwell_signals WHERE id = ?1";
    DELETE_SIGNALS = "DELETE FROM stepwell_signals WHERE run_id = ?1";
}
