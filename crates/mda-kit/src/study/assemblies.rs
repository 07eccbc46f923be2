//! The assembly runs of a study: one set of components with one seed is one piece of work.

use super::components::timed;
use super::error::StudyError;
use super::recipe::{Assemble, MeasuredOn, Part as Entry, Recipe};
use super::record::{AssemblyRun, AssemblySettings, Record};
use super::session::{Session, Steps};
use crate::assemble::{Calibration, Joint, Part, Prior, blocks};
use crate::data::Data;
use crate::disassemble::{FINALISTS, Job, Settings, TaskImages, budget};
use crate::error::Error;
use crate::progress::{Event, Progress};
use mda_core::Model;
use mda_core::assemble::{Form, assemble};
use mda_core::cut::Logits;
use mda_core::evaluate::{Accuracy, Evaluation};
use mda_core::method::Repair;
use mda_core::model::task::parse_task;
use mda_core::rescale::{Answers, Rescaling, rescaled};
use std::collections::HashSet;
use std::ops::Range;

/// All runs of one entry and one seed.
pub(super) struct Work<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) entry: &'a Assemble,
    pub(super) seed: u64,
    /// Those that this call does.
    pub(super) open: HashSet<AssemblySettings>,
}

/// Does the open runs of `work`: of the components, and of the uncut sources where the entry asks for them.
pub(super) fn run(session: &Session<'_>, work: &Work<'_>) -> Result<(), Error> {
    for &uncut in work.entry.variants() {
        let runs = work.entry.runs(work.recipe, uncut, work.seed);
        let open: Vec<_> = runs.into_iter().filter(|(_, run)| work.open.contains(run)).collect();
        if !open.is_empty() {
            session.attempt(open.iter().map(|(_, run)| run.clone()), || work.variant(session, uncut, &open))?;
        }
    }
    Ok(())
}

impl Assemble {
    /// Whether the sources are uncut.
    fn variants(&self) -> &'static [bool] {
        if self.uncut { &[false, true] } else { &[false] }
    }

    /// Every run with one seed.
    pub(super) fn all_runs(&self, recipe: &Recipe, seed: u64) -> Vec<AssemblySettings> {
        let of = |&uncut: &bool| self.runs(recipe, uncut, seed).into_iter().map(|(_, run)| run);
        self.variants().iter().flat_map(of).collect()
    }

    /// One run a rescaling.
    fn runs(&self, recipe: &Recipe, uncut: bool, seed: u64) -> Vec<(Rescaling, AssemblySettings)> {
        let components: Vec<String> =
            self.components.iter().map(|part| format!("{} {}", part.source, part.task)).collect();
        let run = |&rescaling: &Rescaling| AssemblySettings {
            components: components.join(" + "),
            formulation: (!uncut).then(|| self.formulation.clone()),
            repair: if uncut { "none".into() } else { self.repair.clone() },
            budget: if uncut { "uncut".into() } else { self.budget.clone() },
            rescaling: rescaling.name().into(),
            rescaling_images: recipe.images.rescaling,
            seed,
        };
        self.rescalings.iter().map(|rescaling| (*rescaling, run(rescaling))).collect()
    }
}

impl Work<'_> {
    /// Those that this call does, in their order.
    pub(super) fn runs(&self) -> Vec<AssemblySettings> {
        let runs = self.entry.all_runs(self.recipe, self.seed);
        runs.into_iter().filter(|run| self.open.contains(run)).collect()
    }

    /// The components, or the uncut sources, under every rescaling of `open`.
    fn variant(&self, session: &Session<'_>, uncut: bool, open: &[(Rescaling, AssemblySettings)]) -> Result<(), Error> {
        let steps = Steps(session.progress);
        let progress: &dyn Progress = &steps;
        let mut parts = Vec::new();
        let mut data: Vec<&Data> = Vec::new();
        for entry in &self.entry.components {
            parts.push(self.component(session, entry, uncut, progress)?);
            data.push(&session.source(&entry.source).data);
        }
        let images = Joint { data: &data, progress };
        let calibration =
            Calibration { per_category: self.recipe.images.rescaling, seed: self.seed, prior: Prior::Uniform };
        let with_features = open.iter().any(|(rescaling, _)| rescaling.reads_features());
        let calibrating = || images.calibrating(session.runner, &parts, with_features, calibration);
        let testing = || images.testing(session.runner, &parts, with_features);
        let answered = Answered {
            parts: &parts,
            calibrating: progress.step("rescaling", calibrating)?,
            testing: progress.step(MeasuredOn::Test.step(), testing)?,
        };
        for (rescaling, run) in open {
            session.attempt([run.clone()], || {
                let record = Record::Assembly(self.measure(session, &answered, *rescaling, run.clone())?);
                session.progress.on(Event::Measured(&record));
                let inputs = self.entry.components.iter().map(|part| session.source(&part.source).identity.clone());
                Ok(session.store.add(record, inputs.collect())?)
            })?;
        }
        Ok(())
    }

    /// A component with its source's name before its categories, and the names that the data knows them by.
    fn component(
        &self,
        session: &Session<'_>,
        entry: &Entry,
        uncut: bool,
        progress: &dyn Progress,
    ) -> Result<Part, Error> {
        let source = session.source(&entry.source);
        let task = parse_task(&entry.task, source.model.categories())?;
        let parts = source.parts(&self.recipe.images, task.len(), self.seed)?;
        let train = source.train(progress)?;
        let images = TaskImages { source: &train, labels: &source.labels, parts: &parts, task: &task };
        let job = Job { runner: session.runner, source: &source.model, images: &images, progress, seen: None };
        let model = if uncut {
            job.uncut()?
        } else {
            let name = format!("{} {}", entry.source, entry.task);
            let component = job.disassemble(&self.settings()?);
            let failed = |error| StudyError::Component { component: name.clone(), source: Box::new(error) };
            component.map_err(failed)?.with_origin(name.clone(), None, parts.record()).model
        };
        let mut part = Part::from(model);
        let prefixed = part.data_names.iter().map(|name| format!("{}:{name}", entry.source)).collect();
        part.model = part.model.with_categories(prefixed)?;
        Ok(part)
    }

    /// How the components are made.
    fn settings(&self) -> Result<Settings, Error> {
        Ok(Settings {
            formulations: self.entry.formulation.parse()?,
            repair: Repair::named(&self.entry.repair)?,
            budget: budget(&self.entry.budget).map_err(|error| StudyError::Recipe(error.into()))?,
            logits: Logits::Task,
            top_k: self.recipe.images.top_k,
            finalists: FINALISTS,
        })
    }

    fn measure(
        &self,
        session: &Session<'_>,
        answered: &Answered<'_>,
        rescaling: Rescaling,
        run: AssemblySettings,
    ) -> Result<AssemblyRun, Error> {
        let components: Vec<&Model> = answered.parts.iter().map(|part| &part.model).collect();
        let (scalings, seconds) = timed(|| rescaling.fit_between(&components, &answered.calibrating))?;
        let model = assemble(&run.components, &components, Form::Parallel)?;
        let evaluation = Evaluation::new(rescaled(&scalings, &answered.testing));
        let own = |block: Range<usize>| evaluation.within(&block.collect::<Vec<_>>());
        let within = blocks(answered.parts).into_iter().map(own).fold(Accuracy::default(), Accuracy::plus);
        let joint = evaluation.overall();
        let sources = self.entry.components.iter().map(|part| session.source(&part.source).model.size().parameters);
        Ok(AssemblyRun {
            parameters: model.size().parameters,
            macs: model.size().macs,
            source_parameters: sources.sum(),
            images: joint.total,
            accuracy: joint.percent(),
            balanced: Some(evaluation.balanced()),
            bound: within.percent(),
            rescaling_images: if rescaling.reads_images() { answered.calibrating.logits.labels.len() } else { 0 },
            seconds,
            run,
        })
    }
}

/// Components and what they compute, which all rescalings share.
struct Answered<'a> {
    parts: &'a [Part],
    calibrating: Answers,
    testing: Answers,
}
