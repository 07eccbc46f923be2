//! Relative contribution (RCM; Model LEGO): what an input channel adds to every output channel, where that is positive.

use super::{BatchView, Layer, Looks, Measuring, Rows, Shown, inputs};
use crate::graph::{NodeId, ValidGraph, layers};
use crate::model::Model;
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

    fn look(&self, batch: &BatchView<'_>) -> Looks {
        let answers = batch.answers().into_owned();
        batch.probes.iter().map(|probe| probe.node()).zip(answers).collect()
    }

    fn kept(&self, model: &Model, layer: NodeId, _positions: usize) -> usize {
        let taps = match &model.graph().node(layer).op {
            Op::Conv2d(conv) => conv.window.taps(),
            _ => 1,
        };
        taps * inputs(model, layer)
    }

    /// Images stay apart, because the positive part is taken image by image.
    fn take_up(&self, shown: &Shown<'_>, seen: &mut Observations) {
        shown.append(seen);
    }

    fn by_output(&self) -> bool {
        true
    }

    fn contributions(&self, layer: &Layer<'_>, rows: &Rows<'_>) -> Contributions {
        relative_contributions(layer.model, layer.id, layer.observed(), rows.outputs)
    }
}
