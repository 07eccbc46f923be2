//! Ridge compensation: every layer refitted, from the input on, to the source's outputs at the channels that stayed.
//!
//! The regressors are the layer's inputs as the component, repaired so far, computes them, so that each layer also makes
//! up for what the layers before it still get wrong. Channels that an Add or a Concat joined are simply inputs. The last layer
//! of a residual branch is fitted to the source's sum, less the component's own other summands.

mod layer;
mod pass;
mod refit;

use super::frontier::Frontier;
use super::joint::Joint;
use super::rewrite::with_layer;
use super::{Degenerate, Refit, RepairError, Work};
use crate::method::RidgeOptions;
use crate::model::Model;
use crate::observe::regression::{Geometry, Regression};
use layer::Layer;
use pass::Pass;
use refit::refit;

/// What is gathered for one layer of all components takes no more than that, or they are gathered for one by one.
const MOST_BYTES: usize = 1 << 29;

/// A repaired model and what became of its layers, or why a component of such a plan cannot be repaired.
pub(super) type Outcome = Result<(Model, Vec<Refit>), RepairError>;

/// One component on its way.
struct Member<'a> {
    work: &'a Work<'a>,
    model: Model,
    refits: Vec<Refit>,
    /// Its values for the images that fit, and for those that tune.
    fronts: [Option<Frontier<'a>>; 2],
    /// Why it cannot be repaired, while others may be.
    failed: Option<RepairError>,
}

/// The repaired models and what became of every layer, or why a component of such a plan cannot be repaired. All are cut out of
/// one source, which runs once for all of them.
pub(super) fn repair<'a>(works: &'a [Work<'a>], options: &RidgeOptions) -> Result<Vec<Outcome>, RepairError> {
    check(options)?;
    let Some(&Work { runner, source, images, calibration, tuning, .. }) = works.first() else {
        return Ok(Vec::new());
    };
    // Batches of all are alike; a component's values are not larger than the source's.
    let runner = runner.within_memory(source.graph(), &[]);
    // A single lambda is taken whatever its error.
    let sets = [Some(calibration), Some(tuning).filter(|tuning| !tuning.is_empty())];
    let fronts = || sets.map(|set| set.map(|set| Frontier::new(&runner, images, set)));
    let mut passes = fronts().map(|front| front.map(Pass::new));
    let member = |work: &'a Work<'a>| {
        let model = work.component.model.clone();
        Member { work, fronts: fronts(), model, refits: Vec::new(), failed: None }
    };
    let mut members: Vec<Member<'a>> = works.iter().map(member).collect();
    let positions = options.observations.div_ceil(calibration.len().max(1));
    for origin in (0..source.graph().nodes().len()).filter(|&id| Geometry::of(source.graph(), id).is_some()) {
        let name = &source.graph().node(origin).name;
        let mut layers = Vec::new();
        for (index, member) in members.iter().enumerate().filter(|(_, member)| member.failed.is_none()) {
            let graph = member.model.graph();
            let found = graph.find(name).and_then(|id| Some((id, Geometry::of(graph, id)?)));
            let layer = |(id, geometry)| Layer::new(index, id, geometry, positions, calibration.len());
            layers.extend(found.map(layer));
        }
        if options.residual {
            let joint = |layer: &Layer| Joint::of(&members[layer.member].model, layer.id);
            let joints: Option<Vec<Joint>> = layers.iter().map(joint).collect();
            layers.iter_mut().zip(joints.into_iter().flatten()).for_each(|(layer, joint)| layer.joint = Some(joint));
        }
        let most = layers.iter().map(Layer::bytes).max().unwrap_or(0);
        for layers in layers.chunks((MOST_BYTES / most.max(1)).max(1)) {
            let mut seen = Vec::new();
            for (set, pass) in passes.iter_mut().enumerate() {
                let pass = pass.as_mut();
                seen.push(pass.map(|pass| pass.regressions(source, origin, set, &mut members, layers)).transpose()?);
            }
            let tuning = seen.pop().flatten();
            let fits = seen.pop().flatten().unwrap_or_default();
            let mut tuning = tuning.map(Vec::into_iter);
            for (layer, fit) in layers.iter().zip(fits) {
                let tuning = tuning.as_mut().and_then(Iterator::next).transpose();
                let member = &mut members[layer.member];
                match fit.and_then(|fit| Ok((fit, tuning?))) {
                    Ok((fit, tuning)) => member.refit(layer, fit, tuning, &options.lambdas)?,
                    Err(error) if error.is_of_the_plan() => member.failed = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
    }
    let done = |member: Member<'_>| match member.failed {
        Some(error) => Err(error),
        None => Ok((member.model, member.refits)),
    };
    Ok(members.into_iter().map(done).collect())
}

impl Member<'_> {
    /// Gives a layer the weights that fit best.
    fn refit(
        &mut self,
        layer: &Layer,
        fit: Vec<Regression>,
        tuning: Option<Vec<Regression>>,
        lambdas: &[f64],
    ) -> Result<(), RepairError> {
        let id = layer.id;
        let centred = |own: Vec<Regression>| own.into_iter().zip(&fit).map(|(own, fit)| own.centred_as(fit)).collect();
        let tuning: Option<Vec<Regression>> = tuning.map(centred);
        let name = self.model.graph().node(id).name.clone();
        let sum = layer.joint.as_ref().map(|joint| joint.sum);
        let kept = Refit { layer: name.clone(), lambda: None, degenerate: Some(Degenerate::KeptWeights), sum };
        let refit = match refit(&self.model, layer, &fit, tuning.as_ref().unwrap_or(&fit), lambdas) {
            None => kept,
            Some(fit) => {
                let weight = fit.weight(&self.model, id)?;
                match with_layer(&self.model, id, Some(weight), &fit.shift(&self.model, id)) {
                    Ok(refitted) => {
                        self.model = refitted;
                        Refit { layer: name, lambda: Some(fit.lambda), degenerate: fit.degenerate, sum }
                    }
                    // Too large for f32.
                    Err(RepairError::NonFinite { .. }) => kept,
                    Err(error) => return Err(error),
                }
            }
        };
        self.refits.push(refit);
        Ok(())
    }
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
