//! Catalogues: many components of one source, each for a task of its own. The source is looked at once for all of them.
//!
//! A folder gets for every task a model file and, once that is whole, a file of what it is ([`Entry`]). What is there already and was
//! made in the same way is not made again, so that a catalogue goes on where it stopped, and several machines may fill one folder.

mod entry;
mod making;
mod table;

pub use entry::Entry;
pub use table::csv;

use crate::data::Data;
use crate::disassemble::Settings;
use crate::error::Error;
use crate::progress::{Event, Headway, Progress, Silent};
use crate::runtime::Runtime;
use crate::side_by_side::side_by_side;
use crate::source::Source;
use crate::statistics::{Statistics, observe};
use entry::Recipe;
use making::Workshop;
use mda_core::model::task::Task;
use std::collections::HashSet;
use std::path::Path;

/// A catalogue that is about to be made.
#[derive(Clone)]
pub struct Catalogue<'a> {
    source: &'a Source,
    data: &'a Data,
    tasks: Vec<(String, Task)>,
    settings: Settings,
    statistics: Option<&'a Statistics>,
    seed: u64,
    thorough: bool,
    measures: bool,
    shard: (usize, usize),
    jobs: Option<usize>,
    progress: &'a dyn Progress,
}

/// Begins a catalogue of components of `source`, one for each of `tasks`, by name.
pub fn catalogue<'a>(
    source: &'a Source,
    data: &'a Data,
    tasks: impl IntoIterator<Item = (String, Task)>,
) -> Catalogue<'a> {
    Catalogue {
        source,
        data,
        tasks: tasks.into_iter().collect(),
        settings: Settings::default(),
        statistics: None,
        seed: 0,
        thorough: false,
        measures: true,
        shard: (1, 1),
        jobs: None,
        progress: &Silent,
    }
}

impl<'a> Catalogue<'a> {
    /// How each component is made.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Reads what was seen of the source before, instead of looking at it.
    #[must_use]
    pub fn statistics(mut self, statistics: &'a Statistics) -> Self {
        self.statistics = Some(statistics);
        self
    }

    /// What draws the parts of the train images where there are no statistics.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Takes the time for each component that one alone gets: all rows of the statistics, plans compared on images, a repair with
    /// everything that it can choose. Otherwise the plan is taken that loses least by the statistics, and is repaired once.
    #[must_use]
    pub fn thorough(mut self, thorough: bool) -> Self {
        self.thorough = thorough;
        self
    }

    /// Whether components are measured on test images.
    #[must_use]
    pub fn measured(mut self, measures: bool) -> Self {
        self.measures = measures;
        self
    }

    /// Makes every `of`-th component only, from number `shard` on, counted from 1.
    #[must_use]
    pub fn shard(mut self, shard: usize, of: usize) -> Self {
        self.shard = (shard, of);
        self
    }

    /// How many components are made at a time, each with its share of the threads; one a thread where `None`.
    #[must_use]
    pub fn jobs(mut self, jobs: Option<usize>) -> Self {
        self.jobs = jobs;
        self
    }

    /// Who hears how it goes, and may stop it.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Makes what is not in `folder` yet, and answers what is there of the catalogue then, in the order of the tasks.
    ///
    /// # Errors
    /// [`Error`]; the components that were whole before stay.
    pub fn run(&self, runtime: &Runtime, folder: &Path) -> Result<Vec<Entry>, Error> {
        let (progress, (shard, of)) = (self.progress, self.shard);
        if shard == 0 || shard > of {
            return Err(Error::Shard { shard, of });
        }
        self.settings.check()?;
        self.check_names()?;
        std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        let recipe = self.recipe()?;
        let numbered = self.tasks.iter().enumerate();
        let own = numbered.filter(|(number, _)| number % of == shard - 1).map(|(_, task)| task);
        let open: Vec<&(String, Task)> =
            own.filter(|(name, task)| entry::read(folder, name, &recipe, task).is_none()).collect();
        if !open.is_empty() {
            let observed = match self.statistics {
                Some(_) => None,
                None => Some(self.observed(&open, runtime)?),
            };
            let statistics = self.statistics.or(observed.as_ref()).expect("given or just taken");
            let workshop = Workshop::new(self, statistics, &open, runtime)?;
            let headway = Headway::of(open.len() as u64);
            progress.on(Event::Planned { study: self.source.model().name(), pieces: open.len(), headway: &headway });
            side_by_side(&open, self.jobs, progress, &headway, |(name, task)| {
                let (component, entry) = workshop.make(name, task, &recipe)?;
                entry::write(folder, &component, &entry)?;
                progress.on(Event::Catalogued(&entry));
                Ok(())
            })?;
        }
        Ok(self.tasks.iter().filter_map(|(name, task)| entry::read(folder, name, &recipe, task)).collect())
    }

    /// What the tasks that are open need to know of the source.
    fn observed(&self, open: &[&(String, Task)], runtime: &Runtime) -> Result<Statistics, Error> {
        let mut categories: Vec<usize> = open.iter().flat_map(|(_, task)| task.iter().copied()).collect();
        // One category alone is told from others.
        if open.iter().any(|(_, task)| task.len() == 1) {
            categories = (0..self.source.model().categories().len()).collect();
        }
        categories.sort_unstable();
        categories.dedup();
        let all = categories.len() == self.source.model().categories().len();
        let observing = observe(self.source, self.data).top_k(self.settings.top_k).seed(self.seed);
        let observing = if all { observing } else { observing.categories(Task::new(categories).ok_or(Error::NoTask)?) };
        observing.progress(self.progress).run(runtime)
    }

    /// Names become names of files.
    fn check_names(&self) -> Result<(), Error> {
        let mut known = HashSet::new();
        for (name, _) in &self.tasks {
            let plain = |c: char| c.is_alphanumeric() || "-_+.,() ".contains(c);
            if name.is_empty() || name.starts_with('.') || name.len() > 128 || !name.chars().all(plain) {
                return Err(Error::EntryName { name: name.clone() });
            }
            if !known.insert(name.to_lowercase()) {
                return Err(Error::EntryTwice { name: name.clone() });
            }
        }
        Ok(())
    }

    /// What all entries are made by.
    fn recipe(&self) -> Result<Recipe, Error> {
        let images = match self.statistics {
            Some(statistics) => format!("{:?}", statistics.origin()),
            None => format!("{} {}", mda_data::identity(self.data.train()?), self.seed),
        };
        let Settings { formulations, repair, budget, logits, top_k, finalists } = &self.settings;
        Ok(Recipe {
            version: env!("CARGO_PKG_VERSION").into(),
            source: self.source.sha256().unwrap_or(self.source.model().name()).to_owned(),
            images,
            settings: format!("{formulations} {repair:?} {budget:?} {logits:?} {top_k} {finalists} {}", self.thorough),
            measured: self.measures,
        })
    }
}
