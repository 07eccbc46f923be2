//! `cargo xtask ci`: everything a change must pass, cheapest first.

use crate::libtorch::Libtorch;
use crate::tidy;
use anyhow::{Context, ensure};
use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;

/// What builds and runs without LibTorch: the default members.
const STEPS: [(&str, &[&str]); 4] = [
    ("formatting", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--all-targets", "--locked", "--", "-D", "warnings"]),
    ("documentation", &["doc", "--no-deps", "--locked"]),
    ("tests", &["test", "--locked"]),
];

const TCH: &str = "--package=mda-backend-tch";
const TCH_PLUGIN: &str = "--package=mda-plugin-tch";

/// What needs LibTorch in its environment.
const TCH_STEPS: [(&str, &[&str]); 3] = [
    ("lints of tch", &["clippy", TCH, TCH_PLUGIN, "--all-targets", "--locked", "--", "-D", "warnings"]),
    ("documentation of tch", &["doc", TCH, TCH_PLUGIN, "--no-deps", "--locked"]),
    ("tests of tch", &["test", TCH, TCH_PLUGIN, "--locked"]),
];

/// Runs every step and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    tidy::run()?;
    STEPS.iter().try_for_each(|step| cargo(step, &[]))?;
    let environment = Libtorch::set_up()?.environment()?;
    TCH_STEPS.iter().try_for_each(|step| cargo(step, &environment))
}

fn cargo((step, arguments): &(&str, &[&str]), environment: &[(&str, OsString)]) -> anyhow::Result<()> {
    let start = Instant::now();
    let status = Command::new(env!("CARGO"))
        .args(*arguments)
        .current_dir(crate::root())
        .env("RUSTDOCFLAGS", "-D warnings")
        .envs(environment.iter().map(|(variable, value)| (variable, value)))
        .status()
        .with_context(|| format!("starting cargo {}", arguments.join(" ")))?;
    ensure!(status.success(), "{step} failed: cargo {}", arguments.join(" "));
    eprintln!("{step}: passed in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
