//! `cargo xtask bench`: MDA beside PyTorch, ONNX Runtime and candle, in one run and in alternation, as Markdown.

mod attribution;
mod choosing;
mod contestant;
mod figures;
mod forward;
mod growth;
mod job;
mod setup;
mod tune;

use setup::Setup;
use std::path::PathBuf;

/// What to compare, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Few rounds and small networks: to see that everything works.
    #[arg(long)]
    quick: bool,
    /// A Python that has torch, onnxruntime and numpy; without it, one is set up in target/bench/venv.
    #[arg(long, env = "MDA_BENCH_PYTHON", value_name = "PATH")]
    python: Option<PathBuf>,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Another build of `mda`, which makes the same components within a budget, in turn.
    #[arg(long, value_name = "PATH")]
    other: Option<PathBuf>,
    /// Compare CPU seconds in place of wall seconds: for one thread on a busy machine.
    #[arg(long)]
    cpu_time: bool,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Part {
    /// Images per second.
    Forward,
    /// Attribution beside the forward pass, and beside the formula written out.
    Attribution,
    /// Disassembling and assembling from start to end.
    Job,
    /// Components within a budget.
    Choosing,
    /// Steps of training a second.
    Tune,
    /// What attribution costs as images, widths, categories and image sizes grow.
    Growth,
}

/// Runs the parts that are asked for; all of them where none is named.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let setup = Setup::new(options)?;
    println!("{}\n", setup.machine()?);
    let wanted = |part: Part| options.only.is_empty() || options.only.contains(&part);
    if wanted(Part::Forward) {
        forward::run(&setup)?;
    }
    if wanted(Part::Attribution) {
        attribution::run(&setup)?;
    }
    if wanted(Part::Job) {
        job::run(&setup)?;
    }
    if wanted(Part::Choosing) {
        choosing::run(&setup)?;
    }
    if wanted(Part::Tune) {
        tune::run(&setup)?;
    }
    if wanted(Part::Growth) {
        growth::run(&setup)?;
    }
    Ok(())
}
