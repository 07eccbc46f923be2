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

use super::{BatchView, Layer, Looks, Measuring, Rows, Scope, Shown};
use crate::graph::{NodeId, ValidGraph, layers};
use crate::model::Model;
use crate::observe::Observations;
use crate::observe::contribution::Contributions;
use crate::observe::regression;
use crate::observe::regression::{Gathered, Geometry, MOST_REGRESSORS, MOST_ROWS, Sampling, Sums};
use crate::run::backend::Probe;
use crate::tensor::Tensor;
use problem::Problem;
use rayon::prelude::*;

/// The observation of a layer is what its kernel sees at some output positions of every image.
pub(super) struct Obs;

impl Measuring for Obs {
    fn scope(&self) -> Scope {
        Scope::Task
    }

    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        layers(graph).map(Probe::Input).collect()
    }

    /// What a kernel sees at each of the positions, one behind the other.
    fn look(&self, batch: &BatchView<'_>) -> Looks {
        let (graph, answers) = (batch.model.graph(), batch.answers());
        let inputs: Vec<(NodeId, &Tensor)> = layers(graph).zip(&*answers).collect();
        let of_layer = |&(id, input): &(NodeId, &Tensor)| {
            let geometry = Geometry::of(graph, id)?.dense();
            let sampling = sampling(&geometry, batch.images, batch.positions, usize::MAX);
            let rows = geometry.observe(input, 0, &sampling.of_all(&geometry, batch.indices));
            Tensor::new([batch.rows.len(), rows.len() / batch.rows.len().max(1)], rows).ok().map(|rows| (id, rows))
        };
        inputs.par_iter().filter_map(of_layer).collect()
    }

    fn kept(&self, model: &Model, layer: NodeId, positions: usize) -> usize {
        let geometry = Geometry::of(model.graph(), layer).map(Geometry::dense);
        geometry.map_or(0, |own| own.regressors() * sampling(&own, 1, positions, usize::MAX).rows())
    }

    fn take_up(&self, shown: &Shown<'_>, seen: &mut Observations) {
        let geometry = |id: NodeId| Geometry::of(shown.model.graph(), id).map(Geometry::dense);
        // How many positions were looked at of an image.
        let looked_at = |id: NodeId, geometry: &Geometry| shown.looks[&id].shape()[1] / geometry.regressors().max(1);
        for (&id, geometry) in shown.looks.keys().filter_map(|id| Some((id, geometry(*id)?))) {
            let sampling = sampling(&geometry, shown.images, looked_at(id, &geometry), shown.most_rows);
            seen.gathered.entry(id).or_insert_with(|| gatherer(&geometry, sampling));
        }
        seen.gathered.par_iter_mut().for_each(|(&id, gathered)| {
            let (Some(geometry), Some(looks)) = (geometry(id), shown.looks.get(&id)) else { return };
            let positions = looked_at(id, &geometry);
            let sampling = sampling(&geometry, shown.images, positions, shown.most_rows);
            let width = geometry.regressors();
            for (image, chosen) in sampling.among(shown.positions.start, shown.indices, positions) {
                let row = looks.row(shown.rows.start + image);
                match chosen.len() == positions {
                    true => gathered.add(row, &[]),
                    false => chosen.iter().for_each(|at| gathered.add(&row[at * width..(at + 1) * width], &[])),
                }
            }
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

/// How many multiply-adds structured OBS takes beside running the source, about: the cube of what the kernels of each layer see.
pub fn elimination(graph: &ValidGraph) -> u64 {
    let of_layer = |layer: NodeId| {
        let regressors = Geometry::of(graph, layer).map_or(0, |geometry| geometry.dense().regressors());
        (regressors.min(MOST_REGRESSORS) as u64).pow(3)
    };
    layers(graph).map(of_layer).sum()
}

/// What is taken of a run over `images` images, of each of which up to `positions` positions are there.
fn sampling(geometry: &Geometry, images: usize, positions: usize, most_rows: usize) -> Sampling {
    let most = if geometry.regressors() > MOST_REGRESSORS { MOST_ROWS } else { usize::MAX };
    Sampling::new(geometry, images, positions, most.min(most_rows))
}

/// Rows where they take less memory than their products do.
fn gatherer(geometry: &Geometry, sampling: Sampling) -> Gathered {
    let (regressors, rows) = (geometry.regressors(), sampling.rows());
    if rows <= 2 * regressors || regressors > MOST_REGRESSORS {
        Gathered::Rows(regression::Rows::new(regressors, 0, rows))
    } else {
        Gathered::Sums(Sums::new(regressors, 0))
    }
}
