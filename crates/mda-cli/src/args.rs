//! The command line: one definition yields parsing, help and completions.

mod assemble;
mod catalogue;
mod tune;

pub(crate) use assemble::{Assemble, FormName, PriorName};
pub(crate) use catalogue::{Catalogue, Merge, Observe};
pub(crate) use tune::Tune;

use crate::suggestions;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What decides which channels matter where nothing else is asked for.
pub(crate) const DEFAULT_FORMULATION: &str = "auto";

/// Disassemble trained image classifiers into components and assemble components into new classifiers.
#[derive(Debug, Parser)]
#[command(name = "mda", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Options that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where models run: NAME or NAME:DEVICE, as `mda backends` lists them.
    #[arg(long, global = true, env = "MDA_BACKEND", value_name = "NAME[:DEVICE]",
        value_parser = suggestions::backends(), hide_possible_values = true)]
    pub(crate) backend: Option<String>,
    /// A plugin to load, a backend in a library of its own; may be given again. Where no backend is named, the first runs.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) plugin: Vec<PathBuf>,
    /// How many images run at a time.
    #[arg(long, global = true, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(crate) batch: u32,
    /// How many threads compute; all cores where absent, at most 64 or four a core.
    #[arg(long, global = true, value_name = "N", value_parser = crate::threads::parse)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Results as JSON on stdout.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress and no notes on stderr.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Write even where that replaces a file of another kind; a file that is read is never replaced.
    #[arg(long, global = true)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(Demo),
    Import(Import),
    Inspect(Inspect),
    Evaluate(Evaluate),
    Predict(Predict),
    Disassemble(Disassemble),
    Observe(Observe),
    Merge(Merge),
    Catalogue(Catalogue),
    Tune(Tune),
    Assemble(Assemble),
    Report(Report),
    Study(Study),
    Export(Export),
    /// List what can run models here, where it comes from, and why the rest cannot.
    Backends,
    Completions(Completions),
    Manual(Manual),
    /// Print the book's page of all commands and flags, as Markdown.
    #[command(hide = true)]
    Reference,
}

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Write manual pages, one a command.
#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// The folder that receives them.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

/// Run the whole job on two small embedded networks: cut components out of both and assemble them.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder that receives the models and the images.
    #[arg(long, short, default_value = "mda-demo", value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Write a report for a browser as well; into the folder as `report.html` where no file is named.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<Option<PathBuf>>,
}

/// Write a report for a browser: how good a component or assembled model is, how small, why, and what it was made of.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The component or the assembled model.
    pub(crate) model: PathBuf,
    /// Its images: one data set a component, in their order, or one for all.
    #[arg(long, required = true, value_name = "PATH")]
    pub(crate) data: Vec<PathBuf>,
    /// What a component was cut out of; may be given again. Without it there is nothing to compare with.
    #[arg(long, value_name = "FILE")]
    pub(crate) source: Vec<PathBuf>,
    /// The HTML file to write.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Turn a trained classifier into a model file: PyTorch checkpoints, safetensors state_dicts, ONNX files.
#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) foreign: Foreign,
    /// The model file to write.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write a model card beside the model: a Markdown text of the same name that model hubs read.
    #[arg(long)]
    pub(crate) card: bool,
}

/// Another program's file and what it does not say itself.
#[derive(Debug, Default, Args)]
pub(crate) struct Foreign {
    /// The weights, or an ONNX file; a model file of MDA stays what it is but for its name and its categories' names.
    pub(crate) file: PathBuf,
    /// The architecture; guessed from names and shapes where absent. An ONNX file brings its own.
    #[arg(long, value_name = "NAME", value_parser = suggestions::architectures(), hide_possible_values = true)]
    pub(crate) arch: Option<String>,
    /// A known data set, which gives the category names and the normalisation: mnist, fashion-mnist, cifar10 or
    /// tiny-imagenet-32.
    #[arg(long, value_name = "NAME", value_parser = suggestions::presets(), hide_possible_values = true)]
    pub(crate) preset: Option<String>,
    /// A text file with one category name a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) categories: Option<PathBuf>,
    /// A data set whose category names are taken.
    #[arg(long, value_name = "DIR", conflicts_with = "categories")]
    pub(crate) data: Option<PathBuf>,
    /// Rows and columns of the images, as in 32x32; where absent, a usual size that the weights fit. Channels go in front where
    /// an ONNX file does not tell them, as in 1x28x28.
    #[arg(long, value_name = "[Cx]HxW")]
    pub(crate) input: Option<String>,
    /// The pixel values that the network was trained on, black to white; 0-1 where absent.
    #[arg(long, value_enum)]
    pub(crate) range: Option<RangeName>,
    /// What is subtracted from the pixel values in that range: one number, or one a channel, comma-separated.
    #[arg(long, value_name = "NUMBERS", requires = "std")]
    pub(crate) mean: Option<String>,
    /// What they are divided by then: one number, or one a channel, comma-separated.
    #[arg(long, value_name = "NUMBERS", requires = "mean")]
    pub(crate) std: Option<String>,
    /// The model's name; the file's stem where absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// Pixel values from black to white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RangeName {
    /// As PyTorch's loaders have it.
    #[value(name = "0-1")]
    Unit,
    /// As Keras's applications have it.
    #[value(name = "0-255")]
    Bytes,
}

/// Write a model in another program's format.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The model.
    pub(crate) model: PathBuf,
    /// The ONNX file to write (opset 17, any batch size, pixel values in 0 to 1 in, logits out).
    #[arg(long, required = true, value_name = "FILE")]
    pub(crate) onnx: PathBuf,
}

/// Show what a model file holds: layers, sizes, categories, and where it came from.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The model.
    pub(crate) model: PathBuf,
}

/// Measure a model's accuracy on labelled images.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// The model.
    pub(crate) model: PathBuf,
    /// A data set; several for an assembled model. Categories meet by name, `LABEL:name` first where LABEL is given.
    #[arg(long, required = true, value_name = "[LABEL=]PATH")]
    pub(crate) data: Vec<String>,
    /// Which images.
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    pub(crate) split: SplitName,
    /// Only these categories: numbers, ranges, names or patterns of the model's, or `@FILE` with one a line.
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// All but these categories, written likewise.
    #[arg(long, value_name = "TASK")]
    pub(crate) without: Option<String>,
    /// Print how many images of each category were taken for which.
    #[arg(long)]
    pub(crate) confusion: bool,
}

/// Say what images show, with probabilities.
#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// The model; a file of another program is imported, and what is assumed of it is told.
    pub(crate) model: PathBuf,
    /// JPEG or PNG files, folders of them, or `-` for a list of files on stdin, one a line.
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// How many categories are told of an image, the likeliest first.
    #[arg(long, default_value_t = 3, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: u32,
}

/// The images of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    /// What sources were trained on.
    Train,
    /// What results are measured on.
    Test,
}

/// Cut a small stand-alone model for some categories out of a trained one.
#[derive(Debug, Args)]
pub(crate) struct Disassemble {
    /// The source.
    pub(crate) model: PathBuf,
    /// Labelled images of the source's categories; the train split decides, the test split measures.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: PathBuf,
    /// The images have no labels: what the source takes an image for is its label. A folder of images will do; nothing is measured.
    #[arg(long, conflicts_with_all = ["report", "images"])]
    pub(crate) unlabelled: bool,
    /// The categories: numbers, ranges, names or patterns, as in `0-2,7`, `Bag,Sneaker` or `n02*`, a name with a comma in double
    /// quotes; or `@FILE`, a text file with one a line.
    #[arg(long, value_name = "TASK", required_unless_present = "without")]
    pub(crate) task: Option<String>,
    /// All but these categories, written likewise.
    #[arg(long, value_name = "TASK")]
    pub(crate) without: Option<String>,
    /// The component to write.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) method: Method,
    #[command(flatten)]
    pub(crate) fitting: Fitting,
    /// A JSON file with the positions of the train images that speak, instead of the surest (`[3, 17, ...]`, or an object
    /// that has the list as `selected_train_indices`). They do nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) images: Option<PathBuf>,
    /// What was seen of the source before, by `mda observe`: nothing is looked at again.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["images", "top_k", "candidates", "seed"])]
    pub(crate) statistics: Option<PathBuf>,
    /// The component's name; its source's with the task behind it where absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Which logits the component keeps.
    #[arg(long, value_enum, default_value_t = LogitsName::Task)]
    pub(crate) logits: LogitsName,
    /// Tell why: what was tried to spend a budget, how much the task suffers where a layer alone is cut, and every layer.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Do not measure the component on test images.
    #[arg(long)]
    pub(crate) no_evaluate: bool,
    /// Write a model card beside the model: a Markdown text of the same name that model hubs read.
    #[arg(long)]
    pub(crate) card: bool,
    /// Write a report for a browser as well.
    #[arg(long, value_name = "FILE", conflicts_with = "no_evaluate")]
    pub(crate) report: Option<PathBuf>,
}

/// Which method decides what matters.
#[derive(Debug, Args)]
pub(crate) struct Method {
    /// The formulation: a preset (obs, graph, model-lego, soft, frat, mean-activation, l1, fpgm, hrank, taylor, random),
    /// changes behind it, as in `graph,accumulation=soft,conv.alpha=0.2`. Several, as in `obs+taylor`, compete within a
    /// budget. `auto` is obs+taylor+soft+fpgm, without ridge all but model-lego and random, and obs where there is no
    /// budget.
    #[arg(long, default_value = DEFAULT_FORMULATION, value_name = "NAME[,KEY=VALUE][+NAME...]",
        value_parser = suggestions::formulations(), hide_possible_values = true)]
    pub(crate) formulation: String,
    /// The threshold of an input's contribution to one output, for all layers.
    #[arg(long, value_name = "X")]
    pub(crate) alpha: Option<f32>,
    /// The threshold of what an input is allocated, for all layers.
    #[arg(long, value_name = "X")]
    pub(crate) beta: Option<f32>,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
}

/// A size or a loss of accuracy, instead of thresholds.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct BudgetArgs {
    /// Keep at most this share of the parameters, instead of thresholds.
    #[arg(long, value_name = "PERCENT", value_parser = mda::disassemble::percent)]
    pub(crate) keep_params: Option<f64>,
    /// Keep at most this share of the multiply-adds, instead of thresholds.
    #[arg(long, value_name = "PERCENT", value_parser = mda::disassemble::percent)]
    pub(crate) keep_macs: Option<f64>,
    /// Keep as little as loses at most this many points of accuracy on choice images, a part of the train images, instead of thresholds.
    #[arg(long, value_name = "POINTS", value_parser = mda::disassemble::points)]
    pub(crate) max_drop: Option<f64>,
}

/// How components are fitted, and to which train images.
#[derive(Debug, Args)]
pub(crate) struct Fitting {
    /// How many images speak for a category: those of which the source is surest.
    #[arg(long, default_value_t = 50, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top_k: u32,
    /// How many train images of a category the surest are picked from, at most; 0 for all.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub(crate) candidates: usize,
    /// How many of the plans for a budget are repaired and compared on images: those that are expected to lose least.
    #[arg(long, default_value_t = mda::disassemble::FINALISTS as u32, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) finalists: u32,
    /// What makes up for what was cut: none, bias, batch-norm or ridge.
    #[arg(long, default_value = "ridge", value_name = "NAME", value_parser = suggestions::repairs(), hide_possible_values = true)]
    pub(crate) repair: String,
    /// Let the repaired component learn the source's own answers to train images, for so many epochs, 10 where no number is given; no label
    /// is learned from. `mda tune` does the same later and has options.
    #[arg(long, value_name = "EPOCHS", num_args = 0..=1, default_missing_value = "10")]
    pub(crate) tune: Option<usize>,
    /// How many train images of a category repair, at most.
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub(crate) calibration: usize,
    /// Which train images speak, repair and choose.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
}

/// The logits of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogitsName {
    /// Those of the task.
    Task,
    /// All of the source's.
    All,
}

/// Run a recipe: sources x tasks x formulations x repairs x budgets x rescalings, with seeds; write tables.
#[derive(Debug, Args)]
pub(crate) struct Study {
    /// The recipe, a TOML file.
    pub(crate) recipe: PathBuf,
    /// The folder that receives the results. Runs that it already has are not repeated.
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Where the recipe's paths begin; the recipe's own folder where absent.
    #[arg(long, value_name = "DIR", env = "MDA_SHARED")]
    pub(crate) root: Option<PathBuf>,
    /// How many runs go on at a time, each with its share of the threads; one a thread where absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Do a share of the runs only, as in 2/8, so that several machines may do them, each with a folder of its own.
    #[arg(long, value_name = "I/N", value_parser = catalogue::shard)]
    pub(crate) shard: Option<(usize, usize)>,
    /// Take over the runs of another folder, such as that of another shard; may be given again.
    #[arg(long, value_name = "DIR")]
    pub(crate) merge: Vec<PathBuf>,
}
