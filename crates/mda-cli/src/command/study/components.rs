//! The component runs of a study: one task of one source with one seed is one piece of work.

use super::Study;
use super::measure::Candidate;
use super::recipe::{Counts, Disassemble, budget};
use super::record::{ComponentSettings, Seconds};
use super::source::Source;
use anyhow::Context as _;
use mda::Silent;
use mda::disassemble::{Choice, Job, Spending, TaskImages};
use mda_core::budget::{self, Budget, Chosen, Strategy, Trial};
use mda_core::disassemble::{Attribution, Logits, Selection};
use mda_core::formulation::{Competition, Formulation};
use mda_core::keep::KeepPlan;
use mda_core::repair::Repair;
use mda_core::task::parse_task;
use std::time::Instant;

/// All runs of one entry, one task and one seed.
pub(super) struct Work<'a> {
    pub(super) entry: &'a Disassemble,
    pub(super) task: &'a str,
    pub(super) seed: u64,
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
    let images = TaskImages { source: source.data.train()?, labels: &source.labels, parts: &parts, task: &task };
    let job = Job { runner: study.runner, source: &source.model, images: &images, progress: &Silent };
    let (selection, select) = timed(|| job.select(study.recipe.images.top_k))?;
    let bench = Bench { study, work, source, job: &job, selection: &selection };
    let mut failures = Vec::new();
    let mut known = Vec::new();
    for name in formulations {
        for repair in &work.entry.repairs {
            if work.repaired(name, repair).iter().all(|run| study.store.has(run)) {
                continue;
            }
            let competition: Competition = name.parse()?;
            let competing = competition.formulations(Repair::named(repair)?.refits(), job.judges().len());
            let (attributions, attribute) = bench.attributed(&competing, &mut known)?;
            let seconds = Seconds { select, attribute, ..Seconds::default() };
            failures.extend(bench.run(name, &attributions, repair, seconds)?);
        }
    }
    Ok(failures)
}

impl Work<'_> {
    /// Every run of one formulation, or of some that compete.
    fn settings(&self, formulation: &str) -> Vec<ComponentSettings> {
        self.entry.repairs.iter().flat_map(|repair| self.repaired(formulation, repair)).collect()
    }

    /// Those with one repair.
    fn repaired(&self, formulation: &str, repair: &str) -> Vec<ComponentSettings> {
        self.entry.budgets.iter().flat_map(|budget| self.of_budget(formulation, repair, budget)).collect()
    }

    /// One of them, and those of the same size.
    fn of_budget(&self, formulation: &str, repair: &str, budget: &str) -> Vec<ComponentSettings> {
        let own = self.run(formulation, repair, budget);
        let mut runs: Vec<_> = self.entry.same_size.iter().map(|other| self.alike(&own, other)).collect();
        runs.insert(0, own);
        runs
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
pub(super) struct Bench<'a> {
    pub(super) study: &'a Study<'a>,
    work: &'a Work<'a>,
    pub(super) source: &'a Source,
    pub(super) job: &'a Job<'a>,
    selection: &'a Selection,
}

impl Bench<'_> {
    /// What each of the formulations says, and the seconds that this takes; those that compete may also run alone, and are
    /// `known` then.
    fn attributed(
        &self,
        formulations: &[Formulation],
        known: &mut Vec<(Attribution, f64)>,
    ) -> anyhow::Result<(Vec<Attribution>, f64)> {
        let (mut attributions, mut seconds) = (Vec::new(), 0.0);
        for formulation in formulations {
            let formulation = reseeded(formulation.clone(), self.work.seed);
            let index = known.iter().position(|(attribution, _)| attribution.formulation == formulation);
            let index = match index {
                Some(index) => index,
                None => {
                    let attribution = timed(|| self.job.attribute(self.selection, &formulation));
                    let Work { entry, task, .. } = self.work;
                    known.push(attribution.with_context(|| format!("{formulation} on {} {task}", entry.source))?);
                    known.len() - 1
                }
            };
            attributions.push(known[index].0.clone());
            seconds += known[index].1;
        }
        Ok((attributions, seconds))
    }

    /// All budgets of one formulation, or of some that compete, under one repair.
    fn run(
        &self,
        name: &str,
        attributions: &[Attribution],
        repair: &str,
        shared: Seconds,
    ) -> anyhow::Result<Vec<String>> {
        let work = self.work;
        let open = |budget: &&String| work.of_budget(name, repair, budget).iter().any(|run| !self.study.store.has(run));
        let budgets: Vec<&String> = work.entry.budgets.iter().filter(open).collect();
        let mut failures = Vec::new();
        for (text, plan) in budgets.iter().zip(self.plans(attributions, repair, &budgets)?) {
            let settings = work.run(name, repair, text);
            let planned = plan.and_then(|planned| {
                let cut = self.job.cut(&attributions[planned.ranking], planned.plan)?;
                Ok((cut, planned.trial, planned.seconds))
            });
            let (cut, trial, choose) = match planned {
                Ok(planned) => planned,
                Err(error) => {
                    failures.push(format!("{}: {error:#}", describe(&settings)));
                    continue;
                }
            };
            let plan = cut.plan.clone();
            let seconds = Seconds { choose, ..shared };
            self.measure(Candidate { settings, cut, trial, seconds })?;
            for settings in work.of_budget(name, repair, text).split_off(1) {
                let formulation = reseeded(settings.formulation.parse()?, work.seed);
                let (cut, attribute) =
                    timed(|| self.job.same_size(&formulation, work.logits(), self.selection, &plan))?;
                let seconds = Seconds { attribute, choose: 0.0, ..shared };
                self.measure(Candidate { settings, cut, trial: None, seconds })?;
            }
        }
        Ok(failures)
    }

    /// The plan of every budget, or why there is none.
    fn plans(
        &self,
        attributions: &[Attribution],
        repair: &str,
        budgets: &[&String],
    ) -> anyhow::Result<Vec<anyhow::Result<Planned>>> {
        let logits = self.work.logits();
        let parsed = budgets.iter().map(|text| budget(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let spent: Vec<Budget> = parsed.iter().copied().flatten().collect();
        let first = &attributions[0];
        let strategies: &[Strategy] = match self.work.entry.counts {
            Counts::Uniform if attributions.len() == 1 => {
                let relevance = first.relevance(self.source.model.graph(), self.job.images.task)?;
                let kept = self.job.kept_logits(logits);
                let uniform = |budget| Ok(Planned::of(budget::uniform(&self.source.model, &relevance, &kept, budget)?));
                return Ok(spent.into_iter().map(uniform).collect());
            }
            Counts::Uniform => &[Strategy::Uniform],
            Counts::Chosen => &Strategy::ALL,
        };
        let repair = Repair::named(repair)?;
        let spending = Spending { repair: &repair, logits, strategies };
        let (chosen, seconds) = if spent.is_empty() {
            (Vec::new(), 0.0)
        } else {
            timed(|| self.job.choose(attributions, spending, &spent))?
        };
        let each = seconds / spent.len().max(1) as f64;
        let mut chosen = chosen.into_iter();
        let plan = |budget: &Option<Budget>| match budget {
            None => Ok(Planned::of(self.job.fixed(first, logits)?.plan)),
            Some(_) => {
                let Choice { chosen: Chosen { ranking, plan, explanation }, .. } =
                    chosen.next().context("a plan for every budget")?;
                Ok(Planned { ranking, plan, trial: Some(explanation.chosen), seconds: each })
            }
        };
        Ok(parsed.iter().map(plan).collect())
    }
}

/// A plan and how it was found.
struct Planned {
    /// Whose plan it is.
    ranking: usize,
    plan: KeepPlan,
    trial: Option<Trial>,
    seconds: f64,
}

impl Planned {
    /// A plan of the first formulation that nothing was tried for.
    fn of(plan: KeepPlan) -> Self {
        Self { ranking: 0, plan, trial: None, seconds: 0.0 }
    }
}

/// The control draws other numbers with every seed of the study.
fn reseeded(formulation: Formulation, seed: u64) -> Formulation {
    use mda_core::formulation::Measure;
    match formulation.measure {
        Measure::Random { .. } => Formulation { measure: Measure::Random { seed }, ..formulation },
        _ => formulation,
    }
}

pub(super) fn describe(run: &ComponentSettings) -> String {
    let ComponentSettings { source, task, formulation, repair, budget, counts, seed, .. } = run;
    format!("{source} {task}, {formulation}, {repair}, {budget} ({counts}), seed {seed}")
}

/// What `work` answers, and the seconds that it took.
pub(super) fn timed<T, E: Into<anyhow::Error>>(work: impl FnOnce() -> Result<T, E>) -> anyhow::Result<(T, f64)> {
    let start = Instant::now();
    let answer = work().map_err(Into::into)?;
    Ok((answer, start.elapsed().as_secs_f64()))
}
