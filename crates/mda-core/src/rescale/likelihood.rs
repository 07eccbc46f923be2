//! Scales and shifts under which the calibration labels are likeliest.
//!
//! The mean negative log-likelihood of softmax(scale * logit + shift) is convex in the scales and shifts.

use super::lbfgs::minimise;
use super::{RescaleError, split};
use crate::model::affine::LogitAffine;
use crate::run::LabelledLogits;
use rayon::prelude::*;
use std::ops::Range;

/// How strongly the categories may be pulled towards their component, per category and image.
const PULLS: [f64; 6] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];
/// What keeps a component's scale finite where its calibration images are perfectly told apart.
const COMPONENT_PULL: f64 = 1e-4;
/// Images whose sums one thread adds up; sums of chunks are added in order, so that the result is always the same.
const CHUNK: usize = 256;

pub(super) fn by_component(blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<LogitAffine, RescaleError> {
    let problem = Problem::new(blocks, calibration)?;
    Ok(problem.affine(&problem.fit_components(&problem.all())))
}

pub(super) fn by_category(blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<LogitAffine, RescaleError> {
    let problem = Problem::new(blocks, calibration)?;
    let (fit, fold) = split(&calibration.labels);
    let by_component = problem.fit_components(&fit);
    let mut best = (problem.loss(&fold, &by_component).0, None);
    let mut start = by_component.clone();
    // From the strongest pull on, each fit starts where the one before ended.
    for &pull in PULLS.iter().rev() {
        start = problem.fit_categories(&fit, &by_component, start, pull);
        let loss = problem.loss(&fold, &start).0;
        if loss < best.0 {
            best = (loss, Some(pull));
        }
    }
    let all = problem.all();
    let by_component = problem.fit_components(&all);
    let chosen = match best.1 {
        Some(pull) => problem.fit_categories(&all, &by_component, by_component.clone(), pull),
        None => by_component,
    };
    Ok(problem.affine(&chosen))
}

/// Joint logits, standardised component by component so that all parameters are of one order.
struct Problem {
    count: usize,
    /// `[N, K]`, row-major.
    logits: Vec<f64>,
    labels: Vec<usize>,
    /// The component of every joint category.
    component: Vec<usize>,
    /// Mean and standard deviation of every component's logits.
    standard: Vec<(f64, f64)>,
}

impl Problem {
    fn new(blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<Self, RescaleError> {
        let count = blocks.last().map_or(0, |block| block.end);
        let component = blocks.iter().enumerate().flat_map(|(c, block)| block.clone().map(move |_| c)).collect();
        let mut present = vec![false; count];
        for (image, &label) in calibration.labels.iter().enumerate() {
            match present.get_mut(label) {
                Some(present) => *present = true,
                None => return Err(RescaleError::Label { image, label, count }),
            }
        }
        if let Some(category) = present.iter().position(|present| !present) {
            return Err(RescaleError::NoImages { category });
        }
        if let Some(position) = calibration.logits.first_non_finite() {
            return Err(RescaleError::NonFinite { image: position / count });
        }
        let mut logits: Vec<f64> = calibration.logits.data().iter().map(|&logit| f64::from(logit)).collect();
        let mut standard = Vec::with_capacity(blocks.len());
        for block in blocks {
            let (mean, deviation) = standardise(&mut logits, count, block);
            standard.push((mean, deviation));
        }
        Ok(Self { count, logits, labels: calibration.labels.clone(), component, standard })
    }

    fn all(&self) -> Vec<usize> {
        (0..self.labels.len()).collect()
    }

    /// Scale and shift of every component, repeated for its categories: `[scales, shifts]`.
    fn fit_components(&self, images: &[usize]) -> Vec<f64> {
        let components = self.standard.len();
        let start: Vec<f64> = self.standard.iter().map(|s| s.1).chain(self.standard.iter().map(|s| s.0)).collect();
        let spread = |few: &[f64]| -> Vec<f64> {
            let of = |offset: usize| self.component.iter().map(move |&c| few[offset + c]);
            of(0).chain(of(components)).collect()
        };
        let function = |few: &[f64]| {
            let (mut loss, full) = self.loss(images, &spread(few));
            let mut gradient = vec![0.0; 2 * components];
            for (k, &c) in self.component.iter().enumerate() {
                gradient[c] += full[k];
                gradient[components + c] += full[self.count + k];
            }
            pull(&mut loss, &mut gradient, few, &start, COMPONENT_PULL / components as f64);
            (loss, gradient)
        };
        spread(&minimise(function, start.clone()))
    }

    /// Scale and shift of every category, pulled towards `centre`.
    fn fit_categories(&self, images: &[usize], centre: &[f64], start: Vec<f64>, strength: f64) -> Vec<f64> {
        let function = |parameters: &[f64]| {
            let (mut loss, mut gradient) = self.loss(images, parameters);
            pull(&mut loss, &mut gradient, parameters, centre, strength / self.count as f64);
            (loss, gradient)
        };
        minimise(function, start)
    }

    /// The mean negative log-likelihood of `images` and its gradient; `parameters` are `[scales, shifts]`.
    fn loss(&self, images: &[usize], parameters: &[f64]) -> (f64, Vec<f64>) {
        let (scale, shift) = parameters.split_at(self.count);
        let chunk = |images: &[usize]| {
            let mut sums = vec![0.0; 2 * self.count];
            let mut probability = vec![0.0; self.count];
            let mut loss = 0.0;
            for &image in images {
                let (logits, label) = (&self.logits[image * self.count..(image + 1) * self.count], self.labels[image]);
                for (p, ((&l, a), b)) in probability.iter_mut().zip(logits.iter().zip(scale).zip(shift)) {
                    *p = a * l + b;
                }
                let own = probability[label];
                let max = probability.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                probability.iter_mut().for_each(|p| *p = (*p - max).exp());
                let total: f64 = probability.iter().sum();
                loss += max + total.ln() - own;
                for (k, &logit) in logits.iter().enumerate() {
                    let error = probability[k] / total - f64::from(u8::from(k == label));
                    sums[k] += error * logit;
                    sums[self.count + k] += error;
                }
            }
            (loss, sums)
        };
        let chunks: Vec<(f64, Vec<f64>)> = images.par_chunks(CHUNK).map(chunk).collect();
        let count = images.len().max(1) as f64;
        let mut gradient = vec![0.0; 2 * self.count];
        for (_, sums) in &chunks {
            gradient.iter_mut().zip(sums).for_each(|(g, sum)| *g += sum / count);
        }
        (chunks.iter().map(|(loss, _)| loss).sum::<f64>() / count, gradient)
    }

    /// The scale and shift of the logits as they came.
    fn affine(&self, parameters: &[f64]) -> LogitAffine {
        let (scale, shift) = parameters.split_at(self.count);
        let standard = self.component.iter().map(|&c| self.standard[c]);
        let original = scale.iter().zip(shift).zip(standard);
        let (scale, shift) = original
            .map(|((scale, shift), (mean, deviation))| {
                let scale = scale / deviation;
                (scale as f32, (shift - scale * mean) as f32)
            })
            .unzip();
        LogitAffine { scale, shift }
    }
}

/// Adds `strength * |parameters - centre|^2` to a loss and its gradient.
fn pull(loss: &mut f64, gradient: &mut [f64], parameters: &[f64], centre: &[f64], strength: f64) {
    for ((g, p), c) in gradient.iter_mut().zip(parameters).zip(centre) {
        *loss += strength * (p - c).powi(2);
        *g += 2.0 * strength * (p - c);
    }
}

/// Takes mean and standard deviation out of one component's logits.
fn standardise(logits: &mut [f64], count: usize, block: &Range<usize>) -> (f64, f64) {
    let numbers = logits.chunks(count).flat_map(|row| &row[block.clone()]);
    let (total, sum) = numbers.clone().fold((0.0f64, 0.0), |(n, sum), x| (n + 1.0, sum + x));
    let mean = sum / total.max(1.0);
    let variance = numbers.map(|x| (x - mean).powi(2)).sum::<f64>() / total.max(1.0);
    // Logits that never change are only shifted.
    let deviation = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    for row in logits.chunks_mut(count) {
        row[block.clone()].iter_mut().for_each(|x| *x = (*x - mean) / deviation);
    }
    (mean, deviation)
}
