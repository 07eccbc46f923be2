//! `mda assemble`: components joined into one classifier.

mod answers;
mod joint;
mod names;

pub(crate) use joint::{Calibration, JointImages, Measured, blocks};

use super::Context;
use crate::args::{Assemble, FormName, Prior, RescaleName};
use crate::failure::Advise;
use crate::models;
use crate::table::{Table, thousands};
use crate::timing::Timings;
use anyhow::Context as _;
use mda_core::assemble::{AssembleError, Form, assemble};
use mda_core::provenance::{FittedOn, Provenance};
use mda_core::rescale::{Rescaling, last_layer};
use mda_core::{Model, ModelSize};
use mda_formats::target::Kind;
use serde::Serialize;
use std::path::PathBuf;

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
    let inputs = arguments.components.iter().chain(&arguments.data);
    let target = context.target(&arguments.output, Kind::Model, &inputs.map(PathBuf::as_path).collect::<Vec<_>>())?;
    let mut components = Vec::new();
    for path in &arguments.components {
        components.push(models::read(path)?);
    }
    let originals: Vec<Vec<String>> = components.iter().map(|component| component.categories().to_vec()).collect();
    let components = names::rename(components, arguments)?;
    let name =
        arguments.name.clone().unwrap_or_else(|| components.iter().map(Model::name).collect::<Vec<_>>().join("+"));
    let form = match arguments.form {
        FormName::Parallel => Form::Parallel,
        FormName::BlockDiagonal => Form::BlockDiagonal,
    };
    let rescaling = rescaling(context, arguments, &components);
    // What cannot be assembled fails here, before any image is looked at.
    join(&name, &components, form)?;
    anyhow::ensure!(
        arguments.data.is_empty() || arguments.data.len() == components.len(),
        "{} components need {} data sets, one each in their order; got {}",
        components.len(),
        components.len(),
        arguments.data.len()
    );
    anyhow::ensure!(
        matches!(rescaling, Rescaling::None | Rescaling::WeightAlign) || !arguments.data.is_empty(),
        "this rescaling needs calibration images: give --data once for every component"
    );
    anyhow::ensure!(
        arguments.prior == Prior::Uniform || rescaling.is_calibrated(),
        "--prior train needs a calibrated scale: --rescale scale-shift-component, scale-shift-category or evidence"
    );
    let mut timings = Timings::default();
    let choice = context.backend()?;
    let runner = context.runner(&choice);
    let images = joint::JointImages { paths: &arguments.data, originals: &originals };
    let joint::Rescaled { components, fitted_on } = if rescaling == Rescaling::None {
        joint::Rescaled { components, fitted_on: None }
    } else {
        let calibration =
            joint::Calibration { per_category: arguments.calibration, seed: arguments.seed, prior: arguments.prior };
        timings.step(context.output, "rescaling", || images.rescale(&runner, &components, rescaling, calibration))?
    };
    let model = timings.step(context.output, "assembling", || join(&name, &components, form))?;
    let model = record(model, rescaling, arguments.prior, fitted_on);
    models::write(&model, &target)?;
    context.output.progress(format!("wrote {}", arguments.output.display()));
    let measured = if arguments.data.is_empty() {
        Vec::new()
    } else {
        timings.step(context.output, "measuring on test images", || images.measure(&runner, &model, &components))?
    };
    let report = report(model, &components, form, rescaling, &measured, timings);
    context.output.result(&report, || describe(&report))
}

fn rescaling(context: &Context, arguments: &Assemble, components: &[Model]) -> Rescaling {
    match arguments.rescale {
        None if arguments.data.is_empty() => Rescaling::None,
        None => best_for(context, components),
        Some(RescaleName::None) => Rescaling::None,
        Some(RescaleName::Ratio) => Rescaling::Ratio,
        Some(RescaleName::Magnitude) => Rescaling::Magnitude,
        Some(RescaleName::WeightAlign) => Rescaling::WeightAlign,
        Some(RescaleName::ScaleShiftComponent) => Rescaling::ScaleShiftComponent,
        Some(RescaleName::ScaleShiftCategory) => Rescaling::ScaleShiftCategory,
        Some(RescaleName::Evidence) => Rescaling::Evidence,
    }
}

/// Evidence, where all logits come from linear layers.
fn best_for(context: &Context, components: &[Model]) -> Rescaling {
    match components.iter().find_map(|component| last_layer(component).err()) {
        None => Rescaling::Evidence,
        Some(error) => {
            context.output.note(format!("rescaling by scale-shift-category instead of evidence: {error}"));
            Rescaling::ScaleShiftCategory
        }
    }
}

fn join(name: &str, components: &[Model], form: Form) -> anyhow::Result<Model> {
    let components: Vec<&Model> = components.iter().collect();
    assemble(name, &components, form).advise_on(|error| match error {
        AssembleError::CategoryClash { .. } => {
            Some("--prefix-categories, or --rename K:OLD=NEW for the K-th component, tells them apart")
        }
        AssembleError::ArchitectureMismatch { .. } => Some("--form parallel joins any architectures"),
        _ => None,
    })
}

/// The model with the rescaling in its provenance.
pub(crate) fn record(model: Model, rescaling: Rescaling, prior: Prior, fitted_on: Option<FittedOn>) -> Model {
    let name = serde_json::to_value(rescaling).ok().and_then(|name| name.as_str().map(str::to_owned));
    let name = name.map(|name| if prior == Prior::Train { format!("{name}, prior train") } else { name });
    match (model.provenance().cloned(), name) {
        (Some(Provenance::Assembled { form, components, .. }), Some(rescaling)) => {
            model.with_provenance(Provenance::Assembled { form, rescaling, fitted_on, components })
        }
        _ => model,
    }
}

fn report(
    model: Model,
    components: &[Model],
    form: Form,
    rescaling: Rescaling,
    measured: &[joint::Measured],
    timings: Timings,
) -> Report {
    let row = |(index, component): (usize, &Model)| {
        let measured = measured.get(index);
        Row {
            name: component.name().into(),
            categories: component.categories().to_vec(),
            size: component.size(),
            images: measured.map(|m| m.joint.total),
            accuracy: measured.map(|m| m.joint.percent()),
            within_component: measured.map(|m| m.within.percent()),
        }
    };
    let total = |of: fn(&joint::Measured) -> mda_core::metrics::Accuracy| {
        measured.iter().map(of).reduce(|a, b| a.plus(b)).map(mda_core::metrics::Accuracy::percent)
    };
    Report {
        name: model.name().into(),
        form,
        rescaling,
        components: components.iter().enumerate().map(row).collect(),
        size: model.size(),
        accuracy: total(|m| m.joint),
        within_component: total(|m| m.within),
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

/// Says what a bad `--rename` should look like.
fn bad_rename(text: &str) -> anyhow::Error {
    anyhow::anyhow!("--rename takes K:OLD=NEW with the component's number K from 1, got `{text}`")
}

/// Applies new names to one component.
fn with_names(component: Model, names: Vec<String>) -> anyhow::Result<Model> {
    let name = component.name().to_owned();
    component.with_categories(names).with_context(|| format!("renaming the categories of {name}"))
}
