//! What `mda disassemble` tells.

use crate::pipeline::Product;
use crate::printer;
use crate::table::{Table, share, thousands};
use crate::timing::Timings;
use mda_core::budget::Explanation;
use mda_core::contribution::is_layer;
use mda_core::formulation::Formulation;
use mda_core::repair::LayerRepair;
use mda_core::task::describe_task;
use mda_core::{Model, ModelSize};
use serde::Serialize;

/// Accuracies in percent over the test images of a task.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Accuracies {
    pub(crate) images: usize,
    /// The source, choosing among all its categories.
    pub(crate) base: f64,
    /// The source, choosing among the task's.
    pub(crate) base_restricted: f64,
    /// The component before repair, choosing among all its logits.
    pub(crate) as_cut: f64,
    /// The component before repair, choosing among the task's.
    pub(crate) as_cut_restricted: f64,
    /// The component, choosing among all its logits.
    pub(crate) component: f64,
    /// The component, choosing among the task's.
    pub(crate) component_restricted: f64,
    /// Where the task is one category and the data has images of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) areas: Option<Areas>,
}

/// Areas under the ROC curve, in percent, of the logit of a task's only category over all test images.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Areas {
    pub(crate) source: f64,
    pub(crate) as_cut: f64,
    pub(crate) component: f64,
}

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
        product: &'a Product,
        task: &[usize],
        repair: &'static str,
        accuracy: Option<Accuracies>,
        timings: Timings,
    ) -> Self {
        let (graph, plan) = (source.graph(), &product.cut.plan);
        let layers = (0..graph.nodes().len()).filter(|&id| is_layer(graph, id)).map(|id| {
            let (node, input) = (graph.node(id), graph.node(id).inputs[0]);
            Layer {
                name: node.name.clone(),
                inputs_kept: plan.kept(input).len(),
                inputs: graph.node(input).shape.channels(),
                outputs_kept: plan.kept(id).len(),
                outputs: node.shape.channels(),
                repair: product.repaired.iter().find(|repair| repair.layer == node.name).cloned(),
            }
        });
        Self {
            source: source.name(),
            task: describe_task(task),
            categories: product.model.categories(),
            formulation: &product.formulation,
            repair,
            size: Sizes { source: source.size(), component: product.model.size() },
            layers: layers.collect(),
            budget: product.explanation.as_ref(),
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
        text.push('\n');
        text.push_str(&self.sizes());
        if let Some(accuracy) = &self.accuracy {
            text.push('\n');
            text.push_str(&accuracy.describe(self.repair));
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

impl Accuracies {
    /// The accuracies as a table; a row that says nothing new is left out.
    pub(crate) fn describe(&self, repair: &str) -> String {
        let mut table = Table::new(&["test images of the task", "accuracy %"]);
        let mut row = |what: &str, value: f64| table.row([what.to_owned(), format!("{value:.2}")]);
        row("source, choosing among all its categories (base)", self.base);
        row("source, choosing among the task's (base-restricted)", self.base_restricted);
        if repair != "none" {
            row("component as cut", self.as_cut);
        }
        row(&format!("component, repair {repair}"), self.component);
        if self.component_restricted != self.component {
            row("component, choosing among the task's", self.component_restricted);
        }
        let areas = self.areas.as_ref().map(|areas| format!("\n{}", areas.describe(repair)));
        table.render() + &areas.unwrap_or_default()
    }
}

impl Areas {
    fn describe(&self, repair: &str) -> String {
        let mut table =
            Table::new(&["all test images, the category told from the others", "area under the ROC curve %"]);
        let mut row = |what: &str, value: f64| table.row([what.to_owned(), format!("{value:.2}")]);
        row("source", self.source);
        if repair != "none" {
            row("component as cut", self.as_cut);
        }
        row(&format!("component, repair {repair}"), self.component);
        table.render()
    }
}
