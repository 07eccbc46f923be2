//! From a source and its images to a component: selecting, attributing, choosing a plan, cutting, repairing.
//!
//! The commands, the demo and studies share this; the mathematics of every step is `mda-core`'s.

mod detection;
mod images;

pub(crate) use detection::Labelled;
use images::JUDGES;
pub(crate) use images::{Images, PartSizes, Parts, own_categories};

use crate::failure::Advise;
use crate::output::Output;
use crate::timing::Timings;
use mda_core::Model;
use mda_core::budget::{self, Budget, Chosen, EvaluateError, Explanation, Planner, Quality};
use mda_core::disassemble::{
    Attribution, Component, DisassembleError, Logits, Selection, attribute, cut, select_confident,
};
use mda_core::formulation::Formulation;
use mda_core::keep::KeepPlan;
use mda_core::repair::{LayerRepair, Repair, RidgeOptions, repair};
use mda_core::runner::Runner;
use mda_core::slice::slice;

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

/// Tasks of more categories than this compare plans with fewer images of each, so that choosing does not take longer.
const MOST_TRIAL_CATEGORIES: usize = 10;
/// How many images a category repair a plan while plans are compared.
const TRIAL_IMAGES: usize = 50;
/// How many images a category tell how sensitive a layer is, and how far a trial's layers are off.
const SENSITIVITY_IMAGES: usize = 20;
/// Output positions that a layer is refitted on while plans are compared.
const TRIAL_OBSERVATIONS: usize = 8192;
/// What pulls towards the source's weights then.
const TRIAL_LAMBDA: f64 = 1e-2;

impl Job<'_> {
    /// Makes the component.
    pub(crate) fn disassemble(
        &self,
        settings: &Settings,
        output: Output,
        timings: &mut Timings,
    ) -> anyhow::Result<Product> {
        let selection = match &settings.speakers {
            Some(selection) => self.contrasted(selection.clone()),
            None => timings.step(output, "picking the surest images", || self.select(settings.top_k))?,
        };
        if self.task.len() == 1 && selection.contrast.is_empty() {
            output.progress("warning: no train image is of another category, so nothing tells this one from others");
        }
        let attribution = timings.step(output, "attributing", || self.attribute(&selection, &settings.formulation))?;
        let (cut, explanation) = match settings.budget {
            None => (self.fixed(&attribution, settings.logits).advise_on(lower_thresholds)?, None),
            Some(budget) => {
                let choose = || self.choose(settings, &attribution, &[budget]);
                let chosen = timings.step(output, "choosing what stays", choose)?.swap_remove(0);
                (self.cut(&attribution, chosen.plan)?, Some(chosen.explanation))
            }
        };
        let (model, repaired) = match settings.repair {
            Repair::None => (cut.model.clone(), Vec::new()),
            _ => timings.step(output, "repairing", || self.repair(&settings.repair, &cut))?,
        };
        Ok(Product { cut, model, repaired, explanation, selection })
    }

    /// The images that speak: those of which the source is surest.
    pub(crate) fn select(&self, top_k: usize) -> Result<Selection, DisassembleError> {
        let candidates = self.images.by_category(&self.images.parts.attribution, self.task);
        let selection = select_confident(self.runner, self.source, self.images.source, &candidates, top_k)?;
        Ok(self.contrasted(selection))
    }

    /// `selection` with the images of other categories that the task needs.
    fn contrasted(&self, selection: Selection) -> Selection {
        let own = selection.categories.iter().map(|(_, images)| images.len()).sum();
        let contrast = self.images.contrast(&self.images.parts.attribution, self.task, own);
        Selection { contrast, ..selection }
    }

    /// What matters to the task, as `formulation` sees it.
    pub(crate) fn attribute(
        &self,
        selection: &Selection,
        formulation: &Formulation,
    ) -> Result<Attribution, DisassembleError> {
        attribute(self.runner, self.source, self.images.source, selection, formulation)
    }

    /// The component of the formulation's own thresholds.
    pub(crate) fn fixed(&self, attribution: &Attribution, logits: Logits) -> Result<Component, DisassembleError> {
        attribution.component(self.source, self.task, logits)
    }

    /// The component that keeps what `plan` says.
    pub(crate) fn cut(&self, attribution: &Attribution, plan: KeepPlan) -> Result<Component, DisassembleError> {
        cut(self.source, plan, self.task, &attribution.formulation, attribution.images_per_category)
    }

    /// The component of another formulation with as many channels in every layer as `like` keeps.
    pub(crate) fn same_size(
        &self,
        formulation: &Formulation,
        logits: Logits,
        selection: &Selection,
        like: &KeepPlan,
    ) -> anyhow::Result<Component> {
        let attribution = self.attribute(selection, formulation)?;
        let relevance = attribution.relevance(self.source.graph(), self.task)?;
        let plan = budget::with_counts_of(self.source, &relevance, &self.kept_logits(logits), like);
        Ok(self.cut(&attribution, plan)?)
    }

    /// The source with the task's logits and every channel.
    pub(crate) fn uncut(&self) -> anyhow::Result<Model> {
        let channels = || self.source.graph().nodes().iter().map(|node| node.shape.channels());
        let wanted: Vec<Vec<bool>> = channels().map(|count| vec![true; count]).collect();
        let score: Vec<Vec<f32>> = channels().map(|count| vec![0.0; count]).collect();
        Ok(slice(self.source, &KeepPlan::new(self.source.graph(), &wanted, &score, self.task))?)
    }

    /// The logits that a component keeps.
    pub(crate) fn kept_logits(&self, logits: Logits) -> Vec<usize> {
        match logits {
            Logits::Task => self.task.to_vec(),
            Logits::All => (0..self.source.categories().len()).collect(),
        }
    }

    /// Whether nothing but logits goes, so that there is nothing to repair.
    fn keeps_all(&self, plan: &KeepPlan) -> bool {
        let graph = self.source.graph();
        let whole = |id: usize| plan.kept(id).len() == graph.node(id).shape.channels();
        (0..graph.nodes().len()).filter(|&id| id != graph.output()).all(whole)
    }

    /// Makes up for the cut, on the calibration images.
    pub(crate) fn repair(&self, how: &Repair, component: &Component) -> anyhow::Result<(Model, Vec<LayerRepair>)> {
        let calibration = self.images.for_task(&self.images.parts.calibration, self.task, usize::MAX);
        let held_out = self.images.for_task(&self.images.parts.tuning, self.task, usize::MAX);
        let repaired = repair(self.runner, self.source, component, self.images.source, &calibration, &held_out, how)?;
        Ok((repaired.model, repaired.layers))
    }

    /// For every budget the best plan; how sensitive the layers are is measured once for all of them.
    pub(crate) fn choose(
        &self,
        settings: &Settings,
        attribution: &Attribution,
        budgets: &[Budget],
    ) -> anyhow::Result<Vec<Chosen>> {
        let relevance = attribution.relevance(self.source.graph(), self.task)?;
        let fixed = self.fixed(attribution, settings.logits).ok().map(|component| component.plan);
        let first = |part: &[usize], limit: usize| {
            let of_category = (MOST_TRIAL_CATEGORIES * limit / self.task.len().max(1)).clamp(1, limit);
            self.images.for_task(part, self.task, of_category)
        };
        let judges = first(&self.images.parts.choice, JUDGES);
        let probes = first(&self.images.parts.choice, SENSITIVITY_IMAGES);
        let calibration = first(&self.images.parts.calibration, TRIAL_IMAGES);
        let held_out = first(&self.images.parts.tuning, SENSITIVITY_IMAGES);
        let how = quick(&settings.repair);
        let sensitivity = |plan: &KeepPlan| -> Result<Quality, EvaluateError> {
            let cut = self.cut(attribution, plan.clone())?;
            Ok(self.images.quality(self.runner, &cut.model, self.source, self.task, &probes)?)
        };
        let evaluate = |plan: &KeepPlan| -> Result<Quality, EvaluateError> {
            let cut = self.cut(attribution, plan.clone())?;
            let images = self.images.source;
            let model = if self.keeps_all(plan) {
                cut.model
            } else {
                repair(self.runner, self.source, &cut, images, &calibration, &held_out, &how)?.model
            };
            Ok(self.images.quality(self.runner, &model, self.source, self.task, &judges)?)
        };
        let logits = self.kept_logits(settings.logits);
        let request = budget::Request {
            model: self.source,
            relevance: &relevance,
            logits: &logits,
            fixed: fixed.as_ref(),
            sensitivity: &sensitivity,
            evaluate: &evaluate,
        };
        let planner = Planner::new(&request)?;
        budgets.iter().map(|&budget| Ok(planner.choose(budget)?)).collect()
    }
}

/// The repair that plans are compared under: the same, on fewer observations.
fn quick(repair: &Repair) -> Repair {
    match repair {
        Repair::Ridge(_) => {
            Repair::Ridge(RidgeOptions { lambdas: vec![TRIAL_LAMBDA], observations: TRIAL_OBSERVATIONS })
        }
        other => other.clone(),
    }
}

fn lower_thresholds(error: &DisassembleError) -> Option<&'static str> {
    matches!(error, DisassembleError::Slice { .. })
        .then_some("lower --alpha and --beta, or give a budget such as --keep-params 30%, which empties no layer")
}
