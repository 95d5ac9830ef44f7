//! `cargo xtask sim`: starts the simulator. A process and not a dependency: else every build of xtask, and so a first
//! `npm start`, would compile native SQLite.

use std::process::Command;

use anyhow::{Context, Result, bail};

pub(crate) fn run(options: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "stepwell-sim", "--"])
        .args(options)
        .status()
        .context("cargo could not be started")?;
    if status.success() {
        return Ok(());
    }
    bail!("the simulator failed: see above")
}
