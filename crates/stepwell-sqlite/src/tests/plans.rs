//! How statements are run: by which index, and without what would cost more than they do.

use rusqlite::StatementStatus;

use super::memory;
use crate::{SqliteStore, sql};

fn plan(store: &SqliteStore, sql: &str) -> Vec<String> {
    let mut statement = store
        .connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap_or_else(|error| panic!("{error} in {sql}"));
    let lines = statement
        .raw_query()
        .mapped(|row| row.get::<_, String>(3))
        .collect::<rusqlite::Result<_>>();
    lines.expect("a plan is read")
}

/// Scans and sorts that are meant, as often as they stand here, each with what bounds it.
const MEANT: &[(&str, &str)] = &[
    // A handful of rows in the schema table.
    ("TABLE_COUNT", "SCAN sqlite_schema"),
    ("VERSION_TABLE_COUNT", "SCAN sqlite_schema"),
    ("BLOB_FILES_TABLE", "SCAN sqlite_schema"),
    // Nothing but what is woken: a run that needs no network, or was woken already, is not in this index.
    (
        "WAKE_OFFLINE",
        "SCAN stepwell_runs USING INDEX stepwell_runs_offline",
    ),
    // Nothing but what is answered, and no further than its limit.
    (
        "NETWORK_WAITS",
        "SCAN stepwell_steps USING INDEX stepwell_steps_offline",
    ),
    // Leases are as few as slots; runs without one are not in this index.
    (
        "VOID_LEASES",
        "SEARCH stepwell_runs USING COVERING INDEX stepwell_runs_leased (lease_owner>?)",
    ),
];

#[test]
fn every_statement_searches_by_an_index() {
    let store = memory();
    for (name, sql) in sql::all() {
        let lines = plan(&store, sql);
        for line in &lines {
            let found = lines.iter().filter(|other| *other == line).count();
            let allowed = MEANT.iter().filter(|&meant| *meant == (name, line)).count();
            let meant = found <= allowed;
            let scans = line.starts_with("SCAN") && line != "SCAN CONSTANT ROW";
            let sorts = line.contains("TEMP B-TREE");
            let automatic = line.contains("AUTOMATIC");
            assert!(
                meant || !(scans || sorts || automatic),
                "{name} would read too much: {line} in {lines:#?}"
            );
        }
    }
}

#[test]
fn the_hot_statements_use_the_index_made_for_them() {
    let store = memory();
    let by_id = "INDEX sqlite_autoindex_stepwell_runs_1 (id=?)";
    let by_row = "SEARCH stepwell_runs USING INTEGER PRIMARY KEY (rowid=?)";
    let by_name = "SEARCH stepwell_steps USING PRIMARY KEY (run_id=?";
    let by_full_name = "SEARCH stepwell_steps USING PRIMARY KEY (run_id=? AND name=?)";
    let claimable = "INDEX stepwell_runs_claimable (job_name=?)";
    let uses = [
        ("CLAIM", by_row),
        ("CLAIMED", by_row),
        ("CANDIDATES", claimable),
        (
            "NEXT_CLAIMABLE_JOB",
            "INDEX stepwell_runs_claimable (job_name>?)",
        ),
        ("HELD", by_id),
        ("REPLACE_STEP", by_full_name),
        ("COUNT_STEP", by_row),
        ("WRITE_REPORT", by_row),
        ("FINISH", by_row),
        ("RELEASE", by_row),
        ("STEPS", by_name),
        (
            "LOGS_ASC",
            "INDEX stepwell_logs_by_run (run_id=? AND rowid>?)",
        ),
        (
            "LOGS_DESC",
            "INDEX stepwell_logs_by_run (run_id=? AND rowid<?)",
        ),
        (
            "RUN_IDS",
            "INDEX sqlite_autoindex_stepwell_runs_1 (id>? AND id<?)",
        ),
        (
            "RUN_IDS_BY_STATUS",
            "INDEX stepwell_runs_by_status (status=? AND <expr>=? AND id>? AND id<?)",
        ),
        (
            "RUN_IDS_BY_JOB",
            "INDEX stepwell_runs_by_job (job_name=? AND status=? AND <expr>=? AND id>? AND id<?)",
        ),
        (
            "RUN_IDS_BY_LABEL",
            "SEARCH label USING PRIMARY KEY (key=? AND value=? AND run_id>? AND run_id<?)",
        ),
        (
            "CANDIDATES",
            "INDEX stepwell_runs_active_key (job_name=? AND concurrency_key=?)",
        ),
        (
            "PROMOTE_DUE",
            "INDEX stepwell_runs_delayed (due_at>? AND due_at<?)",
        ),
        ("NEXT_DUE", "INDEX stepwell_runs_delayed (due_at>?)"),
        (
            "RUN_BY_IDEMPOTENCY",
            "INDEX stepwell_runs_idempotency (job_name=? AND idempotency_key=?)",
        ),
        (
            "PENDING_OF_KEY",
            "INDEX stepwell_runs_pending_key (job_name=? AND concurrency_key=?)",
        ),
        ("ENDED_BEFORE", "INDEX stepwell_runs_ended"),
        ("DELETE_STEPS", by_name),
        ("DELETE_LOGS", "INDEX stepwell_logs_by_run (run_id=?)"),
        ("BLOB_IS_REFERENCED", "PRIMARY KEY (blob_id=?)"),
        ("EXPIRE_LEASES", "INDEX stepwell_runs_leased"),
        ("RENEW_LEASES", "INDEX stepwell_runs_leased (lease_owner=?)"),
        ("OPEN_WAIT", by_full_name),
        ("OPEN_WAIT", by_id),
        ("COUNT_WAIT", by_row),
        ("SUSPEND", by_row),
        ("RETRY_LATER", by_row),
        ("STEP_WAITS", by_full_name),
        ("END_WAIT", by_full_name),
        ("COUNT_END", by_row),
        ("STEPS_SINCE", by_name),
        ("HAS_WAITS", "INDEX stepwell_steps_waiting (run_id=?)"),
        ("CLOSE_WAITS", "INDEX stepwell_steps_waiting (run_id=?)"),
        (
            "DUE_WAITS",
            "INDEX stepwell_steps_due (wake_at>? AND wake_at<?)",
        ),
        ("NEXT_WAIT", "COVERING INDEX stepwell_steps_due (wake_at>?)"),
        ("SIGNAL_WAIT", "INDEX stepwell_steps_signal (signal_key=?)"),
        ("TAKE_SIGNAL", "INDEX stepwell_signals_kept (key=?)"),
        (
            "OLD_SIGNALS",
            "INDEX stepwell_signals_by_age (created_at<?)",
        ),
        ("DELETE_SIGNALS", "INDEX stepwell_signals_by_run (run_id=?)"),
        (
            "CHILDREN",
            "INDEX stepwell_runs_by_step (parent_id=? AND parent_step=?)",
        ),
        (
            "CHILD_IDS",
            "COVERING INDEX stepwell_runs_by_parent (parent_id=?)",
        ),
        (
            "ACTIVE_CHILDREN",
            "INDEX stepwell_runs_by_parent (parent_id=?)",
        ),
        ("CHILD_ENDED", by_full_name),
        (
            "RUN_IDS_BY_PARENT",
            "INDEX stepwell_runs_by_parent (parent_id=? AND id>? AND id<?)",
        ),
        (
            "ENDED_BEFORE",
            "INDEX stepwell_runs_active_descendants (root_id=?)",
        ),
    ];
    for (name, expected) in uses {
        let (_, sql) = sql::all()
            .find(|(known, _)| *known == name)
            .expect("the statement is in the list");
        let plan = plan(&store, sql);
        assert!(
            plan.iter().any(|line| line.contains(expected)),
            "{name} should use {expected}, not {plan:#?}"
        );
    }
}

/// What each run, step, line and wait goes through.
const HOT: [&str; 24] = [
    "CANDIDATES",
    "CLAIM",
    "CLAIMED",
    "COUNT_END",
    "COUNT_STEP",
    "COUNT_WAIT",
    "DUE_WAITS",
    "END_WAIT",
    "FINISH",
    "HAS_WAITS",
    "HELD",
    "INSERT_INPUT",
    "INSERT_LOG",
    "INSERT_RUN",
    "INSERT_STEP",
    "NEXT_CLAIMABLE_JOB",
    "NEXT_DUE",
    "NEXT_WAIT",
    "OPEN_WAIT",
    "REPLACE_STEP",
    "STEPS_SINCE",
    "STEP_WAITS",
    "SUSPEND",
    "WRITE_REPORT",
];

/// RETURNING does, `IN` with more than two values does, in a CHECK and in the condition of an index as well, and so does
/// INSERT … SELECT from a table with a trigger. It costs as much as a whole step commit without it.
#[test]
fn no_hot_statement_makes_a_table_in_memory() {
    let store = memory();
    for hot in HOT {
        let (_, sql) = sql::all()
            .find(|(name, _)| *name == hot)
            .expect("the statement is in the list");
        let mut statement = store
            .connection
            .prepare(&format!("EXPLAIN {sql}"))
            .expect("it is explained");
        let opcodes = statement
            .raw_query()
            .mapped(|row| row.get::<_, String>(1))
            .collect::<rusqlite::Result<Vec<_>>>()
            .expect("the program is read");
        assert!(opcodes.len() > 5, "{hot} is a program");
        assert!(
            !opcodes.iter().any(|opcode| opcode == "OpenEphemeral"),
            "{hot}"
        );
    }
}

/// The columns that COUNT_STEP sets, and some more that change while a run is at work.
const CHANGED_BY_A_STEP: [&str; 9] = [
    "step_count",
    "next_index",
    "recoveries",
    "line_ordinal",
    "log_count",
    "progress",
    "version",
    "updated_at",
    "worked_ms",
];

#[test]
fn no_index_holds_a_column_that_a_step_commit_changes() {
    let store = memory();
    let mut statement = store
        .connection
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        .expect("the schema is read");
    let indexes: Vec<String> = statement
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect)
        .expect("the schema is read");
    assert!(indexes.len() > 15);
    for index in indexes {
        for column in CHANGED_BY_A_STEP {
            assert!(!index.contains(column), "{column} is in {index}");
        }
    }
}

/// Without SQLite's promise to keep its plans, each new value of some parameters has a statement parsed and planned anew.
#[test]
fn no_statement_is_prepared_anew_for_other_values() {
    let store = memory();
    for (name, sql) in sql::all() {
        let mut statement = store.connection.prepare(sql).expect("it is prepared");
        for value in 1..4 {
            for parameter in 1..=statement.parameter_count() {
                statement
                    .raw_bind_parameter(parameter, value)
                    .expect("a value is bound");
            }
            // Nothing is there to be found, and what cannot be inserted has been looked at all the same.
            let _ = statement.raw_query().next();
        }
        let count = statement.get_status(StatementStatus::RePrepare);
        assert_eq!(count, 0, "{name}");
    }
}
