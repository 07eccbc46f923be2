//! Choosing what stays within a budget. Where components are refitted, the statistics of the source tell which plans of all
//! competing formulations lose least; those are repaired quickly and compared on train images that nothing else looks at. Where they
//! are not, all plans are cut and compared.

use super::affordable;
use super::images::CONTRAST;
use super::job::Job;
use crate::error::Error;
use mda_core::Model;
use mda_core::attribute::{Attribution, Relevance, Selection, statistics};
use mda_core::budget;
use mda_core::budget::{Budget, Chosen, Criterion, EvaluateError, Foresight, Planner, Quality, Ranking, Strategy};
use mda_core::cut::KeepPlan;
use mda_core::cut::{Component, Logits};
use mda_core::method::{Repair, RidgeOptions};
use mda_core::observe::{Importance, Statistics};
use mda_core::repair::refit_all;
use mda_data::Role;
use mda_data::parts::CHOICE;
use std::sync::Arc;

/// How many images repair a plan while plans are compared: of a category, and of the whole task.
const TRIAL_IMAGES: Limit = Limit { category: 50, task: 500 };
/// So many multiply-adds of the source do as well; and so many images of a category are always needed.
const TRIAL_MACS: u64 = 25_000_000_000;
const LEAST_TRIAL: usize = 10;
/// How many images tell how sensitive a layer is.
const SENSITIVITY_IMAGES: Limit = Limit { category: 20, task: 200 };
/// How many images tell what the loss minds.
const IMPORTANCE_IMAGES: Limit = Limit { category: 50, task: 128 };
/// So many multiply-adds of the source do as well, and at least so many images.
const IMPORTANCE_MACS: u64 = 20_000_000_000;
const LEAST_IMPORTANCE: usize = 32;
/// How many images plans are compared by. Hundreds tell plans apart that differ by a point; more take longer than they tell.
const COMPARING_IMAGES: Limit = Limit { category: CHOICE, task: 2000 };
/// So many multiply-adds of the source do as well; and so many images of a category are always needed.
const COMPARING_MACS: u64 = 50_000_000_000;
const LEAST_COMPARING: usize = 50;
/// Output positions that a layer is refitted on while plans are compared.
const TRIAL_OBSERVATIONS: usize = 8192;
/// What pulls towards the source's weights then.
const TRIAL_LAMBDA: f64 = 1e-2;

/// How a budget may be spent.
#[derive(Clone, Copy)]
pub struct Spending<'a> {
    /// How the component will be repaired.
    pub repair: &'a Repair,
    /// Which logits stay.
    pub logits: Logits,
    /// The ways to spend it that are tried.
    pub strategies: &'a [Strategy],
    /// How many plans are repaired quickly and compared, of those that are expected to lose least.
    pub finalists: usize,
}

/// The most images of one category, and of all categories of a task.
#[derive(Clone, Copy)]
struct Limit {
    category: usize,
    task: usize,
}

impl Limit {
    /// How many of each, so that a task of many categories does not take longer.
    fn each(self, categories: usize) -> usize {
        (self.task / categories.max(1)).clamp(1, self.category)
    }
}

/// What one attribution says.
struct Ranked {
    name: String,
    relevance: Relevance,
    /// The plan of its thresholds, where they leave something of every layer.
    fixed: Option<KeepPlan>,
}

impl Ranked {
    fn ranking(&self) -> Ranking<'_> {
        Ranking { name: &self.name, relevance: &self.relevance, fixed: self.fixed.as_ref() }
    }
}

/// How plans are tried: images, as positions, and the repair.
struct Trials<'a> {
    job: &'a Job<'a>,
    how: Repair,
    calibration: Vec<usize>,
    probes: Vec<usize>,
    comparing: Vec<usize>,
}

impl Job<'_> {
    /// The images that plans are compared by.
    pub fn comparing(&self) -> Vec<usize> {
        let categories = self.images.task.len();
        let affordable = affordable(COMPARING_MACS, self.source.size().macs, categories, LEAST_COMPARING);
        self.images.of(Role::Choice, COMPARING_IMAGES.each(categories).min(affordable))
    }

    /// For every budget the best plan of any of `attributions`; how sensitive the layers are is measured once for all
    /// budgets.
    ///
    /// # Errors
    /// [`Error::Budget`] where a budget cannot be met, and where a step fails.
    pub fn choose(
        &self,
        attributions: &[Attribution],
        spending: Spending<'_>,
        budgets: &[Budget],
    ) -> Result<Vec<Chosen>, Error> {
        let ranked = |attribution: &Attribution| -> Result<Ranked, Error> {
            Ok(Ranked {
                name: attribution.formulation.to_string(),
                relevance: attribution.relevance(self.source.graph(), self.images.task)?,
                fixed: self.fixed(attribution, spending.logits).ok().map(|component| component.plan),
            })
        };
        let ranked = attributions.iter().map(ranked).collect::<Result<Vec<_>, Error>>()?;
        let rankings: Vec<Ranking<'_>> = ranked.iter().map(Ranked::ranking).collect();
        let trials = Trials::new(self, spending.repair);
        // A step of its own, since it looks at images that may not choose.
        let known =
            || self.running("observing the source", self.observing(attributions), |job, _| job.known(attributions));
        let known = spending.repair.refits().then(known).transpose()?;
        // Whose plan it is makes no difference to what it is worth, only to what the component tells of its origin.
        let cut = |plans: &[&KeepPlan]| -> Result<Vec<Component>, EvaluateError> {
            Ok(plans.iter().map(|&plan| self.cut(&attributions[0], plan.clone())).collect::<Result<_, _>>()?)
        };
        let sensitivity = |plans: &[&KeepPlan]| -> Result<Vec<Quality>, EvaluateError> {
            let of = |cut: Component| Ok(trials.quality(&cut.model, &trials.probes)?);
            cut(plans)?.into_iter().map(of).collect()
        };
        let evaluate = |plans: &[&KeepPlan]| -> Result<Vec<Quality>, EvaluateError> {
            let of = |repaired: Option<Model>| match repaired {
                Some(model) => Ok(trials.quality(&model, &trials.comparing)?),
                None => Ok(Quality::WORST),
            };
            trials.repaired(cut(plans)?)?.into_iter().map(of).collect()
        };
        let logits = self.kept_logits(spending.logits);
        let request = budget::Request {
            model: self.source,
            rankings: &rankings,
            strategies: spending.strategies,
            criterion: if spending.repair.refits() { Criterion::Loss } else { Criterion::Accuracy },
            logits: &logits,
            foresight: known.as_ref().map(|(statistics, importance)| Foresight { statistics, importance }),
            finalists: spending.finalists,
            sensitivity: &sensitivity,
            evaluate: &evaluate,
        };
        let planner = Planner::new(&request)?;
        Ok(budgets.iter().map(|&budget| planner.choose(budget)).collect::<Result<_, _>>()?)
    }
}

impl Job<'_> {
    /// What one look at the source tells of all plans: taken over from an attribution that looked, where there is one.
    fn known(&self, attributions: &[Attribution]) -> Result<(Arc<Statistics>, Importance), Error> {
        let Job { runner, source, images, .. } = *self;
        let statistics = match attributions.iter().find_map(|attribution| attribution.statistics.clone()) {
            Some(statistics) => statistics,
            None if let Some(glance) = self.seen => {
                Arc::new(glance.seen.statistics(source, images.task, CONTRAST, glance.most_rows())?)
            }
            None => Arc::new(statistics(runner, source, images.source, &self.first(IMPORTANCE_IMAGES.category))?),
        };
        let all: Vec<usize> = (0..source.categories().len()).collect();
        let categories: &[usize] = if images.task.len() > 1 { images.task } else { &all };
        let importance = Importance::observe(runner, source, images.source, &self.minded(), categories)?;
        Ok((statistics, importance))
    }

    /// The images that tell what the loss minds.
    fn minded(&self) -> Vec<usize> {
        let affordable = match self.seen {
            Some(glance) if glance.quick => LEAST_IMPORTANCE,
            _ => affordable(IMPORTANCE_MACS, self.source.size().macs, 1, LEAST_IMPORTANCE),
        };
        let limit = Limit { task: IMPORTANCE_IMAGES.task.min(affordable), ..IMPORTANCE_IMAGES };
        self.images.of(Role::Attribution, limit.each(self.images.task.len()))
    }

    /// The multiply-adds of [`Job::known`].
    fn observing(&self, attributions: &[Attribution]) -> u64 {
        let all = self.source.size().macs * self.minded().len() as u64;
        match attributions.iter().any(|attribution| attribution.statistics.is_some()) {
            true => all,
            false => all + self.attributing(&self.first(IMPORTANCE_IMAGES.category), 1),
        }
    }

    /// The first few images of every category that may speak.
    fn first(&self, count: usize) -> Selection {
        let mut categories = self.images.by_category(Role::Attribution);
        categories.iter_mut().for_each(|(_, images)| images.truncate(count));
        self.contrasted(Selection::new(categories))
    }
}

impl<'a> Trials<'a> {
    fn new(job: &'a Job<'a>, repair: &Repair) -> Self {
        let categories = job.images.task.len();
        let affordable = affordable(TRIAL_MACS, job.source.size().macs, categories, LEAST_TRIAL);
        Self {
            job,
            how: quick(repair),
            calibration: job.images.of(Role::Calibration, TRIAL_IMAGES.each(categories).min(affordable)),
            probes: job.images.of(Role::Choice, SENSITIVITY_IMAGES.each(categories)),
            comparing: job.comparing(),
        }
    }

    /// Repairs components, all in one pass over the images; `None` is one that cannot be repaired, which is no reason to end a
    /// comparison of plans.
    fn repaired(&self, cuts: Vec<Component>) -> Result<Vec<Option<Model>>, Error> {
        let Job { runner, source, images, .. } = *self.job;
        let lossy: Vec<&Component> = cuts.iter().filter(|cut| !self.keeps_all(&cut.plan)).collect();
        let refitted = match lossy[..] {
            [] => Vec::new(),
            _ => refit_all(runner, source, &lossy, images.source, &self.calibration, &[], &self.how)?,
        };
        let mut refitted = refitted.into_iter();
        let mut models = Vec::with_capacity(cuts.len());
        for cut in cuts {
            models.push(if self.keeps_all(&cut.plan) {
                Some(cut.model)
            } else {
                match refitted.next().unwrap_or_else(|| unreachable!("one for every lossy component")) {
                    Ok(refitted) => Some(refitted.model),
                    Err(error) if error.is_of_the_plan() => None,
                    Err(error) => return Err(error.into()),
                }
            });
        }
        Ok(models)
    }

    /// Whether nothing but logits goes, so that there is nothing to repair.
    fn keeps_all(&self, plan: &KeepPlan) -> bool {
        let graph = self.job.source.graph();
        let whole = |id: usize| plan.kept(id).len() == graph.node(id).shape.channels();
        (0..graph.nodes().len()).filter(|&id| id != graph.output()).all(whole)
    }

    fn quality(&self, component: &Model, positions: &[usize]) -> Result<Quality, Error> {
        let Job { runner, source, images, .. } = *self.job;
        images.quality(runner, component, source, positions)
    }
}

/// The repair that plans are compared under: the same, on fewer observations.
pub(crate) fn quick(repair: &Repair) -> Repair {
    match repair {
        Repair::Ridge(options) => Repair::Ridge(RidgeOptions {
            lambdas: vec![TRIAL_LAMBDA],
            observations: TRIAL_OBSERVATIONS,
            ..options.clone()
        }),
        other => other.clone(),
    }
}
