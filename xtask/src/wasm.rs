//! `cargo xtask wasm`: crates/stepwell-wasm → packages/core/wasm (web target of wasm-bindgen, TypeScript, wasm-opt).
//!
//! With the feature `conformance` it is what the tests run in Chromium, and lies beside them.
//!
//! The output folder is replaced as a whole, after everything succeeded: a failed build leaves the last good one.

use crate::{clang, inputs, sqlite};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// Hidden, so that `files` in packages/core/package.json can keep it out of the tarball.
const STAMP: &str = ".inputs";
const WASM_FILE: &str = "stepwell_wasm_bg.wasm";

/// What rustc emits for wasm32-unknown-unknown by default; wasm-opt rejects instructions it was not told about.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Release,
    Dev,
}

impl Profile {
    fn cargo_name(self) -> &'static str {
        match self {
            Profile::Release => "wasm-release",
            Profile::Dev => "wasm-dev",
        }
    }
}

/// What is built, and where it goes.
#[derive(Clone, Copy)]
pub(crate) struct Build {
    profile: Profile,
    features: &'static [&'static str],
    output: &'static str,
    /// Names of functions are what makes a stack trace or a profile readable.
    names: bool,
}

/// What users download.
pub(crate) const RELEASE: Build = Build {
    profile: Profile::Release,
    features: &[],
    output: "packages/core/wasm",
    names: false,
};

pub(crate) const DEV: Build = Build {
    profile: Profile::Dev,
    names: true,
    ..RELEASE
};

/// What users download, with the names of its functions: for `bench/profile.mjs`.
pub(crate) const PROFILING: Build = Build {
    output: "bench/wasm",
    names: true,
    ..RELEASE
};

/// Only the tests load it. The profile of what it stands for; it also has SQLite compiled already.
pub(crate) const CONFORMANCE: Build = Build {
    profile: Profile::Release,
    features: &["conformance"],
    output: "playwright/conformance/wasm",
    names: true,
};

impl Build {
    /// Only then is a minute of `wasm-opt` worth it.
    fn is_optimised(self) -> bool {
        self.profile == Profile::Release && self.features.is_empty()
    }
}

pub(crate) fn run(build: Build) -> Result<()> {
    let Build {
        profile, output, ..
    } = build;
    let root = crate::root();
    let fingerprint = inputs::fingerprint(&root)?;
    if is_current(&root.join(output), profile, &fingerprint) {
        eprintln!("{output} is up to date");
        return Ok(());
    }

    let output = root.join(output);
    let wasm = compile(&root, build)?;
    let staging = root.join(format!("target/xtask-wasm/{}", std::process::id()));
    bind(&wasm, &staging, build)?;
    if build.is_optimised() {
        optimise(&root, &staging.join(WASM_FILE), build.names)?;
    }
    let stamp = format!("{} {fingerprint}\n", profile.cargo_name());
    std::fs::write(staging.join(STAMP), stamp)?;
    replace(&staging, &output)?;
    match build.features {
        [] => report_size(&output.join(WASM_FILE)),
        _ => Ok(()),
    }
}

/// A release build also satisfies `--dev`, never the other way round.
fn is_current(output: &Path, profile: Profile, fingerprint: &str) -> bool {
    let stamp = std::fs::read_to_string(output.join(STAMP)).unwrap_or_default();
    let made_by =
        |profile: Profile| stamp.trim_end() == format!("{} {fingerprint}", profile.cargo_name());
    output.join(WASM_FILE).is_file()
        && (made_by(profile) || (profile == Profile::Dev && made_by(Profile::Release)))
}

fn compile(root: &Path, build: Build) -> Result<PathBuf> {
    let profile = build.profile.cargo_name();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["build", "--package", "stepwell-wasm"])
        .args(["--target", "wasm32-unknown-unknown"])
        .args(["--target-dir", "target"])
        .args(["--profile", profile])
        .args(["--features", &build.features.join(",")])
        .env("SQLITE_WASM_RS_SOURCE_DIR", sqlite::source(root)?)
        .env("SQLITE_WASM_RS_FLAGS", sqlite::FLAGS.join(" "))
        .env("CFLAGS_wasm32_unknown_unknown", sqlite::CFLAGS)
        .envs(clang::environment()?);
    run_command(&mut cargo, "cargo build of stepwell-wasm")?;
    Ok(root.join(format!(
        "target/wasm32-unknown-unknown/{profile}/stepwell_wasm.wasm"
    )))
}

fn bind(wasm: &Path, staging: &Path, build: Build) -> Result<()> {
    std::fs::create_dir_all(staging)?;
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(true)
        // The crate leaves it out by default; bundlers find the wasm by this literal `new URL(…, import.meta.url)`.
        .omit_default_module_path(false)
        .remove_name_section(!build.names)
        .remove_producers_section(true)
        .generate(staging)
        .context("wasm-bindgen failed")?;
    let bindings = std::fs::read_to_string(staging.join("stepwell_wasm.js"))?;
    ensure!(
        !bindings.contains("from \"env\"") && !bindings.contains("from 'env'"),
        "the bindings import a module \"env\", which no browser has: a C symbol was left undefined \
         (is feature `wasm-bindgen` of sqlite-wasm-rs on?)"
    );
    Ok(())
}

/// `wasm-opt` takes up to a minute, so its last result is kept, keyed by its input: most edits under `crates` (tests,
/// comments) leave the wasm as it was.
fn optimise(root: &Path, wasm: &Path, names: bool) -> Result<()> {
    let cache = root.join(match names {
        true => "target/xtask-wasm/optimised-names",
        false => "target/xtask-wasm/optimised",
    });
    let cached = cache.join(format!("{}.wasm", inputs::digest(&std::fs::read(wasm)?)));
    if !cached.is_file() {
        let program = root.join("node_modules/binaryen/bin/wasm-opt");
        ensure!(
            program.is_file(),
            "{} is missing; run `npm run setup`",
            program.display()
        );
        let fresh = wasm.with_extension("opt.wasm");
        let mut wasm_opt = Command::new("node");
        wasm_opt
            .arg(program)
            // `-Oz` makes fewer bytes, and more of them after brotli.
            .arg("-O1")
            .args(names.then_some("-g"))
            .args(WASM_FEATURES)
            .args([wasm, Path::new("-o"), &fresh]);
        run_command(&mut wasm_opt, "wasm-opt")?;
        if cache.exists() {
            std::fs::remove_dir_all(&cache)?;
        }
        std::fs::create_dir_all(&cache)?;
        std::fs::rename(&fresh, &cached)?;
    }
    std::fs::copy(&cached, wasm)?;
    Ok(())
}

fn replace(staging: &Path, output: &Path) -> Result<()> {
    if output.exists() {
        std::fs::remove_dir_all(output)?;
    }
    std::fs::rename(staging, output)
        .with_context(|| format!("cannot move the build to {}", output.display()))
}

/// Brotli by way of Node, which is there anyway: a Rust encoder is slow without optimisation, and xtask has none.
fn report_size(wasm: &Path) -> Result<()> {
    const SCRIPT: &str = "const wasm = require('fs').readFileSync(process.argv[1]);\
        const kib = (bytes) => (bytes.length / 1024).toFixed(1) + ' KiB';\
        const brotli = require('zlib').brotliCompressSync(wasm);\
        console.error(`wasm: ${kib(wasm)} raw, ${kib(brotli)} brotli`)";
    let mut node = Command::new("node");
    node.args(["-e", SCRIPT]).arg(wasm);
    run_command(&mut node, "node")
}

fn run_command(command: &mut Command, what: &str) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{what} could not be started"))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}
