//! The ways in which a budget can be spent.

use super::allocation::{Limit, greedy, scaled, threshold};
use super::sensitivity::Curve;
use super::site::Sites;
use serde::Serialize;
use std::fmt;

/// How the numbers of kept channels were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Always cutting where the measured loss rises least for what is saved.
    Sensitivity,
    /// The geometric mean of that and the same share everywhere: what is measured one layer at a time says less about
    /// all of them together.
    Tempered,
    /// The same share everywhere.
    Uniform,
    /// One threshold for all scores, in units of each layer's best.
    Scores,
    /// The formulation's own thresholds.
    Fixed,
}

impl Strategy {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Self; 5] = [Self::Sensitivity, Self::Tempered, Self::Uniform, Self::Scores, Self::Fixed];

    /// Whether it has to know how sensitive the sites are.
    pub(super) fn reads_curves(self) -> bool {
        matches!(self, Self::Sensitivity | Self::Tempered)
    }

    /// How many classes every site keeps within a limit; `None` where that cannot be.
    pub(super) fn counts(self, sites: &Sites<'_>, curves: &[Curve], limit: Limit) -> Option<Vec<usize>> {
        match self {
            Self::Sensitivity => greedy(sites, curves, limit),
            Self::Tempered => {
                let counts = greedy(sites, curves, limit)?;
                let share = |(count, total): (usize, usize)| (count as f64 / total as f64).sqrt();
                let shares: Vec<f64> = counts.into_iter().zip(sites.totals()).map(share).collect();
                scaled(sites, &shares, limit)
            }
            Self::Uniform => scaled(sites, &vec![1.0; sites.sites.len()], limit),
            Self::Scores => threshold(sites, limit),
            Self::Fixed => None,
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sensitivity => "by sensitivity",
            Self::Tempered => "by tempered sensitivity",
            Self::Uniform => "the same share of every layer",
            Self::Scores => "one threshold for all scores",
            Self::Fixed => "the fixed thresholds",
        })
    }
}
