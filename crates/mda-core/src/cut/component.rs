//! Components: what a plan leaves of a source.

use super::keep::KeepPlan;
use super::slice::{SliceError, slice};
use crate::attribute::{AttributeError, Attribution};
use crate::method::Formulation;
use crate::model::Model;
use crate::model::provenance::{ComponentOrigin, Provenance};
use crate::model::task::Task;
use std::collections::BTreeMap;
use thiserror::Error;

/// Which logits a component keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Logits {
    /// Those of its task.
    #[default]
    Task,
    /// All of the source's, as the released Model-LEGO code does.
    All,
}

/// A cut-out model together with what was kept of its source.
#[derive(Clone, Debug)]
pub struct Component {
    /// The stand-alone model.
    pub model: Model,
    /// The kept channels of every value of the source.
    pub plan: KeepPlan,
}

/// Why no component could be cut.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CutError {
    /// Categories that were not attributed.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// The thresholds leave nothing of a layer, or the graph cannot be cut that way.
    #[error("{source}; thresholds are {thresholds}")]
    Slice {
        /// What cannot be cut.
        source: SliceError,
        /// The thresholds, in words.
        thresholds: String,
    },
}

impl Attribution {
    /// Cuts the component that serves `task` out of `model`.
    ///
    /// # Errors
    /// [`CutError`] for a category that was not attributed, and thresholds that empty a layer.
    pub fn component(&self, model: &Model, task: &Task, logits: Logits) -> Result<Component, CutError> {
        let relevance = self.relevance(model.graph(), task)?;
        let kept_logits: Vec<usize> = match logits {
            Logits::Task => task.to_vec(),
            Logits::All => (0..model.categories().len()).collect(),
        };
        let plan = KeepPlan::new(model.graph(), &relevance.relevant, &relevance.score, &kept_logits);
        cut(model, plan, task, &self.formulation, self.images_per_category)
    }
}

/// Cuts the component that serves `task` out of `model` as `plan` says, however that was found; `formulation` and
/// `images_per_category` go into its provenance.
///
/// # Errors
/// [`CutError`] for a plan that empties a layer.
pub fn cut(
    model: &Model,
    plan: KeepPlan,
    task: &Task,
    formulation: &Formulation,
    images_per_category: usize,
) -> Result<Component, CutError> {
    let component = slice(model, &plan).map_err(|source| {
        let Formulation { conv, linear, .. } = formulation;
        let thresholds = format!(
            "alpha {} and beta {} for convolutions, {} and {} for linear layers",
            conv.alpha, conv.beta, linear.alpha, linear.beta
        );
        CutError::Slice { source, thresholds }
    })?;
    let nodes = model.graph().nodes().iter().enumerate();
    let lost_some = nodes.filter(|(id, node)| plan.kept(*id).len() < node.shape.channels());
    let kept: BTreeMap<String, Vec<usize>> =
        lost_some.map(|(id, node)| (node.name.clone(), plan.kept(id).to_vec())).collect();
    let origin = ComponentOrigin {
        source: model.name().into(),
        source_sha256: None,
        task: task.to_vec(),
        formulation: serde_json::to_value(formulation).unwrap_or_default(),
        images_per_category,
        images: None,
        repair: None,
        tuning: None,
        kept,
    };
    Ok(Component { model: component.with_provenance(Provenance::Component(origin)), plan })
}
