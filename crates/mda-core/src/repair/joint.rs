//! Layers that end in a sum, as the last one of a residual branch does: fitted to what the source has behind the sum, they
//! also make up for what the other summands still get wrong.

use super::rewrite::batch_norm_behind;
use crate::graph::{NodeId, ValidGraph};
use crate::model::Model;
use crate::observe::regression::Geometry;
use crate::op::Op;

/// What becomes of a layer's outputs: with its BatchNorm, where it has one, they are `scale * output + shift`, and only a sum
/// reads that.
#[derive(Clone, Debug)]
pub(super) struct Joint {
    /// The Add.
    pub(super) sum: NodeId,
    /// What else it adds, none of which a layer that is refitted later has a part in.
    pub(super) others: Vec<NodeId>,
    /// By output.
    pub(super) affine: Vec<(f64, f64)>,
}

impl Joint {
    /// Where layer `id` ends in a sum and is the last to be refitted of all that do.
    pub(super) fn of(model: &Model, id: NodeId) -> Option<Self> {
        let graph = model.graph();
        let norm = batch_norm_behind(model, id);
        let summand = norm.unwrap_or(id);
        let sum = match graph.consumers()[summand].as_slice() {
            &[only] if summand != graph.output() && matches!(graph.node(only).op, Op::Add(_)) => only,
            _ => return None,
        };
        let others: Vec<NodeId> = graph.node(sum).inputs.iter().copied().filter(|&input| input != summand).collect();
        let is_final = |&other: &NodeId| last_layer(graph, other).is_none_or(|layer| layer < id);
        let once = others.len() + 1 == graph.node(sum).inputs.len();
        let affine = match norm.map(|norm| (&graph.node(norm).op, model.node_parameters(norm))) {
            Some((Op::BatchNorm(op), parameters)) => op.affine(parameters),
            _ => vec![(1.0, 0.0); graph.node(id).shape.channels()],
        };
        let reversible = affine.iter().all(|(scale, _)| scale.recip().is_finite());
        (once && reversible && others.iter().all(is_final)).then_some(Self { sum, others, affine })
    }

    /// Turns sums, `[rows, outputs]`, of which `others` are the other summands, into what the layer has to answer; `first` is
    /// the number of the first output.
    pub(super) fn answers(&self, sums: &mut [f32], others: &[Vec<f32>], first: usize, outputs: usize) {
        for (row, sums) in sums.chunks_mut(outputs).enumerate() {
            for (index, sum) in sums.iter_mut().enumerate() {
                let (scale, shift) = self.affine[first + index];
                let at = row * outputs + index;
                let others: f64 = others.iter().map(|other| f64::from(other[at])).sum();
                *sum = ((f64::from(*sum) - others - shift) / scale) as f32;
            }
        }
    }
}

/// The last layer that is refitted and has a part in a value.
fn last_layer(graph: &ValidGraph, value: NodeId) -> Option<NodeId> {
    let mut needed = vec![false; value + 1];
    needed[value] = true;
    (0..=value).rev().find(|&id| {
        if needed[id] {
            graph.node(id).inputs.iter().for_each(|&input| needed[input] = true);
        }
        needed[id] && Geometry::of(graph, id).is_some()
    })
}
