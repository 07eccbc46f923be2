//! FRAT (CNN LEGO, the first version of Model LEGO): the positive part of the derivative of a category's softmax score
//! by an input channel, summed over positions and images.

use super::{BatchView, Looks, Measuring};
use crate::graph::{ValidGraph, layers};
use crate::observe::gradient::{gradients, softmax_gradient};
use crate::run::backend::Probe;

pub(super) struct Frat;

impl Measuring for Frat {
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        (0..graph.nodes().len()).map(Probe::Value).collect()
    }

    fn look(&self, batch: &BatchView<'_>) -> Looks {
        let (graph, answers) = (batch.model.graph(), batch.answers());
        let seed = softmax_gradient(&answers[graph.output()], batch.category);
        let gradients = gradients(batch.model, &answers, seed);
        let positive = |numbers: &[f32]| numbers.iter().map(|g| g.max(0.0)).sum();
        let of_layer = |id: usize| Some(batch.by_channel(id, gradients[graph.node(id).inputs[0]].as_ref()?, positive));
        layers(graph).filter_map(of_layer).collect()
    }
}
