//! What `mda disassemble` tells.

use crate::printer;
use crate::table::{Table, share, thousands};
use crate::timing::Timings;
use mda::Component;
use mda::accuracy::{Accuracies, Areas};
use mda::core::budget::Explanation;
use mda::core::graph::is_layer;
use mda::core::method::Formulation;
use mda::core::model::task::describe_task;
use mda::core::repair::{Degenerate, LayerRepair};
use mda::core::{Model, ModelSize};
use serde::Serialize;

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
            accuracy,
            timings,
        }
    }

    pub(crate) fn describe(&self) -> String {
        let mut text = format!(
            "{} cut down to its categories {}: {}\n",
            printer::name(self.source),
            self.task,
            printer::names(self.categories)
        );
        text.push_str(&format!("channels by {}\n\n", self.formulation));
        if let Some(explanation) = self.budget {
            text.push_str(&format!("{explanation}\n"));
        }
        text.push_str(&self.layers());
        text.push_str(&self.degenerate());
        text.push('\n');
        text.push_str(&self.sizes());
        if let Some(accuracy) = &self.accuracy {
            text.push('\n');
            text.push_str(&describe(accuracy, self.repair));
        }
        text
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

    /// A line for every layer whose inputs determined no weights.
    fn degenerate(&self) -> String {
        let line = |layer: &Layer| {
            let LayerRepair { lambda, degenerate, .. } = layer.repair.as_ref()?;
            let what = match (degenerate.as_ref()?, lambda) {
                (Degenerate::MoreLambda, Some(lambda)) => format!("took a lambda of {lambda:e}"),
                (Degenerate::MoreLambda | Degenerate::KeptWeights, _) => "kept its weights".into(),
            };
            Some(format!("note: the inputs of `{}` determine no weights; it {what}\n", layer.name))
        };
        self.layers.iter().filter_map(line).collect()
    }

    fn sizes(&self) -> String {
        let Sizes { source, component } = &self.size;
        let mut table = Table::new(&["", "source", "component", "share"]);
        for (what, whole, part) in
            [("parameters", source.parameters, component.parameters), ("multiply-adds", source.macs, component.macs)]
        {
            table.row([what.into(), thousands(whole), thousands(part), share(part, whole)]);
        }
        table.render()
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
