//! Taylor (Molchanov et al. 2017): what the loss would change by, to first order, if an input channel were zero.

use super::{BatchView, Looks, Measuring, Shown};
use crate::graph::{NodeId, ValidGraph, layers};
use crate::observe::Observations;
use crate::observe::gradient::{cross_entropy_gradient, gradients};
use crate::run::backend::Probe;
use crate::tensor::Tensor;

/// `|sum over positions of activation * d(cross-entropy)/d(activation)|`, averaged over images: all positions of a channel go
/// together, so what one of them gains makes up for what another loses.
pub(super) struct Taylor;

impl Measuring for Taylor {
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        (0..graph.nodes().len()).map(Probe::Value).collect()
    }

    fn look(&self, batch: &BatchView<'_>) -> Looks {
        let (graph, answers) = (batch.model.graph(), batch.answers());
        let seed = cross_entropy_gradient(&answers[graph.output()], batch.category);
        let gradients = gradients(batch.model, &answers, seed);
        let of_layer = |id: NodeId| {
            let input = graph.node(id).inputs[0];
            let positions = graph.node(input).shape.positions();
            let planes = gradients[input].as_ref()?.data().chunks(positions);
            let sum = |(g, a): (&[f32], &[f32])| g.iter().zip(a).map(|(g, a)| g * a).sum::<f32>().abs();
            let sums = planes.zip(answers[input].data().chunks(positions)).map(sum).collect();
            Tensor::new([batch.rows.len(), graph.node(input).shape.channels()], sums).ok().map(|sums| (id, sums))
        };
        layers(graph).filter_map(of_layer).collect()
    }

    fn take_up(&self, shown: &Shown<'_>, seen: &mut Observations) {
        shown.add(seen, 1.0 / shown.images as f32);
    }
}
