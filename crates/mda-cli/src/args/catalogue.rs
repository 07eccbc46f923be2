//! What commands for many tasks take.

use super::{BudgetArgs, DEFAULT_FORMULATION};
use crate::suggestions;
use clap::Args;
use std::path::PathBuf;

/// Look at a source once, for all components that are cut out of it later: what its layers see of the images that speak.
#[derive(Debug, Args)]
pub(crate) struct Observe {
    /// The source.
    pub(crate) model: PathBuf,
    /// Labelled images of the source's categories; the train split is looked at.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: PathBuf,
    /// The images have no labels: what the source takes an image for is its label.
    #[arg(long)]
    pub(crate) unlabelled: bool,
    /// Only these categories: numbers, ranges, names or patterns, or `@FILE` with one a line; all where absent.
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// The statistics to write, a safetensors file.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How many images speak for a category: those of which the source is surest.
    #[arg(long, default_value_t = 50, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top_k: u32,
    /// How many train images of a category the surest are picked from, at most; 0 for all.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) candidates: usize,
    /// How many train images of a category are kept for repairs, at most.
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub(crate) calibration: usize,
    /// Which train images speak.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// How large the statistics may become, as in 512MiB or 2GiB: of large layers fewer positions of an image are kept then.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// Look at a share of the images only, as in 2/8; `mda merge` puts all shares together.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<(usize, usize)>,
}

/// Put statistics together: the shards of one look, or looks at other categories.
#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The statistics.
    #[arg(required = true, num_args = 2.., value_name = "FILE")]
    pub(crate) statistics: Vec<PathBuf>,
    /// The source that they are of.
    #[arg(long, value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Cut many components out of one source, one for each of many tasks, and tell how good they are.
#[derive(Debug, Args)]
pub(crate) struct Catalogue {
    /// The source.
    pub(crate) model: PathBuf,
    /// Labelled images of the source's categories; the train split decides, the test split measures.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: PathBuf,
    /// The images have no labels: what the source takes an image for is its label. Nothing is measured.
    #[arg(long)]
    pub(crate) unlabelled: bool,
    /// The tasks: a file with one a line (`shoes = 5,7,9`, or `5,7,9`), a folder of text files with one category a line,
    /// `each` for every category alone, or `pairs`.
    #[arg(long, value_name = "FILE|DIR|each|pairs")]
    pub(crate) tasks: String,
    /// The folder that receives the components and the table. What it already has is not made again.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// The formulation, or several that compete, as `mda disassemble` takes them. `auto` is obs, of wide networks taylor, which all
    /// tasks share; with `--thorough` it is obs for every network.
    #[arg(long, default_value = DEFAULT_FORMULATION, value_name = "NAME[,KEY=VALUE][+NAME...]",
        value_parser = suggestions::formulations(), hide_possible_values = true)]
    pub(crate) formulation: String,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    /// What makes up for what was cut: none, bias, batch-norm or ridge.
    #[arg(long, default_value = "ridge", value_name = "NAME", value_parser = suggestions::repairs(), hide_possible_values = true)]
    pub(crate) repair: String,
    /// Take the time for each component that `mda disassemble` takes, but for looking at the source.
    #[arg(long)]
    pub(crate) thorough: bool,
    /// What was seen of the source before, by `mda observe`.
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    pub(crate) statistics: Option<PathBuf>,
    /// Which train images speak, repair and choose.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Do not measure the components on test images.
    #[arg(long)]
    pub(crate) no_evaluate: bool,
    /// Make a share of the components only, as in 2/8, so that several machines may fill one folder.
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<(usize, usize)>,
    /// How many components are made at a time, each with its share of the threads; one a thread where absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
}

/// `2/8`.
pub(super) fn shard(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(shard, of)| Some((shard.parse().ok()?, of.parse().ok()?)));
    match numbers {
        Some((shard, of)) if (1..=of).contains(&shard) => Ok((shard, of)),
        _ => Err("expected a shard and how many there are, as in 1/8 to 8/8".into()),
    }
}

/// `512MiB` in bytes.
fn size(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let found = units.iter().find_map(|&(unit, bits)| Some((text.strip_suffix(unit)?, bits)));
    let number = found.and_then(|(number, bits)| Some((number.trim().parse::<f64>().ok()?, bits)));
    match number {
        Some((number, bits)) if number > 0.0 && number < 1e9 => Ok((number * f64::from(2u32).powi(bits)) as u64),
        _ => Err("expected a size such as 512MiB or 2GiB".into()),
    }
}
