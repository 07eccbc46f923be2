//! The options of `mda tune`.

use clap::{Args, ValueEnum};
use mda::core::method::{Optimiser, Schedule, Tuning};
use std::path::PathBuf;

/// Let a component, or an assembled model, learn its sources' own answers to train images, without labels.
#[derive(Debug, Args)]
pub(crate) struct Tune {
    /// The component or the assembled model.
    pub(crate) model: PathBuf,
    /// Its images: one data set a component, in their order, or one for all. Train images teach and judge, test images measure.
    #[arg(long, required = true, value_name = "PATH")]
    pub(crate) data: Vec<PathBuf>,
    /// What a component was cut out of, whose answers are learned; may be given again.
    #[arg(long, value_name = "FILE")]
    pub(crate) source: Vec<PathBuf>,
    /// The tuned model to write.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) how: How,
    /// How much labels count beside the source's answers, 0 to 1. Without this no label is learned from.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", num_args = 0..=1, default_missing_value = "0.5")]
    pub(crate) labels: f64,
    /// Go on where a tuning with the same output and the same options stopped.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Do not measure the model on test images.
    #[arg(long)]
    pub(crate) no_evaluate: bool,
}

/// How large and how many the steps are, and from which images.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// How often every image is seen.
    #[arg(long, default_value_t = Tuning::default().epochs, value_name = "N")]
    epochs: usize,
    /// How many train images of a category teach, at most.
    #[arg(long, default_value_t = Tuning::default().images, value_name = "N")]
    images: usize,
    /// Images a step.
    #[arg(long, default_value_t = Tuning::default().batch, value_name = "N")]
    step: usize,
    /// What makes steps of slopes.
    #[arg(long, value_enum, default_value_t = OptimiserName::Adamw)]
    optimiser: OptimiserName,
    /// How the rate goes from the first step to the last.
    #[arg(long, value_enum, default_value_t = ScheduleName::OneCycle)]
    schedule: ScheduleName,
    /// The largest rate.
    #[arg(long, default_value_t = Tuning::default().rate, value_name = "X")]
    rate: f64,
    /// What weights lose of themselves in a step, as a multiple of the rate.
    #[arg(long, default_value_t = Tuning::default().weight_decay, value_name = "X")]
    weight_decay: f64,
    /// How soft answers are made before they are compared.
    #[arg(long, default_value_t = Tuning::default().temperature, value_name = "X")]
    temperature: f64,
    /// By how many pixels images are shifted at most, at random.
    #[arg(long, default_value_t = Tuning::default().shift, value_name = "N")]
    shift: usize,
    /// Show no image in a mirror.
    #[arg(long)]
    no_flip: bool,
    /// After how many epochs without a better one it ends.
    #[arg(long, default_value_t = Tuning::default().patience, value_name = "N")]
    patience: usize,
    /// What draws the order of the images and what is done to them.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
}

/// What makes steps of slopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OptimiserName {
    /// Nesterov's momentum, 0.9.
    Sgd,
    /// AdamW.
    Adamw,
}

/// How the rate goes from the first step to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScheduleName {
    /// Up for three tenths of the steps, then down to nothing.
    OneCycle,
    /// Down to nothing.
    Cosine,
}

impl Tune {
    /// The same as the library has it.
    pub(crate) fn tuning(&self) -> Tuning {
        let how = &self.how;
        Tuning {
            epochs: how.epochs,
            batch: how.step,
            images: how.images,
            optimiser: match how.optimiser {
                OptimiserName::Sgd => Optimiser::Sgd,
                OptimiserName::Adamw => Optimiser::AdamW,
            },
            schedule: match how.schedule {
                ScheduleName::OneCycle => Schedule::OneCycle,
                ScheduleName::Cosine => Schedule::Cosine,
            },
            rate: how.rate,
            weight_decay: how.weight_decay,
            temperature: how.temperature,
            labels: self.labels,
            flip: !how.no_flip,
            shift: how.shift,
            patience: how.patience,
            seed: how.seed,
        }
    }
}
