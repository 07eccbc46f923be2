//! `mda demo`: the whole job on two embedded networks, every step beside its baselines.

mod assets;
mod baselines;

use super::Context;
use super::assemble::{Calibration, JointImages};
use super::disassemble::{Accuracies, measure};
use crate::args::{Demo, Prior};
use crate::pipeline::{Images, Job, PartSizes, Parts, Settings};
use crate::table::{Table, share, thousands};
use crate::timing::Timings;
use crate::{data, models, printer};
use anyhow::Context as _;
use assets::{Embedded, SOURCES};
use baselines::{Baseline, Joint};
use mda_core::assemble::{Form, assemble};
use mda_core::budget::Budget;
use mda_core::disassemble::Logits;
use mda_core::formulation::Competition;
use mda_core::repair::Repair;
use mda_core::rescale::Rescaling;
use mda_core::task::parse_task;
use mda_core::{Model, ModelSize};
use mda_data::Split;
use mda_formats::target::{Folder, Kind};
use serde::Serialize;
use std::path::PathBuf;

const ASSEMBLED: &str = "assembled.safetensors";

/// One source's part of the demo.
#[derive(Serialize)]
struct Part {
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
    #[serde(skip)]
    model: Model,
    /// The source with the task's logits and nothing else cut.
    #[serde(skip)]
    uncut: Model,
}

#[derive(Serialize)]
struct Report {
    folder: PathBuf,
    components: Vec<Part>,
    assembled: PathBuf,
    assembled_size: ModelSize,
    /// The assembled model and what it is compared with, on the test images of both data sets.
    joint: Vec<Joint>,
    timings: Timings,
}

pub(crate) fn run(context: &Context, arguments: &Demo) -> anyhow::Result<()> {
    let mut contents: Vec<(PathBuf, Kind<'_>)> = SOURCES.iter().flat_map(Embedded::contents).collect();
    contents.extend(SOURCES.iter().map(|embedded| (component_file(embedded).into(), Kind::Model)));
    contents.push((ASSEMBLED.into(), Kind::Model));
    let folder = context.folder(&arguments.output, &contents)?;
    let mut timings = Timings::default();
    let mut parts = Vec::new();
    for embedded in &SOURCES {
        parts.push(part(context, embedded, &folder, &mut timings)?);
    }
    let report = joined(context, parts, &folder, timings)?;
    folder.finish().with_context(|| format!("writing the folder {}", arguments.output.display()))?;
    context.output.result(&report, || describe(&report))
}

/// What the component of a source is called.
fn component_file(embedded: &Embedded) -> String {
    format!("{}-{}.safetensors", embedded.data, embedded.task)
}

fn settings() -> Settings {
    Settings {
        formulations: Competition::Auto,
        repair: Repair::Ridge(Default::default()),
        budget: Some(Budget::Params(0.25)),
        logits: Logits::Task,
        top_k: 50,
        speakers: None,
    }
}

fn part(context: &Context, embedded: &Embedded, folder: &Folder, timings: &mut Timings) -> anyhow::Result<Part> {
    let unpacked = embedded.unpack(folder)?;
    let source = models::read(&unpacked.model)?;
    context.output.progress(format!("{}, its categories {}:", source.name(), embedded.task));
    let task = parse_task(embedded.task, source.categories())?;
    let train = data::open(&unpacked.data, Split::Train, source.input_shape())?;
    let test = data::open(&unpacked.data, Split::Test, source.input_shape())?;
    let labels = data::match_labels(&train, &source)?;
    let parts = Parts::new(&train, PartSizes { attribution: usize::MAX, calibration: usize::MAX }, 0)?;
    let images = Images { source: &train, labels: &labels, parts: &parts };
    let choice = context.backend()?;
    let runner = context.runner(&choice);
    let job = Job { runner: &runner, source: &source, images: &images, task: &task };
    let product = job.disassemble(&settings(), context.output, timings)?;
    let file = component_file(embedded);
    let model = product.model.clone().with_name(format!("{}-{}", embedded.data, embedded.task));
    models::write(&model, &folder.file(&file))?;
    let components = [&product.cut.model, &product.model];
    let accuracy = timings.step(context.output, "measuring on test images", || {
        measure(&runner, &source, components, &test, &labels, &task)
    })?;
    let baselines = timings.step(context.output, "comparing with other formulations at the same size", || {
        baselines::same_size(&job, &settings(), &product, &test)
    })?;
    Ok(Part {
        source: source.name().into(),
        task: embedded.task,
        categories: model.categories().to_vec(),
        file: folder.target().join(file),
        data: folder.target().join(embedded.data_folder()),
        source_size: source.size(),
        size: model.size(),
        accuracy,
        baselines,
        uncut: job.uncut()?,
        model,
    })
}

fn joined(context: &Context, parts: Vec<Part>, folder: &Folder, mut timings: Timings) -> anyhow::Result<Report> {
    context.output.progress("both together:");
    let paths: Vec<PathBuf> = SOURCES.iter().map(|embedded| folder.path().join(embedded.data_folder())).collect();
    let originals: Vec<Vec<String>> = parts.iter().map(|part| part.categories.clone()).collect();
    let images = JointImages { paths: &paths, originals: &originals };
    let choice = context.backend()?;
    let runner = context.runner(&choice);
    let calibration = Calibration { per_category: usize::MAX, seed: 0, prior: Prior::Uniform };
    let cut: Vec<Model> = parts.iter().map(|part| part.model.clone()).collect();
    let uncut: Vec<Model> = parts.iter().map(|part| part.uncut.clone()).collect();
    let mut joint = Vec::new();
    let mut best = None;
    for (what, sources, rescaling) in [
        ("assembled components, calibrated", &cut, Rescaling::Evidence),
        ("assembled components, as they are", &cut, Rescaling::None),
        ("assembled components, Model-LEGO's ratio", &cut, Rescaling::Ratio),
        ("uncut sources, calibrated", &uncut, Rescaling::Evidence),
        ("uncut sources, as they are", &uncut, Rescaling::None),
    ] {
        let assembled = timings.step(context.output, what, || -> anyhow::Result<_> {
            let scaled = images.rescale(&runner, sources, rescaling, calibration)?;
            let components = &scaled.components;
            let model = assemble("mda-demo", &components.iter().collect::<Vec<_>>(), Form::Parallel)?;
            let measured = images.measure(&runner, &model, components)?;
            joint.push(Joint::new(what, &model, &measured));
            Ok(super::assemble::record(model, rescaling, calibration.prior, scaled.fitted_on))
        })?;
        best.get_or_insert(assembled);
    }
    let model = best.expect("the list above is not empty");
    models::write(&model, &folder.file(ASSEMBLED))?;
    let assembled = folder.target().join(ASSEMBLED);
    let assembled_size = model.size();
    Ok(Report { folder: folder.target().into(), components: parts, assembled, assembled_size, joint, timings })
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
        text.push_str(&part.accuracy.describe("ridge"));
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
    format!(
        "\nModels written:\n{files}  {}\n\nTry next:\n  \
         mda inspect {folder}/assembled.safetensors\n  \
         mda evaluate {folder}/assembled.safetensors --data {folder}/data/mnist --data {folder}/data/fashion-mnist\n  \
         mda disassemble {folder}/sources/lenet5-fashion-mnist.safetensors --data {folder}/data/fashion-mnist \
         --task Bag,Sneaker --keep-params 10% --output bag-or-sneaker.safetensors\n",
        report.assembled.display()
    )
}
