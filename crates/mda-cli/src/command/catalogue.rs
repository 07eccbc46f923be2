//! `mda catalogue`: many components of one source.

use super::Context;
use super::disassemble::budget;
use crate::args;
use crate::output::Output;
use crate::progress::Live;
use crate::table::{Table, share, thousands};
use crate::tasks;
use anyhow::Context as _;
use mda::catalogue::{self, Entry};
use mda::core::method::Repair;
use mda::disassemble::Settings;
use mda::{Data, Event, Progress, Source, Statistics};
use mda_formats::atomic;
use std::path::Path;

pub(super) fn run(context: &Context, arguments: &args::Catalogue) -> anyhow::Result<()> {
    let source = Source::read(&arguments.model)?;
    let tasks = tasks::many(&arguments.tasks, source.model().categories())?;
    let count = tasks.len();
    let statistics = arguments.statistics.as_ref().map(|path| Statistics::read(path, &source)).transpose()?;
    let teller = Teller { output: context.output, live: Live::new(context.output) };
    let runtime = context.runtime()?;
    let data = match arguments.unlabelled {
        true => Data::unlabelled(&arguments.data, &source, &runtime, &teller)?,
        false => Data::open(&arguments.data, source.model())?,
    };
    let settings = Settings {
        formulations: arguments.formulation.parse()?,
        repair: Repair::named(&arguments.repair)?,
        budget: budget(&arguments.budget),
        ..Settings::default()
    };
    let mut making = mda::catalogue(&source, &data, tasks)
        .settings(settings)
        .seed(arguments.seed)
        .thorough(arguments.thorough)
        .measured(!arguments.no_evaluate && !arguments.unlabelled)
        .jobs(arguments.jobs.map(usize::from))
        .progress(&teller);
    if let Some(statistics) = &statistics {
        making = making.statistics(statistics);
    }
    if let Some((shard, of)) = arguments.shard {
        making = making.shard(shard, of);
    }
    let entries = making.run(&runtime, &arguments.output)?;
    drop(teller);
    let path = arguments.output.join("catalogue.csv");
    let table = catalogue::csv(&entries);
    atomic::write(&path, |out| out.write_all(table.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))?;
    context.output.result(&entries, || describe(&entries, count, &arguments.output))
}

fn describe(entries: &[Entry], count: usize, folder: &Path) -> String {
    let mut table = Table::new(&["component", "parameters", "of all", "multiply-adds", "accuracy %", "source %"]);
    for entry in entries {
        let accuracy = |side: usize| entry.accuracy.map(|both| format!("{:.2}", both[side])).unwrap_or_default();
        let [[parameters, all], [macs, all_macs]] = [entry.parameters, entry.macs];
        let sizes = [thousands(parameters), share(parameters, all), share(macs, all_macs)];
        table.row([entry.name.clone()].into_iter().chain(sizes).chain([accuracy(0), accuracy(1)]));
    }
    let measured: Vec<[f64; 2]> = entries.iter().filter_map(|entry| entry.accuracy).collect();
    let mean = |side: usize| measured.iter().map(|both| both[side]).sum::<f64>() / measured.len().max(1) as f64;
    let means = match measured.is_empty() {
        true => String::new(),
        false => format!(", {:.2} % on average, where the source has {:.2} %", mean(0), mean(1)),
    };
    let done = entries.len();
    format!(
        "{}\n{done} of {count} components{means}\nin {}, with a table in catalogue.csv\n",
        table.render(),
        folder.display()
    )
}

/// Tells of whole components, and of the steps before them.
struct Teller {
    output: Output,
    live: Live,
}

impl Progress for Teller {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Begins { step, headway } => self.live.begins(step, headway),
            Event::Ends { step, seconds } => self.output.progress(format!("{step}: {seconds:.2} s")),
            Event::Planned { study, pieces, headway } => {
                self.output.progress(format!("{study}: {pieces} components"));
                self.live.begins("cutting", headway);
            }
            Event::Catalogued(entry) => self.output.progress(told(entry)),
            Event::Note(text) => self.output.note(text),
            Event::Warning(text) => self.output.warning(text),
            _ => {}
        }
    }
}

fn told(entry: &Entry) -> String {
    let [parameters, all] = entry.parameters;
    let accuracy = entry.accuracy.map(|[own, source]| format!("{own:.2} % of {source:.2} %, ")).unwrap_or_default();
    format!("{}: {accuracy}{} of the parameters, {:.1} s", entry.name, share(parameters, all), entry.seconds)
}
