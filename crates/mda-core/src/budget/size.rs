//! The size of a component, counted without cutting it.

use crate::cut::KeepPlan;
use crate::cut::{SliceError, needed_nodes};
use crate::graph::{NodeId, ValidGraph};
use crate::model::ModelSize;
use crate::op::{Connectivity, Op};

/// The size of `slice(model, plan)` for any model of this graph.
///
/// # Errors
/// [`SliceError::EmptyLayer`] where a needed value loses all channels.
pub fn size_of(graph: &ValidGraph, plan: &KeepPlan) -> Result<ModelSize, SliceError> {
    let needed = needed_nodes(graph, plan)?;
    let mut total = ModelSize { parameters: 0, macs: 0 };
    for id in (0..graph.nodes().len()).filter(|&id| needed[id]) {
        let inputs = graph.node(id).inputs.first().map_or(0, |&input| plan.kept(input).len());
        let groups = groups_alive(graph, plan, id);
        add(&mut total, node_size(graph, id, inputs, plan.kept(id).len(), groups));
    }
    Ok(total)
}

/// The size of one node with `inputs` kept channels of its first input and `outputs` of its own, where a grouped
/// convolution has `groups` left.
pub(super) fn node_size(graph: &ValidGraph, id: NodeId, inputs: usize, outputs: usize, groups: usize) -> ModelSize {
    let node = graph.node(id);
    let (weights, biases, positions) = match &node.op {
        Op::Conv2d(conv) => {
            let seen = if conv.groups == 1 { inputs } else { inputs.div_ceil(groups.max(1)) };
            (outputs * seen * conv.window.taps(), usize::from(conv.bias) * outputs, node.shape.positions())
        }
        Op::Linear(linear) => (outputs * inputs, usize::from(linear.bias) * outputs, 1),
        Op::BatchNorm(_) => return ModelSize { parameters: 2 * outputs as u64, macs: 0 },
        Op::PRelu(_) => return ModelSize { parameters: outputs as u64, macs: 0 },
        _ => return ModelSize { parameters: 0, macs: 0 },
    };
    let weights = weights as u64;
    ModelSize { parameters: weights + biases as u64, macs: weights.saturating_mul(positions as u64) }
}

pub(super) fn add(total: &mut ModelSize, part: ModelSize) {
    total.parameters = total.parameters.saturating_add(part.parameters);
    total.macs = total.macs.saturating_add(part.macs);
}

/// How many groups of a convolution see or compute a kept channel.
fn groups_alive(graph: &ValidGraph, plan: &KeepPlan, id: NodeId) -> usize {
    let node = graph.node(id);
    let Op::Conv2d(conv) = &node.op else { return 1 };
    let channels = graph.node(node.inputs[0]).shape.channels();
    match conv.connectivity(channels) {
        Connectivity::Dense => 1,
        // Every kept input keeps its filters.
        Connectivity::Depthwise => plan.kept(node.inputs[0]).len(),
        Connectivity::Grouped => {
            let size = channels / conv.groups;
            let mut alive: Vec<usize> = plan.kept(node.inputs[0]).iter().map(|channel| channel / size).collect();
            alive.dedup();
            alive.len()
        }
    }
}
