//! Studies: what a recipe lists (sources, tasks, formulations, repairs, budgets, rescalings, seeds), run side by side into a
//! folder, from which an interrupted study goes on.
//!
//! ```
//! use mda::study::{Recipe, Study};
//! use mda::{Runtime, samples};
//!
//! # fn main() -> Result<(), mda::Error> {
//! # let folder = std::env::temp_dir().join(format!("mda-study-doc-{}", std::process::id()));
//! samples::MNIST.unpack(&folder)?;
//! let recipe = Recipe::parse(
//!     "name = 'which channels matter'\n\
//!      [source.mnist]\n\
//!      model = 'sources/lenet5-mnist.safetensors'\n\
//!      data = 'data/mnist'\n\
//!      [[disassemble]]\n\
//!      source = 'mnist'\n\
//!      tasks = ['0-2']\n\
//!      formulations = ['l1', 'random']\n\
//!      repairs = ['none']\n\
//!      budgets = ['50%', '20%']\n\
//!      counts = 'uniform'\n",
//! )?;
//! let report = Study::open(recipe, &folder)?.run(folder.join("results"), &Runtime::cpu())?;
//! assert!(report.failures().is_empty());
//! let curves = &report.tables().curves[0];
//! for standing in &curves.standings {
//!     println!("{}: {:.2} points below the source", standing.formulation, standing.below);
//! }
//! # assert_eq!(curves.standings.len(), 2);
//! # std::fs::remove_dir_all(folder).ok();
//! # Ok(())
//! # }
//! ```
//!
//! A line of `runs.jsonl` is a run: its settings, what it is worth, and a hash of what it was computed from. A study that
//! finds its runs there does not do them again.

mod assemblies;
mod attempt;
mod check;
mod components;
mod error;
mod flags;
mod identity;
mod measure;
mod plans;
mod recipe;
mod record;
mod report;
mod session;
mod source;
mod store;
mod subset;
pub mod tables;
mod work;

pub use error::{RecipeError, StudyError};
pub use flags::Flags;
pub use recipe::{MeasuredOn, Recipe};
pub use record::{
    AssemblyRun, AssemblySettings, ComponentRun, ComponentSettings, Failure, Outcome, Record, Run, Seconds,
};
pub use report::Report;

use crate::data::Data;
use crate::error::Error;
use crate::progress::{Progress, Silent};
use crate::runtime::Runtime;
use mda_core::Model;
use session::Session;
use source::Source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A recipe with its sources, checked and about to be run.
pub struct Study<'a> {
    recipe: Recipe,
    sources: BTreeMap<String, Source>,
    jobs: Option<usize>,
    shard: (usize, usize),
    merged: Vec<PathBuf>,
    progress: &'a dyn Progress,
}

impl<'a> Study<'a> {
    /// Opens the sources of `recipe`, whose paths begin at `root`, and checks that they have all that it asks for.
    ///
    /// # Errors
    /// [`StudyError::Recipe`] or [`StudyError::RecipeFile`], and [`StudyError::Source`].
    pub fn open(recipe: Recipe, root: impl AsRef<Path>) -> Result<Self, Error> {
        let names: Vec<&str> = recipe.source.keys().map(String::as_str).collect();
        recipe.check_sources(&names).map_err(|error| recipe.refused(error))?;
        let mut sources = BTreeMap::new();
        for (name, entry) in &recipe.source {
            let source = Source::open(name, entry, root.as_ref(), &recipe).map_err(|error| of_source(name, error))?;
            sources.insert(name.clone(), source);
        }
        Self::checked(recipe, sources)
    }

    /// As [`Study::open`], with models and images by value in place of the recipe's sources: for images of your own.
    ///
    /// # Errors
    /// As [`Study::open`].
    pub fn of(recipe: Recipe, sources: impl IntoIterator<Item = (String, Model, Data)>) -> Result<Self, Error> {
        let mut opened = BTreeMap::new();
        for (name, model, data) in sources {
            let source = Source::given(&name, model, data, &recipe).map_err(|error| of_source(&name, error))?;
            opened.insert(name, source);
        }
        let names: Vec<&str> = opened.keys().map(String::as_str).collect();
        recipe.check_sources(&names).map_err(|error| recipe.refused(error))?;
        Self::checked(recipe, opened)
    }

    fn checked(recipe: Recipe, sources: BTreeMap<String, Source>) -> Result<Self, Error> {
        recipe.check_tasks(&sources).map_err(|error| recipe.refused(error))?;
        Ok(Self { recipe, sources, jobs: None, shard: (1, 1), merged: Vec::new(), progress: &Silent })
    }

    /// How many runs go on at a time, each with its share of the threads; one a thread where nothing is said.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// Does a share of the work only: every `of`-th piece from number `shard` on, counted from 1. Which pieces these are depends on
    /// the recipe alone.
    #[must_use]
    pub fn shard(mut self, shard: usize, of: usize) -> Self {
        self.shard = (shard, of);
        self
    }

    /// Takes over the runs that other folders have, such as those of other shards.
    #[must_use]
    pub fn merged(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.merged.extend(folders);
        self
    }

    /// Who hears how it goes, and may stop it. With several jobs the steps of several runs are told at once.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Every run that the recipe asks for, each once, in the order in which they begin.
    pub fn runs(&self) -> Vec<Run> {
        work::planned(&self.recipe, |_| true).iter().flat_map(work::Work::runs).collect()
    }

    /// Does the runs that `folder` does not have yet, and writes all of them there as `study.json`, `components.csv` and
    /// `assemblies.csv`. A run that comes to nothing leaves the others alone and is among the report's failures.
    ///
    /// # Errors
    /// Where the folder cannot be used ([`StudyError::Io`], [`StudyError::Locked`], [`StudyError::Damaged`],
    /// [`StudyError::UnknownRun`]), results cannot be written ([`StudyError::Unwritten`]), or the work was told to stop.
    pub fn run(&self, folder: impl AsRef<Path>, runtime: &Runtime) -> Result<Report, Error> {
        let (runner, (shard, of)) = (runtime.runner(), self.shard);
        if shard == 0 || shard > of {
            return Err(Error::Shard { shard, of });
        }
        let session = Session::open(&self.recipe, &self.sources, folder.as_ref(), &runner, self.progress)?;
        self.merged.iter().try_for_each(|folder| session.take_over(folder))?;
        session.work(self.jobs, self.shard)?;
        let report = session.report();
        report.write()?;
        Ok(report)
    }
}

fn of_source(name: &str, error: Error) -> StudyError {
    StudyError::Source { name: name.to_owned(), source: Box::new(error) }
}
