//! Ridge compensation: every layer refitted, from the input on, to the source's outputs at the channels that stayed.
//!
//! The regressors are the layer's inputs as the component, repaired so far, computes them, so that each layer also makes
//! up for what the layers before it still get wrong. Channels that an Add or a Concat joined are simply inputs.

use super::fit::{Problem, Solution};
use super::frontier::Frontier;
use super::rewrite::{has_bias, with_layer};
use super::{Degenerate, Refit, RepairError, Work};
use crate::graph::NodeId;
use crate::method::RidgeOptions;
use crate::model::Model;
use crate::observe::regression::{Gathered, Geometry, MOST_REGRESSORS, MOST_ROWS, Regression, Rows, Sampling, Sums};
use crate::tensor::Tensor;
use rayon::prelude::*;

/// The least that a layer is pulled with whose inputs determine nothing under the lambdas that were asked for.
const LEAST_LAMBDA: f64 = 1e-6;
/// How often that grows tenfold before such a layer keeps its weights.
const TRIES: i32 = 9;
/// Of layers with more regressors one lambda is tried at a time: each takes their squared number.
const MANY_REGRESSORS: usize = 2048;

/// The repaired model and what became of every layer.
pub(super) fn repair(work: &Work<'_>, options: &RidgeOptions) -> Result<(Model, Vec<Refit>), RepairError> {
    check(options)?;
    let positions = options.observations.div_ceil(work.calibration.len().max(1));
    let mut model = work.component.model.clone();
    let mut fit = Lockstep::new(work, work.calibration);
    // A single lambda is taken whatever its error.
    let mut held_out = (!work.held_out.is_empty()).then(|| Lockstep::new(work, work.held_out));
    let mut refits = Vec::new();
    for id in 0..model.graph().nodes().len() {
        let Some(geometry) = Geometry::of(model.graph(), id) else { continue };
        let layer = Layer::new(id, geometry, positions, work.calibration.len());
        let fit = fit.regressions(work, &model, &layer)?;
        let held_out = held_out.as_mut().map(|pass| pass.regressions(work, &model, &layer)).transpose()?;
        let held_out: Option<Vec<Regression>> =
            held_out.map(|own| own.into_iter().zip(&fit).map(|(own, fit)| own.centred_as(fit)).collect());
        let name = model.graph().node(id).name.clone();
        let kept = Refit { layer: name.clone(), lambda: None, degenerate: Some(Degenerate::KeptWeights) };
        let refit = match refit(&model, &layer, &fit, held_out.as_ref().unwrap_or(&fit), &options.lambdas) {
            None => kept,
            Some(fit) => match with_layer(&model, id, Some(fit.weight(&model, id)?), &fit.shift(&model, id)) {
                Ok(refitted) => {
                    model = refitted;
                    Refit { layer: name, lambda: Some(fit.lambda), degenerate: fit.degenerate }
                }
                // Too large for f32.
                Err(RepairError::NonFinite { .. }) => kept,
                Err(error) => return Err(error),
            },
        };
        refits.push(refit);
    }
    Ok((model, refits))
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
    /// The most rows of all images together.
    most: usize,
    /// Whether rows are kept instead of their products.
    by_rows: bool,
}

impl Layer {
    fn new(id: NodeId, geometry: Geometry, positions: usize, images: usize) -> Self {
        let regressors = geometry.regressors();
        let most = if regressors > MOST_REGRESSORS { MOST_ROWS } else { usize::MAX };
        let rows = Sampling::new(&geometry, images, positions, most).rows();
        Self { id, geometry, positions, most, by_rows: regressors > MOST_REGRESSORS || 2 * rows <= regressors }
    }

    fn gatherer(&self, rows: usize) -> Gathered {
        let (regressors, targets) = (self.geometry.regressors(), self.geometry.filters);
        if self.by_rows {
            Gathered::Rows(Rows::new(regressors, targets, rows))
        } else {
            Gathered::Sums(Sums::new(regressors, targets))
        }
    }
}

/// The source and the component over the same images.
struct Lockstep<'a> {
    indices: &'a [usize],
    source: Frontier<'a>,
    component: Frontier<'a>,
}

impl<'a> Lockstep<'a> {
    fn new(work: &Work<'a>, indices: &'a [usize]) -> Self {
        // Batches of both are alike; the component's values are not larger than the source's.
        let runner = work.runner.within_memory(work.source.graph(), &[]);
        let at_input = |model: &Model| Frontier::new(&runner, model, work.images, indices);
        Self { indices, source: at_input(work.source), component: at_input(&work.component.model) }
    }

    /// What every group of `layer` is fitted on: what the component's filters see against what the source answers.
    fn regressions(&mut self, work: &Work<'_>, model: &Model, layer: &Layer) -> Result<Vec<Regression>, RepairError> {
        let (node, geometry) = (model.graph().node(layer.id), &layer.geometry);
        let (origin, kept) = work.origin(layer.id)?;
        self.source.advance(work.source, origin)?;
        self.component.advance(model, node.inputs[0])?;
        let sampling = Sampling::new(geometry, self.indices.len(), layer.positions, layer.most);
        let mut gathered: Vec<Gathered> = (0..geometry.groups).map(|_| layer.gatherer(sampling.rows())).collect();
        let (mut first, mut source_is_finite) = (0, true);
        let answers = self.source.values(work.source, origin)?;
        let inputs = self.component.values(model, node.inputs[0])?;
        for (input, answer) in inputs.zip(answers) {
            let (input, answer) = (input?, answer?);
            let end = self.indices.len().min(first + input.shape()[0]);
            let sample = sampling.of_batch(geometry, first, &self.indices[first..end]);
            first = end;
            source_is_finite &= answer.first_non_finite().is_none();
            gathered.par_iter_mut().enumerate().for_each(|(group, gathered)| {
                let kept = &kept[group * geometry.filters..(group + 1) * geometry.filters];
                gathered.add(&geometry.observe(&input, group, &sample), &geometry.targets(&answer, kept, &sample));
            });
        }
        let regressions: Vec<Regression> = gathered.into_par_iter().map(Gathered::finish).collect();
        if regressions.iter().all(Regression::is_finite) {
            Ok(regressions)
        } else if source_is_finite {
            Err(RepairError::NonFinite { what: format!("what the component computes before `{}`", node.name) })
        } else {
            Err(RepairError::SourceNonFinite { layer: node.name.clone() })
        }
    }
}

/// The weights and biases of every group of a layer.
struct Fit {
    lambda: f64,
    degenerate: Option<Degenerate>,
    groups: Vec<(Vec<f32>, Vec<f64>)>,
}

/// One solution of every group.
struct Candidate {
    lambda: f64,
    error: f64,
    groups: Vec<Solution>,
}

/// The fit with the smallest error on `held_out`; of equals, the one nearest to the source's weights. Where none of the
/// lambdas determines the weights, the smallest larger one that does; `None` where none does.
fn refit(model: &Model, layer: &Layer, fit: &[Regression], held_out: &[Regression], lambdas: &[f64]) -> Option<Fit> {
    let weight = model.node_parameters(layer.id).get("weight").data();
    let starts = weight.chunks(layer.geometry.filters * layer.geometry.regressors());
    let problems = fit.iter().zip(held_out).zip(starts);
    let problems =
        problems.map(|((fit, held_out), start)| Problem::new(fit, held_out, start)).collect::<Option<Vec<_>>>()?;
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
    fn weight(&self, model: &Model, id: NodeId) -> Result<Tensor, RepairError> {
        let data = self.groups.iter().flat_map(|(weight, _)| weight).copied().collect();
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
