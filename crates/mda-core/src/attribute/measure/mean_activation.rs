//! Mean activation: the mean of an input channel over positions and images.

use super::{BatchView, Looks, Measuring, Shown};
use crate::graph::{ValidGraph, layers};
use crate::observe::Observations;
use crate::run::backend::Probe;
use crate::tensor::Tensor;

pub(super) struct MeanActivation;

impl Measuring for MeanActivation {
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        layers(graph).map(|id| Probe::Moments(graph.node(id).inputs[0])).collect()
    }

    fn look(&self, batch: &BatchView<'_>) -> Looks {
        let graph = batch.model.graph();
        let mean = |(id, moments): (usize, &Tensor)| {
            let positions = graph.node(graph.node(id).inputs[0]).shape.positions() as f32;
            batch.by_channel(id, moments, |pair| pair[0] / positions)
        };
        layers(graph).zip(&*batch.answers()).map(mean).collect()
    }

    fn take_up(&self, shown: &Shown<'_>, seen: &mut Observations) {
        shown.add(seen, 1.0 / shown.images as f32);
    }
}
