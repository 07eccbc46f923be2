//! Repair: making up, without training, for what a component lost when it was cut.
//!
//! A repair reads calibration images only, keeps the component's architecture, and adds no parameter but the bias of a
//! layer that had none.

mod batch_norm;
mod bias;
mod fidelity;
mod fit;
mod frontier;
mod joint;
mod rewrite;
mod ridge;
mod segment;
#[cfg(test)]
mod tests;

use crate::cut::Component;
use crate::graph::{GraphErrors, NodeId};
use crate::method::Repair;
use crate::model::Model;
use crate::model::provenance::{ComponentOrigin, FittedOn, Provenance, RepairRecord};
use crate::run::ImageSource;
use crate::run::{RunError, Runner};
use crate::tensor::TensorError;
use serde::Serialize;
use thiserror::Error;

/// A repaired component's model and what the repair did.
#[derive(Clone, Debug)]
pub struct Repaired {
    /// The component's model with repaired numbers.
    pub model: Model,
    /// Its layers, in order of computation; empty without tuning images.
    pub layers: Vec<LayerRepair>,
}

/// One layer of a repaired component.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerRepair {
    /// The layer's node.
    pub layer: String,
    /// The relative error of its kept outputs on tuning images before the repair: the squared difference from the
    /// source over the source's variance, behind the layer's BatchNorm where it has one, and behind the sum that it was fitted to.
    pub before: f64,
    /// The same after the repair.
    pub after: f64,
    /// What it was pulled towards the source's weights with, where it was refitted.
    pub lambda: Option<f64>,
    /// What went wrong where its inputs determine no weights under the lambdas that were asked for.
    pub degenerate: Option<Degenerate>,
}

/// What becomes of a layer whose inputs determine no weights, such as one that only dead channels enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Degenerate {
    /// A larger lambda than was asked for did.
    MoreLambda,
    /// It kept the weights that it was cut with.
    KeptWeights,
}

/// What a repair did to one layer.
#[derive(Clone, Debug)]
struct Refit {
    layer: String,
    lambda: Option<f64>,
    degenerate: Option<Degenerate>,
    /// The sum that it was fitted to.
    sum: Option<NodeId>,
}

/// Why a component cannot be repaired.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RepairError {
    /// No image to repair with.
    #[error("repair `{repair}` needs {what} images, got none")]
    NoImages {
        /// The repair.
        repair: &'static str,
        /// `calibration` or `tuning`.
        what: &'static str,
    },
    /// Options that determine nothing.
    #[error("ridge options: expected {expected}, got {got}")]
    Options {
        /// What is needed.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// A component that was cut out of another model.
    #[error("component `{component}` does not fit source `{source_model}`: {difference}")]
    OtherSource {
        /// The component.
        component: String,
        /// The model it was to be repaired towards.
        source_model: String,
        /// What differs.
        difference: String,
    },
    /// A source that computes what is no number.
    #[error(
        "what the source computes at `{layer}` is not finite for some image; check its weights and the range of pixel values \
         that it expects"
    )]
    SourceNonFinite {
        /// The layer.
        layer: String,
    },
    /// Numbers that overflowed.
    #[error("{what}: not finite")]
    NonFinite {
        /// What they are.
        what: String,
    },
    /// The model could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A backend's answer of the wrong size.
    #[error("the backend answered a value of the wrong size: {0}")]
    Answer(#[from] TensorError),
    /// A repaired model that does not check; a defect of this crate.
    #[error("the repaired model is invalid, which is a defect of MDA: {0}")]
    Invalid(#[from] GraphErrors),
}

impl RepairError {
    /// Whether the plan that the component was cut by is to blame, so that another plan may well be repaired: its numbers
    /// overflow where those of the source do not.
    pub fn is_of_the_plan(&self) -> bool {
        matches!(self, Self::NonFinite { .. })
    }
}

/// What every repair works with.
struct Work<'a> {
    runner: &'a Runner<'a>,
    source: &'a Model,
    component: &'a Component,
    images: &'a dyn ImageSource,
    calibration: &'a [usize],
    tuning: &'a [usize],
}

impl Work<'_> {
    /// The node of the source that node `id` of the component was cut from, with the channels that stayed of it.
    fn origin(&self, id: NodeId) -> Result<(NodeId, &[usize]), RepairError> {
        let node = self.component.model.graph().node(id);
        let other = |difference: String| RepairError::OtherSource {
            component: self.component.model.name().into(),
            source_model: self.source.name().into(),
            difference,
        };
        let graph = self.source.graph();
        let found = graph.find(&node.name).filter(|&found| graph.node(found).op.name() == node.op.name());
        let found = found.ok_or_else(|| other(format!("the source has no {} `{}`", node.op, node.name)))?;
        let (kept, channels) = (self.component.plan.kept(found), node.shape.channels());
        if kept.len() == channels && kept.iter().all(|&channel| channel < graph.node(found).shape.channels()) {
            Ok((found, kept))
        } else {
            Err(other(format!("`{}` has {channels} channels, the plan keeps {}", node.name, kept.len())))
        }
    }
}

/// Repairs `component`, which was cut out of `source`, with the images at `calibration`; what there is to choose is
/// chosen by the error on the images at `tuning`. Neither may be test images. Where nothing is to be chosen (one lambda) there
/// may be no tuning images: the repair is then the same, quicker, and reports no layers.
///
/// Memory: what later layers of both models read, for all images, where that takes less than 256 MiB each, and
/// a layer's squared number of regressors, up to 6144; where it has more, up to 4096 rows of them.
///
/// # Errors
/// [`RepairError`]: no images, a component of another source, numbers that overflow, and where running fails.
pub fn repair(
    runner: &Runner<'_>,
    source: &Model,
    component: &Component,
    images: &dyn ImageSource,
    calibration: &[usize],
    tuning: &[usize],
    repair: &Repair,
) -> Result<Repaired, RepairError> {
    let mut refitted = refit_all(runner, source, &[component], images, calibration, tuning, repair)?;
    let refitted = refitted.pop().expect("one for the one component")?;
    report(runner, source, component, images, tuning, refitted)
}

/// A component's model with repaired numbers, of which nothing is told yet.
#[derive(Clone, Debug)]
pub struct Refitted {
    /// The model.
    pub model: Model,
    refits: Vec<Refit>,
}

/// As [`repair`] for several components of one source, which runs once for all of them; one that cannot be repaired leaves the
/// others alone.
///
/// # Errors
/// As [`repair`]; what is of one plan alone is told of its component.
pub fn refit_all(
    runner: &Runner<'_>,
    source: &Model,
    components: &[&Component],
    images: &dyn ImageSource,
    calibration: &[usize],
    tuning: &[usize],
    repair: &Repair,
) -> Result<Vec<Result<Refitted, RepairError>>, RepairError> {
    let work = |component| Work { runner, source, component, images, calibration, tuning };
    let works: Vec<Work<'_>> = components.iter().copied().map(work).collect();
    let needs = |what, present: bool| {
        if present { Ok(()) } else { Err(RepairError::NoImages { repair: repair.name(), what }) }
    };
    needs("calibration", *repair == Repair::None || !calibration.is_empty())?;
    let chooses = matches!(repair, Repair::Ridge(options) if options.lambdas.len() > 1);
    needs("tuning", !chooses || !tuning.is_empty())?;
    let one = |repaired: Result<Model, RepairError>| match repaired {
        Ok(model) => Ok(Ok((model, Vec::new()))),
        Err(error) if error.is_of_the_plan() => Ok(Err(error)),
        Err(error) => Err(error),
    };
    let models = match repair {
        Repair::None => works.iter().map(|work| Ok((work.component.model.clone(), Vec::new()))).collect(),
        Repair::Bias => works.iter().map(|work| one(bias::repair(work))).collect::<Result<Vec<_>, _>>()?,
        Repair::BatchNorm => works.iter().map(|work| one(batch_norm::repair(work))).collect::<Result<Vec<_>, _>>()?,
        Repair::Ridge(options) => ridge::repair(&works, options)?,
    };
    let refitted = |(model, refits)| Refitted { model: recorded(model, repair, calibration.len()), refits };
    Ok(models.into_iter().map(|model| model.map(refitted)).collect())
}

/// Tells what the repair of a component did, from the images at `tuning`.
///
/// # Errors
/// [`RepairError`] where running fails.
pub fn report(
    runner: &Runner<'_>,
    source: &Model,
    component: &Component,
    images: &dyn ImageSource,
    tuning: &[usize],
    refitted: Refitted,
) -> Result<Repaired, RepairError> {
    let Refitted { model, refits } = refitted;
    let work = Work { runner, source, component, images, calibration: &[], tuning };
    let layers = if tuning.is_empty() { Vec::new() } else { fidelity::layers(&work, &model, &refits)? };
    Ok(Repaired { model, layers })
}

/// The model with the repair in its provenance.
fn recorded(model: Model, repair: &Repair, images: usize) -> Model {
    match model.provenance().cloned() {
        Some(Provenance::Component(origin)) if *repair != Repair::None => {
            let record = RepairRecord { repair: repair.clone(), fitted_on: FittedOn { images, seed: None } };
            model.with_provenance(Provenance::Component(ComponentOrigin { repair: Some(record), ..origin }))
        }
        _ => model,
    }
}
