//! The component runs of a study: one task of one source with one seed is one piece of work.

use super::Study;
use super::recipe::{Counts, Disassemble, budget};
use super::record::{ComponentRun, ComponentSettings, Record, Seconds};
use super::source::Source;
use crate::pipeline::{Images, Job, Labelled, Settings, own_categories};
use crate::timing::peak_mib;
use anyhow::Context as _;
use mda_core::budget;
use mda_core::disassemble::{Attribution, Component, Logits, Selection};
use mda_core::formulation::Formulation;
use mda_core::keep::KeepPlan;
use mda_core::labels::LabelMap;
use mda_core::metrics::{Evaluation, auroc};
use mda_core::repair::Repair;
use mda_core::source::ImageSource;
use mda_core::task::parse_task;
use std::time::Instant;

/// All runs of one entry, one task and one seed.
pub(super) struct Work<'a> {
    pub(super) entry: &'a Disassemble,
    pub(super) task: &'a str,
    pub(super) seed: u64,
}

/// A component that is about to be measured.
struct Candidate {
    settings: ComponentSettings,
    cut: Component,
    strategy: Option<String>,
    seconds: Seconds,
}

/// Runs `work`, and answers `(run, reason)` for what is not to be had.
pub(super) fn run(study: &Study<'_>, work: &Work<'_>) -> anyhow::Result<Vec<String>> {
    let wanted = |formulation: &str| work.settings(formulation).into_iter().any(|run| !study.store.has(&run));
    let formulations: Vec<&String> = work.entry.formulations.iter().filter(|name| wanted(name)).collect();
    if formulations.is_empty() {
        return Ok(Vec::new());
    }
    let source = study.source(&work.entry.source)?;
    let task = parse_task(work.task, source.model.categories())?;
    let parts = source.parts(&study.recipe.images, task.len(), work.seed)?;
    let images = Images { source: &source.train, labels: &source.labels, parts: &parts };
    let job = Job { runner: study.runner, source: &source.model, images: &images, task: &task };
    let (selection, select) = timed(|| job.select(study.recipe.images.top_k))?;
    let bench = Bench { study, work, source, job: &job, selection: &selection };
    let mut failures = Vec::new();
    for name in formulations {
        let (attribution, attribute) = timed(|| job.attribute(&selection, &reseeded(name.parse()?, work.seed)))
            .with_context(|| format!("{name} on {} {}", work.entry.source, work.task))?;
        let seconds = Seconds { select, attribute, ..Seconds::default() };
        for repair in &work.entry.repairs {
            failures.extend(bench.run(name, &attribution, repair, seconds)?);
        }
    }
    Ok(failures)
}

impl Work<'_> {
    /// Every run of one formulation.
    fn settings(&self, formulation: &str) -> Vec<ComponentSettings> {
        let runs = self.entry.repairs.iter().flat_map(|repair| {
            self.entry.budgets.iter().flat_map(move |budget| {
                let own = self.run(formulation, repair, budget);
                let alike = self.entry.same_size.iter().map(|other| self.alike(&own, other));
                std::iter::once(own.clone()).chain(alike.collect::<Vec<_>>())
            })
        });
        runs.collect()
    }

    fn run(&self, formulation: &str, repair: &str, budget: &str) -> ComponentSettings {
        ComponentSettings {
            source: self.entry.source.clone(),
            task: self.task.to_owned(),
            formulation: formulation.to_owned(),
            repair: repair.to_owned(),
            budget: budget.to_owned(),
            counts: match self.entry.counts {
                Counts::Chosen => "chosen".into(),
                Counts::Uniform => "uniform".into(),
            },
            all_logits: self.entry.all_logits,
            seed: self.seed,
        }
    }

    /// The run of another formulation with the counts of `own`; a random one draws anew with every seed.
    fn alike(&self, own: &ComponentSettings, other: &str) -> ComponentSettings {
        let counts = format!("as {}", own.formulation);
        ComponentSettings { formulation: other.to_owned(), counts, ..own.clone() }
    }

    fn logits(&self) -> Logits {
        if self.entry.all_logits { Logits::All } else { Logits::Task }
    }
}

/// What the runs of one piece of work share.
struct Bench<'a> {
    study: &'a Study<'a>,
    work: &'a Work<'a>,
    source: &'a Source,
    job: &'a Job<'a>,
    selection: &'a Selection,
}

impl Bench<'_> {
    /// All budgets of one formulation under one repair.
    fn run(&self, name: &str, attribution: &Attribution, repair: &str, shared: Seconds) -> anyhow::Result<Vec<String>> {
        let work = self.work;
        let open = |budget: &&String| {
            let own = work.run(name, repair, budget);
            let alike = work.entry.same_size.iter().map(|other| work.alike(&own, other));
            std::iter::once(own.clone()).chain(alike.collect::<Vec<_>>()).any(|run| !self.study.store.has(&run))
        };
        let budgets: Vec<&String> = work.entry.budgets.iter().filter(open).collect();
        let mut failures = Vec::new();
        for (text, plan) in budgets.iter().zip(self.plans(attribution, repair, &budgets)?) {
            let settings = work.run(name, repair, text);
            let planned = plan.and_then(|planned| {
                let cut = self.job.cut(attribution, planned.plan)?;
                Ok((cut, planned.strategy, planned.seconds))
            });
            let (cut, strategy, choose) = match planned {
                Ok(planned) => planned,
                Err(error) => {
                    failures.push(format!("{}: {error:#}", describe(&settings)));
                    continue;
                }
            };
            let plan = cut.plan.clone();
            let seconds = Seconds { choose, ..shared };
            let alike: Vec<ComponentSettings> =
                work.entry.same_size.iter().map(|other| work.alike(&settings, other)).collect();
            self.measure(Candidate { settings, cut, strategy, seconds })?;
            for settings in alike {
                let formulation = reseeded(settings.formulation.parse()?, work.seed);
                let (cut, attribute) =
                    timed(|| self.job.same_size(&formulation, work.logits(), self.selection, &plan))?;
                let seconds = Seconds { attribute, choose: 0.0, ..shared };
                self.measure(Candidate { settings, cut, strategy: None, seconds })?;
            }
        }
        Ok(failures)
    }

    /// The plan of every budget, or why there is none.
    fn plans(
        &self,
        attribution: &Attribution,
        repair: &str,
        budgets: &[&String],
    ) -> anyhow::Result<Vec<anyhow::Result<Planned>>> {
        let settings = Settings {
            formulation: attribution.formulation.clone(),
            repair: Repair::named(repair)?,
            budget: None,
            logits: self.work.logits(),
            top_k: self.study.recipe.images.top_k,
            speakers: None,
        };
        let parsed = budgets.iter().map(|text| budget(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let spent: Vec<budget::Budget> = parsed.iter().copied().flatten().collect();
        if self.work.entry.counts == Counts::Uniform {
            let relevance = attribution.relevance(self.source.model.graph(), self.job.task)?;
            let logits = self.job.kept_logits(settings.logits);
            let uniform = |budget| {
                let plan = budget::uniform(&self.source.model, &relevance, &logits, budget)?;
                Ok(Planned { plan, strategy: None, seconds: 0.0 })
            };
            return Ok(spent.into_iter().map(uniform).collect());
        }
        let (chosen, seconds) = if spent.is_empty() {
            (Vec::new(), 0.0)
        } else {
            timed(|| self.job.choose(&settings, attribution, &spent))?
        };
        let each = seconds / spent.len().max(1) as f64;
        let mut chosen = chosen.into_iter();
        let plan = |budget: &Option<budget::Budget>| match budget {
            None => {
                let plan = self.job.fixed(attribution, settings.logits)?.plan;
                Ok(Planned { plan, strategy: None, seconds: 0.0 })
            }
            Some(_) => {
                let chosen = chosen.next().context("a plan for every budget")?;
                let strategy = Some(chosen.explanation.chosen.strategy.to_string());
                Ok(Planned { plan: chosen.plan, strategy, seconds: each })
            }
        };
        Ok(parsed.iter().map(plan).collect())
    }

    /// Repairs a component, measures it on test images, and keeps the record.
    fn measure(&self, candidate: Candidate) -> anyhow::Result<()> {
        let Candidate { settings, cut, strategy, mut seconds } = candidate;
        if self.study.store.has(&settings) {
            return Ok(());
        }
        let how = Repair::named(&settings.repair)?;
        let (model, repair) = match how {
            Repair::None => (cut.model, 0.0),
            _ => {
                let ((model, _), repair) = timed(|| self.job.repair(&how, &cut))?;
                (model, repair)
            }
        };
        seconds.repair = repair;
        let (source, task) = (self.source, self.job.task);
        let positions = source.test_positions(task)?;
        let own = own_categories(&model, &source.model, task);
        let labels = LabelMap::by_name(source.test.categories(), model.categories())?;
        let evaluation = labels.evaluation(&self.study.runner.logits(&model, &source.test, &positions)?);
        let whole = source.labels.evaluation(source.test_logits(self.study.runner)?);
        let (auroc, source_auroc) = match *task {
            [category] => {
                let all: Vec<usize> = (0..source.test.labels().len()).collect();
                let test = Labelled { images: &source.test, labels: &source.labels };
                let area = test.area(self.study.runner, &model, own[0], category, &all)?;
                (area, Some(source_area(&whole, category)))
            }
            _ => (None, None),
        };
        let size = model.size();
        let record = ComponentRun {
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
            strategy,
            calibration_images: self.job.images.for_task(&self.job.images.parts.calibration, task, usize::MAX).len(),
            seconds,
            peak_mib: peak_mib(),
            run: settings,
        };
        let share = 100.0 * record.parameters as f64 / record.source_parameters as f64;
        self.study.output.progress(format!(
            "{}: {:.2} % of {:.2} %, {share:.1} % of the parameters",
            describe(&record.run),
            record.accuracy,
            record.base_restricted
        ));
        self.study.store.add(&Record::Component(record))
    }
}

/// A plan and how it was found.
struct Planned {
    plan: KeepPlan,
    strategy: Option<String>,
    seconds: f64,
}

fn source_area(evaluation: &Evaluation, category: usize) -> f64 {
    let (scores, positive) = evaluation.scores_of(category);
    auroc(&scores, &positive).map_or(f64::NAN, |area| 100.0 * area)
}

/// The control draws other numbers with every seed of the study.
fn reseeded(formulation: Formulation, seed: u64) -> Formulation {
    use mda_core::formulation::Measure;
    match formulation.measure {
        Measure::Random { .. } => Formulation { measure: Measure::Random { seed }, ..formulation },
        _ => formulation,
    }
}

fn describe(run: &ComponentSettings) -> String {
    let ComponentSettings { source, task, formulation, repair, budget, counts, seed, .. } = run;
    format!("{source} {task}, {formulation}, {repair}, {budget} ({counts}), seed {seed}")
}

/// What `work` answers, and the seconds that it took.
pub(super) fn timed<T, E: Into<anyhow::Error>>(work: impl FnOnce() -> Result<T, E>) -> anyhow::Result<(T, f64)> {
    let start = Instant::now();
    let answer = work().map_err(Into::into)?;
    Ok((answer, start.elapsed().as_secs_f64()))
}
