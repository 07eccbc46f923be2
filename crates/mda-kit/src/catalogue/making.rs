//! Making one component of a catalogue with what all of them share.

use super::Catalogue;
use super::entry::{Entry, Recipe};
use crate::accuracy::{area, own_categories};
use crate::data::match_labels;
use crate::disassemble::{Component, Glance, Job, Settings, Spending, TaskImages, quick};
use crate::error::Error;
use crate::progress::{Event, Progress, Stoppable};
use crate::runtime::Runtime;
use crate::statistics::Statistics;
use mda_core::Model;
use mda_core::attribute::{Attribution, elimination};
use mda_core::budget::Strategy;
use mda_core::evaluate::{Evaluation, LabelMap};
use mda_core::method::{Competition, Formulation};
use mda_core::model::task::Task;
use mda_core::repair::refit_all;
use mda_core::run::{ImageSource, LabelledLogits, Runner};
use mda_data::{Parts, Role};
use std::path::PathBuf;
use std::time::Instant;

/// What decides for a quick component where structured OBS, which eliminates for each task anew, takes more than so many multiply-adds: it
/// sees every category by itself, so that all tasks share what it says. Networks on which that is so are wide, and on wide ones it
/// makes no difference after a repair.
const SHARED: &str = "taylor";
const MOST_ELIMINATION: u64 = 5_000_000_000;
/// Images of a category that a quick component is repaired with.
const QUICK_IMAGES: usize = 100;

/// Everything that the components of a catalogue share.
pub(super) struct Workshop<'a> {
    catalogue: &'a Catalogue<'a>,
    statistics: &'a Statistics,
    runtime: &'a Runtime,
    train: Stoppable<'a>,
    labels: LabelMap,
    parts: Parts,
    /// What matters to every category, for the formulations that see them apart.
    known: Vec<Attribution>,
    /// What the source says of the test images of all tasks.
    test: Option<Test<'a>>,
}

/// Test images, and what the source says of them.
struct Test<'a> {
    images: Stoppable<'a>,
    labels: LabelMap,
    answers: LabelledLogits,
    said: Evaluation,
}

/// Tells nothing but warnings: the steps of several components at once would say little.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn on(&self, event: Event<'_>) {
        if matches!(event, Event::Warning(_)) {
            self.0.on(event);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl<'a> Workshop<'a> {
    pub(super) fn new(
        catalogue: &'a Catalogue<'a>,
        statistics: &'a Statistics,
        open: &[&(String, Task)],
        runtime: &'a Runtime,
    ) -> Result<Self, Error> {
        let (source, progress) = (catalogue.source.model(), catalogue.progress);
        let train = Stoppable { images: catalogue.data.train()?, progress };
        let labels = match_labels(&train, source.categories())?;
        let parts = statistics.parts(catalogue.source, &train)?;
        let mut categories: Vec<usize> = open.iter().flat_map(|(_, task)| task.iter().copied()).collect();
        categories.sort_unstable();
        categories.dedup();
        let mut workshop = Self { catalogue, statistics, runtime, train, labels, parts, known: Vec::new(), test: None };
        workshop.known = progress.step("attributing", || workshop.shared(&categories))?;
        if catalogue.measures {
            let apart = open.iter().any(|(_, task)| task.len() == 1);
            workshop.test = Some(workshop.asked(&Task::new(categories).ok_or(Error::NoTask)?, apart)?);
        }
        Ok(workshop)
    }

    fn settings(&self) -> &'a Settings {
        &self.catalogue.settings
    }

    /// The formulations that compete for every component.
    fn formulations(&self) -> Vec<Formulation> {
        match (&self.settings().formulations, self.settings().budget) {
            (formulations, None) => vec![formulations.first()],
            (Competition::Auto, _) if !self.catalogue.thorough && self.settings().repair.refits() => {
                let takes_long = elimination(self.catalogue.source.model().graph()) > MOST_ELIMINATION;
                let shared = Formulation::preset(SHARED).ok().filter(|_| takes_long);
                vec![shared.unwrap_or_else(Formulation::obs)]
            }
            // As many choice images as there are of a task decide only between formulations that were named.
            (formulations, _) => formulations.formulations(self.settings().repair.refits(), 0),
        }
    }

    /// What matters to each of `categories`, for the formulations that see them apart.
    fn shared(&self, categories: &[usize]) -> Result<Vec<Attribution>, Error> {
        let (source, seen) = (self.catalogue.source.model(), self.statistics.seen());
        let apart = self.formulations().into_iter().filter(|formulation| formulation.measure.is_by_category());
        apart.map(|formulation| Ok(seen.attribute(source, categories, &formulation, 0, usize::MAX)?)).collect()
    }

    /// Asks the source about the test images of `categories`; about all where a task of one category is told `apart` from others.
    fn asked(&self, categories: &Task, apart: bool) -> Result<Test<'a>, Error> {
        let (source, progress) = (self.catalogue.source.model(), self.catalogue.progress);
        let images = Stoppable { images: self.catalogue.data.test()?, progress };
        let labels = match_labels(&images, source.categories())?;
        let own = labels.positions(images.labels(), categories, images.categories(), source.categories())?;
        let asked = if apart { (0..images.labels().len()).collect() } else { own };
        let macs = source.size().macs * asked.len() as u64;
        let answers = progress.running("measuring the source", &self.runtime.runner(), macs, |runner, _| {
            Ok::<_, Error>(runner.logits(source, &images, &asked)?)
        })?;
        let said = labels.evaluation(&answers);
        Ok(Test { images, labels, answers, said })
    }

    /// Makes the component of a task.
    pub(super) fn make(&self, name: &str, task: &Task, recipe: &Recipe) -> Result<(Model, Entry), Error> {
        let began = Instant::now();
        let (source, quiet, runner) = (self.catalogue.source, Quiet(self.catalogue.progress), self.runtime.runner());
        let images = TaskImages { source: &self.train, labels: &self.labels, parts: &self.parts, task };
        images.require(&self.settings().roles())?;
        let seen = Some(Glance { seen: self.statistics.seen(), quick: !self.catalogue.thorough });
        let job = Job { runner: &runner, source: source.model(), images: &images, progress: &quiet, seen };
        let component = if self.catalogue.thorough { job.disassemble(self.settings())? } else { self.quickly(&job)? };
        let formulation = component.formulation.to_string();
        let model = component.with_origin(name.to_owned(), source.sha256(), self.parts.record()).model;
        let accuracy = match &self.test {
            Some(test) => Some(test.measure(&runner, &model, source.model(), task)?),
            None => None,
        };
        let (own, whole) = (model.size(), source.model().size());
        let entry = Entry {
            name: name.to_owned(),
            task: task.to_vec(),
            categories: model.categories().to_vec(),
            file: PathBuf::new(),
            sha256: String::new(),
            formulation,
            parameters: [own.parameters, whole.parameters],
            macs: [own.macs, whole.macs],
            accuracy,
            seconds: began.elapsed().as_secs_f64(),
            recipe: recipe.clone(),
        };
        Ok((model, entry))
    }

    /// By the statistics alone, and a single repair.
    fn quickly(&self, job: &Job<'_>) -> Result<Component, Error> {
        let (settings, task) = (self.settings(), job.images.task);
        let selection = job.selection(settings.top_k)?;
        let formulations = self.formulations();
        let attribution = |formulation: &Formulation| -> Result<Attribution, Error> {
            match self.known.iter().find(|known| known.formulation == *formulation) {
                Some(known) => Ok(known.clone()),
                None => job.attribute(&selection, formulation),
            }
        };
        let attributions = formulations.iter().map(attribution).collect::<Result<Vec<_>, _>>()?;
        let (winner, cut, explanation) = match settings.budget {
            None => (0, job.fixed(&attributions[0], settings.logits)?, None),
            Some(budget) => {
                let (repair, logits) = (&settings.repair, settings.logits);
                let spending = Spending { repair, logits, strategies: &Strategy::ALL, finalists: 1 };
                let chosen = job.choose(&attributions, spending, &[budget])?.swap_remove(0);
                let winner = chosen.ranking;
                (winner, job.cut(&attributions[winner], chosen.plan)?, Some(chosen.explanation))
            }
        };
        let calibration = job.images.of(Role::Calibration, QUICK_IMAGES);
        let how = quick(&settings.repair);
        let mut refitted = refit_all(job.runner, job.source, &[&cut], job.images.source, &calibration, &[], &how)?;
        let model = refitted.pop().expect("one for the one component")?.model;
        let formulation = formulations[winner].clone();
        let (repaired, task) = (Vec::new(), task.clone());
        Ok(Component { model, cut, repaired, formulation, explanation, selection, task, tuned: None })
    }
}

impl Test<'_> {
    /// The accuracy of a component within its task, and that of the source; of one category the areas.
    fn measure(&self, runner: &Runner<'_>, component: &Model, source: &Model, task: &Task) -> Result<[f64; 2], Error> {
        let own = own_categories(component, source, task);
        if let ([category], [logit]) = (&task[..], &own[..]) {
            let all: Vec<usize> = (0..self.images.labels().len()).collect();
            let run = runner.logits(component, &self.images, &all)?;
            let areas = [(&run, *logit), (&self.answers, *category)];
            let of = |(run, logit)| area(run, &self.labels, logit, *category).ok_or(Error::NothingElse);
            return Ok([of(areas[0])?, of(areas[1])?]);
        }
        let positions =
            self.labels.positions(self.images.labels(), task, self.images.categories(), source.categories())?;
        let labels = LabelMap::by_name(self.images.categories(), component.categories())?;
        let evaluation = labels.evaluation(&runner.logits(component, &self.images, &positions)?);
        Ok([evaluation.within(&own).percent(), self.said.within(task).percent()])
    }
}
