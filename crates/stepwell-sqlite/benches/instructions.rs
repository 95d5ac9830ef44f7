//! What `cargo xtask instructions` runs: `count CASE N` under callgrind, and `tell CASE N` without, which prints the SQL
//! statements and the written pages of N operations.

#![expect(
    clippy::print_stdout,
    reason = "a program speaks on its standard output"
)]

mod stores;
#[path = "../../stepwell-engine/benches/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rusqlite::trace::{StmtRef, TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};
use stepwell_sqlite::{Durability, SqliteStore};

use stores::Folder;
use support::World;
use support::cases::{Case, Measurement};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // `cargo bench` and `cargo test --benches` start it too, with arguments of their own.
    let &[mode @ ("count" | "tell"), case, operations] = arguments.as_slice() else {
        return println!("instructions: run by `cargo xtask instructions`");
    };
    let case = case_of(case).expect("a case");
    let operations = operations.parse().expect("a number");
    let folder = Folder::new();
    match mode {
        "count" => count(case, operations, &folder),
        _ => tell(case, operations, &folder),
    }
}

fn case_of(name: &str) -> Option<Case> {
    Some(match name {
        "step" => Case::Step,
        "batch" => Case::Batch,
        "trigger" => Case::Trigger,
        "start" => Case::Start,
        "claim" => Case::Claim,
        "replay" => Case::Replay,
        _ => return None,
    })
}

/// Without checkpoints: they come with every thousandth page, and would be counted with whatever operation they meet.
fn connection(folder: &Folder) -> Connection {
    let connection = folder.connection();
    let set = connection.pragma_update(None, "wal_autocheckpoint", 0);
    set.expect("SQLite has it");
    connection
}

fn measurement(case: Case, connection: Connection) -> Measurement<SqliteStore> {
    let store = Folder::on(connection, Durability::Strict);
    Measurement::new(case, World::new(store))
}

fn count(case: Case, operations: u32, folder: &Folder) {
    let mut measurement = measurement(case, connection(folder));
    for _ in 0..operations {
        let operation = measurement.prepare();
        let done = measurement.run(operation);
        measurement.settle(done);
    }
}

/// Prints the sums: statements, how often one was prepared anew, the bytecodes that SQLite ran, pages.
fn tell(case: Case, operations: u32, folder: &Folder) {
    let counts = Arc::new(Mutex::new(Counts::default()));
    let seen_by_trace = Arc::clone(&counts);
    let mut connection = connection(folder);
    let traced = connection.trace_v2(
        TraceEventCodes::SQLITE_TRACE_PROFILE,
        Some(move |event: TraceEvent<'_>| {
            if let TraceEvent::Profile(statement, _) = event {
                seen_by_trace.lock().expect("no panic").add(&statement);
            }
        }),
    );
    traced.expect("SQLite can be traced");
    let mut measurement = measurement(case, connection);
    let now = || {
        let counts = counts.lock().expect("no panic");
        [
            counts.statements,
            counts.prepared_anew,
            counts.bytecodes,
            folder.pages_in_log(),
        ]
    };
    let mut sums = [0; 4];
    for _ in 0..operations {
        let operation = measurement.prepare();
        let before = now();
        let done = measurement.run(operation);
        for (sum, (after, before)) in sums.iter_mut().zip(now().into_iter().zip(before)) {
            *sum += after - before;
        }
        measurement.settle(done);
    }
    println!("{}", sums.map(|sum| sum.to_string()).join(" "));
}

/// What a connection has done.
#[derive(Default)]
struct Counts {
    statements: u64,
    prepared_anew: u64,
    bytecodes: u64,
    /// The last two as SQLite counts them, for the whole life of a statement.
    of_statement: BTreeMap<String, [u64; 2]>,
}

impl Counts {
    fn add(&mut self, statement: &StmtRef<'_>) {
        let read = |what| u64::from(statement.get_status(what).unsigned_abs());
        let [anew, bytecodes] = [
            read(StatementStatus::RePrepare),
            read(StatementStatus::VmStep),
        ];
        let text = statement.sql().into_owned();
        let before = self.of_statement.insert(text, [anew, bytecodes]);
        let before = before.unwrap_or_default();
        self.statements += 1;
        self.prepared_anew += anew.saturating_sub(before[0]);
        self.bytecodes += bytecodes.saturating_sub(before[1]);
    }
}
