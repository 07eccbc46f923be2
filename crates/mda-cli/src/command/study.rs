//! `mda study`: a recipe's runs, side by side, with seeds; resumable.

mod assemblies;
mod components;
mod flags;
mod measure;
mod recipe;
mod record;
mod source;
mod tables;

use super::Context;
use crate::args;
use crate::output::Output;
use anyhow::Context as _;
use mda_core::runner::Runner;
use mda_formats::atomic;
use recipe::{ImageCounts, Recipe};
use record::Store;
use sha2::{Digest, Sha256};
use source::Source;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What all runs of a study share.
struct Study<'a> {
    recipe: &'a Recipe,
    sources: BTreeMap<String, Source>,
    store: Store,
    runner: &'a Runner<'a>,
    output: Output,
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
    let store = Store::open(&arguments.output, &fingerprint(&recipe, &sources))?;
    let study = Study { recipe: &recipe, sources, store, runner: &runner, output: context.output };
    let work = work(&recipe);
    context.output.progress(format!("{}: {} pieces of work", recipe.name, work.len()));
    let failures = side_by_side(&study, &work, arguments.jobs.map(usize::from))?;
    let records = study.store.records()?;
    let markdown = tables::markdown(&recipe.name, &records);
    write(&arguments.output.join("study.md"), &markdown)?;
    write(&arguments.output.join("study.json"), &(serde_json::to_string_pretty(&records)? + "\n"))?;
    write(&arguments.output.join("components.csv"), &tables::csv(&records, true)?)?;
    write(&arguments.output.join("assemblies.csv"), &tables::csv(&records, false)?)?;
    context.output.result(&records, || markdown)?;
    anyhow::ensure!(failures.is_empty(), "{} runs are not to be had:\n  {}", failures.len(), failures.join("\n  "));
    Ok(())
}

/// Seeds outermost, so that a first impression of everything comes first.
fn work(recipe: &Recipe) -> Vec<Work<'_>> {
    let mut work = Vec::new();
    for &seed in &recipe.seeds {
        for entry in &recipe.disassemble {
            work.extend(entry.tasks.iter().map(|task| Work::Components(components::Work { entry, task, seed })));
        }
        work.extend(recipe.assemble.iter().map(|entry| Work::Assembly(assemblies::Work { entry, seed })));
    }
    work
}

/// Does all work with `jobs` pieces at a time, which share the threads; answers what is not to be had.
fn side_by_side(study: &Study<'_>, work: &[Work<'_>], jobs: Option<usize>) -> anyhow::Result<Vec<String>> {
    let threads = rayon::current_num_threads();
    let jobs = jobs.unwrap_or(threads).clamp(1, work.len().max(1));
    let next = AtomicUsize::new(0);
    let worker = || -> anyhow::Result<Vec<String>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads((threads / jobs).max(1)).build()?;
        let mut failures = Vec::new();
        while let Some(piece) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            let done = pool.install(|| match piece {
                Work::Components(work) => components::run(study, work),
                Work::Assembly(work) => assemblies::run(study, work),
            });
            if done.is_err() {
                // The others finish what they are at.
                next.store(work.len(), Ordering::Relaxed);
            }
            failures.extend(done?);
        }
        Ok(failures)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        let mut failures = Vec::new();
        for worker in workers {
            failures.extend(worker.join().map_err(|_| anyhow::anyhow!("a run panicked"))??);
        }
        Ok(failures)
    })
}

/// Equal where the same sources are cut by looking at the same numbers of images; assembly runs tell their own number.
fn fingerprint(recipe: &Recipe, sources: &BTreeMap<String, Source>) -> String {
    let mut hash = Sha256::new();
    let ImageCounts { top_k, candidates, calibration, rescaling: _ } = recipe.images;
    hash.update(format!("{} {top_k} {candidates} {calibration}", env!("CARGO_PKG_VERSION")));
    for (name, source) in sources {
        hash.update(format!("\n{name} {} ", source.path.display()));
        for (parameter, tensor) in source.model.parameters().iter() {
            hash.update(parameter);
            tensor.data().iter().for_each(|number| hash.update(number.to_le_bytes()));
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    atomic::write(path, |file| file.write_all(text.as_bytes())).with_context(|| format!("writing {}", path.display()))
}
