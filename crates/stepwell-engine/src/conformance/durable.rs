//! What a whole engine must do, over any store: retries, waits, signals, children, as the ancestors' suite has it and more.
//!
//! Job functions are async Rust over the executor protocol, time is a number, and nothing here is native: the list runs
//! alike on the reference store, native SQLite and the wasm build in a browser. Each scenario runs twice: with functions
//! that are dropped at each wait and replayed, and with functions that stay parked.

mod active;
mod boxed;
mod calls;
mod combinators;
mod context;
mod executor;
mod families;
mod function;
mod host;
mod invoking;
mod kinship;
mod messages;
mod policies;
mod shared;
mod suspension;
mod timeouts;
mod waits;
mod world;

use self::function::Job;
use self::world::World;
use super::Open;
use crate::store::Store;

/// One thing that an engine must do on a store.
#[derive(Clone, Copy, Debug)]
pub struct DurableScenario {
    /// What, in words joined by `_`.
    pub name: &'static str,
    /// Panics where it does not. Every store that is opened is empty and is used by one engine after another.
    pub run: fn(Open<'_>),
}

/// One thing that two engines on one database must do.
#[derive(Clone, Copy, Debug)]
pub struct SharedScenario {
    /// What, in words joined by `_`.
    pub name: &'static str,
    /// Panics where they do not. Opens two stores on one empty database.
    pub run: fn(OpenTwo<'_>),
}

/// Opens two stores on one empty database.
pub type OpenTwo<'a> = &'a mut dyn FnMut() -> [Box<dyn Store>; 2];

macro_rules! list {
    ($scenario:ident, $open:ident: $stores:expr; $($module:ident: $($name:ident),+ $(,)?;)+) => {
        vec![$($($scenario {
            name: stringify!($name),
            run: |$open| {
                for mode in [Mode::Replay, Mode::Park] {
                    let open = &mut || $stores;
                    $module::$name(&mut Stage { open, mode });
                }
            },
        }),+),+]
    };
}

/// All scenarios.
#[must_use]
pub fn durable_scenarios() -> Vec<DurableScenario> {
    list! { DurableScenario, open: vec![open()];
        families:
            a_parent_of_parents_is_finalized,
            a_sequence_feeds_outputs_to_inputs,
            a_sequence_names_the_index_of_its_failure,
            runs_at_once_have_outputs_of_their_own,
            five_hundred_children_come_in_order,
            a_thousand_children_settle,
            no_children_are_an_empty_result,
            a_failing_child_fails_its_parent,
            a_failing_child_is_told_to_finalize,
            a_cancelled_child_is_told_to_finalize,
            a_cancelled_child_fails_a_fail_fast_parent,
            a_finalize_that_throws_fails_the_run,
            poll_goes_on_until_a_value_appears,
            an_exhausted_poll_is_a_result,
            a_child_is_woken_by_its_key,
            a_child_s_place_is_told_by_its_events,
            several_invokes_wait_at_once;
        policies:
            a_step_succeeds_at_its_third_attempt,
            a_step_fails_with_its_last_attempt,
            a_step_s_attempts_are_told,
            what_is_not_retryable_fails_at_once,
            a_failure_may_name_its_delay,
            a_job_succeeds_at_its_third_attempt,
            a_job_fails_with_its_last_attempt,
            a_job_s_attempt_gives_its_steps_a_fresh_policy,
            a_retry_by_hand_gives_a_fresh_policy,
            a_job_s_policy_counts_anew_after_a_retry_by_hand,
            a_waiting_run_holds_no_slot,
            a_wait_for_an_attempt_survives_a_restart,
            lines_of_failed_attempts_are_kept,
            jitter_stays_in_its_bounds;
        waits:
            a_sleep_is_exact,
            sleeps_until_a_time_that_may_be_over,
            a_sleep_keeps_its_deadline_over_a_restart,
            a_sleep_under_way_keeps_its_deadline_over_an_interruption,
            ten_thousand_sleepers_cost_one_timer,
            a_signal_comes_after_the_wait,
            a_signal_that_comes_before_its_wait_is_kept,
            a_signal_s_resend_is_answered_alike,
            an_error_may_be_sent,
            a_signal_that_does_not_come_in_time_is_a_result,
            an_empty_value_is_no_timeout,
            two_waits_on_one_key_conflict,
            a_key_is_free_when_its_run_has_ended,
            a_bad_signal_is_refused,
            waits_and_steps_are_indexed_by_their_ends;
        suspension:
            a_wait_that_ends_while_bodies_run_is_told_at_once,
            a_race_is_replayed_as_it_went,
            ended_waits_are_told_in_the_order_of_their_ends,
            a_suspend_races_with_an_ended_wait,
            a_parked_function_goes_on_by_itself,
            a_function_that_is_not_in_memory_any_more_is_replayed,
            the_least_recently_parked_function_is_dropped_first,
            what_a_dead_executor_had_parked_goes_on_elsewhere,
            what_is_parked_outlives_an_engine,
            woken_runs_go_before_new_ones,
            a_waiting_run_is_cancelled,
            a_wait_that_ended_without_an_engine_is_told_to_who_works_on,
            a_resent_wait_that_has_ended_is_told,
            a_lost_suspension_is_replayed,
            a_resent_invoke_makes_no_second_children,
            a_family_survives_a_crash_at_any_point;
        kinship:
            cancelling_a_parent_cancels_its_descendants_level_by_level,
            a_completed_parent_leaves_its_children_alone,
            a_failed_parent_cancels_its_descendants,
            fail_fast_cancels_the_siblings,
            a_retried_parent_keeps_what_completed_and_retries_the_rest,
            a_retry_goes_down_to_the_leaves,
            a_retry_takes_up_a_cancelled_family,
            a_parent_s_policy_retries_its_children,
            a_parent_s_next_attempt_waits_for_what_still_runs,
            a_child_is_neither_retried_nor_deleted_alone,
            deleting_a_root_takes_everything,
            retention_looks_at_roots;
        invoking:
            children_inherit_the_priority,
            children_have_options_of_their_own,
            a_bad_child_fails_the_step_and_inserts_nothing,
            too_many_children_fail_the_step,
            other_children_in_a_later_attempt_are_a_mismatch,
            a_cancelled_parent_makes_no_children;
        timeouts:
            a_step_that_ignores_its_signal_is_cut_off,
            a_step_that_ends_by_its_signal_has_timed_out,
            an_executor_that_hangs_is_terminated,
            a_hung_step_without_a_policy_fails_its_run,
            an_executor_that_does_not_die_loses_its_runs,
            a_job_s_timeout_counts_no_waits,
            a_job_s_next_attempt_has_the_whole_time,
            a_job_that_hangs_takes_its_executor_with_it,
            a_step_waits_for_the_network,
            a_network_that_came_back_is_not_waited_for,
            a_job_waits_for_the_network;
    }
}

/// What two engines on one database must do; only a store of shared ownership can carry it.
#[must_use]
pub fn shared_scenarios() -> Vec<SharedScenario> {
    list! { SharedScenario, open: open().into();
        shared:
            the_last_child_wakes_its_parent_in_whichever_engine,
            the_other_engine_takes_over,
            a_signal_reaches_a_run_of_the_other_engine,
            a_signal_reaches_a_run_that_is_at_work_in_the_other_engine,
            fail_fast_reaches_the_other_engine,
            a_sleep_ends_once;
    }
}

/// What becomes of a function that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It is dropped, and replayed from its steps.
    Replay,
    /// It stays in memory, and is resumed.
    Park,
}

/// Where a scenario gets its worlds from.
struct Stage<'a> {
    /// The stores of a world, one for each of its engines.
    open: &'a mut dyn FnMut() -> Vec<Box<dyn Store>>,
    mode: Mode,
}

impl Stage<'_> {
    fn world(&mut self, jobs: Vec<Job>) -> World {
        World::new((self.open)(), self.mode, jobs)
    }

    fn wide_world(&mut self, slots: u32, jobs: Vec<Job>) -> World {
        World::with_slots((self.open)(), self.mode, jobs, slots)
    }
}
