//! Trying the strategies.

use super::allocation::{Kind, Limit};
use super::explanation::Trial;
use super::planner::one;
use super::predict::{Order, Predictor, curves};
use super::sensitivity::Curve;
use super::site::Sites;
use super::size::size_of;
use super::strategy::Strategy;
use super::{Budget, BudgetError, Quality, Ranking, Request};
use crate::cut::KeepPlan;
use crate::graph::ValidGraph;
use crate::model::ModelSize;
use std::sync::Arc;

/// A plan that was evaluated.
pub(super) struct Candidate {
    pub(super) plan: KeepPlan,
    pub(super) trial: Trial,
}

/// The plans of one ranking.
pub(super) struct Search<'a> {
    request: &'a Request<'a>,
    ranking: &'a Ranking<'a>,
    pub(super) sites: Sites<'a>,
    /// How sensitive the sites are; of no site where no strategy asks for it.
    pub(super) curves: Vec<Curve>,
    /// What tells the loss of a plan without images.
    predictor: Option<(Arc<Predictor<'a>>, Vec<Order>)>,
    pub(super) source: ModelSize,
}

impl<'a> Search<'a> {
    /// With curves of its own where they can be predicted, else with those that were `measured`.
    pub(super) fn new(
        request: &'a Request<'a>,
        ranking: &'a Ranking<'a>,
        measured: &[Curve],
        predictor: Option<&Arc<Predictor<'a>>>,
    ) -> Self {
        let sites = Sites::new(request.model.graph(), ranking.relevance, request.logits);
        let predictor = predictor.map(|predictor| (predictor.clone(), predictor.orders(&sites)));
        let curves = match &predictor {
            Some((predictor, orders)) => curves(predictor, &sites, orders),
            None => measured.to_vec(),
        };
        Self { request, ranking, sites, curves, predictor, source: request.model.size() }
    }

    /// One candidate of every strategy that can meet the budget; none where that is less than a channel a layer.
    pub(super) fn within(&self, kind: Kind, share: f64) -> Result<Vec<Candidate>, BudgetError> {
        let limit = Limit { kind, at_most: (share * kind.of(self.source) as f64).floor() as u64 };
        let mut candidates = Vec::new();
        for &strategy in self.request.strategies {
            if let Some(plan) = self.plan(strategy, limit)? {
                candidates.push(self.tried(strategy, plan)?);
            }
        }
        Ok(candidates)
    }

    /// The plans met on the way to the smallest one that drops by at most `points`, each with fewer parameters than the one
    /// before and the first with fewer than `than`; none where that is hardly to be had. Nothing is known to be enough yet
    /// where `than` is the largest number.
    pub(super) fn smaller(&self, points: f64, whole: Quality, than: u64) -> Result<Vec<Candidate>, BudgetError> {
        const STEPS: usize = 6;
        // Of the square root of the share.
        const NOTICEABLE: f64 = 0.97;
        let parameters = self.source.parameters as f64;
        let enough = |candidate: &Candidate| self.loses_at_most(points, whole, candidate);
        let mut found: Vec<Candidate> = Vec::new();
        let mut than = than;
        for &strategy in self.request.strategies {
            let is_first = than == u64::MAX;
            // Parameters grow with the square of a layer's channels: bisecting the root spreads the trials evenly.
            let (mut low, mut high) = (0.0, (than as f64 / parameters).min(1.0).sqrt());
            for step in 0..STEPS {
                let must_gain = step == 0 && !is_first;
                let root = if must_gain { NOTICEABLE * high } else { 0.5 * (low + high) };
                let limit = Limit { kind: Kind::Parameters, at_most: (root * root * parameters) as u64 };
                let mut plan = self.plan(strategy, limit)?;
                if let Some(known) = &plan
                    && size_of(self.request.model.graph(), known)?.parameters >= than
                {
                    plan = None;
                }
                match plan.map(|plan| self.tried(strategy, plan)).transpose()?.filter(enough) {
                    Some(candidate) => {
                        (high, than) = (root, candidate.trial.size.parameters);
                        found.push(candidate);
                    }
                    None if must_gain => break,
                    None => low = root,
                }
            }
        }
        Ok(found)
    }

    /// The uncut source, which is worth `whole` and drops by nothing.
    pub(super) fn uncut(&self, whole: Quality) -> Result<Candidate, BudgetError> {
        let plan = self.sites.everything();
        let size = size_of(self.request.model.graph(), &plan)?;
        let (ranking, strategy) = (self.ranking.name.to_owned(), Strategy::Uniform);
        let trial = Trial { ranking, strategy, size, predicted: None, quality: Some(whole) };
        Ok(Candidate { plan, trial })
    }

    pub(super) fn too_small(&self, budget: Budget) -> BudgetError {
        let kind = if matches!(budget, Budget::Macs(_)) { Kind::Macs } else { Kind::Parameters };
        let least = self.sites.estimate(&vec![1; self.sites.sites.len()]);
        BudgetError::TooSmall { budget, least: kind.of(least), whole: kind.of(self.source) }
    }

    /// The plan of a strategy within a limit, exactly counted.
    fn plan(&self, strategy: Strategy, limit: Limit) -> Result<Option<KeepPlan>, BudgetError> {
        let graph = self.request.model.graph();
        if strategy == Strategy::Fixed {
            return Ok(match self.ranking.fixed {
                Some(plan) if limit.kind.of(size_of(graph, plan)?) <= limit.at_most => Some(plan.clone()),
                _ => None,
            });
        }
        within_limit(graph, &self.sites, limit, |limit| strategy.counts(&self.sites, &self.curves, limit))
    }

    /// With what can be predicted of it, else with what images tell.
    fn tried(&self, strategy: Strategy, plan: KeepPlan) -> Result<Candidate, BudgetError> {
        let size = size_of(self.request.model.graph(), &plan)?;
        let predicted = self.predictor.as_ref().map(|(predictor, orders)| predictor.rise(orders, &plan));
        let ranking = self.ranking.name.to_owned();
        let trial = Trial { ranking, strategy, size, predicted, quality: None };
        let mut candidate = Candidate { plan, trial };
        if predicted.is_none() {
            self.evaluate(&mut candidate)?;
        }
        Ok(candidate)
    }

    /// Asks images.
    pub(super) fn evaluate(&self, candidate: &mut Candidate) -> Result<(), BudgetError> {
        candidate.trial.quality = Some(one(self.request.evaluate, &candidate.plan)?);
        Ok(())
    }

    /// Whether images said so, the uncut source being worth `whole`.
    pub(super) fn loses_at_most(&self, points: f64, whole: Quality, candidate: &Candidate) -> bool {
        candidate.trial.quality.is_some_and(|quality| quality.accuracy >= whole.accuracy - points)
    }
}

/// The plan of `counts` within a limit, exactly counted; `None` where there is none.
///
/// The estimate that counts are found by leaves out what the groups of convolutions keep to stay equal: then a tighter
/// limit is needed.
pub(super) fn within_limit(
    graph: &ValidGraph,
    sites: &Sites<'_>,
    limit: Limit,
    counts: impl Fn(Limit) -> Option<Vec<usize>>,
) -> Result<Option<KeepPlan>, BudgetError> {
    const TRIES: usize = 8;
    let mut tighter = limit;
    for _ in 0..TRIES {
        let Some(counts) = counts(tighter) else { return Ok(None) };
        let plan = sites.plan(&counts);
        let got = limit.kind.of(size_of(graph, &plan)?);
        if got <= limit.at_most {
            return Ok(Some(plan));
        }
        tighter.at_most = (tighter.at_most as f64 * limit.at_most as f64 / got as f64).floor() as u64;
    }
    Ok(None)
}
