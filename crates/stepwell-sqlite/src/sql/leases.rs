//! Sessions, leases, and which runs may be claimed.

/// Just so in the partial index, for SQLite to see that it fits.
macro_rules! claimable {
    () => {
        "lease_owner IS NULL AND is_due = 1 AND completed_at IS NULL"
    };
}

/// Just so in the partial index.
macro_rules! delayed {
    () => {
        "is_due = 0 AND due_at IS NOT NULL AND status IN ('pending', 'waiting')"
    };
}

statements! {
    INSERT_SESSION = "INSERT INTO stepwell_sessions (started_at) VALUES (?1)";
    VOID_LEASES = "UPDATE stepwell_runs SET lease_owner = NULL, lease_expires_at = NULL \
        WHERE lease_owner IS NOT NULL";
    RENEW_LEASES = "UPDATE stepwell_runs SET lease_expires_at = ?2 WHERE lease_owner = ?1";
    /// Leases are few: all are looked at, none of the runs without one.
    EXPIRE_LEASES = "UPDATE stepwell_runs SET lease_owner = NULL, lease_expires_at = NULL \
        WHERE lease_owner IS NOT NULL AND lease_expires_at <= ?1";

    /// The first job from ?1 on that has a claimable run. `INDEXED BY`, because by itself SQLite takes the index by status
    /// and looks at all that wait.
    NEXT_CLAIMABLE_JOB = concat!("SELECT job_name FROM stepwell_runs INDEXED BY stepwell_runs_claimable \
        WHERE ", claimable!(), " AND job_name >= ?1 ORDER BY job_name LIMIT 1");
    /// How many leases a job has. Leases are few: all are looked at.
    LEASED_OF_JOB = "SELECT count(*) FROM stepwell_runs INDEXED BY stepwell_runs_leased \
        WHERE lease_owner IS NOT NULL AND job_name = ?1";
    PROMOTE_DUE = concat!("UPDATE stepwell_runs INDEXED BY stepwell_runs_delayed \
        SET is_due = 1 WHERE ", delayed!(), " AND due_at <= ?1");
    NEXT_DUE = concat!("SELECT min(due_at) FROM stepwell_runs INDEXED BY stepwell_runs_delayed \
        WHERE ", delayed!());
    WAKE_OFFLINE = "UPDATE stepwell_runs INDEXED BY stepwell_runs_offline \
        SET is_due = 1 WHERE is_due = 0 AND needs_network = 1 AND status = 'waiting'";
    /// The claimable runs of the job ?1, first ones first, and what each was. A run that its concurrency key blocks is
    /// passed over; there are at most as many of these as keys at work.
    CANDIDATES = concat!(
        "SELECT priority, start_at, id, status, parked_by, parked_index, concurrency_key, rowid \
         FROM stepwell_runs AS free INDEXED BY stepwell_runs_claimable \
         WHERE job_name = ?1 AND ", claimable!(), " \
         AND (concurrency_key IS NULL OR status <> 'pending' OR NOT EXISTS ( \
           SELECT 1 FROM stepwell_runs AS other INDEXED BY stepwell_runs_active_key \
           WHERE other.job_name = ?1 AND other.concurrency_key = free.concurrency_key \
           AND other.concurrency_key IS NOT NULL AND other.status IN ('running', 'waiting'))) \
         ORDER BY (status = 'waiting') DESC, priority DESC, start_at, id"
    );
    /// Found by CANDIDATES in the same transaction, which no other can write between. ?1: the number of its row.
    CLAIM = concat!(
        "UPDATE stepwell_runs SET status = 'running', lease_generation = lease_generation + 1, \
         lease_owner = ?2, lease_expires_at = ?3, line_ordinal = 0, \
         recoveries = recoveries + (status = 'running' AND NOT released_orderly), released_orderly = 0, \
         is_first_start = (started_at IS NULL), started_at = coalesce(started_at, ?4), \
         ", waits_no_more!(), ", version = version + 1, updated_at = ?4 \
         WHERE rowid = ?1 AND ", claimable!()
    );
    CLAIMED = concat!("SELECT ", run_columns!(), ", worked_ms FROM stepwell_runs WHERE rowid = ?1");
    ADOPT = concat!(
        "UPDATE stepwell_runs SET lease_generation = lease_generation + 1, lease_owner = ?3, lease_expires_at = ?4, \
         version = version + 1, updated_at = ?5 \
         WHERE ", fence!(), " AND lease_owner IS NULL RETURNING ", run_columns!()
    );
    RELEASE = concat!(
        "UPDATE stepwell_runs SET released_orderly = ?3, lease_generation = lease_generation + 1, lease_owner = NULL, \
         lease_expires_at = NULL, version = version + 1, updated_at = ?4 \
         WHERE ", held!()
    );
}
