//! Runs a plugin on a machine without a Rust toolchain: the conformance suite on one of its devices, then timings beside the
//! CPU backend. `cargo xtask gpu-check` builds it.

mod images;
mod timing;

use anyhow::{Context, bail};
use clap::Parser;
use mda_core::backend::Backend;
use mda_plugin::host::load;
use mda_testkit::conformance;
use std::path::PathBuf;

/// Runs a plugin in the conformance suite and times it beside the CPU backend.
#[derive(Debug, Parser)]
struct Arguments {
    /// The plugin's library.
    plugin: PathBuf,
    /// The device to run on.
    #[arg(long, default_value = "cuda:0")]
    device: String,
    /// How many images are timed, at least one a category.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(10..))]
    images: u32,
}

fn main() -> anyhow::Result<()> {
    let Arguments { plugin, device, images } = Arguments::parse();
    let backend = load(&plugin, None)?;
    let devices = backend.devices();
    let Some(found) = devices.iter().find(|found| found.id == device) else {
        let there: Vec<String> = devices.iter().map(|found| format!("{} ({})", found.id, found.description)).collect();
        bail!("backend `{}` has no device `{device}` here; it has {}", backend.id(), there.join(", "));
    };
    println!("backend `{}`, device `{device}`: {}", backend.id(), found.description);
    let report = conformance::run(&backend, Some(&device));
    println!("{report}");
    timing::compare(&backend, &device, images as usize).context("timing")?;
    let (failed, skipped) = (report.failures().count(), report.skipped().count());
    if failed + skipped > 0 {
        bail!("{failed} cases of the conformance suite failed and {skipped} were skipped");
    }
    Ok(())
}
