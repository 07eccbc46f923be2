//! `mda demo`: the whole job on two embedded networks, every step beside its baselines.

mod baselines;

use super::Context;
use super::disassemble::describe_accuracies;
use super::report::along;
use crate::args::Demo;
use crate::table::{Table, share, thousands};
use crate::timing::{Listener, Timings};
use crate::{models, printer};
use anyhow::Context as _;
use baselines::{Baseline, Row};
use mda::accuracy::Accuracies;
use mda::core::ModelSize;
use mda::demo::{self, SHARES};
use mda::samples::Sample;
use mda::{Data, Runtime, Source};
use mda_formats::target::{Folder, Kind};
use serde::Serialize;
use std::path::PathBuf;

const ASSEMBLED: &str = "assembled.safetensors";
const REPORT: &str = "report.html";

/// One source's part of the demo.
#[derive(Serialize)]
struct Share {
    source: String,
    task: &'static str,
    categories: Vec<String>,
    file: PathBuf,
    data: PathBuf,
    source_size: ModelSize,
    size: ModelSize,
    accuracy: Accuracies,
    /// Components of the same size whose channels other formulations chose, repaired alike.
    baselines: Vec<Baseline>,
    /// What the assembled models are made of.
    #[serde(skip)]
    made: (demo::Share, Data, Source),
}

#[derive(Serialize)]
struct Report {
    folder: PathBuf,
    components: Vec<Share>,
    assembled: PathBuf,
    assembled_size: ModelSize,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<PathBuf>,
    /// The assembled model and what it is compared with, on the test images of both data sets.
    joint: Vec<Row>,
    timings: Timings,
}

pub(crate) fn run(context: &Context, arguments: &Demo) -> anyhow::Result<()> {
    let own = arguments.report == Some(None);
    let folder = context.folder(&arguments.output, &contents(own))?;
    let named = arguments.report.as_ref().and_then(Option::as_deref);
    let page = named.map(|path| context.target(path, Kind::Report, &[])).transpose()?;
    let page = page.or_else(|| own.then(|| folder.file(REPORT)));
    let listener = Listener::new(context.output);
    let runtime = context.runtime()?;
    let mut shares = Vec::new();
    for (sample, task) in &SHARES {
        shares.push(share_of(context, (sample, task), &folder, &runtime, &listener)?);
    }
    context.output.progress("both together:");
    let made: Vec<_> = shares.iter().map(|share| (&share.made.0, &share.made.1)).collect();
    let joint = demo::joint(&made, &runtime, &listener)?;
    let assembled = &joint[0].assembled.model;
    models::write(assembled, &folder.file(ASSEMBLED))?;
    if let Some(page) = &page {
        let made = || shares.iter().map(|share| &share.made);
        let reporting = mda::report(assembled).data(made().map(|(_, data, _)| data));
        let reporting = reporting.sources(made().map(|(_, _, source)| source));
        let reporting = reporting.components(made().map(|(share, _, _)| &share.component));
        along(context, reporting, folder.file(ASSEMBLED).path(), &listener, page)?;
    }
    let report = Report {
        folder: folder.target().into(),
        components: shares,
        assembled: folder.target().join(ASSEMBLED),
        assembled_size: assembled.size(),
        report: arguments.report.clone().map(|named| named.unwrap_or_else(|| folder.target().join(REPORT))),
        joint: joint.iter().map(Row::new).collect(),
        timings: listener.timings(),
    };
    folder.finish().with_context(|| format!("writing the folder {}", arguments.output.display()))?;
    context.output.result(&report, || describe(&report))
}

/// What is going to be in the demo's folder.
fn contents(with_report: bool) -> Vec<(PathBuf, Kind<'static>)> {
    let mut contents = vec![(ASSEMBLED.into(), Kind::Model)];
    contents.extend(with_report.then(|| (REPORT.into(), Kind::Report)));
    for (sample, task) in &SHARES {
        contents.push((component_file(sample, task).into(), Kind::Model));
        contents.push((sample.model_file(), Kind::Model));
        contents.extend(sample.data_files().map(|(path, bytes)| (path, Kind::Exactly(bytes))));
    }
    contents
}

/// What the component of a source is called.
fn component_file(sample: &Sample, task: &str) -> String {
    format!("{}-{task}.safetensors", sample.data)
}

fn share_of(
    context: &Context,
    (sample, task): (&Sample, &'static str),
    folder: &Folder,
    runtime: &Runtime,
    listener: &Listener,
) -> anyhow::Result<Share> {
    let unpacked = sample.unpack(folder.path())?;
    let source = Source::read(&unpacked.model)?;
    context.output.progress(format!("{}, its categories {task}:", source.model().name()));
    let data = Data::open(&unpacked.data, source.model())?;
    let file = component_file(sample, task);
    let name = format!("{}-{task}", sample.data);
    let share = demo::share(&source, &data, (task, name), runtime, listener)?;
    let model = &share.component.model;
    models::write(model, &folder.file(&file))?;
    Ok(Share {
        source: source.model().name().into(),
        task,
        categories: model.categories().to_vec(),
        file: folder.target().join(file),
        data: folder.target().join(sample.data_folder()),
        source_size: source.model().size(),
        size: model.size(),
        accuracy: share.accuracy.clone(),
        baselines: share.baselines.iter().map(Baseline::new).collect(),
        made: (share, data, source),
    })
}

fn describe(report: &Report) -> String {
    let mut text = String::new();
    for part in &report.components {
        text.push_str(&format!(
            "{} cut down to {}: {} of {} parameters ({}), {} of {} multiply-adds ({})\n",
            part.source,
            part.categories.join(", "),
            thousands(part.size.parameters),
            thousands(part.source_size.parameters),
            share(part.size.parameters, part.source_size.parameters),
            thousands(part.size.macs),
            thousands(part.source_size.macs),
            share(part.size.macs, part.source_size.macs),
        ));
        text.push_str(&describe_accuracies(&part.accuracy, "ridge"));
        for baseline in &part.baselines {
            text.push_str(&baseline.describe());
        }
        text.push('\n');
    }
    let mut table = Table::new(&["one model for both", "parameters", "joint accuracy %", "within its component %"]);
    for row in &report.joint {
        table.row(row.cells());
    }
    text.push_str(&table.render());
    text + &next_steps(report)
}

fn next_steps(report: &Report) -> String {
    let folder = printer::name(&report.folder.display().to_string());
    let files: String = report.components.iter().map(|part| format!("  {}\n", part.file.display())).collect();
    let page = report.report.as_ref().map(|page| format!("\nOpen in a browser:\n  {}\n", page.display()));
    format!(
        "\nModels written:\n{files}  {}\n{}\nTry next:\n  \
         mda inspect {folder}/assembled.safetensors\n  \
         mda evaluate {folder}/assembled.safetensors --data {folder}/data/mnist --data {folder}/data/fashion-mnist\n  \
         mda disassemble {folder}/sources/lenet5-fashion-mnist.safetensors --data {folder}/data/fashion-mnist \
         --task Bag,Sneaker --keep-params 10% --output bag-or-sneaker.safetensors\n",
        report.assembled.display(),
        page.unwrap_or_default()
    )
}
