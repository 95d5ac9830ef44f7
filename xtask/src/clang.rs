//! Finds a C compiler that can target wasm32: `sqlite-wasm-rs` compiles SQLite from source. Apple's clang cannot.

use anyhow::{Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};

const CC_ENV: &str = "CC_wasm32_unknown_unknown";
const AR_ENV: &str = "AR_wasm32_unknown_unknown";

/// Where Homebrew puts LLVM, which it does not put on PATH.
const LLVM_DIRS: [&str; 2] = ["/opt/homebrew/opt/llvm/bin", "/usr/local/opt/llvm/bin"];

/// The variables that make the `cc` crate use the compiler found.
pub(crate) fn environment() -> Result<Vec<(&'static str, String)>> {
    if std::env::var_os(CC_ENV).is_some() {
        return Ok(Vec::new());
    }
    if can_target_wasm("clang") && runs("llvm-ar") {
        return Ok(vec![(CC_ENV, "clang".into()), (AR_ENV, "llvm-ar".into())]);
    }
    for dir in LLVM_DIRS {
        let (clang, ar) = (format!("{dir}/clang"), format!("{dir}/llvm-ar"));
        if can_target_wasm(&clang) && runs(&ar) {
            return Ok(vec![(CC_ENV, clang), (AR_ENV, ar)]);
        }
    }
    bail!(
        "SQLite is compiled from C for wasm32, and that needs clang and llvm-ar on PATH.\n\
         Install them with:  {}\n\
         or name a clang of your own in {CC_ENV} and an llvm-ar in {AR_ENV}.",
        install_command()
    )
}

fn can_target_wasm(clang: &str) -> bool {
    Command::new(clang)
        .args([
            "--target=wasm32-unknown-unknown",
            "-fsyntax-only",
            "-x",
            "c",
        ])
        .arg("-")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn install_command() -> &'static str {
    if cfg!(target_os = "macos") {
        "brew install llvm"
    } else if Path::new("/etc/debian_version").exists() {
        "sudo apt-get install -y clang llvm"
    } else if Path::new("/etc/fedora-release").exists() || Path::new("/etc/redhat-release").exists()
    {
        "sudo dnf install -y clang llvm"
    } else {
        "your package manager (the packages are called clang and llvm)"
    }
}
