//! What can go wrong, and what to do next.

use crate::import::ImportError;
use crate::progress::Cancelled;
use crate::study::StudyError;
use mda_core::assemble::AssembleError;
use mda_core::attribute::AttributeError;
use mda_core::budget::BudgetError;
use mda_core::cut::CutError;
use mda_core::cut::SliceError;
use mda_core::evaluate::LabelError;
use mda_core::graph::GraphErrors;
use mda_core::method::{FormulationError, UnknownRepair};
use mda_core::model::task::TaskError;
use mda_core::repair::RepairError;
use mda_core::rescale::RescaleError;
use mda_core::run::RunError;
use mda_core::run::backend::BackendError;
use mda_core::tensor::Shape;
use mda_core::tune::TuneError;
use mda_data::{DataError, PartsError, PreparationError, Split};
use mda_formats::OnnxError;
use mda_formats::native::NativeError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a piece of the job could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A model file that cannot be read or written.
    #[error("{what} {}", path.display())]
    Model {
        /// `reading the model` or `writing the model`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<NativeError>,
    },
    /// A file that cannot be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A model that cannot be written as ONNX.
    #[error("exporting to {}", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<OnnxError>,
    },
    /// A file that could not be written.
    #[error("writing {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Images that cannot be opened.
    #[error("opening the {split} images of {}", path.display())]
    Data {
        /// The data set.
        path: PathBuf,
        /// Which of its splits.
        split: Split,
        /// Why.
        source: Box<DataError>,
    },
    /// Images that a model cannot take.
    #[error("preparing the images of {} for a model of {shape}", path.display())]
    Preparation {
        /// The data set.
        path: PathBuf,
        /// What the model takes.
        shape: Shape,
        /// Why.
        source: PreparationError,
    },
    /// Images of one's own without test images.
    #[error("there are no test images to measure on")]
    NoTest,
    /// Categories of the data and of a model that do not meet.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// A task that means nothing to the model.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A disassembly that was told no task.
    #[error("no task was given: which categories is the component for?")]
    NoTask,
    /// Too few images.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// Thresholds or names of formulations that mean nothing.
    #[error(transparent)]
    Formulation(#[from] FormulationError),
    /// Several formulations without a budget to compare them by.
    #[error(
        "{named} are {count} formulations, which can only be compared at equal size; give a budget such as --keep-params \
         30%, or name one of them"
    )]
    NoBudget {
        /// The formulations.
        named: String,
        /// How many they are.
        count: usize,
    },
    /// What matters could not be found out.
    #[error(transparent)]
    Attribute(AttributeError),
    /// A component that could not be cut.
    #[error(transparent)]
    Cut(CutError),
    /// A plan that cannot be cut.
    #[error(transparent)]
    Slice(#[from] SliceError),
    /// A budget that cannot be met.
    #[error(transparent)]
    Budget(BudgetError),
    /// A component of one category where nothing tells it from others.
    #[error(
        "the train images are all of one category: components of one category are compared by how well they tell it from \
         others; add images of the source's other categories, or take thresholds instead of a budget"
    )]
    NothingElse,
    /// Statistics that cannot be read or written.
    #[error("{what} {}", path.display())]
    Statistics {
        /// `reading the statistics` or `writing the statistics`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<NativeError>,
    },
    /// Statistics of something else.
    #[error("the statistics are of {expected}, not of {found}")]
    OtherStatistics {
        /// What they are of.
        expected: String,
        /// What they were to be used for.
        found: String,
    },
    /// Statistics that are not all there.
    #[error("of the {of} shards of the statistics {} are missing: {missing:?}", missing.len())]
    MissingShards {
        /// Which, counted from 1.
        missing: Vec<usize>,
        /// Of how many.
        of: usize,
    },
    /// Statistics that do not belong together.
    #[error("these statistics cannot be merged: {0}")]
    Unmergeable(String),
    /// Less memory than statistics need.
    #[error("the statistics of {images} images take at least {least} KiB, {most} KiB are allowed")]
    LittleMemory {
        /// How many images speak.
        images: usize,
        /// What they take.
        least: u64,
        /// What they may take.
        most: u64,
    },
    /// A name that is no name of a file.
    #[error("`{name}` names no file: expected letters, digits and any of -_+.,() but no dot in front, up to 128 bytes")]
    EntryName {
        /// The name.
        name: String,
    },
    /// Two components of one name.
    #[error("two components of the catalogue are called `{name}`")]
    EntryTwice {
        /// The name.
        name: String,
    },
    /// A shard that is none.
    #[error("shard {shard} of {of}: expected a shard from 1 to the number of all")]
    Shard {
        /// Which.
        shard: usize,
        /// Of how many.
        of: usize,
    },
    /// A name that no repair has.
    #[error(transparent)]
    UnknownRepair(#[from] UnknownRepair),
    /// A component that could not be repaired.
    #[error(transparent)]
    Repair(RepairError),
    /// A model that could not be tuned.
    #[error(transparent)]
    Tune(TuneError),
    /// A component whose source is not there.
    #[error("none of the sources given has the categories of {component}")]
    NoSource {
        /// The component.
        component: String,
    },
    /// A tuning that cannot go on where it stopped.
    #[error("the checkpoint {} cannot be gone on from: {why}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Components that cannot be joined.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// Another number of data sets than of components.
    #[error("{components} components need {components} data sets, one each in their order; got {got}")]
    DataCount {
        /// The components.
        components: usize,
        /// The data sets.
        got: usize,
    },
    /// One data set for two components whose categories cannot be told apart in it.
    #[error("a rescaling by {rescaling} needs calibration images: give one data set for every component")]
    NoCalibration {
        /// The rescaling.
        rescaling: &'static str,
    },
    /// A prior for logits that are no likelihoods.
    #[error(
        "categories can only be expected as often as in the train images where the scale is calibrated: by \
         scale-shift-component, scale-shift-category or evidence"
    )]
    UncalibratedPrior,
    /// A category that is never seen.
    #[error("`{category}` of {component} has no train image, so nothing says how often to expect it")]
    NeverSeen {
        /// The component.
        component: String,
        /// Its category.
        category: String,
    },
    /// Logits that cannot be rescaled.
    #[error(transparent)]
    Rescale(#[from] RescaleError),
    /// A model that could not be changed.
    #[error(transparent)]
    Graph(#[from] GraphErrors),
    /// A model that could not be run.
    #[error(transparent)]
    Run(RunError),
    /// A study, or one of its runs, that could not be done.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// The work was told to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Error {
    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Import(error) => error.hint(),
            Self::Study(error) => error.hint(),
            Self::Labels(LabelError::NothingShared { .. }) => Some(
                "categories meet by name: name a model's when it is imported (`mda import --preset`, `--categories` or \
                 `--data`), and an IDX folder's in its `categories.txt`",
            ),
            Self::Cut(CutError::Slice { .. }) => {
                Some("lower --alpha and --beta, or give a budget such as --keep-params 30%, which empties no layer")
            }
            Self::Assemble(AssembleError::CategoryClash { .. }) => Some(
                "--prefix-categories, or --rename K:OLD=NEW for the K-th component, tells them apart; `mda disassemble \
                 --name` gives a component a name of its own",
            ),
            Self::Assemble(AssembleError::ArchitectureMismatch { .. }) => {
                Some("--form parallel joins any architectures")
            }
            Self::MissingShards { .. } => Some("`mda merge` puts the files of all shards together"),
            Self::OtherStatistics { .. } => Some("`mda observe` makes statistics of this source and these images"),
            Self::LittleMemory { .. } => Some(
                "allow more with --memory, observe fewer categories with --task, or fewer images of each with --top-k",
            ),
            Self::Tune(TuneError::NoTeacher) => {
                Some("give the model that it was cut out of with --source FILE, or learn from labels with --labels 1")
            }
            Self::Tune(TuneError::Untrainable { .. }) => {
                Some("--backend cpu trains; `mda backends` lists what else there is")
            }
            Self::NoSource { .. } => Some("give the model that it was cut out of with --source FILE"),
            Self::Checkpoint { .. } => Some("without --resume the tuning begins anew"),
            Self::Parts(PartsError::TooFew { .. }) => {
                Some("add images of the category to the train split, or leave it out of the task")
            }
            _ => None,
        }
    }
}

/// The error and its causes in one line, each once: a cause whose text is already there is not repeated.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    for cause in std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The stop that hides in what images could not be read for.
fn stopped(error: RunError) -> Result<Cancelled, RunError> {
    match error {
        RunError::Source(source) => source.downcast::<Cancelled>().map(|stop| *stop).map_err(RunError::Source),
        other => Err(other),
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        stopped(error).map_or_else(Self::Run, Self::Cancelled)
    }
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Self {
        Self::Run(error.into())
    }
}

impl From<AttributeError> for Error {
    fn from(error: AttributeError) -> Self {
        match error {
            AttributeError::Run(error) => error.into(),
            other => Self::Attribute(other),
        }
    }
}

impl From<CutError> for Error {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Attribute(error) => error.into(),
            other => Self::Cut(other),
        }
    }
}

impl From<RepairError> for Error {
    fn from(error: RepairError) -> Self {
        match error {
            RepairError::Run(error) => error.into(),
            other => Self::Repair(other),
        }
    }
}

impl From<TuneError> for Error {
    fn from(error: TuneError) -> Self {
        match error {
            TuneError::Run(error) => error.into(),
            other => Self::Tune(other),
        }
    }
}

impl From<BudgetError> for Error {
    fn from(error: BudgetError) -> Self {
        match error {
            // What evaluates plans is of this crate.
            BudgetError::Evaluate(source) => {
                source.downcast::<Self>().map_or_else(|other| Self::Budget(BudgetError::Evaluate(other)), |own| *own)
            }
            other => Self::Budget(other),
        }
    }
}
