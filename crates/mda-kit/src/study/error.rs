//! What is wrong with a recipe, and what ends a study or one of its runs.

use crate::disassemble::BudgetTextError;
use crate::error::Error;
use mda_core::method::{FormulationError, UnknownRepair};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// What is wrong with a recipe.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// No TOML, or keys that a recipe does not have.
    #[error(transparent)]
    Toml(Box<toml::de::Error>),
    /// No image would speak.
    #[error("`top-k` is 0; expected at least one image")]
    NoImages,
    /// Neither components nor assembled models.
    #[error("there is nothing to run; expected a [[disassemble]] or an [[assemble]]")]
    NothingToRun,
    /// An empty list.
    #[error("`{list}` is empty; expected at least one")]
    Empty {
        /// Its key.
        list: &'static str,
    },
    /// Something that would be run twice.
    #[error("`{list}` has {item} twice; expected it once")]
    Twice {
        /// The key of the list.
        list: &'static str,
        /// What is in it twice.
        item: String,
    },
    /// A source that is not there.
    #[error("no source is called `{name}`; there are {known}")]
    UnknownSource {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A formulation that means nothing.
    #[error(transparent)]
    Formulation(#[from] FormulationError),
    /// A name that no repair has.
    #[error(transparent)]
    UnknownRepair(#[from] UnknownRepair),
    /// A budget that means nothing.
    #[error(transparent)]
    Budget(#[from] BudgetTextError),
    /// The same share of every layer, but no share.
    #[error("`counts = \"uniform\"` needs budgets such as 30%, got `{budget}`")]
    NoShare {
        /// The budget.
        budget: String,
    },
    /// Assembled models on validation images.
    #[error(
        "`measure = \"validation\"` is for [[disassemble]] only; assembled models are measured on test images, since their \
         logits are calibrated on train images"
    )]
    AssembledOnTrain,
    /// One component alone.
    #[error("an [[assemble]] needs at least two components")]
    OneComponent,
    /// A task that the source or its images lack.
    #[error("the task `{task}` of `{name}`")]
    Task {
        /// The task as it is written.
        task: String,
        /// The source.
        name: String,
        /// Why.
        source: Box<Error>,
    },
    /// A category in two components of one model.
    #[error("an [[assemble]] has the category `{category}` of `{name}` in two components; expected it in one")]
    CategoryTwice {
        /// The category.
        category: String,
        /// The source.
        name: String,
    },
}

impl From<toml::de::Error> for RecipeError {
    fn from(error: toml::de::Error) -> Self {
        Self::Toml(Box::new(error))
    }
}

/// What ends a study, or one of its runs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A recipe that was written in memory.
    #[error("the recipe")]
    Recipe(#[from] RecipeError),
    /// A recipe's file that cannot be read.
    #[error("reading the recipe {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A recipe that cannot be run.
    #[error("the recipe {}", path.display())]
    RecipeFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: RecipeError,
    },
    /// A source that cannot be opened.
    #[error("source `{name}`")]
    Source {
        /// What the recipe calls it.
        name: String,
        /// Why.
        source: Box<Error>,
    },
    /// Something of the study's folder or of its data that cannot be opened, read or listed.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A folder that another study writes to.
    #[error("another study is writing to {} (it holds {})", folder.display(), lock.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// The file that is locked.
        lock: PathBuf,
    },
    /// A line in the midst of the runs that is no JSON.
    #[error("{}: line {line} is damaged: expected JSON", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A run of a kind that is not known.
    #[error("{}: line {line} is no run that this version knows", path.display())]
    UnknownRun {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is not known.
        source: serde_json::Error,
    },
    /// A result that could not be written: there is no point in going on.
    #[error("writing {}", path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Threads that cannot be had.
    #[error("starting threads")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// A defect.
    #[error("a thread of the study panicked")]
    Panicked,
    /// A formulation that says nothing about a component.
    #[error("{formulation} on {component}")]
    Attributing {
        /// The formulation.
        formulation: String,
        /// The source and the task.
        component: String,
        /// Why.
        source: Box<Error>,
    },
    /// A component that an assembled model lacks.
    #[error("the component {component}")]
    Component {
        /// The source and the task.
        component: String,
        /// Why.
        source: Box<Error>,
    },
}

impl StudyError {
    /// What to do next, where that is known.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Recipe(RecipeError::Task { source, .. })
            | Self::RecipeFile { source: RecipeError::Task { source, .. }, .. }
            | Self::Source { source, .. }
            | Self::Attributing { source, .. }
            | Self::Component { source, .. } => source.hint(),
            Self::Locked { .. } => Some("wait for it, or give another --output"),
            Self::Damaged { .. } => Some("take the line out, and its run is done again"),
            Self::UnknownRun { .. } => Some("give another --output, or the version of mda that wrote the line"),
            _ => None,
        }
    }
}
