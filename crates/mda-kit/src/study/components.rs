//! The component runs of a study: one task of one source with one seed is one piece of work.

use super::error::StudyError;
use super::measure::Candidate;
use super::plans::Planned;
use super::recipe::{Counts, Disassemble};
use super::record::{ComponentSettings, Seconds};
use super::session::{Session, Steps};
use super::source::Source;
use crate::disassemble::{Job, TaskImages};
use crate::error::Error;
use mda_core::attribute::{Attribution, Selection};
use mda_core::cut::KeepPlan;
use mda_core::cut::Logits;
use mda_core::method::Repair;
use mda_core::method::{Competition, Formulation};
use mda_core::model::task::parse_task;
use std::collections::HashSet;
use std::time::Instant;

/// All runs of one entry, one task and one seed.
pub(super) struct Work<'a> {
    pub(super) entry: &'a Disassemble,
    pub(super) task: &'a str,
    pub(super) seed: u64,
    /// Those that this call does.
    pub(super) open: HashSet<ComponentSettings>,
}

/// Does the open runs of `work`.
pub(super) fn run(session: &Session<'_>, work: &Work<'_>) -> Result<(), Error> {
    let source = session.source(&work.entry.source);
    let task = parse_task(work.task, source.model.categories())?;
    let parts = source.parts(&session.recipe.images, task.len(), work.seed)?;
    let progress = Steps(session.progress);
    let train = source.train(&progress)?;
    let images = TaskImages { source: &train, labels: &source.labels, parts: &parts, task: &task };
    let job = Job { runner: session.runner, source: &source.model, images: &images, progress: &progress, seen: None };
    let select = || job.select(session.recipe.images.top_k);
    let (selection, select) = timed(|| job.progress.step("picking the surest images", select))?;
    let bench = Bench { session, work, source, job: &job, selection: &selection };
    let mut known = Vec::new();
    for name in &work.entry.formulations {
        for repair in &work.entry.repairs {
            let runs = work.open_among(work.repaired(name, repair));
            if runs.is_empty() {
                continue;
            }
            session.attempt(runs, || {
                let competition: Competition = name.parse()?;
                let competing = competition.formulations(Repair::named(repair)?.refits(), job.comparing().len());
                let (attributions, attribute) = bench.attributed(&competing, &mut known)?;
                let seconds = Seconds { select, attribute, ..Seconds::default() };
                bench.run(name, &attributions, repair, seconds)
            })?;
        }
    }
    Ok(())
}

impl Work<'_> {
    /// Those that this call does, in their order.
    pub(super) fn runs(&self) -> Vec<ComponentSettings> {
        self.open_among(self.all_runs())
    }

    /// Every run.
    pub(super) fn all_runs(&self) -> Vec<ComponentSettings> {
        let Disassemble { formulations, repairs, .. } = self.entry;
        let of = |name: &String| repairs.iter().flat_map(|repair| self.repaired(name, repair)).collect::<Vec<_>>();
        formulations.iter().flat_map(of).collect()
    }

    fn open_among(&self, mut runs: Vec<ComponentSettings>) -> Vec<ComponentSettings> {
        runs.retain(|run| self.open.contains(run));
        runs
    }

    /// Those of one formulation, or of some that compete, with one repair.
    fn repaired(&self, formulation: &str, repair: &str) -> Vec<ComponentSettings> {
        self.entry.budgets.iter().flat_map(|budget| self.of_budget(formulation, repair, budget)).collect()
    }

    /// One of them, and those of the same size.
    fn of_budget(&self, formulation: &str, repair: &str, budget: &str) -> Vec<ComponentSettings> {
        let own = self.run(formulation, repair, budget);
        let others = self.same_size(&own);
        std::iter::once(own).chain(others).collect()
    }

    /// The runs of other formulations that keep as much of every layer as `own`.
    fn same_size(&self, own: &ComponentSettings) -> Vec<ComponentSettings> {
        self.entry.same_size.iter().map(|other| self.alike(own, other)).collect()
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

    pub(super) fn logits(&self) -> Logits {
        if self.entry.all_logits { Logits::All } else { Logits::Task }
    }
}

/// What the runs of one piece of work share.
pub(super) struct Bench<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) work: &'a Work<'a>,
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
    ) -> Result<(Vec<Attribution>, f64), Error> {
        let (mut attributions, mut seconds) = (Vec::new(), 0.0);
        for formulation in formulations {
            let formulation = reseeded(formulation.clone(), self.work.seed);
            let index = known.iter().position(|(attribution, _)| attribution.formulation == formulation);
            let index = match index {
                Some(index) => index,
                None => {
                    let attribute = || self.job.attribute(self.selection, &formulation);
                    let attribution = timed(|| self.job.progress.step("attributing", attribute));
                    known.push(attribution.map_err(|error| self.unattributed(&formulation, error))?);
                    known.len() - 1
                }
            };
            attributions.push(known[index].0.clone());
            seconds += known[index].1;
        }
        Ok((attributions, seconds))
    }

    fn unattributed(&self, formulation: &Formulation, error: Error) -> Error {
        let component = format!("{} {}", self.work.entry.source, self.work.task);
        let formulation = formulation.to_string();
        StudyError::Attributing { formulation, component, source: Box::new(error) }.into()
    }

    /// All budgets of one formulation, or of some that compete, under one repair.
    fn run(&self, name: &str, attributions: &[Attribution], repair: &str, shared: Seconds) -> Result<(), Error> {
        let work = self.work;
        let open = |budget: &&String| !work.open_among(work.of_budget(name, repair, budget)).is_empty();
        let budgets: Vec<&String> = work.entry.budgets.iter().filter(open).collect();
        for (text, plan) in budgets.iter().zip(self.plans(attributions, repair, &budgets)?) {
            self.session.attempt(work.open_among(work.of_budget(name, repair, text)), || {
                let Planned { ranking, plan, trial, seconds } = plan?;
                let cut = self.job.cut(&attributions[ranking], plan)?;
                let like = cut.plan.clone();
                let seconds = Seconds { choose: seconds, ..shared };
                let settings = work.run(name, repair, text);
                let others = work.same_size(&settings);
                self.measure(Candidate { settings, cut, trial, seconds })?;
                others.into_iter().try_for_each(|settings| self.same_size(settings, &like, shared))
            })?;
        }
        Ok(())
    }

    /// Another formulation with as many channels in every layer as `like` keeps.
    fn same_size(&self, settings: ComponentSettings, like: &KeepPlan, shared: Seconds) -> Result<(), Error> {
        self.session.attempt([settings.clone()], || {
            let formulation = reseeded(settings.formulation.parse()?, self.work.seed);
            let cut = || self.job.same_size(&formulation, self.work.logits(), self.selection, like);
            let (cut, attribute) = timed(|| self.job.progress.step("attributing", cut))?;
            let seconds = Seconds { attribute, choose: 0.0, ..shared };
            self.measure(Candidate { settings, cut, trial: None, seconds })
        })
    }
}

/// The control draws other numbers with every seed of the study.
fn reseeded(formulation: Formulation, seed: u64) -> Formulation {
    use mda_core::method::Measure;
    match formulation.measure {
        Measure::Random { .. } => Formulation { measure: Measure::Random { seed }, ..formulation },
        _ => formulation,
    }
}

/// What `work` answers, and the seconds that it took.
pub(super) fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, f64), E> {
    let start = Instant::now();
    let answer = work()?;
    Ok((answer, start.elapsed().as_secs_f64()))
}
