//! Trying the strategies.

use super::allocation::{Kind, Limit};
use super::explanation::Trial;
use super::sensitivity::Curve;
use super::site::Sites;
use super::size::size_of;
use super::strategy::Strategy;
use super::{Budget, BudgetError, Quality, Request};
use crate::graph::ValidGraph;
use crate::keep::KeepPlan;
use crate::model::ModelSize;

/// A plan that was evaluated.
pub(super) struct Candidate {
    pub(super) plan: KeepPlan,
    pub(super) trial: Trial,
}

pub(super) struct Search<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) sites: Sites<'a>,
    /// The plan that cuts nothing but logits.
    pub(super) everything: KeepPlan,
    pub(super) curves: Vec<Curve>,
    pub(super) source: ModelSize,
    /// What the uncut source is worth.
    pub(super) whole: Quality,
}

impl Search<'_> {
    /// One candidate of every strategy that can meet the budget; none where that is less than a channel a layer.
    pub(super) fn within(&self, kind: Kind, share: f64) -> Result<Vec<Candidate>, BudgetError> {
        let limit = Limit { kind, at_most: (share * kind.of(self.source) as f64).floor() as u64 };
        let mut candidates = Vec::new();
        for strategy in Strategy::ALL {
            if let Some(plan) = self.plan(strategy, limit)? {
                candidates.push(self.tried(strategy, plan)?);
            }
        }
        Ok(candidates)
    }

    /// For every strategy the plans met on the way to the smallest one that drops by at most `points`, and the uncut
    /// source, which always qualifies.
    pub(super) fn smallest(&self, points: f64) -> Result<Vec<Candidate>, BudgetError> {
        const STEPS: usize = 6;
        let enough = |candidate: &Candidate| candidate.trial.quality.accuracy >= self.whole.accuracy - points;
        let mut candidates = vec![self.tried(Strategy::Uniform, self.everything.clone())?];
        for strategy in Strategy::ALL {
            let steps = if strategy == Strategy::Fixed { 1 } else { STEPS };
            let (mut low, mut high) = (0.0f64, 1.0f64);
            for _ in 0..steps {
                // Parameters grow with the square of a layer's channels: bisecting the root spreads the trials evenly.
                let root = if strategy == Strategy::Fixed { 1.0 } else { 0.5 * (low + high) };
                let at_most = (root * root * self.source.parameters as f64) as u64;
                let plan = self.plan(strategy, Limit { kind: Kind::Parameters, at_most })?;
                match plan.map(|plan| self.tried(strategy, plan)).transpose()?.filter(enough) {
                    Some(candidate) => {
                        high = root;
                        candidates.push(candidate);
                    }
                    None => low = root,
                }
            }
        }
        Ok(candidates)
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
            return Ok(match self.request.fixed {
                Some(plan) if limit.kind.of(size_of(graph, plan)?) <= limit.at_most => Some(plan.clone()),
                _ => None,
            });
        }
        within_limit(graph, &self.sites, limit, |limit| strategy.counts(&self.sites, &self.curves, limit))
    }

    fn tried(&self, strategy: Strategy, plan: KeepPlan) -> Result<Candidate, BudgetError> {
        let size = size_of(self.request.model.graph(), &plan)?;
        let quality = (self.request.evaluate)(&plan).map_err(BudgetError::Evaluate)?;
        Ok(Candidate { plan, trial: Trial { strategy, size, quality } })
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
