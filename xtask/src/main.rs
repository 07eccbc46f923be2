//! Project tasks: `cargo xtask ci` checks everything that a change must pass.

mod ci;
mod tidy;

use clap::Parser;

/// Tasks of the MDA project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Check formatting, lints, documentation, the tidiness rules, and run all tests.
    Ci,
    /// Check only the tidiness rules of STYLE.md.
    Tidy,
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
    }
}
