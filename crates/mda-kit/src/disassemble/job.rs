//! The steps from a source and its images to a component: selecting, attributing, choosing a plan, cutting, repairing.

use super::choice::Spending;
use super::images::{CONTRAST, TaskImages};
use super::{Component, Settings, calibration};
use crate::error::Error;
use crate::progress::Progress;
use mda_core::Model;
use mda_core::attribute::{Attribution, Seen, Selection, attribute, select_confident};
use mda_core::budget;
use mda_core::budget::Strategy;
use mda_core::cut::KeepPlan;
use mda_core::cut::slice;
use mda_core::cut::{Component as Cut, CutError, Logits, cut};
use mda_core::method::Repair;
use mda_core::method::{Competition, ENOUGH_IMAGES, Formulation};
use mda_core::model::task::Task;
use mda_core::repair::{Repaired, repair};
use mda_core::run::Runner;
use mda_data::Role;

/// One source, one task, and the images that may be looked at: single steps, for those who compare them.
pub struct Job<'a> {
    /// How models run.
    pub runner: &'a Runner<'a>,
    /// The source.
    pub source: &'a Model,
    /// The images and the task.
    pub images: &'a TaskImages<'a>,
    /// Who hears how it goes.
    pub progress: &'a dyn Progress,
    /// What was seen of the source before, where anything was.
    pub seen: Option<Glance<'a>>,
}

/// What was seen of a source, and how much of it is looked at.
#[derive(Clone, Copy)]
pub struct Glance<'a> {
    /// What was seen.
    pub seen: &'a Seen,
    /// Whether less of it, and fewer images, have to do, because many components are made of it.
    pub quick: bool,
}

/// Rows of what the kernels of a layer see that a quick look takes.
const QUICK_ROWS: usize = 1024;

impl Glance<'_> {
    /// The most rows of what the kernels of a layer see that are taken.
    pub(super) fn most_rows(&self) -> usize {
        if self.quick { QUICK_ROWS } else { usize::MAX }
    }
}

impl Job<'_> {
    fn task(&self) -> &Task {
        self.images.task
    }

    /// Makes the component, from the first step to the last.
    ///
    /// # Errors
    /// [`Error`].
    pub fn disassemble(&self, settings: &Settings) -> Result<Component, Error> {
        let progress = self.progress;
        let selection = self.selection(settings.top_k)?;
        if self.task().len() == 1 && selection.contrast.is_empty() {
            progress.warn("no train image is of another category, so nothing tells this one from others");
        }
        let formulations = match settings.budget {
            None => vec![settings.formulations.first()],
            Some(_) => self.competing(settings),
        };
        let all = self.attributing(&selection, formulations.len());
        let attributions = self.running("attributing", all, |job, headway| {
            let mut attributions = Vec::new();
            for formulation in &formulations {
                attributions.push(job.attribute(&selection, formulation)?);
                // Some look at no image.
                headway.reach(attributions.len(), formulations.len());
            }
            Ok(attributions)
        })?;
        let (winner, cut, explanation) = match settings.budget {
            None => (0, self.fixed(&attributions[0], settings.logits)?, None),
            Some(budget) => {
                let spending = Spending {
                    repair: &settings.repair,
                    logits: settings.logits,
                    strategies: &Strategy::ALL,
                    finalists: settings.finalists,
                };
                let choose = || self.choose(&attributions, spending, &[budget]);
                let chosen = progress.step("choosing what stays", choose)?.swap_remove(0);
                let winner = chosen.ranking;
                (winner, self.cut(&attributions[winner], chosen.plan)?, Some(chosen.explanation))
            }
        };
        let Repaired { model, layers } = match &settings.repair {
            Repair::None => Repaired { model: cut.model.clone(), layers: Vec::new() },
            how => self.running("repairing", self.repairing(&cut), |job, _| job.repair(how, &cut))?,
        };
        let formulation = formulations[winner].clone();
        let (task, repaired, tuned) = (self.task().clone(), layers, None);
        Ok(Component { cut, model, repaired, tuned, formulation, explanation, selection, task })
    }

    /// The formulations that compete within a budget.
    fn competing(&self, settings: &Settings) -> Vec<Formulation> {
        let (refitted, images) = (settings.repair.refits(), self.comparing().len());
        let competing = settings.formulations.formulations(refitted, images);
        if settings.formulations == Competition::Auto && competing.len() == 1 {
            self.progress.note(format!(
                "{images} choice images are too few to compare formulations by ({ENOUGH_IMAGES} would do), so {} \
                 decides",
                competing[0]
            ));
        }
        competing
    }

    /// The images that speak: as they were seen before, those that are listed, or the surest.
    pub(crate) fn selection(&self, top_k: usize) -> Result<Selection, Error> {
        match self.seen {
            Some(glance) => Ok(glance.seen.selection(self.source, self.task(), CONTRAST)?),
            None if self.images.parts.record().listed.is_empty() => {
                self.running("picking the surest images", self.picking(), |job, _| job.select(top_k))
            }
            None => Ok(self.contrasted(Selection::new(self.images.by_category(Role::Attribution)))),
        }
    }

    /// The images that speak: those of which the source is surest.
    ///
    /// # Errors
    /// [`Error::Attribute`] and [`Error::Run`].
    pub fn select(&self, top_k: usize) -> Result<Selection, Error> {
        let candidates = self.images.by_category(Role::Attribution);
        let selection = select_confident(self.runner, self.source, self.images.source, &candidates, top_k)?;
        Ok(self.contrasted(selection))
    }

    /// `selection` with the images of other categories that the task needs.
    pub(super) fn contrasted(&self, selection: Selection) -> Selection {
        let own = selection.categories.iter().map(|(_, images)| images.len()).sum();
        Selection { contrast: self.images.contrast(Role::Attribution, own), ..selection }
    }

    /// What matters to the task, as `formulation` sees it.
    ///
    /// # Errors
    /// [`Error::Attribute`] and [`Error::Run`].
    pub fn attribute(&self, selection: &Selection, formulation: &Formulation) -> Result<Attribution, Error> {
        if let Some(glance) = self.seen
            && glance.seen.selection(self.source, self.task(), CONTRAST)? == *selection
        {
            let (source, task, most_rows) = (self.source, self.task(), glance.most_rows());
            return Ok(glance.seen.attribute(source, task, formulation, CONTRAST, most_rows)?);
        }
        Ok(attribute(self.runner, self.source, self.images.source, selection, formulation)?)
    }

    /// The component of the formulation's own thresholds.
    ///
    /// # Errors
    /// [`Error::Cut`] where they leave nothing of a layer.
    pub fn fixed(&self, attribution: &Attribution, logits: Logits) -> Result<Cut, Error> {
        Ok(attribution.component(self.source, self.task(), logits)?)
    }

    /// The component that keeps what `plan` says.
    ///
    /// # Errors
    /// [`CutError`] for a plan that empties a layer.
    pub fn cut(&self, attribution: &Attribution, plan: KeepPlan) -> Result<Cut, CutError> {
        cut(self.source, plan, self.task(), &attribution.formulation, attribution.images_per_category)
    }

    /// The component of another formulation with as many channels in every layer as `like` keeps.
    ///
    /// # Errors
    /// As [`Job::attribute`] and [`Job::cut`].
    pub fn same_size(
        &self,
        formulation: &Formulation,
        logits: Logits,
        selection: &Selection,
        like: &KeepPlan,
    ) -> Result<Cut, Error> {
        let attribution = self.attribute(selection, formulation)?;
        let relevance = attribution.relevance(self.source.graph(), self.task())?;
        let plan = budget::with_counts_of(self.source, &relevance, &self.kept_logits(logits), like);
        Ok(self.cut(&attribution, plan)?)
    }

    /// The source with the task's logits and every channel.
    ///
    /// # Errors
    /// [`Error::Slice`], in theory.
    pub fn uncut(&self) -> Result<Model, Error> {
        let channels = || self.source.graph().nodes().iter().map(|node| node.shape.channels());
        let wanted: Vec<Vec<bool>> = channels().map(|count| vec![true; count]).collect();
        let score: Vec<Vec<f32>> = channels().map(|count| vec![0.0; count]).collect();
        Ok(slice(self.source, &KeepPlan::new(self.source.graph(), &wanted, &score, self.task()))?)
    }

    /// The logits that a component keeps.
    pub fn kept_logits(&self, logits: Logits) -> Vec<usize> {
        match logits {
            Logits::Task => self.task().to_vec(),
            Logits::All => (0..self.source.categories().len()).collect(),
        }
    }

    /// Makes up for the cut, on the calibration images.
    ///
    /// # Errors
    /// [`Error::Repair`] and [`Error::Run`].
    pub fn repair(&self, how: &Repair, component: &Cut) -> Result<Repaired, Error> {
        let (calibration, tuning) = (self.calibrating(), self.tuning());
        Ok(repair(self.runner, self.source, component, self.images.source, &calibration, &tuning, how)?)
    }

    /// The images that a repair is fitted to.
    pub(super) fn calibrating(&self) -> Vec<usize> {
        let most = self.images.parts.record().calibration;
        self.images.of(Role::Calibration, calibration(most, self.task().len(), self.source.size().macs))
    }

    /// The images that settings of a repair are chosen by: a third of those that it is fitted to, as there are at most by
    /// default, so that they cost no more where calibration has to do with fewer.
    pub(super) fn tuning(&self) -> Vec<usize> {
        self.images.of(Role::Tuning, self.images.parts.record().calibration.div_ceil(3))
    }
}
