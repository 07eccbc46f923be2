//! `cargo xtask ci`: everything a change must pass, cheapest first.

use crate::tidy;
use anyhow::{Context, ensure};
use std::process::Command;
use std::time::Instant;

const STEPS: [(&str, &[&str]); 4] = [
    ("formatting", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    ("documentation", &["doc", "--workspace", "--no-deps", "--locked"]),
    ("tests", &["test", "--workspace", "--locked"]),
];

/// Runs every step and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    tidy::run()?;
    for (step, arguments) in STEPS {
        let start = Instant::now();
        let status = Command::new(env!("CARGO"))
            .args(arguments)
            .env("RUSTDOCFLAGS", "-D warnings")
            .status()
            .with_context(|| format!("starting cargo {}", arguments.join(" ")))?;
        ensure!(status.success(), "{step} failed: cargo {}", arguments.join(" "));
        eprintln!("{step}: passed in {:.0} s", start.elapsed().as_secs_f64());
    }
    Ok(())
}
