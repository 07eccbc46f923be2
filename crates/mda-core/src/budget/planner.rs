//! Choosing between the plans of all rankings.

use super::allocation::Kind;
use super::explanation::{self, Explanation, Trial};
use super::search::{Candidate, Search};
use super::sensitivity::measured;
use super::site::Sites;
use super::{Budget, BudgetError, Chosen, Confirm, Criterion, Quality, Request};
use crate::cut::KeepPlan;

/// How many plans [`Request::confirm`] decides between.
pub const FINALISTS: usize = 3;

/// A request whose sensitivities are known, for several budgets.
pub struct Planner<'a> {
    searches: Vec<Search<'a>>,
    criterion: Criterion,
    confirm: Option<&'a Confirm<'a>>,
    /// What the uncut source is worth.
    whole: Quality,
}

impl<'a> Planner<'a> {
    /// Evaluates the uncut source and, where a strategy asks for it, each layer cut alone.
    ///
    /// # Errors
    /// [`BudgetError::NoRanking`] and [`BudgetError::Evaluate`].
    pub fn new(request: &'a Request<'a>) -> Result<Self, BudgetError> {
        let first = request.rankings.first().ok_or(BudgetError::NoRanking)?;
        let sites = Sites::new(request.model.graph(), first.relevance, request.logits);
        let whole = (request.evaluate)(&sites.everything()).map_err(BudgetError::Evaluate)?;
        let curves = if request.strategies.iter().any(|strategy| strategy.reads_curves()) {
            measured(&sites, request.sensitivity).map_err(BudgetError::Evaluate)?
        } else {
            Vec::new()
        };
        let search = |ranking| Search::new(request, ranking, curves.clone(), whole);
        let searches = request.rankings.iter().map(search).collect();
        Ok(Self { searches, criterion: request.criterion, confirm: request.confirm, whole })
    }

    /// As [`super::choose`].
    ///
    /// # Errors
    /// [`BudgetError`].
    pub fn choose(&self, budget: Budget) -> Result<Chosen, BudgetError> {
        budget.check()?;
        let candidates = match budget {
            Budget::Params(share) => self.within(Kind::Parameters, share)?,
            Budget::Macs(share) => self.within(Kind::Macs, share)?,
            Budget::MaxDrop(points) => self.smallest(points)?,
        };
        let trials: Vec<Trial> = candidates.iter().map(|(_, candidate)| candidate.trial.clone()).collect();
        let Some((ranking, best)) = candidates.into_iter().next() else {
            return Err(self.searches[0].too_small(budget));
        };
        if !best.trial.is_usable() {
            return Err(BudgetError::NothingRepaired { budget, plans: trials.len() });
        }
        let search = &self.searches[ranking];
        let explanation = Explanation {
            budget: budget.to_string(),
            source: search.source,
            whole: self.whole,
            sites: explanation::sites(&search.sites, &search.curves, &best.plan),
            chosen: best.trial,
            trials,
        };
        Ok(Chosen { ranking, plan: best.plan, explanation })
    }

    /// Plans that meet a size, the best first.
    fn within(&self, kind: Kind, share: f64) -> Result<Vec<(usize, Candidate)>, BudgetError> {
        let mut candidates = Vec::new();
        for (ranking, search) in self.searches.iter().enumerate() {
            candidates.extend(search.within(kind, share)?.into_iter().map(|candidate| (ranking, candidate)));
        }
        candidates.sort_by(|(_, a), (_, b)| a.trial.before(&b.trial, self.criterion));
        self.confirm(&mut candidates)?;
        Ok(candidates)
    }

    /// Plans that drop by at most `points`, the smallest first. Every ranking only looks for what is smaller than those
    /// before it have found.
    fn smallest(&self, points: f64) -> Result<Vec<(usize, Candidate)>, BudgetError> {
        let mut candidates = vec![(0, self.searches[0].uncut()?)];
        let mut than = u64::MAX;
        for (ranking, search) in self.searches.iter().enumerate() {
            let found = search.smaller(points, than)?;
            than = found.last().map_or(than, |candidate| candidate.trial.size.parameters);
            candidates.extend(found.into_iter().map(|candidate| (ranking, candidate)));
        }
        candidates.reverse();
        Ok(candidates)
    }

    /// Evaluates the first few different plans in full and puts the best of them first; where none of them can be repaired,
    /// the next few.
    fn confirm(&self, candidates: &mut [(usize, Candidate)]) -> Result<(), BudgetError> {
        let Some(confirm) = self.confirm else { return Ok(()) };
        loop {
            let finalists = finalists(candidates);
            let only_one =
                finalists.len() < 2 && candidates.iter().all(|(_, candidate)| candidate.trial.confirmed.is_none());
            if finalists.is_empty() || only_one {
                return Ok(());
            }
            for &index in &finalists {
                let (ranking, Candidate { plan, trial }) = &mut candidates[index];
                trial.confirmed = Some(confirm(*ranking, plan).map_err(BudgetError::Evaluate)?);
            }
            candidates.sort_by(|(_, a), (_, b)| a.trial.before(&b.trial, self.criterion));
            let is_decided = |(_, best): &(usize, Candidate)| best.trial.is_usable() && best.trial.confirmed.is_some();
            if candidates.first().is_some_and(is_decided) {
                return Ok(());
            }
        }
    }
}

/// The first few different plans that are usable and not confirmed.
fn finalists(candidates: &[(usize, Candidate)]) -> Vec<usize> {
    let confirmed = candidates.iter().filter(|(_, other)| other.trial.confirmed.is_some());
    let confirmed: Vec<&KeepPlan> = confirmed.map(|(_, other)| &other.plan).collect();
    let mut plans: Vec<&KeepPlan> = Vec::new();
    let mut finalists = Vec::new();
    for (index, (_, Candidate { plan, trial })) in candidates.iter().enumerate() {
        if finalists.len() < FINALISTS && trial.is_usable() && !plans.contains(&plan) && !confirmed.contains(&plan) {
            plans.push(plan);
            finalists.push(index);
        }
    }
    finalists
}
