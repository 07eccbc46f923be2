//! The nodes that channels are counted at.

use super::{NodeId, ValidGraph};
use crate::op::{Connectivity, Op};

/// Whether relevance is decided anew at a node: a linear layer, or a convolution that is not depthwise.
pub fn is_layer(graph: &ValidGraph, id: NodeId) -> bool {
    let node = graph.node(id);
    match &node.op {
        Op::Linear(_) => true,
        Op::Conv2d(conv) => conv.connectivity(graph.node(node.inputs[0]).shape.channels()) != Connectivity::Depthwise,
        _ => false,
    }
}

/// The nodes at which relevance is decided anew.
pub fn layers(graph: &ValidGraph) -> impl Iterator<Item = NodeId> + '_ {
    (0..graph.nodes().len()).filter(|&id| is_layer(graph, id))
}
