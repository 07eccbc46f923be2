//! What a study's component is worth on test images.

use super::components::{Bench, timed};
use super::flags::Flags;
use super::record::{ComponentRun, ComponentSettings, Record, Seconds};
use crate::accuracy::{area, own_categories};
use crate::error::Error;
use crate::memory::peak_mib;
use crate::progress::Event;
use mda_core::Model;
use mda_core::budget::Trial;
use mda_core::cut::Component;
use mda_core::evaluate::LabelMap;
use mda_core::evaluate::{Evaluation, auroc};
use mda_core::method::Repair;
use mda_core::run::ImageSource as _;
use mda_data::Role;

/// A component that is about to be measured.
pub(super) struct Candidate {
    pub(super) settings: ComponentSettings,
    pub(super) cut: Component,
    /// How it was chosen, where it was.
    pub(super) trial: Option<Trial>,
    pub(super) seconds: Seconds,
}

impl Bench<'_> {
    /// Repairs a component, measures it, and keeps the record, where the run is this piece of work's.
    pub(super) fn measure(&self, candidate: Candidate) -> Result<(), Error> {
        let run = candidate.settings.clone();
        if !self.work.open.contains(&run) {
            return Ok(());
        }
        self.session.attempt([run], || {
            let (cut, seconds) = (&candidate.cut, candidate.seconds);
            let how = Repair::named(&candidate.settings.repair)?;
            let (model, repair) = match how {
                Repair::None => (cut.model.clone(), 0.0),
                _ => {
                    let (repaired, repair) =
                        timed(|| self.job.progress.step("repairing", || self.job.repair(&how, cut)))?;
                    (repaired.model, repair)
                }
            };
            let candidate = Candidate { seconds: Seconds { repair, ..seconds }, ..candidate };
            let step = self.session.recipe.measure.step();
            let record = self.job.progress.step(step, || self.measured(candidate, &model))?;
            let record = Record::Component(record);
            self.session.progress.on(Event::Measured(&record));
            Ok(self.session.store.add(record, vec![self.source.identity.clone()])?)
        })
    }

    fn measured(&self, candidate: Candidate, model: &Model) -> Result<ComponentRun, Error> {
        let Candidate { settings, trial, seconds, .. } = candidate;
        let (source, task, runner) = (self.source, self.job.images.task, self.session.runner);
        let test = source.test(self.job.progress)?;
        let positions = source.test_positions(task)?;
        let own = own_categories(model, &source.model, task);
        let labels = LabelMap::by_name(test.categories(), model.categories())?;
        let evaluation = labels.evaluation(&runner.logits(model, &test, &positions)?);
        let whole = source.test_labels.evaluation(source.test_logits(runner, self.job.progress)?);
        let (auroc, source_auroc) = match task[..] {
            [category] => {
                let all: Vec<usize> = (0..test.labels().len()).collect();
                let run = runner.logits(model, &test, &all)?;
                (area(&run, &source.test_labels, own[0], category), source_area(&whole, category))
            }
            _ => (None, None),
        };
        let size = model.size();
        Ok(ComponentRun {
            parameters: size.parameters,
            macs: size.macs,
            source_parameters: source.model.size().parameters,
            source_macs: source.model.size().macs,
            images: positions.len(),
            base: whole.among(task).percent(),
            base_restricted: whole.within(task).percent(),
            accuracy: evaluation.within(&own).percent(),
            auroc,
            source_auroc,
            winner: trial.as_ref().map(|trial| trial.ranking.clone()),
            strategy: trial.as_ref().map(|trial| trial.strategy.to_string()),
            choice_loss: trial.and_then(|trial| trial.quality).map(|quality| quality.loss),
            right: Flags::of(&evaluation.correct_within(&own)),
            calibration_images: self.job.images.of(Role::Calibration, usize::MAX).len(),
            seconds,
            peak_mib: peak_mib(),
            run: settings,
        })
    }
}

fn source_area(evaluation: &Evaluation, category: usize) -> Option<f64> {
    let (scores, positive) = evaluation.scores_of(category);
    auroc(&scores, &positive).map(|area| 100.0 * area)
}
