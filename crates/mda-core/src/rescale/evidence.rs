//! Evidence: what a component's last features tell about whose image it is.
//!
//! A source knew more categories than its component answers for. What is left of that knowledge in the features before
//! the last layer tells an image of another component better than the component's few logits do. The probability of a
//! component, softmax over the log-sum-exp of every component's logits, gets a linear function of its features as a
//! summand; the same for all its categories, so that its choice among them stays. Fitting that is logistic regression
//! with offsets: convex, and as small as the components are few.

use super::lbfgs::minimise;
use super::{Answers, RescaleError, split};
use crate::graph::{GraphErrors, NodeId};
use crate::model::Model;
use crate::model::affine::LogitAffine;
use crate::op::Op;
use crate::tensor::Tensor;
use rayon::prelude::*;
use std::ops::Range;

/// How strongly the weights may be pulled to zero, features having variance one.
const PULLS: [f64; 6] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];
/// What keeps the constants finite.
const CONSTANT_PULL: f64 = 1e-6;
/// Images whose sums one thread adds up; sums of chunks are added in order, so that the result is always the same.
const CHUNK: usize = 256;

/// A linear function of the features before a component's last layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// One weight a feature.
    pub weights: Vec<f32>,
    /// The constant.
    pub constant: f32,
}

/// The linear layer that computes the logits of `model`.
///
/// # Errors
/// [`RescaleError::NoWeights`] where the logits come from something else.
pub fn last_layer(model: &Model) -> Result<NodeId, RescaleError> {
    let output = model.graph().output();
    let node = model.graph().node(output);
    match node.op {
        Op::Linear(_) => Ok(output),
        _ => {
            Err(RescaleError::NoWeights { model: model.name().into(), found: format!("`{}` ({})", node.name, node.op) })
        }
    }
}

impl Evidence {
    /// The function's value for one image's features.
    pub(super) fn of(&self, features: &[f32]) -> f32 {
        self.constant + features.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f32>()
    }

    /// `model` with its logits under `affine`, and this function added to each of them.
    pub(super) fn fold_into(&self, affine: &LogitAffine, model: &Model) -> Result<Model, GraphErrors> {
        // The constant goes the way of every shift, which also gives the layer a bias.
        let shift = affine.shift.iter().map(|shift| shift + self.constant).collect();
        let shifted = LogitAffine { scale: affine.scale.clone(), shift }.fold_into(model)?;
        let output = shifted.graph().output();
        let name = format!("{}.weight", shifted.graph().node(output).name);
        let mut parameters = shifted.parameters().clone();
        let mut weight = shifted.node_parameters(output).get("weight").clone();
        for row in weight.data_mut().chunks_mut(self.weights.len().max(1)) {
            row.iter_mut().zip(&self.weights).for_each(|(w, e)| *w += e);
        }
        parameters.insert(name, weight);
        shifted.with_parameters(shifted.graph().clone(), parameters)
    }
}

/// The evidence of every component under which the calibration labels are likeliest, pulled to zero as strongly as
/// a left-out fold of the calibration images asks for; zero where it asks for none. `affine` is fitted already.
pub(super) fn fit(
    blocks: &[Range<usize>],
    calibration: &Answers,
    affine: &LogitAffine,
) -> Result<Vec<Evidence>, RescaleError> {
    let problem = Problem::new(blocks, calibration, affine)?;
    let (fit, fold) = split(&calibration.logits.labels);
    let silent = vec![0.0; problem.parameters];
    let (mut best, mut chosen) = (problem.loss(&fold, &silent).0, None);
    let mut start = silent.clone();
    for &pull in PULLS.iter().rev() {
        start = problem.fit(&fit, start, pull);
        let loss = problem.loss(&fold, &start).0;
        if loss < best {
            (best, chosen) = (loss, Some(pull));
        }
    }
    let all: Vec<usize> = (0..problem.owners.len()).collect();
    let parameters = chosen.map_or(silent.clone(), |pull| problem.fit(&all, silent, pull));
    Ok(problem.evidence(&parameters))
}

/// Offsets and standardised features of every image.
struct Problem {
    /// Log-sum-exp of every component's logits, `[N, C]`.
    offsets: Vec<f64>,
    /// The component of every image.
    owners: Vec<usize>,
    features: Vec<Features>,
    parameters: usize,
}

/// The features of one component, with mean 0 and variance 1, but 0 where a feature never changes.
struct Features {
    /// Which parameters are their weights; the one behind these is the constant.
    weights: Range<usize>,
    /// `[N, F]`.
    rows: Tensor,
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Problem {
    fn new(blocks: &[Range<usize>], calibration: &Answers, affine: &LogitAffine) -> Result<Self, RescaleError> {
        let mut logits = calibration.logits.logits.clone();
        affine.apply(&mut logits);
        let joint = |row: &[f32]| -> Vec<f64> { blocks.iter().map(|block| log_sum_exp(&row[block.clone()])).collect() };
        let offsets = (0..calibration.logits.labels.len()).flat_map(|n| joint(logits.row(n))).collect();
        let owner = |label: &usize| blocks.iter().position(|block| block.contains(label)).unwrap_or_default();
        let owners = calibration.logits.labels.iter().map(owner).collect();
        if let Some(image) =
            calibration.features.iter().find_map(|rows| Some(rows.first_non_finite()? / rows.shape()[1]))
        {
            return Err(RescaleError::NonFinite { image });
        }
        let mut parameters = 0;
        let standardised = |raw: &Tensor| {
            let features = Features::new(raw, parameters);
            parameters = features.weights.end + 1;
            features
        };
        let features = calibration.features.iter().map(standardised).collect();
        Ok(Self { offsets, owners, features, parameters })
    }

    fn fit(&self, images: &[usize], start: Vec<f64>, strength: f64) -> Vec<f64> {
        let function = |parameters: &[f64]| {
            let (mut loss, mut gradient) = self.loss(images, parameters);
            for features in &self.features {
                let weights = features.weights.clone().map(|at| (at, strength));
                for (at, pull) in weights.chain([(features.weights.end, CONSTANT_PULL)]) {
                    loss += pull * parameters[at].powi(2);
                    gradient[at] += 2.0 * pull * parameters[at];
                }
            }
            (loss, gradient)
        };
        minimise(function, start)
    }

    /// The mean negative log-likelihood of the images' components, and its gradient.
    fn loss(&self, images: &[usize], parameters: &[f64]) -> (f64, Vec<f64>) {
        let components = self.features.len();
        let chunk = |images: &[usize]| {
            let mut sums = vec![0.0; parameters.len()];
            let mut scores = vec![0.0; components];
            let mut loss = 0.0;
            for &image in images {
                for (c, features) in self.features.iter().enumerate() {
                    let weights = &parameters[features.weights.clone()];
                    let evidence: f64 =
                        features.rows.row(image).iter().zip(weights).map(|(&x, w)| f64::from(x) * w).sum();
                    scores[c] = self.offsets[image * components + c] + evidence + parameters[features.weights.end];
                }
                let (owner, most) = (self.owners[image], scores.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                let total: f64 = scores.iter().map(|score| (score - most).exp()).sum();
                loss += most + total.ln() - scores[owner];
                for (c, features) in self.features.iter().enumerate() {
                    let error = (scores[c] - most).exp() / total - f64::from(u8::from(c == owner));
                    let sums_of = sums[features.weights.clone()].iter_mut().zip(features.rows.row(image));
                    sums_of.for_each(|(sum, &x)| *sum += error * f64::from(x));
                    sums[features.weights.end] += error;
                }
            }
            (loss, sums)
        };
        let chunks: Vec<(f64, Vec<f64>)> = images.par_chunks(CHUNK).map(chunk).collect();
        let count = images.len().max(1) as f64;
        let mut gradient = vec![0.0; parameters.len()];
        for (_, sums) in &chunks {
            gradient.iter_mut().zip(sums).for_each(|(g, sum)| *g += sum / count);
        }
        (chunks.iter().map(|(loss, _)| loss).sum::<f64>() / count, gradient)
    }

    /// The parameters for features as they came.
    fn evidence(&self, parameters: &[f64]) -> Vec<Evidence> {
        let of = |features: &Features| {
            let standardised = parameters[features.weights.clone()].iter().zip(&features.deviation);
            let weights: Vec<f64> = standardised.map(|(w, deviation)| w / deviation).collect();
            let mean: f64 = weights.iter().zip(&features.mean).map(|(w, mean)| w * mean).sum();
            let constant = (parameters[features.weights.end] - mean) as f32;
            Evidence { weights: weights.into_iter().map(|w| w as f32).collect(), constant }
        };
        self.features.iter().map(of).collect()
    }
}

impl Features {
    fn new(raw: &Tensor, first: usize) -> Self {
        let (images, count) = (raw.shape()[0].max(1) as f64, raw.shape()[1]);
        let (mut mean, mut deviation) = (vec![0.0f64; count], vec![0.0f64; count]);
        for row in raw.data().chunks(count.max(1)) {
            mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / images);
        }
        for row in raw.data().chunks(count.max(1)) {
            let square = |((sum, &x), mean): ((&mut f64, &f32), &f64)| *sum += (f64::from(x) - mean).powi(2) / images;
            deviation.iter_mut().zip(row).zip(&mean).for_each(square);
        }
        // What changes less than f32 rounds does not change: it stays near zero, and so does its weight.
        let rounding = |mean: &f64| f64::from(f32::EPSILON) * mean.abs();
        let spread = |(d, mean): (&mut f64, &f64)| *d = if d.sqrt() > rounding(mean) { d.sqrt() } else { 1.0 };
        deviation.iter_mut().zip(&mean).for_each(spread);
        let mut rows = raw.clone();
        for row in rows.data_mut().chunks_mut(count.max(1)) {
            for ((x, mean), deviation) in row.iter_mut().zip(&mean).zip(&deviation) {
                *x = ((f64::from(*x) - mean) / deviation) as f32;
            }
        }
        Self { weights: first..first + count, rows, mean, deviation }
    }
}

fn log_sum_exp(logits: &[f32]) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    f64::from(most) + logits.iter().map(|&x| f64::from(x - most).exp()).sum::<f64>().ln()
}
