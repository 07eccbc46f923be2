//! `mda import`: weights of other tools become a model file.

mod graph;
mod names;
mod own;
mod pixels;
mod weights;

use super::Context;
use crate::args::{Foreign, Import};
use crate::models;
use crate::table::thousands;
use mda_core::{Model, ModelSize};
use mda_data::Preset;
use mda_formats::native;
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    name: String,
    file: String,
    /// How the architecture was found, what was assumed and what was left out.
    notes: Vec<String>,
    categories: Vec<String>,
    size: ModelSize,
}

pub(crate) fn run(context: &Context, arguments: &Import) -> anyhow::Result<()> {
    let (model, notes) = model(&arguments.foreign)?;
    models::write(&model, &arguments.output)?;
    let report = Report {
        name: model.name().into(),
        file: arguments.output.display().to_string(),
        notes,
        categories: model.categories().to_vec(),
        size: model.size(),
    };
    context.output.result(&report, || describe(&report))
}

/// The model in a file, and how it was found.
pub(crate) fn model(foreign: &Foreign) -> anyhow::Result<(Model, Vec<String>)> {
    let preset = foreign.preset.as_deref().map(str::parse::<Preset>).transpose()?;
    let (model, notes) = if foreign.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) {
        graph::read(foreign, preset)?
    } else if native::is_model(&foreign.file).is_ok_and(|is_model| is_model) {
        return own::read(foreign, preset);
    } else {
        weights::read(foreign, preset)?
    };
    let stem = foreign.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("model");
    let model = model.with_name(foreign.name.clone().unwrap_or_else(|| stem.to_owned()));
    Ok((model, notes))
}

fn describe(report: &Report) -> String {
    let notes: String = report.notes.iter().map(|note| format!("  {note}\n")).collect();
    format!(
        "{} -> {}\n{notes}  {} categories: {}\n  {} parameters, {} multiply-adds an image\n",
        report.name,
        report.file,
        report.categories.len(),
        report.categories.iter().take(12).cloned().collect::<Vec<_>>().join(", "),
        thousands(report.size.parameters),
        thousands(report.size.macs)
    )
}
