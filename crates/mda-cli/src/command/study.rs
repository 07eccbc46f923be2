//! `mda study`: a recipe's runs, side by side, with seeds; resumable.

mod markdown;

use super::Context;
use crate::args;
use crate::output::Output;
use crate::progress::Live;
use anyhow::Context as _;
use mda::study::{Failure, Recipe, Record, Report, Study};
use mda::{Event, Progress};
use mda_formats::atomic;
use std::path::Path;

pub(super) fn run(context: &Context, arguments: &args::Study) -> anyhow::Result<()> {
    let recipe = Recipe::read(&arguments.recipe)?;
    let own_folder = arguments.recipe.parent().unwrap_or(Path::new("."));
    let root = arguments.root.as_deref().unwrap_or(own_folder);
    let runtime = context.runtime()?;
    let teller = Teller { output: context.output, live: Live::new(context.output) };
    let mut study = Study::open(recipe, root)?.merged(arguments.merge.iter().cloned()).progress(&teller);
    if let Some(jobs) = arguments.jobs {
        study = study.jobs(jobs.into());
    }
    if let Some((shard, of)) = arguments.shard {
        study = study.shard(shard, of);
    }
    let report = study.run(&arguments.output, &runtime)?;
    drop(teller);
    finish(context.output, &report)
}

/// Writes the tables, of what is done and of what is not to be had.
fn finish(output: Output, report: &Report) -> anyhow::Result<()> {
    let text = markdown::of(report);
    let path = report.folder().join("study.md");
    let written = atomic::write(&path, |file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("writing {}", path.display()))?;
    output.result(&report.outcomes(), || text)?;
    let failures = report.failures();
    let list: String = failures.iter().map(|failure| format!("\n  {failure}")).collect();
    anyhow::ensure!(failures.is_empty(), "{} of the runs are not to be had:{list}", failures.len());
    Ok(())
}

/// Tells of whole runs; the steps of several at once would say little.
struct Teller {
    output: Output,
    live: Live,
}

impl Progress for Teller {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Planned { study, pieces, headway } => {
                self.output.progress(format!("{study}: {pieces} pieces of work"));
                self.live.begins(study, headway);
            }
            Event::Measured(record) => self.output.progress(measured(record)),
            Event::Failed(failure) => self.output.progress(failed(failure)),
            Event::Note(text) => self.output.note(text),
            Event::Warning(text) => self.output.warning(text),
            _ => {}
        }
    }
}

fn measured(record: &Record) -> String {
    let run = record.run();
    match record {
        Record::Component(own) => {
            let share = 100.0 * own.parameters as f64 / own.source_parameters as f64;
            let (accuracy, base) = (own.accuracy, own.base_restricted);
            format!("{run}: {accuracy:.2} % of {base:.2} %, {share:.1} % of the parameters")
        }
        Record::Assembly(own) => format!("{run}: {:.2} % (bound {:.2} %)", own.accuracy, own.bound),
    }
}

fn failed(failure: &Failure) -> String {
    format!("not to be had: {failure}")
}
