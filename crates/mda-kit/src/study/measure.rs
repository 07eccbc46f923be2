//! What a study's component is worth on test images.

use super::components::{Bench, timed};
use super::flags::Flags;
use super::record::{ComponentRun, ComponentSettings, Record, Run, Seconds};
use crate::timing::peak_mib;
use mda::accuracy::{area, own_categories};
use mda_core::budget::Trial;
use mda_core::cut::Component;
use mda_core::evaluate::LabelMap;
use mda_core::evaluate::{Evaluation, auroc};
use mda_core::method::Repair;
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
    pub(super) fn measure(&self, candidate: Candidate) -> anyhow::Result<()> {
        let run = candidate.settings.clone();
        if !self.work.open.contains(&run) {
            return Ok(());
        }
        self.study.attempt([run.clone()], || {
            let record = self.measured(candidate)?;
            let share = 100.0 * record.parameters as f64 / record.source_parameters as f64;
            self.study.output.progress(format!(
                "{}: {:.2} % of {:.2} %, {share:.1} % of the parameters",
                Run::from(run),
                record.accuracy,
                record.base_restricted
            ));
            self.study.store.add(Record::Component(record), vec![self.source.identity.clone()])
        })
    }

    fn measured(&self, candidate: Candidate) -> anyhow::Result<ComponentRun> {
        let Candidate { settings, cut, trial, mut seconds } = candidate;
        let how = Repair::named(&settings.repair)?;
        let (model, repair) = match how {
            Repair::None => (cut.model, 0.0),
            _ => {
                let (repaired, repair) = timed(|| self.job.repair(&how, &cut))?;
                (repaired.model, repair)
            }
        };
        seconds.repair = repair;
        let (source, task) = (self.source, self.job.images.task);
        let test = source.data.test()?;
        let positions = source.test_positions(task)?;
        let own = own_categories(&model, &source.model, task);
        let labels = LabelMap::by_name(test.categories(), model.categories())?;
        let evaluation = labels.evaluation(&self.study.runner.logits(&model, test, &positions)?);
        let whole = source.test_labels.evaluation(source.test_logits(self.study.runner)?);
        let (auroc, source_auroc) = match task[..] {
            [category] => {
                let all: Vec<usize> = (0..test.labels().len()).collect();
                let run = self.study.runner.logits(&model, test, &all)?;
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
            held_out_loss: trial.and_then(|trial| trial.known()).map(|quality| quality.loss),
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
