//! Slicing: the pure pass from a model and a keep plan to a structurally smaller model.

use crate::cut::KeepPlan;
use crate::graph::{Graph, GraphErrors, GraphNode, NodeId, ValidGraph};
use crate::model::Model;
use crate::op::{Cut, Op, RewriteError};
use crate::tensor::Parameters;
use thiserror::Error;

/// Why a model cannot be cut as planned.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SliceError {
    /// A value that the logits need would lose all its channels.
    #[error("nothing of `{node}` ({op}) would stay of its {channels} channels")]
    EmptyLayer {
        /// The node's name.
        node: String,
        /// Its operation.
        op: &'static str,
        /// How many channels it has uncut.
        channels: usize,
    },
    /// A node that cannot be cut this way.
    #[error("`{node}` cannot be cut: {source}")]
    Rewrite {
        /// The node's name.
        node: String,
        /// Why.
        source: RewriteError,
    },
    /// A cut model that does not check; a defect of this crate.
    #[error("the cut model is invalid, which is a defect of MDA: {0}")]
    Invalid(#[from] GraphErrors),
}

/// Cuts `model` down to `plan`. The result gives exactly the kept logits of the source with every removed channel forced
/// to zero where a convolution or linear layer reads it.
///
/// Branches that a Concat joins and that lose all channels disappear, as do nodes that the logits do not depend on.
///
/// # Errors
/// [`SliceError`] where a needed value loses all channels or the groups of a convolution become unequal.
pub fn slice(model: &Model, plan: &KeepPlan) -> Result<Model, SliceError> {
    let graph = model.graph();
    let needed = needed_nodes(graph, plan)?;
    let mut cut = Graph::new();
    let mut parameters = Parameters::new();
    for id in (0..graph.nodes().len()).filter(|&id| needed[id]) {
        let node = graph.node(id);
        let shapes = graph.input_shapes(id);
        let kept_inputs: Vec<&[usize]> = node.inputs.iter().map(|&input| plan.kept(input)).collect();
        let rewritten = node.op.operation().cut(&Cut {
            inputs: &shapes,
            kept_inputs: &kept_inputs,
            kept: plan.kept(id),
            parameters: model.node_parameters(id),
        });
        let rewritten = rewritten.map_err(|source| SliceError::Rewrite { node: node.name.clone(), source })?;
        for (suffix, tensor) in rewritten.parameters {
            parameters.insert(format!("{}.{suffix}", node.name), tensor);
        }
        let alive = node.inputs.iter().filter(|&&input| needed[input]);
        let inputs = alive.map(|&input| graph.node(input).name.clone()).collect();
        cut.nodes.push(GraphNode { name: node.name.clone(), op: rewritten.op, inputs });
    }
    cut.output.clone_from(&graph.node(graph.output()).name);
    let categories = plan.kept(graph.output()).iter().map(|&c| model.categories()[c].clone()).collect();
    Ok(Model::new(model.name(), cut.validate()?, parameters, categories)?)
}

/// The nodes that the cut logits depend on.
pub(crate) fn needed_nodes(graph: &ValidGraph, plan: &KeepPlan) -> Result<Vec<bool>, SliceError> {
    let mut needed = vec![false; graph.nodes().len()];
    needed[graph.input()] = true;
    needed[graph.output()] = true;
    for id in (0..graph.nodes().len()).rev() {
        if !needed[id] {
            continue;
        }
        let node = graph.node(id);
        if plan.kept(id).is_empty() {
            let (op, channels) = (node.op.name(), node.shape.channels());
            return Err(SliceError::EmptyLayer { node: node.name.clone(), op, channels });
        }
        let reads = |input: NodeId| !matches!(node.op, Op::Concat(_)) || !plan.kept(input).is_empty();
        for &input in node.inputs.iter().filter(|&&input| reads(input)) {
            needed[input] = true;
        }
    }
    Ok(needed)
}
