//! Disassembling and assembling from start to end, as a user runs them.

use super::figures::Figures;
use super::setup::{Setup, run as execute};
use anyhow::Context;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Wall seconds of whole programs. With `MDA_SHARED` set, trained networks and their data sets are taken from there.
pub(super) fn run(setup: &Setup) -> anyhow::Result<()> {
    println!("## From start to end\n\nWall seconds of whole programs, all cores.\n\n| command | s |\n|---|---|");
    let folder = setup.empty("job")?;
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let mda = setup.mda()?;
    let timed = |arguments: &[&str]| -> anyhow::Result<f64> {
        let start = Instant::now();
        execute(Command::new(&mda).current_dir(&folder).args(arguments).env("RUST_BACKTRACE", "0"))?;
        Ok(start.elapsed().as_secs_f64())
    };
    let version = (0..21).map(|_| timed(&["--version"])).collect::<anyhow::Result<Vec<_>>>()?;
    println!("| `mda --version` | {:.4} |", Figures::new(version).median());
    println!("| `mda demo` | {:.2} |", timed(&["demo", "--quiet"])?);
    let Some(shared) = std::env::var_os("MDA_SHARED").map(PathBuf::from) else {
        eprintln!("MDA_SHARED is not set: no trained networks besides those of the demo");
        return Ok(());
    };
    let path = |parts: [&str; 2]| shared.join(parts[0]).join(parts[1]).display().to_string();
    let mut sources = vec![("lenet5-mnist", "mnist"), ("vgg16-w0.375-cifar10", "cifar10")];
    sources.truncate(if setup.quick { 1 } else { 2 });
    for (name, data) in &sources {
        let (weights, images) = (path(["models", &format!("{name}.pth")]), path(["data", data]));
        let (model, component) = (format!("{name}.safetensors"), format!("{name}.0-2.safetensors"));
        let import = timed(&["import", &weights, "--preset", data, "--output", &model, "--quiet"])?;
        println!("| `mda import {name}.pth` | {import:.2} |");
        let disassemble =
            timed(&["disassemble", &model, "--data", &images, "--task", "0-2", "--output", &component, "--quiet"])?;
        println!("| `mda disassemble {model} --task 0-2` | {disassemble:.2} |");
    }
    if let [(a, data_a), (b, data_b)] = sources[..] {
        let components = [a, b].map(|name| format!("{name}.0-2.safetensors"));
        let images = [data_a, data_b].map(|data| path(["data", data]));
        let [first, second] = &components;
        let data = ["--data", &images[0], "--data", &images[1]];
        let rest = ["--output", "both.safetensors", "--quiet"];
        let arguments: Vec<&str> = ["assemble", first, second].into_iter().chain(data).chain(rest).collect();
        println!("| `mda assemble` both | {:.2} |", timed(&arguments)?);
    }
    println!();
    Ok(())
}
