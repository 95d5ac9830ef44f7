//! `cargo xtask instructions`: what an operation costs, counted and not timed, so that a busy machine does not matter.
//!
//! By callgrind and a program of ours rather than by gungraun, which would want a runner of the very same version to be
//! installed, and tells neither statements nor pages.

#![expect(clippy::print_stdout, reason = "the table is what it is asked for")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::root;

/// A case of `crates/stepwell-sqlite/benches/instructions.rs`.
struct Case {
    name: &'static str,
    /// As it is told to people.
    title: &'static str,
    operations: u64,
    /// What one operation is divided by: it holds so many of what the title says.
    parts: u64,
}

const CASES: [Case; 6] = [
    case("step", "step commit", 500, 1),
    case("batch", "batch of 64 step commits", 20, 1),
    case("trigger", "trigger", 100, 1),
    case("start", "trigger and start", 100, 1),
    case("claim", "claim", 100, 1),
    case("replay", "replayed step", 3, 1_000),
];

const fn case(name: &'static str, title: &'static str, operations: u64, parts: u64) -> Case {
    Case {
        name,
        title,
        operations,
        parts,
    }
}

/// The function of the bench whose calls are counted.
const COUNTED: &str = "--toggle-collect=*cases*measured*";

/// What is known of one case, for all its operations together.
struct Counts {
    instructions: u64,
    statements: u64,
    prepared_anew: u64,
    bytecodes: u64,
    pages: u64,
}

pub(crate) fn run(options: &[&str]) -> Result<()> {
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|case| options.is_empty() || options.contains(&case.name))
        .collect();
    let names = CASES.map(|case| case.name).join(", ");
    ensure!(!cases.is_empty(), "the cases are {names}");
    let installed = Command::new("valgrind").arg("--version").output();
    ensure!(
        installed.is_ok_and(|output| output.status.success()),
        "instructions are counted by valgrind, which is not there: install it (Debian: `apt-get install valgrind`). \
         `cargo bench` measures times without it."
    );
    let program = build()?;
    let folder = root().join("target/instructions");
    std::fs::create_dir_all(&folder)?;
    println!(
        "{:25} {:>13} {:>11} {:>14} {:>10} {:>6}",
        "", "instructions", "statements", "prepared anew", "bytecodes", "pages"
    );
    for case in cases {
        let counts = counts(&program, case, &folder)?;
        let each = |sum: u64| sum as f64 / (case.operations * case.parts) as f64;
        println!(
            "{:25} {:>13} {:>11.2} {:>14.2} {:>10} {:>6.2}",
            case.title,
            grouped(each(counts.instructions)),
            each(counts.statements),
            each(counts.prepared_anew),
            grouped(each(counts.bytecodes)),
            each(counts.pages),
        );
    }
    println!(
        "by function: callgrind_annotate {}/CASE.out",
        folder.display()
    );
    Ok(())
}

fn build() -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "bench",
            "--package",
            "stepwell-sqlite",
            "--bench",
            "instructions",
            "--no-run",
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "the bench could not be built: see above"
    );
    let messages = String::from_utf8(output.stdout)?;
    for message in messages.lines() {
        let message: serde_json::Value = serde_json::from_str(message)?;
        let is_bench = message["target"]["name"] == "instructions";
        if let (true, Some(path)) = (is_bench, message["executable"].as_str()) {
            return Ok(path.into());
        }
    }
    bail!("cargo tells of no program")
}

fn counts(program: &Path, case: &Case, folder: &Path) -> Result<Counts> {
    let operations = case.operations.to_string();
    let told = said(Command::new(program).args(["tell", case.name, &operations]))?;
    let told: Vec<u64> = told
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let &[statements, prepared_anew, bytecodes, pages] = told.as_slice() else {
        bail!("the bench told {told:?}");
    };
    let file = folder.join(case.name).with_extension("out");
    said(
        Command::new("valgrind")
            .args([
                "--quiet",
                "--tool=callgrind",
                "--collect-atstart=no",
                COUNTED,
            ])
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(program)
            .args(["count", case.name, &operations]),
    )?;
    let profile = std::fs::read_to_string(&file)?;
    let instructions = profile
        .lines()
        .find_map(|line| line.strip_prefix("summary: "))
        .context("callgrind's file has no summary")?
        .trim()
        .parse()?;
    ensure!(
        instructions > 0,
        "callgrind has not seen the bench's `measured`"
    );
    Ok(Counts {
        instructions,
        statements,
        prepared_anew,
        bytecodes,
        pages,
    })
}

fn said(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} could not be started"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
