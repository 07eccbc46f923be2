//! Distilling the source's answers into the last layer (Hinton et al. 2015): its weights under which the component is as sure
//! of every category as the source is, pulled towards those that the ridge gave it. No label is needed.
//!
//! Minimises the mean over images of `-sum over k of p_k ln softmax(W x + b)_k`, plus `pull * (mean(x^2) |W - W_ridge|^2 + |b -
//! b_ridge|^2) / 2`, where `p` is the source's softmax over the component's categories: convex, so the result is one.

use super::rewrite::with_layer;
use super::{RepairError, Work};
use crate::evaluate::minimise;
use crate::model::Model;
use crate::op::Op;
use crate::run::backend::Probe;
use crate::tensor::Tensor;
use rayon::prelude::*;

/// How strongly the weights may be pulled, the strongest first.
const PULLS: [f64; 4] = [1.0, 1e-1, 1e-2, 1e-3];
/// Images whose sums one thread adds up; sums of chunks are added in order, so that the result is always the same.
const CHUNK: usize = 128;

/// The model with another last layer, where that is a linear one of several categories and tuning images find the source's answers
/// in it better than before.
pub(super) fn repair(work: &Work<'_>, model: Model) -> Result<Model, RepairError> {
    let output = model.graph().output();
    if !matches!(model.graph().node(output).op, Op::Linear(_)) || model.categories().len() < 2 {
        return Ok(model);
    }
    let fit = Answers::of(work, &model, work.calibration)?;
    let tuning = Answers::of(work, &model, work.tuning)?;
    let parameters = model.node_parameters(output);
    let mut start: Vec<f64> = parameters.get("weight").data().iter().map(|&w| f64::from(w)).collect();
    let own_bias = super::rewrite::has_bias(&model.graph().node(output).op);
    let bias: Vec<f64> = match own_bias {
        true => parameters.get("bias").data().iter().map(|&b| f64::from(b)).collect(),
        false => vec![0.0; fit.categories],
    };
    start.extend(&bias);
    let mut best = (tuning.loss(&start).0, None);
    let mut at = start.clone();
    for pull in PULLS {
        at = minimise(|at| fit.pulled(at, &start, pull), at);
        let loss = tuning.loss(&at).0;
        if loss < best.0 {
            best = (loss, Some(at.clone()));
        }
    }
    let Some(best) = best.1 else { return Ok(model) };
    let (weight, fitted) = best.split_at(fit.categories * fit.features);
    let weight = Tensor::new([fit.categories, fit.features], weight.iter().map(|&w| w as f32).collect())?;
    let shift: Vec<f64> = fitted.iter().zip(&bias).map(|(fitted, own)| fitted - own).collect();
    with_layer(&model, output, Some(weight), &shift)
}

/// What enters the last layer, and what the source answers to it.
struct Answers {
    features: usize,
    categories: usize,
    /// `[N, P]`.
    x: Vec<f32>,
    /// `[N, K]`: the source's probabilities of the component's categories.
    p: Vec<f64>,
    mean_square: f64,
}

impl Answers {
    fn of(work: &Work<'_>, model: &Model, images: &[usize]) -> Result<Self, RepairError> {
        let output = model.graph().output();
        let input = model.graph().node(output).inputs[0];
        let (_, kept) = work.origin(output)?;
        let (features, categories) = (model.graph().node(input).shape.elements(), kept.len());
        let mut x = Vec::with_capacity(images.len() * features);
        work.runner.run(model, &[Probe::Value(input)], work.images, images, |_, answers| {
            x.extend_from_slice(answers[0].data());
        })?;
        if x.iter().any(|x| !x.is_finite()) {
            let layer = &model.graph().node(output).name;
            return Err(RepairError::NonFinite { what: format!("what the component computes before `{layer}`") });
        }
        let logits = work.runner.logits(work.source, work.images, images)?.logits;
        if logits.first_non_finite().is_some() {
            return Err(RepairError::SourceNonFinite { layer: model.graph().node(output).name.clone() });
        }
        let answered = |n: usize| softmax(&kept.iter().map(|&k| f64::from(logits.row(n)[k])).collect::<Vec<_>>());
        let p = (0..images.len()).flat_map(answered).collect();
        let squares: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let mean_square = squares / x.len().max(1) as f64;
        Ok(Self { features, categories, x, p, mean_square })
    }

    /// The mean cross-entropy and its gradient at `[weights, biases]`.
    fn loss(&self, at: &[f64]) -> (f64, Vec<f64>) {
        let (features, categories) = (self.features, self.categories);
        let (weight, bias) = at.split_at(categories * features);
        let of_chunk = |(x, p): (&[f32], &[f64])| {
            let (mut loss, mut gradient) = (0.0, vec![0.0; at.len()]);
            for (x, p) in x.chunks(features).zip(p.chunks(categories)) {
                let logit = |k: usize| {
                    let row = &weight[k * features..(k + 1) * features];
                    bias[k] + row.iter().zip(x).map(|(w, &x)| w * f64::from(x)).sum::<f64>()
                };
                let q = softmax(&(0..categories).map(logit).collect::<Vec<_>>());
                for (k, (&q, &p)) in q.iter().zip(p).enumerate() {
                    // What underflows counts as the smallest number there is.
                    loss -= p * q.max(f64::MIN_POSITIVE).ln();
                    let row = &mut gradient[k * features..(k + 1) * features];
                    row.iter_mut().zip(x).for_each(|(sum, &x)| *sum += (q - p) * f64::from(x));
                    gradient[categories * features + k] += q - p;
                }
            }
            (loss, gradient)
        };
        let chunks = self.x.par_chunks(CHUNK * features).zip(self.p.par_chunks(CHUNK * categories));
        let parts: Vec<(f64, Vec<f64>)> = chunks.map(of_chunk).collect();
        let share = 1.0 / (self.p.len() / categories).max(1) as f64;
        let mut sum = (0.0, vec![0.0; at.len()]);
        for (loss, gradient) in parts {
            sum.0 += share * loss;
            sum.1.iter_mut().zip(gradient).for_each(|(sum, part)| *sum += share * part);
        }
        sum
    }

    /// The same with what pulls towards `start`.
    fn pulled(&self, at: &[f64], start: &[f64], pull: f64) -> (f64, Vec<f64>) {
        let (mut loss, mut gradient) = self.loss(at);
        for (index, (at, start)) in at.iter().zip(start).enumerate() {
            let strength = pull * if index < self.categories * self.features { self.mean_square } else { 1.0 };
            loss += 0.5 * strength * (at - start).powi(2);
            gradient[index] += strength * (at - start);
        }
        (loss, gradient)
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits.iter().map(|logit| (logit - most).exp() / sum).collect()
}
