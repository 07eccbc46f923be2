//! `mda assemble`: components joined into one classifier.

mod names;

use super::report::{along, sources};
use super::{Context, card};
use crate::args::{Assemble, FormName, PriorName};
use crate::models;
use crate::table::{Table, thousands};
use crate::timing::{Listener, Timings};
use mda::assemble::{Calibration, Measured, Part, Prior};
use mda::core::ModelSize;
use mda::core::assemble::Form;
use mda::core::rescale::Rescaling;
use mda::{Assembled, Data};
use mda_formats::target::Kind;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Report {
    name: String,
    form: Form,
    rescaling: Rescaling,
    components: Vec<Row>,
    size: ModelSize,
    /// Percent of the test images of all components; absent without data.
    accuracy: Option<f64>,
    /// The same images, each component choosing among its own categories only.
    within_component: Option<f64>,
    timings: Timings,
}

#[derive(Serialize)]
struct Row {
    name: String,
    categories: Vec<String>,
    size: ModelSize,
    images: Option<usize>,
    accuracy: Option<f64>,
    within_component: Option<f64>,
}

pub(crate) fn run(context: &Context, arguments: &Assemble) -> anyhow::Result<()> {
    let inputs = arguments.components.iter().chain(&arguments.data).chain(&arguments.source);
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
    let target = context.target(&arguments.output, Kind::Model, &inputs)?;
    let page = arguments.report.as_deref().map(|path| context.target(path, Kind::Report, &inputs)).transpose()?;
    let card = card::target(context, arguments.card, &arguments.output, &inputs)?;
    let sources = sources(&arguments.source)?;
    let components = arguments.components.iter().map(|path| models::read(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let parts = names::renamed(components, arguments)?;
    let data = arguments.data.iter().map(|path| Ok(Data::open(path, &parts[0].model)?));
    let data = data.collect::<anyhow::Result<Vec<Data>>>()?;
    let listener = Listener::new(context.output);
    let assembly = assembly(arguments, parts, &data, &listener);
    // What cannot be assembled fails here, before any image is looked at.
    assembly.check()?;
    let runtime = context.runtime()?;
    let assembled = assembly.run(&runtime)?;
    models::write(&assembled.model, &target)?;
    context.output.progress(format!("wrote {}", arguments.output.display()));
    let data: Vec<&Data> = data.iter().collect();
    let measured = if data.is_empty() { Vec::new() } else { assembly.measure(&assembled, &runtime)? };
    if let Some(card) = &card {
        let of_all = |(measured, data): (&Measured, &&Data)| card::Measured {
            data: card::data_name(data),
            metric: "accuracy",
            percent: measured.joint.percent(),
            images: measured.joint.total,
        };
        let measured = measured.iter().zip(&data).map(of_all).collect();
        card::write(context, &assembled.model, &arguments.output, measured, card)?;
    }
    if let Some(page) = &page {
        let names = assembled.parts.iter().map(|part| part.data_names.clone());
        let reporting = mda::report(&assembled.model).data(data.iter().copied()).data_names(names).sources(&sources);
        along(context, reporting, &arguments.output, &listener, page)?;
        context.output.progress(format!("wrote {}", page.path().display()));
    }
    let report = report(&assembled, &measured, listener.timings());
    context.output.result(&report, || describe(&report))
}

fn assembly<'a>(arguments: &Assemble, parts: Vec<Part>, data: &'a [Data], listener: &'a Listener) -> mda::Assembly<'a> {
    let prior = match arguments.prior {
        PriorName::Uniform => Prior::Uniform,
        PriorName::Train => Prior::Train,
    };
    let form = match arguments.form {
        FormName::Parallel => Form::Parallel,
        FormName::BlockDiagonal => Form::BlockDiagonal,
    };
    let calibration = Calibration { per_category: arguments.calibration, seed: arguments.seed, prior };
    let mut assembly = mda::assemble(parts).calibrated(data).calibration(calibration).form(form).progress(listener);
    if let Some(rescale) = arguments.rescale {
        assembly = assembly.rescaling(rescale);
    }
    match &arguments.name {
        Some(name) => assembly.named(name),
        None => assembly,
    }
}

fn report(assembled: &Assembled, measured: &[Measured], timings: Timings) -> Report {
    let row = |(index, part): (usize, &Part)| {
        let measured = measured.get(index);
        Row {
            name: part.model.name().into(),
            categories: part.model.categories().to_vec(),
            size: part.model.size(),
            images: measured.map(|m| m.joint.total),
            accuracy: measured.map(|m| m.joint.percent()),
            within_component: measured.map(|m| m.within.percent()),
        }
    };
    let total = (!measured.is_empty()).then(|| Measured::total(measured));
    Report {
        name: assembled.model.name().into(),
        form: assembled.form,
        rescaling: assembled.rescaling,
        components: assembled.parts.iter().enumerate().map(row).collect(),
        size: assembled.model.size(),
        accuracy: total.map(|m| m.joint.percent()),
        within_component: total.map(|m| m.within.percent()),
        timings,
    }
}

fn describe(report: &Report) -> String {
    let percent = |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
    let heads =
        ["component", "categories", "parameters", "multiply-adds", "images", "joint accuracy %", "within component %"];
    let mut table = Table::new(&heads);
    for row in &report.components {
        table.row([
            row.name.clone(),
            row.categories.len().to_string(),
            thousands(row.size.parameters),
            thousands(row.size.macs),
            row.images.map(|n| n.to_string()).unwrap_or_default(),
            percent(row.accuracy),
            percent(row.within_component),
        ]);
    }
    let categories: usize = report.components.iter().map(|row| row.categories.len()).sum();
    let images: Option<usize> = report.components.iter().map(|row| row.images).sum();
    table.row([
        report.name.clone(),
        categories.to_string(),
        thousands(report.size.parameters),
        thousands(report.size.macs),
        images.map(|n| n.to_string()).unwrap_or_default(),
        percent(report.accuracy),
        percent(report.within_component),
    ]);
    table.render()
}
