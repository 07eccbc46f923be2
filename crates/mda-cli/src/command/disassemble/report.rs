//! What `mda disassemble` tells.

use super::explained;
use crate::printer;
use crate::table::{Table, share, thousands};
use crate::timing::Timings;
use mda::accuracy::{Accuracies, Areas};
use mda::core::budget::Explanation;
use mda::core::graph::is_layer;
use mda::core::method::Formulation;
use mda::core::model::task::describe_task;
use mda::core::repair::{Degenerate, LayerRepair};
use mda::core::{Model, ModelSize};
use mda::{Component, Tuned};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
pub(crate) struct Report<'a> {
    source: &'a str,
    task: String,
    categories: &'a [String],
    formulation: &'a Formulation,
    repair: &'static str,
    size: Sizes,
    layers: Vec<Layer>,
    budget: Option<&'a Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tuned: Option<&'a Tuned>,
    accuracy: Option<Accuracies>,
    timings: Timings,
}

#[derive(Serialize)]
struct Sizes {
    source: ModelSize,
    component: ModelSize,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    inputs_kept: usize,
    inputs: usize,
    outputs_kept: usize,
    outputs: usize,
    repair: Option<LayerRepair>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(
        source: &'a Model,
        component: &'a Component,
        repair: &'static str,
        accuracy: Option<Accuracies>,
        timings: Timings,
    ) -> Self {
        let (graph, plan) = (source.graph(), &component.cut.plan);
        let layers = (0..graph.nodes().len()).filter(|&id| is_layer(graph, id)).map(|id| {
            let (node, input) = (graph.node(id), graph.node(id).inputs[0]);
            Layer {
                name: node.name.clone(),
                inputs_kept: plan.kept(input).len(),
                inputs: graph.node(input).shape.channels(),
                outputs_kept: plan.kept(id).len(),
                outputs: node.shape.channels(),
                repair: component.repaired.iter().find(|repair| repair.layer == node.name).cloned(),
            }
        });
        Self {
            source: source.name(),
            task: describe_task(&component.task),
            categories: component.model.categories(),
            formulation: &component.formulation,
            repair,
            size: Sizes { source: source.size(), component: component.model.size() },
            layers: layers.collect(),
            budget: component.explanation.as_ref(),
            tuned: component.tuned.as_ref(),
            accuracy,
            timings,
        }
    }

    /// In at most fifteen lines what was cut, what it costs, how good it is, where it lies and what to try next; with `explain`
    /// why in between.
    pub(crate) fn describe(&self, explain: bool, wrote: &Wrote<'_>) -> String {
        let Sizes { source, component } = &self.size;
        let kept =
            |part: u64, whole: u64| format!("{} of {} ({})", thousands(part), thousands(whole), share(part, whole));
        let mut text = format!(
            "{} cut down to {}\nkeeps {} parameters and {} multiply-adds\n",
            printer::name(self.source),
            shown(self.categories),
            kept(component.parameters, source.parameters),
            kept(component.macs, source.macs)
        );
        text.push_str(&format!("channels by {}{}\n", self.formulation, self.most_cut()));
        text.push_str(&self.degenerate(explain));
        if explain {
            text.push('\n');
            text.push_str(&self.budget.map(explained::describe).unwrap_or_default());
            text.push_str(&self.layers());
        }
        if let Some(accuracy) = &self.accuracy {
            text.push('\n');
            let repair = match self.tuned {
                Some(tuned) if tuned.best_epoch > 0 => {
                    format!("{}, tuned for {} epochs", self.repair, tuned.best_epoch)
                }
                _ => self.repair.to_owned(),
            };
            text.push_str(&describe(accuracy, &repair));
        }
        text + &wrote.describe(explain)
    }

    /// The layers that lost the largest shares of their channels.
    fn most_cut(&self) -> String {
        const TOLD: usize = 3;
        let hidden = &self.layers[..self.layers.len().saturating_sub(1)];
        let mut cut: Vec<&Layer> = hidden.iter().filter(|layer| layer.outputs_kept < layer.outputs).collect();
        let left = |layer: &Layer| layer.outputs_kept as f64 / layer.outputs.max(1) as f64;
        cut.sort_by(|a, b| left(a).total_cmp(&left(b)));
        let told = cut
            .iter()
            .take(TOLD)
            .map(|layer| format!("{} ({} of {} left)", printer::name(&layer.name), layer.outputs_kept, layer.outputs));
        match cut.is_empty() {
            true => "; no hidden layer was cut".into(),
            false => format!("; most was cut of {}", told.collect::<Vec<_>>().join(", ")),
        }
    }

    fn layers(&self) -> String {
        let error = |value: Option<f64>| value.map(|value| format!("{value:.4}")).unwrap_or_default();
        let mut table =
            Table::new(&["layer", "inputs kept", "of", "outputs kept", "of", "error as cut", "error repaired"]);
        for layer in &self.layers {
            let counts = [layer.inputs_kept, layer.inputs, layer.outputs_kept, layer.outputs];
            let repair = layer.repair.as_ref();
            let errors = [repair.map(|repair| repair.before), repair.map(|repair| repair.after)];
            let cells = counts.map(|count| count.to_string()).into_iter().chain(errors.map(error));
            table.row(std::iter::once(layer.name.clone()).chain(cells));
        }
        table.render()
    }

    /// A line for every layer whose inputs determined no weights; one for all where nothing is explained.
    fn degenerate(&self, explain: bool) -> String {
        let line = |layer: &Layer| {
            let LayerRepair { lambda, degenerate, .. } = layer.repair.as_ref()?;
            let what = match (degenerate.as_ref()?, lambda) {
                (Degenerate::MoreLambda, Some(lambda)) => format!("took a lambda of {lambda:e}"),
                (Degenerate::MoreLambda | Degenerate::KeptWeights, _) => "kept its weights".into(),
            };
            Some(format!("note: the inputs of `{}` determine no weights; it {what}\n", layer.name))
        };
        let lines: Vec<String> = self.layers.iter().filter_map(line).collect();
        match (lines.len(), explain) {
            (0 | 1, _) | (_, true) => lines.concat(),
            (count, false) => {
                format!("note: the inputs of {count} layers determine no weights; --explain names them\n")
            }
        }
    }
}

/// What the command wrote, and what it read.
pub(crate) struct Wrote<'a> {
    pub(crate) model: &'a Path,
    pub(crate) source: &'a Path,
    /// Nothing where the images have no labels.
    pub(crate) data: Option<&'a Path>,
    pub(crate) report: Option<&'a Path>,
}

impl Wrote<'_> {
    fn describe(&self, explain: bool) -> String {
        let named = |path: &Path| printer::name(&path.display().to_string());
        let (model, source) = (named(self.model), named(self.source));
        let why = if explain { "" } else { "; --explain tells why these channels" };
        let next = match (self.report, self.data.map(named)) {
            (Some(report), _) => format!("open {} in a browser", named(report)),
            (None, None) => format!("how good it is, labelled images tell: mda evaluate {model} --data IMAGES"),
            (None, Some(data)) => {
                let page = named(&self.model.with_extension("html"));
                format!("see it: mda report {model} --data {data} --source {source} --output {page}")
            }
        };
        format!("written to {model}{why}\n{next}\n")
    }
}

/// The categories; of many the first.
fn shown(categories: &[String]) -> String {
    const TOLD: usize = 10;
    let names = printer::names(categories.iter().take(TOLD));
    match categories.len().saturating_sub(TOLD) {
        0 => names,
        more => format!("{names} and {more} more categories"),
    }
}

/// The accuracies as a table; a row that says nothing, or nothing new, is left out.
pub(crate) fn describe(accuracies: &Accuracies, repair: &str) -> String {
    let mut table = Table::new(&["test images of the task", "accuracy %"]);
    let mut row = |what: &str, value: f64| table.row([what.to_owned(), format!("{value:.2}")]);
    row("source, choosing among all its categories (base)", accuracies.base);
    if accuracies.task_chooses {
        row("source, choosing among the task's (base-restricted)", accuracies.base_restricted);
    }
    if accuracies.component_chooses {
        if repair != "none" {
            row("component as cut", accuracies.as_cut);
        }
        row(&format!("component, repair {repair}"), accuracies.component);
        if accuracies.task_chooses && accuracies.component_restricted != accuracies.component {
            row("component, choosing among the task's", accuracies.component_restricted);
        }
    }
    let areas = match &accuracies.areas {
        Some(areas) => format!("\n{}", describe_areas(areas, repair)),
        None if !accuracies.component_chooses => {
            "\na component of one category has nothing to choose from, and there are no test images of others to tell it \
             from\n"
                .into()
        }
        None => String::new(),
    };
    table.render() + &areas
}

fn describe_areas(areas: &Areas, repair: &str) -> String {
    let mut table = Table::new(&["all test images, the category told from the others", "area under the ROC curve %"]);
    let mut row = |what: &str, value: f64| table.row([what.to_owned(), format!("{value:.2}")]);
    row("source", areas.source);
    if repair != "none" {
        row("component as cut", areas.as_cut);
    }
    row(&format!("component, repair {repair}"), areas.component);
    table.render()
}
