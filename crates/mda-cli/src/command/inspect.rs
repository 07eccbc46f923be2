//! `mda inspect`: what a model file holds.

use super::Context;
use crate::args::Inspect;
use crate::models;
use crate::printer;
use crate::table::{Table, thousands};
use mda_core::model::provenance::{FittedOn, Provenance, RepairRecord, TuningRecord};
use mda_core::op::{Normalize, Op};
use mda_core::{Model, ModelSize};
use serde::Serialize;

#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    input: String,
    /// What is done to pixel values in 0 to 1 first, a line each.
    #[serde(skip)]
    normalisation: Vec<String>,
    categories: &'a [String],
    size: ModelSize,
    layers: Vec<Layer>,
    provenance: Option<&'a Provenance>,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    operation: &'static str,
    output: String,
    parameters: u64,
    macs: u64,
    /// What a Normalize subtracts and divides by, a channel each.
    #[serde(flatten)]
    normalize: Option<Normalize>,
}

pub(crate) fn run(context: &Context, arguments: &Inspect) -> anyhow::Result<()> {
    let model = models::read(&arguments.model)?;
    let report = Report {
        name: model.name(),
        input: model.input_shape().to_string(),
        normalisation: normalisation(&model),
        categories: model.categories(),
        size: model.size(),
        layers: layers(&model),
        provenance: model.provenance(),
    };
    context.output.result(&report, || describe(&report))
}

fn layers(model: &Model) -> Vec<Layer> {
    let graph = model.graph();
    let trained = |id: usize| {
        let specs = graph.parameter_specs(id).into_iter().filter(|spec| spec.trained);
        specs.map(|spec| spec.shape.iter().product::<usize>() as u64).sum()
    };
    let layer = |(id, node): (usize, &mda_core::graph::Node)| Layer {
        name: node.name.clone(),
        operation: node.op.name(),
        output: node.shape.to_string(),
        parameters: trained(id),
        macs: graph.macs(id),
        normalize: match &node.op {
            Op::Normalize(normalize) => Some(normalize.clone()),
            _ => None,
        },
    };
    graph.nodes().iter().enumerate().map(layer).collect()
}

/// What the operations do that normalise the images: those behind the input, and behind one another.
fn normalisation(model: &Model) -> Vec<String> {
    let graph = model.graph();
    let mut images = vec![false; graph.nodes().len()];
    let mut lines = Vec::new();
    for (id, node) in graph.nodes().iter().enumerate() {
        match &node.op {
            Op::Input(_) => images[id] = true,
            Op::Normalize(Normalize { mean, std }) if images[node.inputs[0]] => {
                images[id] = true;
                lines.push(format!("{}: mean {}, standard deviation {}", node.name, listed(mean), listed(std)));
            }
            _ => {}
        }
    }
    lines
}

fn listed(numbers: &[f32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn describe(report: &Report<'_>) -> String {
    let mut table = Table::new(&["layer", "operation", "output", "parameters", "multiply-adds"]);
    for layer in &report.layers {
        let count = |number: u64| if number == 0 { String::new() } else { thousands(number) };
        table.row([
            layer.name.clone(),
            layer.operation.into(),
            layer.output.clone(),
            count(layer.parameters),
            count(layer.macs),
        ]);
    }
    let size = &report.size;
    let mut text = format!(
        "{}: images {} to {} categories, {} parameters, {} multiply-adds an image\n",
        printer::name(report.name),
        report.input,
        report.categories.len(),
        thousands(size.parameters),
        thousands(size.macs)
    );
    if report.normalisation.is_empty() {
        text.push_str("images are not normalised: pixel/255 goes in as it is\n");
    }
    report.normalisation.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text.push_str(&format!("categories: {}\n", printer::names(report.categories)));
    text.push_str(&report.provenance.map(origin).unwrap_or_default());
    text.push('\n');
    text + &table.render()
}

fn origin(provenance: &Provenance) -> String {
    match provenance {
        Provenance::Component(origin) => format!(
            "component of {} for its categories {}, decided by {} images a category{}{}\n",
            printer::name(&origin.source),
            mda_core::model::task::describe_task(&origin.task),
            origin.images_per_category,
            origin.repair.as_ref().map(|repair| format!(", repair {}", described(repair))).unwrap_or_default(),
            origin.tuning.as_ref().map(tuned).unwrap_or_default()
        ),
        Provenance::Assembled { form, rescaling, fitted_on, tuning, components } => {
            let names: Vec<String> = components.iter().map(|component| printer::name(&component.name)).collect();
            let fitted_on = fitted_on.map(|on| format!(" fitted to {}", images(on))).unwrap_or_default();
            let tuned = tuning.as_ref().map(tuned).unwrap_or_default();
            format!("assembled ({form}, rescaling {rescaling}{fitted_on}{tuned}) of {}\n", names.join(" and "))
        }
    }
}

fn tuned(record: &TuningRecord) -> String {
    let TuningRecord { tuning, fitted_on, epoch, .. } = record;
    format!(", tuned for {epoch} of {} epochs on {}", tuning.epochs, images(*fitted_on))
}

fn described(record: &RepairRecord) -> String {
    format!("{} on {}", record.repair.name(), images(record.fitted_on))
}

fn images(on: FittedOn) -> String {
    let seed = on.seed.map(|seed| format!(" (seed {seed})")).unwrap_or_default();
    format!("{} train images{seed}", on.images)
}
