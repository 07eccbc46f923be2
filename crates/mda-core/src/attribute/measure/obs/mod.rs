//! Structured OBS: what the other input channels cannot explain (Hassibi and Stork 1993, with whole channels as in
//! Kurtic et al. 2023).
//!
//! Channels go one after another, always the one whose loss, after the rest are refitted by least squares on the images
//! of the task, changes the layer's outputs least. A channel is worth the relative error of the layer (the root of its
//! squared error over its squared outputs) without it and all that went before it: a copy of others next to nothing, the
//! last one 1. Which outputs count, and how much, is the formulation's accumulation: all alike (none), those that matter
//! (hard), or each by its score (soft).

mod elimination;
mod inverse;
mod problem;
#[cfg(test)]
mod tests;

use super::{BatchView, Layer, Measuring, Rows, Scope};
use crate::graph::layers;
use crate::graph::{NodeId, ValidGraph};
use crate::observe::Observations;
use crate::observe::contribution::Contributions;
use crate::observe::regression;
use crate::observe::regression::{Gathered, Geometry, MOST_REGRESSORS, MOST_ROWS, Sampling, Sums};
use crate::run::backend::Probe;
use problem::Problem;
use rayon::prelude::*;

/// The observation of a layer is what its kernel sees at some output positions of every image.
pub(super) struct Obs;

/// The most output positions of one image that are looked at: neighbours tell nearly the same.
const POSITIONS: usize = 16;

impl Measuring for Obs {
    fn scope(&self) -> Scope {
        Scope::Task
    }

    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        layers(graph).map(Probe::Input).collect()
    }

    fn observe(&self, batch: &BatchView<'_>, seen: &mut Observations) {
        let graph = batch.model.graph();
        let geometry = |id: NodeId| Geometry::of(graph, id).map(Geometry::dense);
        for (id, geometry) in layers(graph).filter_map(|id| Some((id, geometry(id)?))) {
            seen.gathered.entry(id).or_insert_with(|| gatherer(&geometry, batch.images));
        }
        let answers = batch.answers();
        let inputs = layers(graph).zip(&*answers).collect::<std::collections::HashMap<_, _>>();
        seen.gathered.par_iter_mut().for_each(|(&id, gathered)| {
            let Some(geometry) = geometry(id) else { return };
            let sample = sampling(&geometry, batch.images).of_batch(&geometry, batch.positions.start, batch.indices);
            gathered.add(&geometry.observe(inputs[&id], 0, &sample), &[]);
        });
    }

    fn finish(&self, seen: &mut Observations) {
        let gathered: Vec<(NodeId, Gathered)> = seen.gathered.drain().collect();
        seen.regressions.extend(gathered.into_iter().map(|(id, gathered)| (id, gathered.finish())));
    }

    fn contributions(&self, layer: &Layer<'_>, rows: &Rows<'_>) -> Contributions {
        let problem = Problem::new(layer.model, layer.id, layer.regression(), rows);
        let removals = problem.eliminate();
        let total: f64 = removals.iter().map(|removal| removal.cost).sum();
        let mut unexplained = vec![0.0; removals.len()];
        let mut sum = 0.0;
        for (step, removal) in removals.iter().enumerate() {
            sum += removal.cost;
            // Where nothing costs anything, the order alone tells.
            let share = if total > 0.0 { sum / total } else { (step + 1) as f64 / removals.len() as f64 };
            unexplained[removal.group] = share.sqrt() as f32;
        }
        let values: Vec<f32> = problem.group_of_channel.iter().map(|&group| unexplained[group]).collect();
        Contributions { seen: values.len(), first: vec![0], values }
    }
}

/// What is looked at of a run over `images` images.
fn sampling(geometry: &Geometry, images: usize) -> Sampling {
    let most = if geometry.regressors() > MOST_REGRESSORS { MOST_ROWS } else { usize::MAX };
    Sampling::new(geometry, images, POSITIONS, most)
}

/// Rows where they take less memory than their products do.
fn gatherer(geometry: &Geometry, images: usize) -> Gathered {
    let (regressors, rows) = (geometry.regressors(), sampling(geometry, images).rows());
    if rows <= 2 * regressors || regressors > MOST_REGRESSORS {
        Gathered::Rows(regression::Rows::new(regressors, 0, rows))
    } else {
        Gathered::Sums(Sums::new(regressors, 0))
    }
}
