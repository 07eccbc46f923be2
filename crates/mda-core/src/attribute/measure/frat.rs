//! FRAT (CNN LEGO, the first version of Model LEGO): the positive part of the derivative of a category's softmax score
//! by an input channel, summed over positions and images.

use super::{BatchView, Measuring};
use crate::graph::ValidGraph;
use crate::graph::layers;
use crate::observe::Observations;
use crate::observe::gradient::{gradients, softmax_gradient};
use crate::run::backend::Probe;

pub(super) struct Frat;

impl Measuring for Frat {
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        (0..graph.nodes().len()).map(Probe::Value).collect()
    }

    fn observe(&self, batch: &BatchView<'_>, seen: &mut Observations) {
        let (graph, answers) = (batch.model.graph(), batch.answers());
        let seed = softmax_gradient(&answers[graph.output()], batch.category);
        let gradients = gradients(batch.model, &answers, seed);
        for id in layers(graph) {
            let input = graph.node(id).inputs[0];
            let shape = graph.node(input).shape;
            batch.add(seen, id, shape.channels(), |sums| {
                let planes = gradients[input].iter().flat_map(|g| g.data().chunks(shape.positions()));
                for (plane, numbers) in planes.enumerate() {
                    sums[plane % shape.channels()] += numbers.iter().map(|g| g.max(0.0)).sum::<f32>();
                }
            });
        }
    }
}
