//! Runs that a step of another run made.

statements! {
    CHILDREN = "SELECT id, job_name, status, output, error FROM stepwell_runs INDEXED BY stepwell_runs_by_step \
        WHERE parent_id = ?1 AND parent_step = ?2 ORDER BY child_index";
    CHILD_IDS = "SELECT id FROM stepwell_runs INDEXED BY stepwell_runs_by_parent WHERE parent_id = ?1 ORDER BY id";
    /// ?2: one of the run's steps, NULL for all.
    ACTIVE_CHILDREN = "SELECT id FROM stepwell_runs INDEXED BY stepwell_runs_by_parent \
        WHERE parent_id = ?1 AND completed_at IS NULL AND (?2 IS NULL OR parent_step = ?2) ORDER BY id";
    /// The count and the decision in one: whoever is told 0 is the only one.
    CHILD_ENDED = "UPDATE stepwell_steps SET pending_children = pending_children - 1 \
        WHERE run_id = ?1 AND name = ?2 AND status = 'waiting' AND wait = 'children' AND pending_children > 0 \
        RETURNING pending_children, child_mode";
}
