//! `mda disassemble`: a component for a task, cut out of a source.

mod explained;
mod listing;
mod report;

pub(crate) use report::describe as describe_accuracies;

use super::report::along;
use super::{Context, card};
use crate::args::{BudgetArgs, Disassemble, LogitsName};
use crate::models;
use crate::tasks;
use crate::timing::Listener;
use mda::core::budget::Budget;
use mda::core::cut::Logits;
use mda::core::method::{Repair, Tuning};
use mda::disassemble::Settings;
use mda::{Data, Source, Statistics};
use mda_formats::target::Kind;
use report::{Report, Wrote};
use std::path::{Path, PathBuf};

pub(crate) fn run(context: &Context, arguments: &Disassemble) -> anyhow::Result<()> {
    let read = [&arguments.model, &arguments.data].into_iter().chain(&arguments.images).chain(&arguments.statistics);
    let inputs: Vec<&Path> = read.map(PathBuf::as_path).collect();
    let target = context.target(&arguments.output, Kind::Model, &inputs)?;
    let page = arguments.report.as_deref().map(|path| context.target(path, Kind::Report, &inputs)).transpose()?;
    let card = card::target(context, arguments.card, &arguments.output, &inputs)?;
    let source = Source::read(&arguments.model)?;
    let listener = Listener::new(context.output);
    let (settings, names) = (settings(arguments)?, source.model().categories());
    let task = tasks::chosen(arguments.task.as_deref(), arguments.without.as_deref(), names)?;
    let runtime = context.runtime()?;
    let data = match arguments.unlabelled {
        true => Data::unlabelled(&arguments.data, &source, &runtime, &listener)?,
        false => Data::open(&arguments.data, source.model())?,
    };
    let fitting = &arguments.fitting;
    let statistics = arguments.statistics.as_ref().map(|path| Statistics::read(path, &source)).transpose()?;
    let mut disassembly = mda::disassemble(&source, &data)
        .categories(task)
        .settings(settings.clone())
        .candidates((fitting.candidates > 0).then_some(fitting.candidates))
        .calibration(fitting.calibration)
        .seed(fitting.seed)
        .tune(fitting.tune.map(|epochs| Tuning { epochs, seed: fitting.seed, ..Tuning::default() }))
        .progress(&listener);
    if let Some(statistics) = &statistics {
        disassembly = disassembly.statistics(statistics);
    }
    if let Some(name) = &arguments.name {
        disassembly = disassembly.named(name);
    }
    if let Some(file) = &arguments.images {
        disassembly = disassembly.listed(listing::read(file)?);
    }
    let component = disassembly.run(&runtime)?;
    models::write(&component.model, &target)?;
    context.output.progress(format!("wrote {}", arguments.output.display()));
    let accuracies = match arguments.no_evaluate || arguments.unlabelled {
        true => None,
        false => Some(disassembly.measure(&component, &runtime)?),
    };
    if let Some(card) = &card {
        let measured = card::of_component(accuracies.as_ref(), &data);
        card::write(context, &component.model, &arguments.output, measured, card)?;
    }
    if let Some(page) = &page {
        let reporting = mda::report(&component.model).data([&data]).sources([&source]).components([&component]);
        along(context, reporting, &arguments.output, &listener, page)?;
        context.output.progress(format!("wrote {}", page.path().display()));
    }
    let report = Report::new(source.model(), &component, settings.repair.name(), accuracies, listener.timings());
    let wrote = Wrote {
        model: &arguments.output,
        source: &arguments.model,
        data: (!arguments.unlabelled).then_some(&arguments.data),
        report: arguments.report.as_deref(),
    };
    context.output.result(&report, || report.describe(arguments.explain, &wrote))
}

fn settings(arguments: &Disassemble) -> anyhow::Result<Settings> {
    let method = &arguments.method;
    let settings = Settings {
        formulations: method.formulation.parse()?,
        repair: Repair::named(&arguments.fitting.repair)?,
        budget: budget(&method.budget),
        logits: match arguments.logits {
            LogitsName::Task => Logits::Task,
            LogitsName::All => Logits::All,
        },
        top_k: arguments.fitting.top_k as usize,
        finalists: arguments.fitting.finalists as usize,
    };
    Ok(settings.with_thresholds(method.alpha, method.beta)?)
}

pub(crate) fn budget(arguments: &BudgetArgs) -> Option<Budget> {
    let params = arguments.keep_params.map(Budget::Params);
    params.or(arguments.keep_macs.map(Budget::Macs)).or(arguments.max_drop.map(Budget::MaxDrop))
}
