//! The weights of one layer that fit best.

use super::layer::Layer;
use crate::graph::NodeId;
use crate::model::Model;
use crate::observe::regression::Regression;
use crate::repair::fit::{Problem, Solution};
use crate::repair::rewrite::has_bias;
use crate::repair::{Degenerate, RepairError};
use crate::tensor::Tensor;
use rayon::prelude::*;

/// The least that a layer is pulled with whose inputs determine nothing under the lambdas that were asked for.
const LEAST_LAMBDA: f64 = 1e-6;
/// How often that grows tenfold before such a layer keeps its weights.
const TRIES: i32 = 9;
/// Of layers with more regressors one lambda is tried at a time: each takes their squared number.
const MANY_REGRESSORS: usize = 2048;

/// The weights and biases of every group of a layer.
pub(super) struct Fit {
    pub(super) lambda: f64,
    pub(super) degenerate: Option<Degenerate>,
    groups: Vec<(Vec<f32>, Vec<f64>)>,
}

/// One solution of every group.
struct Candidate {
    lambda: f64,
    error: f64,
    groups: Vec<Solution>,
}

/// The fit with the smallest error on `tuning`; of equals, the one nearest to the source's weights. Where none of the
/// lambdas determines the weights, the smallest larger one that does; `None` where none does.
pub(super) fn refit(
    model: &Model,
    layer: &Layer,
    fit: &[Regression],
    tuning: &[Regression],
    lambdas: &[f64],
) -> Option<Fit> {
    let weight = model.node_parameters(layer.id).get("weight").data();
    let starts = weight.chunks(layer.geometry.filters * layer.geometry.regressors());
    let problems = fit.iter().zip(tuning).zip(starts);
    let problems =
        problems.map(|((fit, tuning), start)| Problem::new(fit, tuning, start)).collect::<Option<Vec<_>>>()?;
    let candidate = |lambda: f64| {
        let groups = problems.iter().map(|problem| problem.solve(lambda)).collect::<Option<Vec<_>>>()?;
        let error = groups.iter().map(|solution| solution.error).sum();
        Some(Candidate { lambda, error, groups })
    };
    let candidates: Vec<Candidate> = if layer.geometry.regressors() > MANY_REGRESSORS {
        lambdas.iter().filter_map(|&lambda| candidate(lambda)).collect()
    } else {
        lambdas.par_iter().filter_map(|&lambda| candidate(lambda)).collect()
    };
    let order = |a: &Candidate, b: &Candidate| a.error.total_cmp(&b.error).then(b.lambda.total_cmp(&a.lambda));
    let (best, degenerate) = match candidates.into_iter().min_by(order) {
        Some(best) => (best, None),
        None => {
            let largest = lambdas.iter().copied().fold(LEAST_LAMBDA, f64::max);
            let larger = (1..=TRIES).find_map(|time| candidate(largest * 10.0f64.powi(time)))?;
            (larger, Some(Degenerate::MoreLambda))
        }
    };
    let groups = problems.iter().zip(&best.groups).map(|(problem, solution)| problem.weight(solution)).collect();
    Some(Fit { lambda: best.lambda, degenerate, groups })
}

impl Fit {
    /// The layer's weight in the shape that it has in `model`.
    pub(super) fn weight(&self, model: &Model, id: NodeId) -> Result<Tensor, RepairError> {
        let data = self.groups.iter().flat_map(|(weight, _)| weight).copied().collect();
        Ok(Tensor::new(model.node_parameters(id).get("weight").shape(), data)?)
    }

    /// What the fitted bias adds to the layer's own.
    pub(super) fn shift(&self, model: &Model, id: NodeId) -> Vec<f64> {
        let fitted = self.groups.iter().flat_map(|(_, bias)| bias.iter().copied());
        if has_bias(&model.graph().node(id).op) {
            let own = model.node_parameters(id).get("bias").data();
            fitted.zip(own).map(|(fitted, &own)| fitted - f64::from(own)).collect()
        } else {
            fitted.collect()
        }
    }
}
