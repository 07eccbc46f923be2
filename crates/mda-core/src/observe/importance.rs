//! How much the loss of a task minds an error in what a layer computes.

use super::gradient::gradients;
use super::regression::scramble;
use crate::graph::{NodeId, layers};
use crate::model::Model;
use crate::run::backend::Probe;
use crate::run::{ImageSource, RunError, Runner};
use crate::tensor::Tensor;
use std::collections::HashMap;

/// For every output channel of every layer, `[Q]`: the mean over images of the sum over positions of `g^2`, where `g` is the
/// derivative by that output of a function of the logits whose squares have the curvature of the cross-entropy as their mean
/// (the diagonal of the Gauss-Newton matrix). Half of it times the mean squared error of an output is what the loss rises by,
/// to second order.
#[derive(Clone, Debug, Default)]
pub struct Importance {
    layers: HashMap<NodeId, Vec<f64>>,
}

impl Importance {
    /// The outputs of a layer.
    pub(crate) fn of(&self, layer: NodeId) -> Option<&[f64]> {
        self.layers.get(&layer).map(Vec::as_slice)
    }

    /// Observes `model` on `images`, the softmax taken over `categories`.
    ///
    /// # Errors
    /// [`RunError`] from the backend or the images.
    pub fn observe(
        runner: &Runner<'_>,
        model: &Model,
        source: &dyn ImageSource,
        images: &[usize],
        categories: &[usize],
    ) -> Result<Self, RunError> {
        let graph = model.graph();
        let probes: Vec<Probe> = (0..graph.nodes().len()).map(Probe::Value).collect();
        let mut importance = Self::default();
        runner.run(model, &probes, source, images, |positions, values| {
            let seed = draw(&values[graph.output()], categories, &images[positions]);
            let gradients = gradients(model, &values, seed);
            for id in layers(graph) {
                let shape = graph.node(id).shape;
                let sums = importance.layers.entry(id).or_insert_with(|| vec![0.0; shape.channels()]);
                let planes = gradients[id].iter().flat_map(|g| g.data().chunks(shape.positions()));
                for (plane, g) in planes.enumerate() {
                    sums[plane % shape.channels()] += g.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>();
                }
            }
        })?;
        let share = 1.0 / images.len().max(1) as f64;
        importance.layers.values_mut().flatten().for_each(|sum| *sum *= share);
        Ok(importance)
    }
}

/// One draw an image of a derivative by the logits whose products have the mean `diag(p) - p p^T`: `sqrt(p) * e - p * sum(sqrt(p)
/// * e)` with signs `e` that the image's position in its source draws.
fn draw(logits: &Tensor, categories: &[usize], images: &[usize]) -> Tensor {
    let width = logits.shape()[1];
    let mut seed = Tensor::zeros(logits.shape());
    for (n, (&image, row)) in images.iter().zip(seed.data_mut().chunks_mut(width)).enumerate() {
        let own: Vec<f64> = categories.iter().map(|&k| f64::from(logits.row(n)[k])).collect();
        let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exp: Vec<f64> = own.iter().map(|x| (x - most).exp()).collect();
        let sum: f64 = exp.iter().sum();
        let sign = |index: usize| if scramble((image * categories.len() + index) as u64) & 1 == 0 { 1.0 } else { -1.0 };
        let rooted: Vec<f64> = exp.iter().enumerate().map(|(index, e)| (e / sum).sqrt() * sign(index)).collect();
        let together: f64 = rooted.iter().sum();
        for ((&k, r), e) in categories.iter().zip(&rooted).zip(&exp) {
            row[k] = (r - e / sum * together) as f32;
        }
    }
    seed
}
