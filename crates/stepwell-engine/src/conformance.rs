//! The suite that every [`Store`](crate::Store) must pass, as a list that native tests and a browser can run alike.
//!
//! A scenario opens stores by the function it is given, each of them empty, and panics with a sentence where the store
//! breaks the contract. What holds under one [`Ownership`] only is asked of stores of that ownership.

mod attempts;
mod children;
mod deletion;
pub mod durable;
mod fixture;
mod keys;
mod leases;
mod logs;
mod pages;
mod runs;
mod signals;
mod suspension;
mod transactions;
mod wait_reads;
mod waits;
mod writes;

use crate::store::{Ownership, Store};

/// Opens an empty store.
pub type Open<'a> = &'a mut dyn FnMut() -> Box<dyn Store>;

/// One thing that a store must do.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What, in words joined by `_`.
    pub name: &'static str,
    /// The ownership under which it applies; any when `None`.
    pub ownership: Option<Ownership>,
    /// Panics where the store does not.
    pub run: fn(Open<'_>),
}

impl Scenario {
    /// Whether it applies to stores of this ownership.
    #[must_use]
    pub fn applies_to(&self, ownership: Ownership) -> bool {
        self.ownership.is_none_or(|only| only == ownership)
    }
}

macro_rules! list {
    ($($only:expr => $module:ident: $($name:ident),+;)+) => {
        vec![$($(Scenario { name: stringify!($name), ownership: $only, run: $module::$name }),+),+]
    };
}

/// All scenarios.
#[must_use]
pub fn scenarios() -> Vec<Scenario> {
    let any = None;
    let exclusive = Some(Ownership::Exclusive);
    let shared = Some(Ownership::Shared);
    list! {
        any => runs:
            a_new_run_has_every_field,
            payloads_of_any_text_and_size_come_back,
            a_request_makes_one_run,
            a_taken_id_is_an_error_and_writes_nothing,
            what_does_not_exist_is_none,
            the_last_requests_are_the_last_commands,
            cancel_ends_pending_and_running_runs,
            cancel_of_a_stale_version_writes_nothing,
            cancel_of_an_ended_run_writes_nothing,
            retry_makes_failed_and_cancelled_runs_pending,
            retry_of_a_stale_version_or_another_status_writes_nothing,
            retry_clears_failed_steps_only,
            a_retried_step_gets_an_index_of_its_own;
        any => pages:
            runs_come_newest_first,
            runs_are_filtered_by_job_and_status,
            runs_are_filtered_by_labels,
            runs_are_filtered_by_time,
            pages_neither_skip_nor_repeat_while_runs_arrive,
            the_last_page_has_no_cursor;
        any => keys:
            an_idempotency_key_finds_the_run_of_its_job,
            a_request_is_looked_up_before_the_keys_and_idempotency_before_concurrency,
            one_run_of_a_concurrency_key_is_pending,
            one_run_of_a_concurrency_key_is_at_work,
            a_key_whose_function_is_leaving_is_not_claimed,
            a_job_s_limit_counts_all_its_leases,
            a_delayed_run_is_claimed_when_it_is_due,
            a_retry_does_not_wait_for_the_start,
            a_cancelled_run_is_never_due;
        any => deletion:
            a_deleted_run_takes_everything_along,
            only_ended_runs_are_deleted,
            ended_runs_are_listed_by_their_end,
            blobs_are_referenced_by_inputs_steps_and_outputs,
            refused_writes_reference_no_blobs;
        any => leases:
            sessions_rise,
            claims_go_by_priority_then_start_then_id,
            claims_keep_to_their_limit_and_jobs,
            a_claim_sets_what_a_claim_sets,
            leased_and_ended_runs_are_not_claimed,
            a_claim_raises_the_generation_and_keeps_the_start,
            only_interrupted_claims_count_a_recovery,
            a_step_sets_recoveries_to_zero,
            claimable_jobs_are_named_once_and_sorted,
            an_orderly_release_leaves_the_run_running,
            an_interrupted_release_leaves_the_run_running,
            a_release_needs_its_fence,
            adoption_takes_a_void_lease_of_the_same_generation,
            adoption_is_refused_otherwise;
        exclusive => leases:
            a_session_voids_the_leases_of_the_others;
        shared => leases:
            a_session_leaves_the_leases_of_the_others,
            leases_expire_by_time,
            renewed_leases_do_not_expire;
        any => writes:
            a_completed_step_comes_back,
            a_failed_step_comes_back,
            outputs_are_left_out_where_not_asked_for,
            steps_come_in_the_order_of_their_outcomes,
            a_repeated_outcome_changes_nothing,
            a_repeated_outcome_still_brings_its_new_lines,
            a_failed_outcome_stands_until_retry,
            a_resend_after_adoption_is_a_repeat,
            two_runs_may_name_their_steps_alike,
            a_report_stores_progress_and_lines,
            a_report_with_nothing_new_writes_nothing,
            progress_keeps_every_bit,
            a_run_completes,
            a_run_fails,
            every_write_raises_the_version_by_one,
            writes_without_the_lease_write_nothing;
        any => waits:
            every_kind_of_wait_comes_back,
            a_wait_sets_recoveries_to_zero,
            waits_come_after_outcomes_by_name,
            a_repeated_wait_changes_nothing,
            a_wait_replaces_a_pending_step,
            a_sleep_keeps_its_time_over_a_new_attempt,
            a_signal_keeps_its_timeout_over_a_new_attempt,
            an_outcome_of_a_wait_comes_back,
            an_outcome_of_a_wait_clears_the_error_of_its_retry,
            a_step_that_has_to_run_again_is_pending,
            a_wait_for_an_attempt_is_had_once,
            a_wait_ends_once,
            a_wait_ends_whoever_holds_the_lease,
            outcomes_of_waits_and_steps_share_one_order,
            waits_of_an_ended_run_are_pending,
            blobs_of_an_outcome_of_a_wait_are_referenced;
        any => wait_reads:
            due_waits_come_by_time_then_run_then_step,
            network_waits_come_by_run_and_step,
            one_step_is_read_by_its_name,
            a_parked_function_is_told_what_it_does_not_know;
        any => suspension:
            a_suspended_run_waits,
            what_a_run_waits_for_comes_back,
            a_suspension_is_refused_where_a_wait_has_ended,
            nothing_is_written_for_a_waiting_run,
            a_run_waits_for_the_network_itself,
            the_end_of_a_wait_wakes_its_run,
            a_step_to_run_again_wakes_its_run,
            where_a_function_is_parked_comes_with_the_claim,
            the_time_at_work_adds_up_in_an_attempt,
            woken_runs_are_claimed_before_others,
            a_run_is_woken_though_it_still_waits,
            what_was_not_started_has_no_start,
            a_waiting_run_holds_its_key_but_no_slot,
            a_waiting_run_is_cancelled_and_retried;
        any => attempts:
            a_failed_attempt_waits_for_the_next,
            the_next_attempt_is_among_the_next_times,
            the_time_of_an_attempt_counts_once,
            a_new_attempt_has_a_budget_of_its_own;
        any => signals:
            a_signal_is_kept_until_it_is_taken,
            a_resent_signal_is_told_what_became_of_the_first,
            the_first_signal_of_a_key_wins,
            the_wait_of_a_key_is_found,
            a_key_belongs_to_one_open_wait,
            a_key_is_free_when_its_wait_is_over,
            a_pending_wait_whose_key_is_taken_stays_pending,
            blobs_of_signals_are_referenced,
            old_signals_are_forgotten,
            signals_go_with_the_run_that_took_them;
        any => children:
            children_come_in_their_order,
            a_step_has_its_children,
            children_are_listed_by_id,
            children_are_counted_down_to_none,
            a_wait_may_begin_with_fewer_children_than_it_has,
            a_wait_that_is_over_counts_no_children,
            a_parent_waits_for_its_children_anew,
            heads_tell_whose_child_a_run_is,
            runs_are_filtered_by_parent,
            retention_passes_over_children_and_active_families,
            a_deleted_parent_leaves_its_children;
        any => logs:
            a_line_has_every_field,
            line_ids_rise_over_all_runs,
            lines_are_stored_once,
            a_claim_starts_the_ordinals_again_and_adoption_does_not,
            lines_page_both_ways,
            lines_are_filtered_by_level;
        any => transactions:
            a_rollback_leaves_no_trace,
            a_rollback_without_a_transaction_is_harmless,
            a_savepoint_undoes_its_own_part_only,
            a_released_savepoint_keeps_its_part,
            a_commit_tells_whether_it_wrote,
            ids_after_a_rollback_still_rise,
            a_savepoint_undoes_waits_signals_and_counts,
            a_rollback_undoes_waits_signals_and_counts;
    }
}
