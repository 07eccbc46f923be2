//! `cargo xtask ci`: everything a change must pass, cheapest first.

mod times;

use crate::prove::parts::{PARTS, Part};
use crate::prove::{Extent, Standing, standing};
use crate::{rust_version, tidy};
use anyhow::{Context, ensure};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use times::Times;

/// A call of cargo, with its name.
pub(crate) type Step = (&'static str, &'static [&'static str]);

/// What builds and runs without LibTorch: the default members. All choose the same packages, so that these get the same
/// features everywhere and nothing is compiled twice.
const STEPS: [Step; 3] = [
    ("formatting", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--all-targets", "--locked", "--", "-D", "warnings"]),
    ("documentation", &["doc", "--no-deps", "--locked"]),
];

const TESTS: Step = ("tests", &["test", "--locked"]);

/// How to run it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// `cargo test --locked` has just passed on these files: do not run it again.
    #[arg(long)]
    tested: bool,
    /// Append the time of every part to this file, instead of printing them at the end.
    #[arg(long, value_name = "FILE")]
    times: Option<PathBuf>,
}

/// Runs every step, stops at the first that fails, and says at the end how long each took.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let mut times = Times::default();
    let passed = steps(options, &mut times);
    match &options.times {
        Some(file) => times.append(file)?,
        None => eprint!("{times}"),
    }
    passed
}

fn steps(options: &Options, times: &mut Times) -> anyhow::Result<()> {
    times.measure("tidiness", tidy::run)?;
    times.measure("declared Rust", rust_version::check)?;
    for step in &STEPS {
        times.measure(step.0, || cargo(step, &[]))?;
    }
    if options.tested {
        times.note(TESTS.0, "have passed before");
    } else {
        times.measure(TESTS.0, || cargo(&TESTS, &[]))?;
    }
    PARTS.iter().try_for_each(|part| prove(part, times))
}

/// Runs `part` where its files are not those that have passed, and always says which it was.
fn prove(part: &Part, times: &mut Times) -> anyhow::Result<()> {
    let standing = standing(part)?;
    let why = describe(part.name, &standing);
    eprintln!("{}: {why}", part.name);
    if let Standing::Changed(_) = standing {
        let hint = || {
            format!(
                "the part `{0}` has to pass, since its files are not those in xtask/proved.toml\n\
                 hint: `cargo xtask prove {0}`, on any machine that can, runs it and records them",
                part.name
            )
        };
        times.measure(part.name, || (part.run)(Extent::Short).with_context(hint))?;
    }
    times.note(part.name, &why);
    Ok(())
}

fn describe(name: &str, standing: &Standing) -> String {
    match standing {
        Standing::Tested(reason) => (*reason).to_owned(),
        Standing::Unchanged(date) => format!("unchanged since {date}, skipped; `cargo xtask prove {name}` runs it"),
        Standing::Changed(reason) => format!("{reason}, so it runs; `cargo xtask prove {name}` records it"),
    }
}

/// Runs one step with `environment` added.
pub(crate) fn cargo((step, arguments): &Step, environment: &[(&str, OsString)]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(*arguments)
        .current_dir(crate::root())
        .env("RUSTDOCFLAGS", "-D warnings")
        .envs(environment.iter().map(|(variable, value)| (variable, value)))
        .status()
        .with_context(|| format!("starting cargo {}", arguments.join(" ")))?;
    ensure!(status.success(), "{step} failed: cargo {}", arguments.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_names_the_command_that_runs_it() {
        let skipped = describe("tch", &Standing::Unchanged("2026-01-31".into()));
        assert_eq!(skipped, "unchanged since 2026-01-31, skipped; `cargo xtask prove tch` runs it");
        let run = describe("arm", &Standing::Changed("never proved".into()));
        assert_eq!(run, "never proved, so it runs; `cargo xtask prove arm` records it");
    }
}
