//! One call of a study: what all of its runs share, and how they are done side by side.

use super::error::StudyError;
use super::recipe::Recipe;
use super::record::{Failure, Run};
use super::report::Report;
use super::source::Source;
use super::store::Store;
use super::work::{Work, planned};
use crate::error::Error;
use crate::progress::{Event, Headway, Progress};
use crate::side_by_side::side_by_side;
use mda_core::run::Runner;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What all runs of a study share.
pub(super) struct Session<'a> {
    pub(super) recipe: &'a Recipe,
    sources: &'a BTreeMap<String, Source>,
    pub(super) store: Store,
    pub(super) runner: &'a Runner<'a>,
    pub(super) progress: &'a dyn Progress,
    /// What is not to be had.
    pub(super) failures: Mutex<Vec<Failure>>,
}

/// What single runs tell: their steps. What they would note, a study would tell of every one of them.
pub(super) struct Steps<'a>(pub(super) &'a dyn Progress);

impl Progress for Steps<'_> {
    fn on(&self, event: Event<'_>) {
        if matches!(event, Event::Begins { .. } | Event::Ends { .. }) {
            self.0.on(event);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl<'a> Session<'a> {
    pub(super) fn open(
        recipe: &'a Recipe,
        sources: &'a BTreeMap<String, Source>,
        folder: &Path,
        runner: &'a Runner<'a>,
        progress: &'a dyn Progress,
    ) -> Result<Self, StudyError> {
        let current: HashSet<&str> = sources.values().map(|source| source.identity.as_str()).collect();
        let store = Store::open(folder, &current, progress)?;
        Ok(Self { recipe, sources, store, runner, progress, failures: Mutex::default() })
    }

    /// A source that the recipe names, which has been checked.
    pub(super) fn source(&self, name: &str) -> &'a Source {
        &self.sources[name]
    }

    /// Takes over the runs that the folder of another study has, of the same models, images and version.
    pub(super) fn take_over(&self, folder: &Path) -> Result<(), Error> {
        let current: HashSet<&str> = self.sources.values().map(|source| source.identity.as_str()).collect();
        Ok(self.store.take_over(folder, &current)?)
    }

    /// Does what is open. Fails only where results cannot be written or the study is to stop.
    pub(super) fn work(&self, jobs: Option<usize>, (shard, of): (usize, usize)) -> Result<(), Error> {
        let all = planned(self.recipe, |_| true);
        let own: HashSet<Run> = all.iter().skip(shard - 1).step_by(of).flat_map(Work::runs).collect();
        let work = planned(self.recipe, |run| own.contains(run) && !self.store.has(run));
        let headway = Headway::of(work.len() as u64);
        self.progress.on(Event::Planned { study: self.recipe.name(), pieces: work.len(), headway: &headway });
        let attempt = |piece: &Work<'_>| self.attempt(piece.runs(), || piece.run(self));
        side_by_side(&work, jobs, self.progress, &headway, attempt)
    }

    /// What there is, of this call and of earlier ones.
    pub(super) fn report(self) -> Report {
        let mut failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(Failure::to_string);
        Report::new(self.recipe, self.store, failures)
    }
}

#[cfg(test)]
mod tests {
    use crate::progress::{Event, Progress};
    use crate::samples::MNIST;
    use crate::study::{Recipe, Study};
    use crate::{Error, Runtime};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Stops after the first run.
    #[derive(Default)]
    struct Impatient(AtomicBool);

    impl Progress for Impatient {
        fn on(&self, event: Event<'_>) {
            if let Event::Measured(_) = event {
                self.0.store(true, Ordering::Relaxed);
            }
        }

        fn is_cancelled(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_study_that_is_stopped_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        MNIST.unpack(folder.path()).unwrap();
        let text = "name = 'x'\n[source.m]\nmodel = 'sources/lenet5-mnist.safetensors'\ndata = 'data/mnist'\n\
                    [[disassemble]]\nsource = 'm'\ntasks = ['0-2', '3-4']\nformulations = ['l1']\nrepairs = ['none']\n\
                    budgets = ['50%', '30%']\ncounts = 'uniform'\n";
        let study = || Study::open(Recipe::parse(text).unwrap(), folder.path()).unwrap().jobs(1);
        let (out, runtime, impatient) = (folder.path().join("out"), Runtime::cpu(), Impatient::default());
        let stopped = study().progress(&impatient).run(&out, &runtime);
        assert!(matches!(stopped, Err(Error::Cancelled(_))), "{stopped:?}");
        let rows = || std::fs::read_to_string(out.join("runs.jsonl")).unwrap();
        let first = rows();
        assert_eq!((first.lines().count(), study().runs().len()), (1, 4), "what was done is kept");
        let report = study().run(&out, &runtime).unwrap();
        assert_eq!((report.records().len(), report.failures().len()), (4, 0));
        assert!(rows().starts_with(&first) && rows().lines().count() == 4);
    }

    #[test]
    fn shards_are_together_the_whole() {
        let folder = tempfile::tempdir().unwrap();
        MNIST.unpack(folder.path()).unwrap();
        let text = "name = 'x'\n[source.m]\nmodel = 'sources/lenet5-mnist.safetensors'\ndata = 'data/mnist'\n\
                    [[disassemble]]\nsource = 'm'\ntasks = ['0-2', '3-4', '5,7']\nformulations = ['l1']\nrepairs = ['none']\n\
                    budgets = ['50%', '30%']\ncounts = 'uniform'\n";
        let study = || Study::open(Recipe::parse(text).unwrap(), folder.path()).unwrap();
        let (at, runtime) = (|name: &str| folder.path().join(name), Runtime::cpu());
        let first = study().shard(1, 2).run(at("first"), &runtime).unwrap();
        let second = study().shard(2, 2).run(at("second"), &runtime).unwrap();
        assert_eq!((first.records().len(), second.records().len()), (4, 2));
        let (others, whole) = ([at("first"), at("second"), at("first")], study().run(at("whole"), &runtime).unwrap());
        let merged = study().merged(others).shard(1, 2).run(at("merged"), &runtime).unwrap();
        let told = |report: crate::study::Report| -> Vec<String> {
            let rows = report.records().iter().map(|record| format!("{:?}", record.run()));
            let mut rows: Vec<String> = rows.collect();
            rows.sort();
            rows
        };
        assert_eq!(told(merged), told(whole));
        assert!(matches!(study().shard(3, 2).run(at("none"), &runtime), Err(Error::Shard { shard: 3, of: 2 })));
        assert!(study().merged([at("nowhere")]).run(at("none"), &runtime).is_err());
    }
}
