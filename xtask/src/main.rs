//! `cargo xtask <command>`: the builds that plain cargo and pnpm cannot express.
//!
//! Owns the making of committed and packed artefacts from the Rust crates. Must not run tests or install tools
//! (`scripts/*.mjs` do).

mod clang;
mod codegen;
mod inputs;
mod instructions;
mod sim;
mod sqlite;
mod wasm;

use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  wasm [--release | --dev]   build crates/stepwell-wasm into packages/core/wasm (release is the default;
                             skipped when nothing changed; --dev is content with a release build)
  wasm --conformance         build it with the scenarios that every Store must pass into playwright/conformance/wasm
  wasm --profiling           build it as released, with the names of functions, into bench/wasm
  codegen [--check]          write packages/core/src/generated/protocol.ts from crates/stepwell-protocol;
                             with --check write nothing and fail when the committed file differs
  sim [--seeds N] [--seed S] [--tell]
                             simulate engine, SQLite, executors and clients with faults (2,000 seeds from 0 on;
                             --tell with --seeds 1: every event on standard error)
  instructions [CASE …]      count what a step commit, a claim … cost natively: instructions, statements, pages
                             (needs valgrind)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // Not `-> Result`: under RUST_BACKTRACE anyhow would bury the one useful sentence in a backtrace.
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> Result<()> {
    match args {
        ["wasm"] | ["wasm", "--release"] => wasm::run(wasm::RELEASE),
        ["wasm", "--dev"] => wasm::run(wasm::DEV),
        ["wasm", "--conformance"] => wasm::run(wasm::CONFORMANCE),
        ["wasm", "--profiling"] => wasm::run(wasm::PROFILING),
        ["codegen"] => codegen::run(codegen::Mode::Write),
        ["codegen", "--check"] => codegen::run(codegen::Mode::Check),
        ["sim", options @ ..] => sim::run(options),
        ["instructions", cases @ ..] => instructions::run(cases),
        _ => bail!("unknown command: {}\n\n{USAGE}", args.join(" ")),
    }
}

/// The repository's root. Fixed at compile time: xtask is only ever run from its own checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository's root")
        .to_owned()
}
