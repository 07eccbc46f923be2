//! Checks and times plugins, also on a machine without a Rust toolchain: the conformance suite on one device of a plugin, and
//! a table of images per second of several plugins beside the CPU backend. `cargo xtask gpu-check` ships it.

mod network;
mod plugin;
mod rate;
mod timing;

use anyhow::bail;
use clap::Parser;
use mda_testkit::conformance;
use plugin::Plugin;

/// Checks and times plugins.
#[derive(Debug, Parser)]
enum Task {
    /// Run a plugin in the conformance suite; nothing may fail or be skipped.
    Conformance {
        /// The plugin's library, with the device behind it: FILE or FILE=DEVICE.
        plugin: String,
    },
    /// Time plugins beside the CPU backend in turn, and print a Markdown table.
    Timing(timing::Timing),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Conformance { plugin } => check(&Plugin::load(&plugin)?),
        Task::Timing(timing) => timing::run(&timing),
    }
}

fn check(plugin: &Plugin) -> anyhow::Result<()> {
    println!("{plugin}");
    let report = conformance::run(&plugin.backend, Some(&plugin.device));
    println!("{report}");
    let (failed, skipped) = (report.failures().count(), report.skipped().count());
    if failed + skipped > 0 {
        bail!("{failed} cases of the conformance suite failed and {skipped} were skipped");
    }
    Ok(())
}
