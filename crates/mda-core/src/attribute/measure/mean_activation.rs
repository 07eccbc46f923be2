//! Mean activation: the mean of an input channel over positions and images.

use super::{BatchView, Measuring};
use crate::graph::ValidGraph;
use crate::graph::layers;
use crate::observe::Observations;
use crate::run::backend::Probe;

pub(super) struct MeanActivation;

impl Measuring for MeanActivation {
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        layers(graph).map(|id| Probe::Moments(graph.node(id).inputs[0])).collect()
    }

    fn observe(&self, batch: &BatchView<'_>, seen: &mut Observations) {
        let graph = batch.model.graph();
        for (id, moments) in layers(graph).zip(&*batch.answers()) {
            let shape = graph.node(graph.node(id).inputs[0]).shape;
            let share = 1.0 / (shape.positions() * batch.images) as f32;
            let channels = shape.channels();
            batch.add(seen, id, channels, |sums| {
                for sample in moments.data().chunks(2 * channels) {
                    sums.iter_mut().zip(sample.chunks(2)).for_each(|(sum, pair)| *sum += pair[0] * share);
                }
            });
        }
    }
}
