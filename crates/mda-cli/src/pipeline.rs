//! From a source and its images to a component: selecting, attributing, choosing a plan, cutting, repairing.
//!
//! The commands, the demo and studies share this; the mathematics of every step is `mda-core`'s.

mod choice;
mod detection;
mod images;

pub(crate) use choice::{Choice, Spending};
pub(crate) use detection::Labelled;
pub(crate) use images::{Images, PartSizes, Parts, own_categories};

use crate::failure::Advise;
use crate::output::Output;
use crate::timing::Timings;
use mda_core::Model;
use mda_core::budget::{self, Budget, Explanation, Strategy};
use mda_core::disassemble::{
    Attribution, Component, DisassembleError, Logits, Selection, attribute, cut, select_confident,
};
use mda_core::formulation::{Competition, ENOUGH_IMAGES, Formulation};
use mda_core::keep::KeepPlan;
use mda_core::repair::{LayerRepair, Repair, Repaired, repair};
use mda_core::runner::Runner;
use mda_core::slice::slice;

/// How a component is made.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Within a budget the best of them decides, else the first.
    pub(crate) formulations: Competition,
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
    /// Whose channels stayed.
    pub(crate) formulation: Formulation,
    pub(crate) explanation: Option<Explanation>,
    pub(crate) selection: Selection,
}

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
            output.warning("no train image is of another category, so nothing tells this one from others");
        }
        let formulations = match settings.budget {
            None => vec![settings.formulations.first()],
            Some(_) => self.competing(settings, output),
        };
        let attributions =
            || formulations.iter().map(|one| self.attribute(&selection, one)).collect::<Result<Vec<_>, _>>();
        let attributions = timings.step(output, "attributing", attributions)?;
        let (winner, cut, explanation, repaired) = match settings.budget {
            None => (0, self.fixed(&attributions[0], settings.logits).advise_on(lower_thresholds)?, None, None),
            Some(budget) => {
                let spending =
                    Spending { repair: &settings.repair, logits: settings.logits, strategies: &Strategy::ALL };
                let choose = || self.choose(&attributions, spending, &[budget]);
                let Choice { chosen, repaired } = timings.step(output, "choosing what stays", choose)?.swap_remove(0);
                let winner = chosen.ranking;
                (winner, self.cut(&attributions[winner], chosen.plan)?, Some(chosen.explanation), repaired)
            }
        };
        let Repaired { model, layers } = match (repaired, &settings.repair) {
            (Some(repaired), _) => {
                output.progress("repaired while choosing");
                repaired
            }
            (None, Repair::None) => Repaired { model: cut.model.clone(), layers: Vec::new() },
            (None, how) => timings.step(output, "repairing", || self.repair(how, &cut))?,
        };
        let formulation = formulations[winner].clone();
        Ok(Product { cut, model, repaired: layers, formulation, explanation, selection })
    }

    /// The formulations that compete within a budget.
    fn competing(&self, settings: &Settings, output: Output) -> Vec<Formulation> {
        let (refitted, images) = (settings.repair.refits(), self.judges().len());
        let competing = settings.formulations.formulations(refitted, images);
        if settings.formulations == Competition::Auto && competing.len() == 1 {
            output.progress(format!(
                "note: {images} held-out train images are too few to compare formulations by ({ENOUGH_IMAGES} would do), so \
                 {} decides",
                competing[0]
            ));
        }
        competing
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

    /// Makes up for the cut, on the calibration images.
    pub(crate) fn repair(&self, how: &Repair, component: &Component) -> anyhow::Result<Repaired> {
        let calibration = self.images.for_task(&self.images.parts.calibration, self.task, usize::MAX);
        let held_out = self.images.for_task(&self.images.parts.tuning, self.task, usize::MAX);
        Ok(repair(self.runner, self.source, component, self.images.source, &calibration, &held_out, how)?)
    }
}

fn lower_thresholds(error: &DisassembleError) -> Option<&'static str> {
    matches!(error, DisassembleError::Slice { .. })
        .then_some("lower --alpha and --beta, or give a budget such as --keep-params 30%, which empties no layer")
}
