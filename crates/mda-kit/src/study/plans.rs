//! The plans of a study's components: what stays under every budget, or why nothing does.

use super::components::{Bench, timed};
use super::error::StudyError;
use super::recipe::Counts;
use crate::disassemble::{self, Spending};
use crate::error::Error;
use mda_core::Model;
use mda_core::attribute::Attribution;
use mda_core::attribute::Relevance;
use mda_core::budget;
use mda_core::budget::{Budget, BudgetError, Chosen, Strategy, Trial};
use mda_core::cut::KeepPlan;
use mda_core::method::Repair;

/// A plan and how it was found.
pub(super) struct Planned {
    /// Whose plan it is.
    pub(super) ranking: usize,
    pub(super) plan: KeepPlan,
    pub(super) trial: Option<Trial>,
    pub(super) seconds: f64,
}

impl Planned {
    /// A plan of the first formulation that nothing was tried for.
    fn of(plan: KeepPlan) -> Self {
        Self { ranking: 0, plan, trial: None, seconds: 0.0 }
    }
}

impl Bench<'_> {
    /// The plan of every budget, or why there is none.
    pub(super) fn plans(
        &self,
        attributions: &[Attribution],
        repair: &str,
        budgets: &[&String],
    ) -> Result<Vec<Result<Planned, Error>>, Error> {
        let logits = self.work.logits();
        let parsed = budgets.iter().map(|text| disassemble::budget(text)).collect::<Result<Vec<_>, _>>();
        let parsed = parsed.map_err(|error| StudyError::Recipe(error.into()))?;
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
        let spending = Spending { repair: &repair, logits, strategies, finalists: disassemble::FINALISTS };
        let mut chosen = self.chosen(attributions, spending, &spent)?.into_iter();
        let plan = |budget: &Option<Budget>| match budget {
            None => Ok(Planned::of(self.job.fixed(first, logits)?.plan)),
            Some(_) => chosen.next().expect("a plan for every budget"),
        };
        Ok(parsed.iter().map(plan).collect())
    }

    /// The best plan of every budget, or why there is none. A size that nothing can meet is told from the others before
    /// anything is tried.
    fn chosen(
        &self,
        attributions: &[Attribution],
        spending: Spending<'_>,
        budgets: &[Budget],
    ) -> Result<Vec<Result<Planned, Error>>, Error> {
        if budgets.is_empty() {
            return Ok(Vec::new());
        }
        let relevance = attributions[0].relevance(self.source.model.graph(), self.job.images.task)?;
        let kept = self.job.kept_logits(spending.logits);
        let too_small = |&budget: &Budget| too_small(&self.source.model, &relevance, &kept, budget);
        let impossible: Vec<Option<BudgetError>> = budgets.iter().map(too_small).collect();
        let possible = budgets.iter().zip(&impossible).filter(|(_, error)| error.is_none());
        let possible: Vec<Budget> = possible.map(|(&budget, _)| budget).collect();
        let mut planned = self.planned(attributions, spending, &possible).into_iter();
        let plan = |error: Option<BudgetError>| match error {
            Some(error) => Err(error.into()),
            None => planned.next().expect("a plan for every budget"),
        };
        Ok(impossible.into_iter().map(plan).collect())
    }

    /// The best plan of every budget: of all together, since they share how sensitive the layers are, and where that fails
    /// one by one.
    fn planned(
        &self,
        attributions: &[Attribution],
        spending: Spending<'_>,
        budgets: &[Budget],
    ) -> Vec<Result<Planned, Error>> {
        if budgets.is_empty() {
            return Vec::new();
        }
        let choose = || self.job.choose(attributions, spending, budgets);
        match timed(|| self.job.progress.step("choosing what stays", choose)) {
            Ok((choices, seconds)) => {
                let seconds = seconds / budgets.len() as f64;
                let plan = |Chosen { ranking, plan, explanation }| {
                    Ok(Planned { ranking, plan, trial: Some(explanation.chosen), seconds })
                };
                choices.into_iter().map(plan).collect()
            }
            Err(error) if budgets.len() == 1 => vec![Err(error)],
            Err(_) => budgets.iter().flat_map(|&one| self.planned(attributions, spending, &[one])).collect(),
        }
    }
}

/// Why a size is not to be had whatever is chosen: one channel a layer takes more, which does not depend on whose channel.
fn too_small(model: &Model, relevance: &Relevance, kept: &[usize], budget: Budget) -> Option<BudgetError> {
    let (Budget::Params(share) | Budget::Macs(share)) = budget else { return None };
    match budget::uniform(model, relevance, kept, budget) {
        Err(BudgetError::TooSmall { budget, least, whole }) if least as f64 > share * whole as f64 => {
            Some(BudgetError::TooSmall { budget, least, whole })
        }
        _ => None,
    }
}
