//! What `mda disassemble` tells.

use crate::table::{Table, share, thousands};
use crate::timing::Timings;
use mda_core::contribution::is_layer;
use mda_core::disassemble::Component;
use mda_core::formulation::Formulation;
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
    /// The component, choosing among all its logits.
    pub(crate) component: f64,
    /// The component, choosing among the task's.
    pub(crate) component_restricted: f64,
}

#[derive(Serialize)]
pub(crate) struct Report {
    source: String,
    task: String,
    categories: Vec<String>,
    formulation: Formulation,
    size: Sizes,
    layers: Vec<Layer>,
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
}

impl Report {
    pub(crate) fn new(
        source: &Model,
        component: &Component,
        task: &[usize],
        formulation: &Formulation,
        accuracy: Option<Accuracies>,
        timings: Timings,
    ) -> Self {
        let graph = source.graph();
        let layers = (0..graph.nodes().len()).filter(|&id| is_layer(graph, id)).map(|id| {
            let (node, input) = (graph.node(id), graph.node(id).inputs[0]);
            Layer {
                name: node.name.clone(),
                inputs_kept: component.plan.kept(input).len(),
                inputs: graph.node(input).shape.channels(),
                outputs_kept: component.plan.kept(id).len(),
                outputs: node.shape.channels(),
            }
        });
        Self {
            source: source.name().into(),
            task: describe_task(task),
            categories: component.model.categories().to_vec(),
            formulation: formulation.clone(),
            size: Sizes { source: source.size(), component: component.model.size() },
            layers: layers.collect(),
            accuracy,
            timings,
        }
    }

    pub(crate) fn describe(&self) -> String {
        let mut layers = Table::new(&["layer", "inputs kept", "of", "outputs kept", "of"]);
        for layer in &self.layers {
            let counts = [layer.inputs_kept, layer.inputs, layer.outputs_kept, layer.outputs];
            layers.row(std::iter::once(layer.name.clone()).chain(counts.map(|n| n.to_string())));
        }
        let Sizes { source, component } = &self.size;
        let mut sizes = Table::new(&["", "source", "component", "share"]);
        for (what, whole, part) in
            [("parameters", source.parameters, component.parameters), ("multiply-adds", source.macs, component.macs)]
        {
            sizes.row([what.into(), thousands(whole), thousands(part), share(part, whole)]);
        }
        let mut text =
            format!("{} cut down to its categories {}: {}\n\n", self.source, self.task, self.categories.join(", "));
        text.push_str(&layers.render());
        text.push('\n');
        text.push_str(&sizes.render());
        if let Some(accuracy) = &self.accuracy {
            text.push('\n');
            text.push_str(&accuracy.describe());
        }
        text
    }
}

impl Accuracies {
    /// The accuracies as a table.
    pub(crate) fn describe(&self) -> String {
        let mut table = Table::new(&["accuracy % on test images of the task", ""]);
        for (what, value) in [
            ("source, choosing among all its categories (base)", self.base),
            ("source, choosing among the task's (base-restricted)", self.base_restricted),
            ("component, choosing among all its logits", self.component),
            ("component, choosing among the task's", self.component_restricted),
        ] {
            table.row([what.into(), format!("{value:.2}")]);
        }
        table.render()
    }
}
