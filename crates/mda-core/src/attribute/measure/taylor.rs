//! Taylor (Molchanov et al. 2017): what the loss would change by, to first order, if an input channel were zero.

use super::{BatchView, Measuring};
use crate::graph::ValidGraph;
use crate::graph::layers;
use crate::observe::Observations;
use crate::observe::gradient::{cross_entropy_gradient, gradients};
use crate::run::backend::Probe;

/// `|sum over positions of activation * d(cross-entropy)/d(activation)|`, averaged over images: all positions of a channel go
/// together, so what one of them gains makes up for what another loses.
pub(super) struct Taylor;

impl Measuring for Taylor {
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        (0..graph.nodes().len()).map(Probe::Value).collect()
    }

    fn observe(&self, batch: &BatchView<'_>, seen: &mut Observations) {
        let (graph, answers) = (batch.model.graph(), batch.answers());
        let seed = cross_entropy_gradient(&answers[graph.output()], batch.category);
        let gradients = gradients(batch.model, &answers, seed);
        for id in layers(graph) {
            let input = graph.node(id).inputs[0];
            let (shape, values) = (graph.node(input).shape, &answers[input]);
            let share = 1.0 / batch.images as f32;
            batch.add(seen, id, shape.channels(), |sums| {
                let planes = gradients[input].iter().flat_map(|g| g.data().chunks(shape.positions()));
                for (plane, (g, a)) in planes.zip(values.data().chunks(shape.positions())).enumerate() {
                    let sum: f32 = g.iter().zip(a).map(|(g, a)| g * a).sum();
                    sums[plane % shape.channels()] += sum.abs() * share;
                }
            });
        }
    }
}
