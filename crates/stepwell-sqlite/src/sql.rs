//! Every statement that works on the tables. Parameters are numbered; what each is, its caller shows.

/// What `rows::run` reads.
macro_rules! run_columns {
    () => {
        "stepwell_runs.id, job_name, status, \
         (SELECT input FROM stepwell_run_inputs WHERE run_id = stepwell_runs.id), \
         output, error, progress, attempt, version, lease_generation, recoveries, max_recoveries, step_count, \
         created_at, start_at, started_at, completed_at, updated_at, \
         log_count, idempotency_key, concurrency_key, priority, labels, \
         waiting_for, first_attempt, retry, timeout_ms, parent_id, parent_step, child_index, root_id"
    };
}

/// What `rows::head` reads.
macro_rules! head_columns {
    () => {
        "job_name, stepwell_runs.status, version, labels, parent_id, parent_step"
    };
}

/// What `rows::step` reads; the output as given, since not everybody wants it.
macro_rules! step_columns {
    ($output:literal) => {
        concat!(
            "name, kind, status, completed_index, attempt, ",
            $output,
            ", error, started_at, completed_at, first_attempt, wait, wake_at, signal_key, child_count"
        )
    };
}

/// The run ?1 is `running` under the generation ?2.
macro_rules! fence {
    () => {
        "id = ?1 AND lease_generation = ?2 AND status = 'running'"
    };
}

/// The same of a run that was looked up in this transaction: ?1 is the number of its row.
macro_rules! held {
    () => {
        "rowid = ?1 AND lease_generation = ?2 AND status = 'running'"
    };
}

/// What a report writes: the ordinal of the last line is ?3, progress ?4, the time ?5, and ?6 lines are new.
macro_rules! report {
    () => {
        "line_ordinal = max(line_ordinal, ?3), log_count = log_count + ?6, progress = coalesce(?4, progress), \
         version = version + 1, updated_at = ?5"
    };
}

/// A run that ends, or that was claimed, waits for nothing.
macro_rules! waits_no_more {
    () => {
        "waiting_for = NULL, due_at = NULL, needs_network = 0, parked_by = NULL, parked_index = NULL"
    };
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $sql;)*

        /// All of them by name, for the test of their plans.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

mod children;
mod leases;
#[cfg(feature = "planted")]
mod planted;
mod runs;
mod signals;
mod steps;
mod upkeep;
mod waits;

pub(crate) use children::*;
pub(crate) use leases::*;
#[cfg(feature = "planted")]
pub(crate) use planted::*;
pub(crate) use runs::*;
pub(crate) use signals::*;
pub(crate) use steps::*;
pub(crate) use upkeep::*;
pub(crate) use waits::*;

/// All of them, for the test of their plans.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let lists = [
        children::ALL,
        leases::ALL,
        runs::ALL,
        signals::ALL,
        steps::ALL,
        upkeep::ALL,
        waits::ALL,
    ];
    lists.into_iter().flatten()
}
