//! `cargo xtask sim`: the simulator over many seeds, or over one that failed.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use stepwell_sim::{Options, Summary, Workload, simulate, simulate_all};

const SEEDS: u64 = 2_000;
/// So often it says how far it is.
const SEEDS_PER_CHUNK: u64 = 500;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (mut seeds, mut seed) = (SEEDS, 0);
    let mut workload = None;
    let tells = args.contains(&"--tell");
    let args: Vec<&str> = args
        .iter()
        .copied()
        .filter(|arg| *arg != "--tell")
        .collect();
    for pair in args.chunks(2) {
        match pair {
            ["--seeds", number] => seeds = parsed("--seeds", number)?,
            ["--seed", number] => seed = parsed("--seed", number)?,
            ["--workload", name] => {
                let named = Workload::named(name).map(|workload| workload.name);
                workload = Some(named.with_context(|| format!("there is no workload {name:?}"))?);
            }
            _ => bail!(
                "unknown option: {}. There are --seeds N, --seed S, --workload W and --tell.",
                pair.join(" ")
            ),
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "seed {seed}, {seeds} seeds from it on")?;
    let mut summary = Summary::default();
    let mut done = 0;
    while done < seeds {
        let count = SEEDS_PER_CHUNK.min(seeds - done);
        summary.merge(simulate_all(seed + done, count, workload));
        done += count;
        eprintln!("{done} of {seeds}, {} failed", summary.failures.len());
    }
    // A twentieth of the seeds for each workload of tabs.
    let of_tabs = match workload {
        None => &Workload::TABS[..],
        Some(_) => &[],
    };
    for name in of_tabs {
        summary.merge(simulate_all(seed, seeds / 20, Some(name)));
    }
    writeln!(out, "{summary}")?;
    for failure in &summary.failures {
        let again = simulate(Options {
            workload,
            ..Options::of(failure.seed)
        });
        let same = if again.trace == failure.trace {
            "replays exactly"
        } else {
            "DOES NOT REPLAY"
        };
        writeln!(
            out,
            "seed {}: trace {:016x}, {same}",
            failure.seed, failure.trace
        )?;
        writeln!(
            out,
            "  again: cargo xtask sim --seeds 1 --seed {} --workload {}",
            failure.seed, failure.workload
        )?;
    }
    if seeds == 1 {
        let once = simulate(Options {
            tells,
            workload,
            ..Options::of(seed)
        });
        writeln!(out, "trace {:016x}", once.trace)?;
    }
    if summary.passed() {
        return Ok(());
    }
    bail!("the simulation found something: see above")
}

fn parsed(option: &str, number: &str) -> Result<u64> {
    number
        .parse()
        .with_context(|| format!("{option} must be a whole number of at least 0; it is {number:?}"))
}
