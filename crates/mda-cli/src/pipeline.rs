//! From a source and its images to a component: selecting, attributing, choosing a plan, cutting, repairing.
//!
//! The commands and the demo share this; the mathematics of every step is `mda-core`'s.

mod images;

pub(crate) use images::{Images, PartSizes, Parts, own_categories};

use crate::failure::Advise;
use crate::output::Output;
use crate::timing::Timings;
use mda_core::Model;
use mda_core::budget::{self, Budget, EvaluateError, Explanation, Quality};
use mda_core::disassemble::{
    Attribution, Component, DisassembleError, Logits, Selection, attribute, cut, select_confident,
};
use mda_core::formulation::Formulation;
use mda_core::keep::KeepPlan;
use mda_core::repair::{LayerRepair, Repair, repair};
use mda_core::runner::Runner;

/// How a component is made.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) formulation: Formulation,
    pub(crate) repair: Repair,
    /// Instead of the formulation's thresholds.
    pub(crate) budget: Option<Budget>,
    pub(crate) logits: Logits,
    /// How many images speak for a category.
    pub(crate) top_k: usize,
    /// Images that speak, instead of the surest.
    pub(crate) speakers: Option<Selection>,
}

/// One source, one task, and the images that may be looked at.
pub(crate) struct Job<'a> {
    pub(crate) runner: &'a Runner<'a>,
    pub(crate) source: &'a Model,
    pub(crate) images: &'a Images<'a>,
    pub(crate) task: &'a [usize],
    pub(crate) output: Output,
}

/// A component and how it came about.
pub(crate) struct Product {
    /// As cut.
    pub(crate) cut: Component,
    /// As repaired; the same model where nothing is repaired.
    pub(crate) model: Model,
    pub(crate) repaired: Vec<LayerRepair>,
    pub(crate) explanation: Option<Explanation>,
    pub(crate) selection: Selection,
}

/// How many images a category decide what a plan is worth while plans are compared, and how many repair it then.
const TRIAL_IMAGES: usize = 50;
/// How many images a category tell how sensitive a layer is.
const SENSITIVITY_IMAGES: usize = 20;

impl Job<'_> {
    /// Makes the component.
    pub(crate) fn disassemble(&self, settings: &Settings, timings: &mut Timings) -> anyhow::Result<Product> {
        let selection = match &settings.speakers {
            Some(selection) => selection.clone(),
            None => timings.step(self.output, "picking the surest images", || {
                let candidates = self.images.by_category(&self.images.parts.attribution, self.task);
                select_confident(self.runner, self.source, self.images.source, &candidates, settings.top_k)
            })?,
        };
        let attribution =
            timings.step(self.output, "attributing", || self.attribute(&selection, &settings.formulation))?;
        let fixed = attribution.component(self.source, self.task, settings.logits);
        let (cut, explanation) = match settings.budget {
            None => (fixed.advise_on(lower_thresholds)?, None),
            Some(budget) => {
                let fixed = fixed.ok().map(|component| component.plan);
                let choose = || self.choose(settings, &attribution, fixed.as_ref(), budget);
                let chosen = timings.step(self.output, "choosing what stays", choose)?;
                (self.cut(&attribution, chosen.plan)?, Some(chosen.explanation))
            }
        };
        let (model, repaired) = match settings.repair {
            Repair::None => (cut.model.clone(), Vec::new()),
            _ => timings.step(self.output, "repairing", || {
                let calibration = self.images.of_task(&self.images.parts.calibration, self.task);
                self.repair(&settings.repair, &cut, &calibration)
            })?,
        };
        Ok(Product { cut, model, repaired, explanation, selection })
    }

    /// The component of another formulation with as many channels in every layer as `like` keeps, repaired alike.
    pub(crate) fn same_size(
        &self,
        settings: &Settings,
        selection: &Selection,
        like: &KeepPlan,
    ) -> anyhow::Result<Model> {
        let attribution = self.attribute(selection, &settings.formulation)?;
        let relevance = attribution.relevance(self.source.graph(), self.task)?;
        let logits = self.kept_logits(settings.logits);
        let plan = budget::with_counts_of(self.source, &relevance, &logits, like);
        let cut = self.cut(&attribution, plan)?;
        let calibration = self.images.of_task(&self.images.parts.calibration, self.task);
        Ok(self.repair(&settings.repair, &cut, &calibration)?.0)
    }

    fn attribute(&self, selection: &Selection, formulation: &Formulation) -> Result<Attribution, DisassembleError> {
        attribute(self.runner, self.source, self.images.source, selection, formulation)
    }

    fn cut(&self, attribution: &Attribution, plan: KeepPlan) -> Result<Component, DisassembleError> {
        cut(self.source, plan, self.task, &attribution.formulation, attribution.images_per_category)
    }

    fn kept_logits(&self, logits: Logits) -> Vec<usize> {
        match logits {
            Logits::Task => self.task.to_vec(),
            Logits::All => (0..self.source.categories().len()).collect(),
        }
    }

    fn repair(
        &self,
        how: &Repair,
        component: &Component,
        calibration: &[usize],
    ) -> anyhow::Result<(Model, Vec<LayerRepair>)> {
        let held_out = self.images.of_task(&self.images.parts.tuning, self.task);
        let images = self.images.source;
        let repaired = repair(self.runner, self.source, component, images, calibration, &held_out, how)?;
        Ok((repaired.model, repaired.layers))
    }

    fn choose(
        &self,
        settings: &Settings,
        attribution: &Attribution,
        fixed: Option<&KeepPlan>,
        budget: Budget,
    ) -> anyhow::Result<budget::Chosen> {
        let relevance = attribution.relevance(self.source.graph(), self.task)?;
        let judges = self.images.first_of_task(&self.images.parts.choice, self.task, TRIAL_IMAGES);
        let probes = self.images.first_of_task(&self.images.parts.choice, self.task, SENSITIVITY_IMAGES);
        let calibration = self.images.first_of_task(&self.images.parts.calibration, self.task, TRIAL_IMAGES);
        let sensitivity = |plan: &KeepPlan| -> Result<Quality, EvaluateError> {
            let cut = self.cut(attribution, plan.clone())?;
            Ok(self.images.quality(self.runner, &cut.model, self.source, self.task, &probes)?)
        };
        let evaluate = |plan: &KeepPlan| -> Result<Quality, EvaluateError> {
            let cut = self.cut(attribution, plan.clone())?;
            let (model, _) = self.repair(&settings.repair, &cut, &calibration)?;
            Ok(self.images.quality(self.runner, &model, self.source, self.task, &judges)?)
        };
        let logits = self.kept_logits(settings.logits);
        let request = budget::Request {
            model: self.source,
            relevance: &relevance,
            logits: &logits,
            fixed,
            sensitivity: &sensitivity,
            evaluate: &evaluate,
        };
        Ok(budget::choose(&request, budget)?)
    }
}

fn lower_thresholds(error: &DisassembleError) -> Option<&'static str> {
    matches!(error, DisassembleError::Slice { .. })
        .then_some("lower --alpha and --beta, or give a budget such as --keep-params 30%, which empties no layer")
}
