//! What the planted bugs write.

pub(crate) const PLANTED_STEP_PENDING: &str =
    "UPDATE stepwell_steps SET status = 'pending' WHERE run_id = ?1 AND name = ?2";
pub(crate) const PLANTED_STEPS_FAILED: &str =
    "UPDATE stepwell_steps SET status = 'failed' WHERE run_id = ?1";
pub(crate) const PLANTED_DUE: &str = "UPDATE stepwell_runs SET is_due = 1 WHERE id = ?1";
pub(crate) const PLANTED_KEY_FREE: &str =
    "UPDATE stepwell_runs SET idempotency_key = NULL WHERE id = ?1 AND status = 'completed'";
pub(crate) const PLANTED_DELETE: &str = concat!(
    "DELETE FROM stepwell_runs WHERE id = ?1 RETURNING ",
    head_columns!()
);
pub(crate) const PLANTED_GENERATION_DOWN: &str = "UPDATE stepwell_runs SET lease_generation = lease_generation - 1 \
    WHERE id = ?1 AND lease_generation = ?2 AND status = 'running' AND lease_owner IS NULL";
pub(crate) const PLANTED_SLEEP_AGAIN: &str = "UPDATE stepwell_steps SET wake_at = wake_at + 1000 WHERE status = 'waiting' AND wait = 'sleep'";
pub(crate) const PLANTED_SIGNAL_KEPT: &str =
    "UPDATE stepwell_signals SET run_id = NULL WHERE id = ?1";
