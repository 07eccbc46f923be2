//! Automatic thresholds: from a budget to a number of channels for every layer.
//!
//! Which channels go first is the formulation's matter; how many go of each layer is decided here, from how much the task
//! suffers where a layer alone is cut. Several ways to spend the budget are tried, the fixed thresholds among them, and
//! the one that is best on the caller's images is chosen.

mod allocation;
mod explanation;
mod planner;
mod predict;
mod search;
mod sensitivity;
mod site;
mod size;
mod strategy;
#[cfg(test)]
mod tests;

pub use explanation::{Explanation, SiteChoice, Trial};
pub use planner::Planner;
pub use predict::Foresight;
pub use sensitivity::Curve;
pub use size::size_of;
pub use strategy::Strategy;

use crate::attribute::Relevance;
use crate::cut::KeepPlan;
use crate::cut::SliceError;
use crate::model::Model;
use allocation::{Kind, Limit};
use site::Sites;
use std::fmt;
use thiserror::Error;

/// How much of the source a component may keep, or how much it may lose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Budget {
    /// At most this share of the source's parameters, in `0.0..=1.0`.
    Params(f64),
    /// At most this share of the source's multiply-adds, in `0.0..=1.0`.
    Macs(f64),
    /// As few parameters as possible with at most this drop of accuracy, in points, against the uncut source.
    MaxDrop(f64),
}

/// How good a component is on some images.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Quality {
    /// Accuracy within the task, in percent.
    pub accuracy: f64,
    /// A loss that tells more than the accuracy does, such as the mean negative log-likelihood within the task.
    pub loss: f64,
}

impl Quality {
    /// Of a plan that cannot be repaired: worse than any other.
    pub const WORST: Self = Self { accuracy: f64::NEG_INFINITY, loss: f64::INFINITY };
}

/// Which of two plans is the better one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Criterion {
    /// The one with less loss, which some hundred images tell better than they tell the accuracy.
    #[default]
    Loss,
    /// The more accurate one: the loss of a component that is not refitted tells how far its logits are off in scale.
    Accuracy,
}

/// What an evaluation fails with.
pub type EvaluateError = Box<dyn std::error::Error + Send + Sync>;

/// Cuts as each of several plans says, perhaps repairs, and evaluates; a plan that cannot be repaired is [`Quality::WORST`].
pub type Evaluate<'a> = dyn Fn(&[&KeepPlan]) -> Result<Vec<Quality>, EvaluateError> + 'a;

/// What one formulation says matters.
#[derive(Clone, Copy)]
pub struct Ranking<'a> {
    /// What it is called in the explanation.
    pub name: &'a str,
    /// What matters to the task; its scores say which channels of a layer stay first.
    pub relevance: &'a Relevance,
    /// The plan of its fixed thresholds, where that is to be competed with.
    pub fixed: Option<&'a KeepPlan>,
}

/// Everything that a choice is made from.
pub struct Request<'a> {
    /// The source.
    pub model: &'a Model,
    /// The rankings that compete; at least one.
    pub rankings: &'a [Ranking<'a>],
    /// The ways in which each of them may spend the budget.
    pub strategies: &'a [Strategy],
    /// What plans are compared by.
    pub criterion: Criterion,
    /// The logits that stay.
    pub logits: &'a [usize],
    /// What tells plans apart without running an image, where components will be refitted: then `sensitivity` is not asked, and
    /// `evaluate` only for those that are expected to be best.
    pub foresight: Option<Foresight<'a>>,
    /// How many plans of a size `evaluate` compares where they were told apart without images.
    pub finalists: usize,
    /// How sensitivity is found: evaluated with one site cut at a time as the first ranking says. Called a few times a layer,
    /// so it should be cheap.
    pub sensitivity: &'a Evaluate<'a>,
    /// What compares whole plans: with a repair, though it may be a quick one, where the component will be repaired, on images
    /// that neither the attribution nor the repair has seen.
    pub evaluate: &'a Evaluate<'a>,
}

/// A plan and why it is this one.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Which of the rankings it is of.
    pub ranking: usize,
    /// What is kept.
    pub plan: KeepPlan,
    /// How that came about.
    pub explanation: Explanation,
}

/// Why no plan could be chosen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// Nothing says what matters.
    #[error("there is no ranking to choose by")]
    NoRanking,
    /// A budget that means nothing.
    #[error("{budget} is no budget: {expected}")]
    Meaningless {
        /// The budget.
        budget: Budget,
        /// What it should be.
        expected: &'static str,
    },
    /// Less than one channel a layer.
    #[error("{budget} is too little: one channel a layer already takes {least} of the source's {whole}")]
    TooSmall {
        /// The budget.
        budget: Budget,
        /// The size of the smallest component.
        least: u64,
        /// The source's size.
        whole: u64,
    },
    /// Nothing but plans that cannot be repaired.
    #[error(
        "none of the {plans} plans for {budget} can be repaired: the components compute what is not finite; give a larger \
         budget or --repair none"
    )]
    NothingRepaired {
        /// The budget.
        budget: Budget,
        /// How many plans were tried.
        plans: usize,
    },
    /// A plan that cannot be cut.
    #[error(transparent)]
    Slice(#[from] SliceError),
    /// An evaluation that failed.
    #[error("evaluating a plan: {0}")]
    Evaluate(EvaluateError),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Params(share) => write!(f, "{:.4} % of the parameters", 100.0 * share),
            Self::Macs(share) => write!(f, "{:.4} % of the multiply-adds", 100.0 * share),
            Self::MaxDrop(points) => write!(f, "a drop of at most {points} points"),
        }
    }
}

impl Budget {
    fn check(self) -> Result<(), BudgetError> {
        let (meaningful, expected) = match self {
            Self::Params(share) | Self::Macs(share) => (share > 0.0 && share <= 1.0, "a share above 0 and up to 1"),
            Self::MaxDrop(points) => ((0.0..=100.0).contains(&points), "points in 0 to 100"),
        };
        if meaningful { Ok(()) } else { Err(BudgetError::Meaningless { budget: self, expected }) }
    }
}

/// As many channels of every layer as `plan` keeps, but those that `relevance` ranks first: how methods are compared at
/// equal size.
pub fn with_counts_of(model: &Model, relevance: &Relevance, logits: &[usize], plan: &KeepPlan) -> KeepPlan {
    let sites = Sites::new(model.graph(), relevance, logits);
    sites.plan(&sites.counts_of(plan))
}

/// The plan that keeps the same share of every layer, as much as `budget` (a share of the source) allows: how methods are
/// compared without a choice in between.
///
/// # Errors
/// [`BudgetError`] where the budget is no share, or leaves less than one channel a layer.
pub fn uniform(
    model: &Model,
    relevance: &Relevance,
    logits: &[usize],
    budget: Budget,
) -> Result<KeepPlan, BudgetError> {
    budget.check()?;
    let (kind, share) = match budget {
        Budget::Params(share) => (Kind::Parameters, share),
        Budget::Macs(share) => (Kind::Macs, share),
        Budget::MaxDrop(_) => {
            return Err(BudgetError::Meaningless { budget, expected: "a share of the source's parameters or MACs" });
        }
    };
    let sites = Sites::new(model.graph(), relevance, logits);
    let whole = kind.of(model.size());
    let limit = Limit { kind, at_most: (share * whole as f64).floor() as u64 };
    let within =
        search::within_limit(model.graph(), &sites, limit, |limit| Strategy::Uniform.counts(&sites, &[], limit))?;
    within.ok_or_else(|| {
        let least = kind.of(sites.estimate(&vec![1; sites.sites.len()]));
        BudgetError::TooSmall { budget, least, whole }
    })
}

/// Chooses how many channels of every layer stay, at least one of each.
///
/// # Errors
/// [`BudgetError`] where the budget means nothing or leaves less than one channel a layer, and where evaluating fails.
pub fn choose(request: &Request<'_>, budget: Budget) -> Result<Chosen, BudgetError> {
    budget.check()?;
    Planner::new(request)?.choose(budget)
}
