//! `mda study`: a recipe's runs, side by side, with seeds; resumable.

mod assemblies;
mod attempt;
mod check;
mod components;
mod flags;
mod identity;
mod measure;
mod plans;
mod recipe;
mod record;
mod source;
mod store;
mod tables;

use super::Context;
use crate::args;
use crate::output::Output;
use anyhow::Context as _;
use mda_core::run::Runner;
use mda_formats::atomic;
use recipe::Recipe;
use record::{Failure, Outcome, Run};
use source::Source;
use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use store::Store;

/// What all runs of a study share.
struct Study<'a> {
    recipe: &'a Recipe,
    sources: BTreeMap<String, Source>,
    store: Store,
    runner: &'a Runner<'a>,
    output: Output,
    /// What is not to be had.
    failures: Mutex<Vec<Failure>>,
}

impl Study<'_> {
    fn source(&self, name: &str) -> anyhow::Result<&Source> {
        self.sources.get(name).with_context(|| format!("no source is called `{name}`"))
    }
}

/// A piece of work that one thread does.
enum Work<'a> {
    Components(components::Work<'a>),
    Assembly(assemblies::Work<'a>),
}

pub(super) fn run(context: &Context, arguments: &args::Study) -> anyhow::Result<()> {
    let recipe = Recipe::read(&arguments.recipe)?;
    let own_folder = arguments.recipe.parent().unwrap_or(Path::new("."));
    let root = arguments.root.as_deref().unwrap_or(own_folder);
    let runtime = context.runtime()?;
    let runner = runtime.runner();
    let sources = source::open_all(&recipe, root)?;
    recipe.check_tasks(&sources).with_context(|| format!("the recipe {}", arguments.recipe.display()))?;
    let current: HashSet<&str> = sources.values().map(|source| source.identity.as_str()).collect();
    let store = Store::open(&arguments.output, &current, context.output)?;
    let failures = Mutex::default();
    let study = Study { recipe: &recipe, sources, store, runner: &runner, output: context.output, failures };
    let work = work(&study);
    context.output.progress(format!("{}: {} pieces of work", recipe.name, work.len()));
    side_by_side(&study, &work, arguments.jobs.map(usize::from))?;
    study.finish(&arguments.output)
}

impl Study<'_> {
    /// Writes the tables, of what is done and of what is not to be had.
    fn finish(self, folder: &Path) -> anyhow::Result<()> {
        let records = self.store.records();
        let mut failures = self.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        failures.sort_by_key(Failure::to_string);
        let markdown = tables::markdown(&self.recipe.name, self.recipe.measure.name(), &records, &failures);
        let outcomes: Vec<Outcome<'_>> =
            records.iter().map(Outcome::Done).chain(failures.iter().map(Outcome::Failed)).collect();
        write(&folder.join("study.md"), &markdown)?;
        write(&folder.join("study.json"), &(serde_json::to_string_pretty(&outcomes)? + "\n"))?;
        write(&folder.join("components.csv"), &tables::csv(&records, true)?)?;
        write(&folder.join("assemblies.csv"), &tables::csv(&records, false)?)?;
        self.output.result(&outcomes, || markdown)?;
        let list: String = failures.iter().map(|failure| format!("\n  {failure}")).collect();
        anyhow::ensure!(failures.is_empty(), "{} of the runs are not to be had:{list}", failures.len());
        Ok(())
    }
}

/// The runs that earlier calls and earlier pieces of work leave open.
struct Open<'a> {
    store: &'a Store,
    taken: HashSet<Run>,
}

impl Open<'_> {
    fn take<S: Clone + Eq + Hash + Into<Run>>(&mut self, runs: Vec<S>) -> HashSet<S> {
        let mut is_open = |run: &S| {
            let run: Run = run.clone().into();
            !self.store.has(&run) && self.taken.insert(run)
        };
        runs.into_iter().filter(|run| is_open(run)).collect()
    }
}

/// What is to be done. Seeds outermost, so that a first impression of everything comes first.
fn work<'a>(study: &Study<'a>) -> Vec<Work<'a>> {
    let (recipe, mut work) = (study.recipe, Vec::new());
    let mut open = Open { store: &study.store, taken: HashSet::new() };
    for &seed in &recipe.seeds {
        for entry in &recipe.disassemble {
            for task in &entry.tasks {
                let mut piece = components::Work { entry, task, seed, open: HashSet::new() };
                piece.open = open.take(piece.runs());
                work.push(Work::Components(piece));
            }
        }
        for entry in &recipe.assemble {
            let open = open.take(entry.all_runs(recipe, seed));
            work.push(Work::Assembly(assemblies::Work { entry, seed, open }));
        }
    }
    work.retain(|piece| !piece.runs().is_empty());
    work
}

impl Work<'_> {
    /// The runs that this piece of work does.
    fn runs(&self) -> Vec<Run> {
        match self {
            Self::Components(work) => work.open.iter().cloned().map(Run::from).collect(),
            Self::Assembly(work) => work.open.iter().cloned().map(Run::from).collect(),
        }
    }

    fn run(&self, study: &Study<'_>) -> anyhow::Result<()> {
        match self {
            Self::Components(work) => components::run(study, work),
            Self::Assembly(work) => assemblies::run(study, work),
        }
    }
}

/// Does all work with `jobs` pieces at a time, which share the threads. Fails only where results cannot be written; the other
/// pieces then finish what they are at.
fn side_by_side(study: &Study<'_>, work: &[Work<'_>], jobs: Option<usize>) -> anyhow::Result<()> {
    let threads = rayon::current_num_threads();
    let jobs = jobs.unwrap_or(threads).clamp(1, work.len().max(1));
    let pool = |_| rayon::ThreadPoolBuilder::new().num_threads((threads / jobs).max(1)).build();
    let pools = (0..jobs).map(pool).collect::<Result<Vec<_>, _>>().context("starting threads")?;
    let next = AtomicUsize::new(0);
    let worker = |pool: rayon::ThreadPool| -> anyhow::Result<()> {
        while let Some(piece) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = pool.install(|| study.attempt(piece.runs(), || piece.run(study)));
            if done.is_err() {
                next.store(work.len(), Ordering::Relaxed);
            }
            done?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = pools.into_iter().map(|pool| scope.spawn(|| worker(pool))).collect();
        let mut done = Ok(());
        for worker in workers {
            let own = worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the study panicked")));
            done = done.and(own);
        }
        done
    })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    atomic::write(path, |file| file.write_all(text.as_bytes())).with_context(|| format!("writing {}", path.display()))
}
