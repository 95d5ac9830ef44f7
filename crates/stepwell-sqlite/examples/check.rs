//! Checks a database that a browser left, natively: `check <file>` prints one line a problem and fails, or prints `ok`.
//!
//! For the browser tests: they cut the file and its WAL out of a killed browser's profile, and nothing of the browser's
//! own SQLite or of the engine has a say in the verdict.

#![expect(
    clippy::print_stdout,
    reason = "a program speaks on its standard output"
)]

use std::error::Error;
use std::process::ExitCode;

use rusqlite::Connection;

/// Each finds nothing in a sound database.
const INVARIANTS: [(&str, &str); 12] = [
    (
        "two outcomes of one run have the same place",
        "SELECT run_id FROM stepwell_steps WHERE completed_index IS NOT NULL \
         GROUP BY run_id, completed_index HAVING count(*) > 1",
    ),
    (
        "a place among a run's outcomes is empty",
        "SELECT run_id FROM stepwell_steps WHERE completed_index IS NOT NULL \
         GROUP BY run_id HAVING max(completed_index) >= count(*) \
         AND NOT EXISTS (SELECT 1 FROM stepwell_runs WHERE id = run_id AND attempt > 1)",
    ),
    (
        "a run counts other steps than it has",
        "SELECT id FROM stepwell_runs WHERE step_count <> \
         (SELECT count(*) FROM stepwell_steps WHERE run_id = id AND status IN ('completed', 'failed'))",
    ),
    (
        "a run is leased and not running",
        "SELECT id FROM stepwell_runs WHERE lease_owner IS NOT NULL AND status <> 'running'",
    ),
    (
        "a run has ended at no time, or has not ended and has a time",
        "SELECT id FROM stepwell_runs WHERE (status IN ('completed', 'failed', 'cancelled')) \
         <> (completed_at IS NOT NULL)",
    ),
    (
        "a run waits for nothing, or waits not and still says for what",
        "SELECT id FROM stepwell_runs WHERE (status = 'waiting') <> (waiting_for IS NOT NULL)",
    ),
    (
        "a step waits whose run has ended, or has not begun",
        "SELECT run_id FROM stepwell_steps WHERE status = 'waiting' AND run_id NOT IN \
         (SELECT id FROM stepwell_runs WHERE status IN ('running', 'waiting'))",
    ),
    (
        "a step waits for nothing, or waits not and still says for what",
        "SELECT run_id FROM stepwell_steps WHERE (status = 'waiting') <> (wait IS NOT NULL)",
    ),
    (
        "a step counts other children than have not ended",
        "SELECT run_id FROM stepwell_steps AS step WHERE wait = 'children' AND pending_children <> \
         (SELECT count(*) FROM stepwell_runs WHERE parent_id = step.run_id AND parent_step = step.name \
         AND completed_at IS NULL)",
    ),
    (
        "a child has no parent, or another root than its parent",
        "SELECT child.id FROM stepwell_runs AS child LEFT JOIN stepwell_runs AS parent ON parent.id = child.parent_id \
         WHERE child.parent_id IS NOT NULL AND child.root_id IS NOT coalesce(parent.root_id, parent.id)",
    ),
    (
        "a run has no input",
        "SELECT id FROM stepwell_runs WHERE id NOT IN (SELECT run_id FROM stepwell_run_inputs)",
    ),
    (
        "a step or a line has no run",
        "SELECT run_id FROM (SELECT run_id FROM stepwell_steps UNION ALL SELECT run_id FROM stepwell_logs) \
         WHERE run_id NOT IN (SELECT id FROM stepwell_runs)",
    ),
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("usage: check <file of the database>")?;
    let connection = Connection::open(path)?;
    let mut problems = texts(&connection, "PRAGMA integrity_check")?;
    problems.retain(|line| line != "ok");
    for (problem, sql) in INVARIANTS {
        for id in texts(&connection, sql)? {
            problems.push(format!("{problem}: {id}"));
        }
    }
    if problems.is_empty() {
        println!("ok");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", problems.join("\n"));
    Ok(ExitCode::FAILURE)
}

fn texts(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare(sql)?
        .query_map([], |row| row.get(0))?
        .collect()
}
