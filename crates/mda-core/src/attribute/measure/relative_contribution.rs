//! Relative contribution (RCM; Model LEGO): what an input channel adds to every output channel, where that is positive.

use super::{BatchView, Layer, Measuring, Rows};
use crate::graph::ValidGraph;
use crate::graph::layers;
use crate::observe::Observations;
use crate::observe::contribution::{Contributions, relative_contributions};
use crate::op::Op;
use crate::run::backend::Probe;

pub(super) struct RelativeContribution;

impl Measuring for RelativeContribution {
    /// Window sums of convolutions, inputs of linear layers.
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        let probe =
            |id| if matches!(graph.node(id).op, Op::Linear(_)) { Probe::Input(id) } else { Probe::WindowSum(id) };
        layers(graph).map(probe).collect()
    }

    /// Images stay apart, because the positive part is taken image by image.
    fn observe(&self, batch: &BatchView<'_>, seen: &mut Observations) {
        batch.append(seen);
    }

    fn by_output(&self) -> bool {
        true
    }

    fn contributions(&self, layer: &Layer<'_>, rows: &Rows<'_>) -> Contributions {
        relative_contributions(layer.model, layer.id, layer.observed(), rows.outputs)
    }
}
