//! The arguments of `mda assemble`.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use mda::core::rescale::Rescaling;
use std::path::PathBuf;

/// Join components into one classifier over all their categories.
#[derive(Debug, Args)]
pub(crate) struct Assemble {
    /// The components, in the order of their logits.
    #[arg(required = true, num_args = 2..)]
    pub(crate) components: Vec<PathBuf>,
    /// The assembled model to write.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// One data set a component, in their order: its train split calibrates, its test split measures.
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Vec<PathBuf>,
    /// How the components are joined.
    #[arg(long, value_enum, default_value_t = FormName::Parallel)]
    pub(crate) form: FormName,
    /// How their logits are brought to one scale; by evidence where there is data, else not at all.
    #[arg(long, value_parser = rescaling())]
    pub(crate) rescale: Option<Rescaling>,
    /// How many train images of a category calibrate the scale, at most; none of them spoke in a component or repaired one.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub(crate) calibration: usize,
    /// How often each category is expected, for a calibrated scale.
    #[arg(long, value_enum, default_value_t = PriorName::Uniform)]
    pub(crate) prior: PriorName,
    /// Which train images calibrate.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Put each component's name before its categories, as in `mnist:3`.
    #[arg(long)]
    pub(crate) prefix_categories: bool,
    /// Rename a category of the K-th component (from 1), as in `2:Bag=handbag`.
    #[arg(long, value_name = "K:OLD=NEW")]
    pub(crate) rename: Vec<String>,
    /// The assembled model's name; the components' names joined by `+` where absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Write a model card beside the model: a Markdown text of the same name that model hubs read.
    #[arg(long)]
    pub(crate) card: bool,
    /// Write a report for a browser as well.
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) report: Option<PathBuf>,
    /// What a component was cut out of, for the report; may be given again.
    #[arg(long, value_name = "FILE", requires = "report")]
    pub(crate) source: Vec<PathBuf>,
}

/// How components are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormName {
    /// Side by side over one image; any architectures.
    Parallel,
    /// Merged layer by layer; one architecture.
    BlockDiagonal,
}

/// How often the categories of an assembled model are expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PriorName {
    /// All equally often.
    #[default]
    Uniform,
    /// As often as in the train splits.
    Train,
}

/// A rescaling by its name.
fn rescaling() -> impl TypedValueParser<Value = Rescaling> {
    let possible = Rescaling::ALL.iter().map(|(rescaling, about)| PossibleValue::new(rescaling.name()).help(*about));
    let called = |name: &str| Rescaling::ALL.iter().find(|(rescaling, _)| rescaling.name() == name);
    let known = "the name is one of those that were listed";
    PossibleValuesParser::new(possible).map(move |name| called(&name).expect(known).0)
}
