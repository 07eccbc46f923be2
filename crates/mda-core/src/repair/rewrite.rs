//! New numbers for one layer of a model.

use super::RepairError;
use crate::graph::NodeId;
use crate::model::Model;
use crate::op::Op;
use crate::tensor::Tensor;

/// The BatchNorm that alone reads a node's value.
pub(super) fn batch_norm_behind(model: &Model, id: NodeId) -> Option<NodeId> {
    let graph = model.graph();
    match graph.consumers()[id].as_slice() {
        &[only] if id != graph.output() && matches!(graph.node(only).op, Op::BatchNorm(_)) => Some(only),
        _ => None,
    }
}

/// Whether a convolution or linear layer has a bias.
pub(super) fn has_bias(op: &Op) -> bool {
    match op {
        Op::Conv2d(conv) => conv.bias,
        Op::Linear(linear) => linear.bias,
        _ => false,
    }
}

/// `model` with other tensors, by name.
///
/// # Errors
/// [`RepairError::NonFinite`] for a number that is not finite.
pub(super) fn with_parameters(model: &Model, tensors: Vec<(String, Tensor)>) -> Result<Model, RepairError> {
    rebuild(model, model.graph().to_graph(), tensors)
}

/// `model` with `shift` added to the outputs of layer `id`: in its bias, or, without one, in the running mean of the
/// BatchNorm behind it, or else in a bias that it gets. `weight` replaces the layer's weight.
///
/// # Errors
/// [`RepairError::NonFinite`] for a number that is not finite.
pub(super) fn with_layer(
    model: &Model,
    id: NodeId,
    weight: Option<Tensor>,
    shift: &[f64],
) -> Result<Model, RepairError> {
    let node = model.graph().node(id);
    let mut graph = model.graph().to_graph();
    let mut tensors: Vec<_> = weight.into_iter().map(|weight| (format!("{}.weight", node.name), weight)).collect();
    let shifted = |old: &[f32], sign: f64| {
        Tensor::vector(old.iter().zip(shift).map(|(&b, &s)| (f64::from(b) + sign * s) as f32).collect())
    };
    match (has_bias(&node.op), batch_norm_behind(model, id)) {
        (true, _) => {
            let bias = shifted(model.node_parameters(id).get("bias").data(), 1.0);
            tensors.push((format!("{}.bias", node.name), bias));
        }
        (false, Some(norm)) => {
            let mean = shifted(model.node_parameters(norm).get("running_mean").data(), -1.0);
            tensors.push((format!("{}.running_mean", model.graph().node(norm).name), mean));
        }
        (false, None) => {
            match &mut graph.nodes[id].op {
                Op::Conv2d(conv) => conv.bias = true,
                Op::Linear(linear) => linear.bias = true,
                _ => {}
            }
            tensors.push((format!("{}.bias", node.name), shifted(&vec![0.0; shift.len()], 1.0)));
        }
    }
    rebuild(model, graph, tensors)
}

fn rebuild(model: &Model, graph: crate::graph::Graph, tensors: Vec<(String, Tensor)>) -> Result<Model, RepairError> {
    let mut parameters = model.parameters().clone();
    for (name, tensor) in tensors {
        if tensor.first_non_finite().is_some() {
            return Err(RepairError::NonFinite { what: format!("the repaired `{name}`") });
        }
        parameters.insert(name, tensor);
    }
    Ok(model.with_parameters(graph.validate()?, parameters)?)
}
