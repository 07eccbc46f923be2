//! Random: the control that every other measure must beat.

use super::Measuring;
use crate::graph::layers;
use crate::model::Model;
use crate::observe::Observations;
use crate::tensor::{Tensor, Uniform};

/// Numbers in `0.0..1.0` from a seed, other ones for every layer.
pub(super) struct Random {
    pub seed: u64,
}

impl Measuring for Random {
    fn start(&self, model: &Model) -> Observations {
        let graph = model.graph();
        let of_layer = |id: usize| {
            let mut uniform = Uniform::new(self.seed ^ (id as u64).wrapping_mul(0xd134_2543_de82_ef95));
            let inputs = graph.node(graph.node(id).inputs[0]).shape.channels();
            (id, Tensor::vector((0..inputs).map(|_| uniform.next()).collect()))
        };
        layers(graph).map(of_layer).collect()
    }
}
