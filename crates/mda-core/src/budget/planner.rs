//! Choosing between the plans of all rankings.

use super::allocation::Kind;
use super::explanation::{self, Explanation, Trial};
use super::predict::Predictor;
use super::search::{Candidate, Search};
use super::sensitivity::measured;
use super::site::Sites;
use super::{Budget, BudgetError, Chosen, Criterion, Evaluate, Quality, Request};
use crate::cut::KeepPlan;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::sync::Arc;

/// How often the size is halved or so on the way to the smallest component.
const STEPS: usize = 8;

/// A request whose sensitivities are known, for several budgets.
pub struct Planner<'a> {
    searches: Vec<Search<'a>>,
    criterion: Criterion,
    evaluate: &'a Evaluate<'a>,
    finalists: usize,
    /// Whether plans are told apart without images at first.
    predicts: bool,
    request: &'a Request<'a>,
    /// What the uncut source is worth, once that was asked.
    whole: OnceCell<Quality>,
}

impl<'a> Planner<'a> {
    /// Evaluates, where a strategy asks for it, each layer cut alone.
    ///
    /// # Errors
    /// [`BudgetError::NoRanking`] and [`BudgetError::Evaluate`].
    pub fn new(request: &'a Request<'a>) -> Result<Self, BudgetError> {
        let first = request.rankings.first().ok_or(BudgetError::NoRanking)?;
        let sites = Sites::new(request.model.graph(), first.relevance, request.logits);
        let predictor = request.foresight.map(|foresight| Arc::new(Predictor::new(request.model, foresight)));
        let reads_curves = request.strategies.iter().any(|strategy| strategy.reads_curves());
        let curves =
            if reads_curves && predictor.is_none() { measured(&sites, request.sensitivity)? } else { Vec::new() };
        let search = |ranking| Search::new(request, ranking, &curves, predictor.as_ref());
        let searches = request.rankings.iter().map(search).collect();
        let (criterion, evaluate, finalists) = (request.criterion, request.evaluate, request.finalists.max(1));
        let predicts = predictor.is_some();
        Ok(Self { searches, criterion, evaluate, finalists, predicts, request, whole: OnceCell::new() })
    }

    /// What the uncut source is worth.
    fn whole(&self) -> Result<Quality, BudgetError> {
        if let Some(&known) = self.whole.get() {
            return Ok(known);
        }
        let whole = one(self.request.evaluate, &self.searches[0].sites.everything())?;
        Ok(*self.whole.get_or_init(|| whole))
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
            Budget::MaxDrop(points) if self.predicts => self.foreseen(points)?,
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
            whole: self.whole.get().copied(),
            sites: explanation::sites(&search.sites, &search.curves, &best.plan),
            chosen: best.trial,
            trials,
        };
        Ok(Chosen { ranking, plan: best.plan, explanation })
    }

    /// Plans that meet a size, the best first.
    fn within(&self, kind: Kind, share: f64) -> Result<Vec<(usize, Candidate)>, BudgetError> {
        let mut candidates = self.spent(kind, share)?;
        if self.predicts {
            self.compare(&mut candidates)?;
        }
        Ok(candidates)
    }

    /// What every ranking and strategy spend a size on, the best first.
    fn spent(&self, kind: Kind, share: f64) -> Result<Vec<(usize, Candidate)>, BudgetError> {
        let mut candidates = Vec::new();
        for (ranking, search) in self.searches.iter().enumerate() {
            candidates.extend(search.within(kind, share)?.into_iter().map(|candidate| (ranking, candidate)));
        }
        self.sort(&mut candidates);
        Ok(candidates)
    }

    fn sort(&self, candidates: &mut [(usize, Candidate)]) {
        let order = |(_, a): &(usize, Candidate), (_, b): &(usize, Candidate)| -> Ordering {
            a.trial.before(&b.trial, self.criterion)
        };
        candidates.sort_by(order);
    }

    /// Plans that drop by at most `points`, the smallest first: of every size only that which is expected to lose least is tried.
    fn foreseen(&self, points: f64) -> Result<Vec<(usize, Candidate)>, BudgetError> {
        let whole = self.whole()?;
        let mut found = vec![(0, self.searches[0].uncut(whole)?)];
        // Parameters grow with the square of a layer's channels: bisecting the root spreads the trials evenly.
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..STEPS {
            let root = 0.5 * (low + high);
            let best = self.spent(Kind::Parameters, root * root)?.into_iter().next();
            let Some((ranking, mut candidate)) = best else {
                low = root;
                continue;
            };
            let search = &self.searches[ranking];
            search.evaluate(&mut candidate)?;
            if search.loses_at_most(points, whole, &candidate) {
                high = root;
                found.push((ranking, candidate));
            } else {
                low = root;
            }
        }
        found.sort_by_key(|(_, candidate)| candidate.trial.size.parameters);
        Ok(found)
    }

    /// Plans that drop by at most `points`, the smallest first. Every ranking only looks for what is smaller than those
    /// before it have found.
    fn smallest(&self, points: f64) -> Result<Vec<(usize, Candidate)>, BudgetError> {
        let whole = self.whole()?;
        let mut candidates = vec![(0, self.searches[0].uncut(whole)?)];
        let mut than = u64::MAX;
        for (ranking, search) in self.searches.iter().enumerate() {
            let found = search.smaller(points, whole, than)?;
            than = found.last().map_or(than, |candidate| candidate.trial.size.parameters);
            candidates.extend(found.into_iter().map(|candidate| (ranking, candidate)));
        }
        candidates.reverse();
        Ok(candidates)
    }

    /// Evaluates the first few different plans and puts the best of them first; where none of them can be repaired, the next
    /// few. One alone is not compared with anything.
    fn compare(&self, candidates: &mut [(usize, Candidate)]) -> Result<(), BudgetError> {
        loop {
            let finalists = finalists(candidates, self.finalists);
            let only_one = finalists.len() < 2 && candidates.iter().all(|(_, other)| other.trial.quality.is_none());
            if finalists.is_empty() || only_one {
                return Ok(());
            }
            let plans: Vec<&KeepPlan> = finalists.iter().map(|&index| &candidates[index].1.plan).collect();
            let qualities = (self.evaluate)(&plans).map_err(BudgetError::Evaluate)?;
            for (&index, quality) in finalists.iter().zip(qualities) {
                candidates[index].1.trial.quality = Some(quality);
            }
            self.sort(candidates);
            if candidates.first().is_some_and(|(_, best)| best.trial.quality.is_some() && best.trial.is_usable()) {
                return Ok(());
            }
        }
    }
}

/// What one plan is worth.
pub(super) fn one(evaluate: &Evaluate<'_>, plan: &KeepPlan) -> Result<Quality, BudgetError> {
    let qualities = evaluate(&[plan]).map_err(BudgetError::Evaluate)?;
    qualities
        .first()
        .copied()
        .ok_or_else(|| BudgetError::Evaluate("one plan was asked about, none answered for".into()))
}

/// The first few different plans that are not evaluated yet.
fn finalists(candidates: &[(usize, Candidate)], most: usize) -> Vec<usize> {
    let evaluated = candidates.iter().filter(|(_, other)| other.trial.quality.is_some());
    let mut plans: Vec<&KeepPlan> = evaluated.map(|(_, other)| &other.plan).collect();
    let mut finalists = Vec::new();
    for (index, (_, Candidate { plan, .. })) in candidates.iter().enumerate() {
        if finalists.len() < most && !plans.contains(&plan) {
            plans.push(plan);
            finalists.push(index);
        }
    }
    finalists
}
