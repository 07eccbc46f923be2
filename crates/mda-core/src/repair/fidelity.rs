//! How far the layers of a component are from what their source computes.

use super::rewrite::batch_norm_behind;
use super::{LayerRepair, Refit, RepairError, Work};
use crate::graph::NodeId;
use crate::model::Model;
use crate::op::Op;
use crate::run::RunError;
use crate::run::backend::{Probe, Session};
use crate::tensor::Tensor;

/// The layers of a component with their relative errors on tuning images before and after the repair.
pub(super) fn layers(work: &Work<'_>, repaired: &Model, refits: &[Refit]) -> Result<Vec<LayerRepair>, RepairError> {
    let cut = &work.component.model;
    let graph = cut.graph();
    let is_layer = |id: &NodeId| matches!(graph.node(*id).op, Op::Conv2d(_) | Op::Linear(_));
    let layers: Vec<NodeId> = (0..graph.nodes().len()).filter(is_layer).collect();
    let refit = |id: NodeId| refits.iter().find(|refit| refit.layer == graph.node(id).name);
    let behind =
        |&id: &NodeId| refit(id).and_then(|refit| refit.sum).or_else(|| batch_norm_behind(cut, id)).unwrap_or(id);
    let observed: Vec<NodeId> = layers.iter().map(behind).collect();
    let origins = observed.iter().map(|&id| work.origin(id)).collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<NodeId> = origins.iter().map(|(id, _)| *id).collect();
    let mut sessions =
        [session(work, work.source, &sources)?, session(work, cut, &observed)?, session(work, repaired, &observed)?];
    let mut differences: Vec<Differences> = origins.iter().map(|(_, kept)| Differences::new(kept)).collect();
    let probes: Vec<Probe> = sources.iter().map(|&id| Probe::Value(id)).collect();
    // Three models at a time.
    let all: Vec<Probe> = std::iter::repeat_n(probes, 3).flatten().collect();
    let batch_size = work.runner.within_memory(work.source.graph(), &all).batch_size;
    for batch in work.images.batches(work.tuning, batch_size) {
        let images = batch.map_err(RunError::Source)?.images;
        let [source, cut, repaired] = sessions.each_mut().map(|session| session.run(&images));
        let source = source.map_err(RunError::from)?.probes;
        let (cut, repaired) = (cut.map_err(RunError::from)?.probes, repaired.map_err(RunError::from)?.probes);
        for (index, differences) in differences.iter_mut().enumerate() {
            differences.add(&source[index], [&cut[index], &repaired[index]]);
        }
    }
    let report = layers.iter().zip(&differences).map(|(&id, differences)| {
        let layer = graph.node(id).name.clone();
        let [before, after] = differences.relative();
        let (lambda, degenerate) = refit(id).map_or((None, None), |refit| (refit.lambda, refit.degenerate));
        LayerRepair { layer, before, after, lambda, degenerate }
    });
    Ok(report.collect())
}

fn session(work: &Work<'_>, model: &Model, nodes: &[NodeId]) -> Result<Box<dyn Session>, RepairError> {
    let probes: Vec<Probe> = nodes.iter().map(|&id| Probe::Value(id)).collect();
    let program = work.runner.backend.compile(model, work.runner.device, &probes).map_err(RunError::from)?;
    Ok(program.session().map_err(RunError::from)?)
}

/// Sums over images and positions for every kept channel of one value.
struct Differences<'a> {
    kept: &'a [usize],
    count: f64,
    sum: Vec<f64>,
    squares: Vec<f64>,
    /// Squared differences of the cut and of the repaired component.
    errors: [f64; 2],
}

impl<'a> Differences<'a> {
    fn new(kept: &'a [usize]) -> Self {
        Self { kept, count: 0.0, sum: vec![0.0; kept.len()], squares: vec![0.0; kept.len()], errors: [0.0; 2] }
    }

    fn add(&mut self, source: &Tensor, components: [&Tensor; 2]) {
        let positions: usize = source.shape()[2..].iter().product();
        for n in 0..source.shape()[0] {
            let wanted = source.row(n);
            for (index, &channel) in self.kept.iter().enumerate() {
                let wanted = &wanted[channel * positions..(channel + 1) * positions];
                self.sum[index] += wanted.iter().map(|&y| f64::from(y)).sum::<f64>();
                self.squares[index] += wanted.iter().map(|&y| f64::from(y) * f64::from(y)).sum::<f64>();
                for (error, component) in self.errors.iter_mut().zip(components) {
                    let got = &component.row(n)[index * positions..(index + 1) * positions];
                    *error += wanted.iter().zip(got).map(|(&y, &x)| f64::from(y - x).powi(2)).sum::<f64>();
                }
            }
            self.count += positions as f64;
        }
    }

    /// The errors over the source's variance; a constant source counts as one of variance 1.
    fn relative(&self) -> [f64; 2] {
        let count = self.count.max(1.0);
        let spread: f64 = self.sum.iter().zip(&self.squares).map(|(sum, squares)| squares - sum * sum / count).sum();
        self.errors.map(|error| if spread > 0.0 { error / spread } else { error / count })
    }
}
