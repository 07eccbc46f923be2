//! Ridge compensation: every layer refitted, from the input on, to the source's outputs at the channels that stayed.
//!
//! The regressors are the layer's inputs as the component, repaired so far, computes them, so that each layer also makes
//! up for what the layers before it still get wrong. Channels that an Add or a Concat joined are simply inputs.

use super::frontier::Frontier;
use super::gram::{Moments, Sums};
use super::patches::Geometry;
use super::rewrite::{has_bias, with_layer};
use super::{RepairError, RidgeOptions, Work};
use crate::graph::NodeId;
use crate::model::Model;
use crate::spd;
use crate::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

/// A layer with more regressors than this keeps its weights: its squared number would not fit in memory.
const MOST_REGRESSORS: usize = 6144;

/// The repaired model and the lambda of every layer that was refitted.
pub(super) fn repair(work: &Work<'_>, options: &RidgeOptions) -> Result<(Model, Vec<(String, f64)>), RepairError> {
    check(options)?;
    let positions = options.observations.div_ceil(work.calibration.len().max(1));
    let mut model = work.component.model.clone();
    let mut fit = Lockstep::new(work, work.calibration);
    let mut held_out = Lockstep::new(work, work.held_out);
    let mut lambdas = Vec::new();
    for id in 0..model.graph().nodes().len() {
        let Some(geometry) = Geometry::of(model.graph(), id).filter(|g| g.regressors() <= MOST_REGRESSORS) else {
            continue;
        };
        let layer = Layer { id, geometry, positions };
        let fit = fit.moments(work, &model, &layer)?;
        let held_out = held_out.moments(work, &model, &layer)?;
        let best = refit(&model, &layer, &fit, &held_out, &options.lambdas)?;
        let name = model.graph().node(id).name.clone();
        model = with_layer(&model, id, Some(best.weight(&model, id)?), &best.shift(&model, id))?;
        lambdas.push((name, best.lambda));
    }
    Ok((model, lambdas))
}

fn check(options: &RidgeOptions) -> Result<(), RepairError> {
    let usable = |&lambda: &f64| lambda.is_finite() && lambda >= 0.0;
    if options.lambdas.is_empty() || !options.lambdas.iter().all(usable) {
        let got = format!("{:?}", options.lambdas);
        return Err(RepairError::Options { expected: "one or more finite lambdas of at least 0", got });
    }
    if options.observations == 0 {
        return Err(RepairError::Options { expected: "at least 1 observation", got: "0".into() });
    }
    Ok(())
}

struct Layer {
    id: NodeId,
    geometry: Geometry,
    /// The most output positions that are read of one image.
    positions: usize,
}

/// The source and the component over the same images.
struct Lockstep<'a> {
    indices: &'a [usize],
    source: Frontier<'a>,
    component: Frontier<'a>,
}

impl<'a> Lockstep<'a> {
    fn new(work: &Work<'a>, indices: &'a [usize]) -> Self {
        let at_input = |model: &Model| Frontier::new(work.runner, model, work.images, indices);
        Self { indices, source: at_input(work.source), component: at_input(&work.component.model) }
    }

    /// The moments of every group of `layer`: what the component's filters see against what the source answers.
    fn moments(&mut self, work: &Work<'_>, model: &Model, layer: &Layer) -> Result<Vec<Moments>, RepairError> {
        let (node, geometry) = (model.graph().node(layer.id), &layer.geometry);
        let (origin, kept) = work.origin(layer.id)?;
        self.source.advance(work.source, origin)?;
        self.component.advance(model, node.inputs[0])?;
        let mut sums: Vec<Sums> =
            (0..geometry.groups).map(|_| Sums::new(geometry.regressors(), geometry.filters)).collect();
        let mut images = self.indices;
        let answers = self.source.values(work.source, origin)?;
        let inputs = self.component.values(model, node.inputs[0])?;
        for (input, answer) in inputs.zip(answers) {
            let (input, answer) = (input?, answer?);
            let (batch, rest) = images.split_at(images.len().min(input.shape()[0]));
            images = rest;
            let positions: Vec<Vec<usize>> =
                batch.iter().map(|&image| geometry.positions(image, layer.positions)).collect();
            sums.par_iter_mut().enumerate().for_each(|(group, sums)| {
                let kept = &kept[group * geometry.filters..(group + 1) * geometry.filters];
                let (x, y) = observations(geometry, group, kept, &positions, &input, &answer);
                sums.add(&x, &y);
            });
        }
        if sums.iter().all(Sums::is_finite) {
            Ok(sums.into_iter().map(Sums::centred).collect())
        } else {
            Err(RepairError::NonFinite { what: format!("the activations around `{}`", node.name) })
        }
    }
}

/// The rows of one batch and group: `[observations, regressors]` and `[observations, filters]`.
fn observations(
    geometry: &Geometry,
    group: usize,
    kept: &[usize],
    positions: &[Vec<usize>],
    input: &Tensor,
    answer: &Tensor,
) -> (Vec<f32>, Vec<f32>) {
    let each = positions.first().map_or(0, Vec::len);
    let mut x = vec![0.0; positions.len() * each * geometry.regressors()];
    let mut y = vec![0.0; positions.len() * each * kept.len()];
    let rows = x.par_chunks_mut(each * geometry.regressors()).zip(y.par_chunks_mut(each * kept.len()));
    rows.zip(positions).enumerate().for_each(|(n, ((x, y), positions))| {
        geometry.observe(input.row(n), group, positions, x);
        geometry.targets(answer.row(n), kept, positions, y);
    });
    (x, y)
}

/// The weights and biases of every group of a layer.
struct Fit {
    lambda: f64,
    error: f64,
    groups: Vec<(DMatrix<f64>, DVector<f64>)>,
}

/// The fit with the smallest error on `held_out`; of equals, the one nearest to the source's weights.
fn refit(
    model: &Model,
    layer: &Layer,
    fit: &[Moments],
    held_out: &[Moments],
    lambdas: &[f64],
) -> Result<Fit, RepairError> {
    let weight = model.node_parameters(layer.id).get("weight");
    let (filters, regressors) = (layer.geometry.filters, layer.geometry.regressors());
    let start = |group: usize| {
        let rows = weight.data()[group * filters * regressors..].iter().map(|&w| f64::from(w));
        DMatrix::from_row_iterator(filters, regressors, rows.take(filters * regressors))
    };
    let candidate = |&lambda: &f64| {
        let solve = |(group, moments): (usize, &Moments)| solve(moments, start(group), lambda);
        let groups = fit.iter().enumerate().map(solve).collect::<Option<Vec<_>>>()?;
        let errors = groups.iter().zip(held_out).map(|((weight, bias), moments)| moments.squared_error(weight, bias));
        let error: f64 = errors.sum();
        error.is_finite().then_some(Fit { lambda, error, groups })
    };
    let candidates: Vec<Fit> = lambdas.par_iter().filter_map(candidate).collect();
    let order = |a: &Fit, b: &Fit| a.error.total_cmp(&b.error).then(b.lambda.total_cmp(&a.lambda));
    let layer = model.graph().node(layer.id).name.clone();
    candidates.into_iter().min_by(order).ok_or(RepairError::Singular { layer })
}

/// Minimises `|y - weight x - bias|^2 + lambda * mean(x^2) * |weight - start|^2`.
fn solve(moments: &Moments, start: DMatrix<f64>, lambda: f64) -> Option<(DMatrix<f64>, DVector<f64>)> {
    let strength = lambda * moments.xx.trace() / moments.xx.nrows() as f64;
    let weight = if moments.xx.trace() > 0.0 {
        let mut system = moments.xx.clone();
        (0..system.nrows()).for_each(|d| system[(d, d)] += strength);
        let right = (&moments.yx + start * strength).transpose();
        spd::solve(&spd::factor(system)?, right).transpose()
    } else {
        // Constant inputs say nothing about the weights, only about the bias.
        start
    };
    let bias = &moments.mean_y - &weight * &moments.mean_x;
    Some((weight, bias))
}

impl Fit {
    /// The layer's weight in the shape that it has in `model`.
    fn weight(&self, model: &Model, id: NodeId) -> Result<Tensor, RepairError> {
        let rows = self.groups.iter().flat_map(|(weight, _)| weight.row_iter());
        let data = rows.flat_map(|row| row.iter().map(|&w| w as f32).collect::<Vec<_>>()).collect();
        Ok(Tensor::new(model.node_parameters(id).get("weight").shape(), data)?)
    }

    /// What the fitted bias adds to the layer's own.
    fn shift(&self, model: &Model, id: NodeId) -> Vec<f64> {
        let fitted = self.groups.iter().flat_map(|(_, bias)| bias.iter().copied());
        if has_bias(&model.graph().node(id).op) {
            let own = model.node_parameters(id).get("bias").data();
            fitted.zip(own).map(|(fitted, &own)| fitted - f64::from(own)).collect()
        } else {
            fitted.collect()
        }
    }
}
