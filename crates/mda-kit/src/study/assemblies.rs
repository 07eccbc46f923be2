//! The assembly runs of a study: one set of components with one seed is one piece of work.

use super::Study;
use super::components::timed;
use super::recipe::{Assemble, Part as Entry, Recipe, budget};
use super::record::{AssemblyRun, AssemblySettings, Record, Run};
use anyhow::Context as _;
use mda::assemble::{Calibration, Joint, Part, Prior, blocks};
use mda::disassemble::{Job, Settings, TaskImages};
use mda::{Data, Silent};
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
    pub(super) entry: &'a Assemble,
    pub(super) seed: u64,
    /// Those that this call does.
    pub(super) open: HashSet<AssemblySettings>,
}

/// Does the open runs of `work`: of the components, and of the uncut sources where the entry asks for them.
pub(super) fn run(study: &Study<'_>, work: &Work<'_>) -> anyhow::Result<()> {
    for &uncut in work.entry.variants() {
        let runs = work.entry.runs(study.recipe, uncut, work.seed);
        let open: Vec<_> = runs.into_iter().filter(|(_, run)| work.open.contains(run)).collect();
        if !open.is_empty() {
            study.attempt(open.iter().map(|(_, run)| run.clone()), || work.variant(study, uncut, &open))?;
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
    /// The components, or the uncut sources, under every rescaling of `open`.
    fn variant(&self, study: &Study<'_>, uncut: bool, open: &[(Rescaling, AssemblySettings)]) -> anyhow::Result<()> {
        let mut parts = Vec::new();
        let mut data: Vec<&Data> = Vec::new();
        for entry in &self.entry.components {
            parts.push(self.component(study, entry, uncut)?);
            data.push(&study.source(&entry.source)?.data);
        }
        let images = Joint { data: &data, progress: &Silent };
        let calibration =
            Calibration { per_category: study.recipe.images.rescaling, seed: self.seed, prior: Prior::Uniform };
        let with_features = open.iter().any(|(rescaling, _)| rescaling.reads_features());
        let answered = Answered {
            parts: &parts,
            calibrating: images.calibrating(study.runner, &parts, with_features, calibration)?,
            testing: images.testing(study.runner, &parts, with_features)?,
        };
        for (rescaling, run) in open {
            study.attempt([run.clone()], || {
                let record = self.measure(study, &answered, *rescaling, run.clone())?;
                study.output.progress(format!(
                    "{}: {:.2} % (bound {:.2} %)",
                    Run::from(run.clone()),
                    record.accuracy,
                    record.bound
                ));
                let inputs = self.entry.components.iter().map(|part| Ok(study.source(&part.source)?.identity.clone()));
                study.store.add(Record::Assembly(record), inputs.collect::<anyhow::Result<_>>()?)
            })?;
        }
        Ok(())
    }

    /// A component with its source's name before its categories, and the names that the data knows them by.
    fn component(&self, study: &Study<'_>, entry: &Entry, uncut: bool) -> anyhow::Result<Part> {
        let source = study.source(&entry.source)?;
        let task = parse_task(&entry.task, source.model.categories())?;
        let parts = source.parts(&study.recipe.images, task.len(), self.seed)?;
        let images = TaskImages { source: source.data.train()?, labels: &source.labels, parts: &parts, task: &task };
        let job = Job { runner: study.runner, source: &source.model, images: &images, progress: &Silent };
        let model = if uncut {
            job.uncut()?
        } else {
            let settings = Settings {
                formulations: self.entry.formulation.parse()?,
                repair: Repair::named(&self.entry.repair)?,
                budget: budget(&self.entry.budget)?,
                logits: Logits::Task,
                top_k: study.recipe.images.top_k,
                finalists: mda::disassemble::FINALISTS,
            };
            let component = job.disassemble(&settings);
            let component = component.with_context(|| format!("the component {} {}", entry.source, entry.task))?;
            component.with_origin(format!("{} {}", entry.source, entry.task), None, parts.record()).model
        };
        let mut part = Part::from(model);
        let prefixed = part.data_names.iter().map(|name| format!("{}:{name}", entry.source)).collect();
        part.model = part.model.with_categories(prefixed)?;
        Ok(part)
    }

    fn measure(
        &self,
        study: &Study<'_>,
        answered: &Answered<'_>,
        rescaling: Rescaling,
        run: AssemblySettings,
    ) -> anyhow::Result<AssemblyRun> {
        let components: Vec<&Model> = answered.parts.iter().map(|part| &part.model).collect();
        let (scalings, seconds) = timed(|| rescaling.fit_between(&components, &answered.calibrating))?;
        let model = assemble(&run.components, &components, Form::Parallel)?;
        let evaluation = Evaluation::new(rescaled(&scalings, &answered.testing));
        let own = |block: Range<usize>| evaluation.within(&block.collect::<Vec<_>>());
        let within = blocks(answered.parts).into_iter().map(own).fold(Accuracy::default(), Accuracy::plus);
        let joint = evaluation.overall();
        let sources = self.entry.components.iter().map(|part| Ok(study.source(&part.source)?.model.size().parameters));
        Ok(AssemblyRun {
            parameters: model.size().parameters,
            macs: model.size().macs,
            source_parameters: sources.sum::<anyhow::Result<u64>>()?,
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
