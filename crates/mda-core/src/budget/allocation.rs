//! How many classes every site keeps so that the whole fits a size.

use super::sensitivity::Curve;
use super::site::Sites;
use crate::model::ModelSize;

/// What is counted, and how much of it there may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) kind: Kind,
    pub(super) at_most: u64,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Parameters,
    Macs,
}

impl Kind {
    pub(super) fn of(self, size: ModelSize) -> u64 {
        match self {
            Self::Parameters => size.parameters,
            Self::Macs => size.macs,
        }
    }
}

/// From everything, always cuts where the loss rises least for what is saved. `None` where even one class a site is too
/// much.
pub(super) fn greedy(sites: &Sites<'_>, curves: &[Curve], limit: Limit) -> Option<Vec<usize>> {
    let totals = sites.totals();
    let mut counts = totals.clone();
    let size = |counts: &[usize]| limit.kind.of(sites.estimate(counts));
    let mut current = size(&counts);
    while current > limit.at_most {
        let shorter = |site: usize| {
            let mut shorter = counts.clone();
            shorter[site] = counts[site].saturating_sub((totals[site] / 64).max(1)).max(1);
            let saved = current.saturating_sub(size(&shorter)).max(1) as f64;
            let price = (curves[site].at(shorter[site]) - curves[site].at(counts[site])).max(0.0);
            // Where nothing is lost, the largest saving comes first.
            ((price / saved, 1.0 / saved), shorter)
        };
        let choices = (0..counts.len()).filter(|&site| counts[site] > 1).map(shorter);
        let (_, cheapest) = choices.min_by(|((a, x), _), ((b, y), _)| a.total_cmp(b).then(x.total_cmp(y)))?;
        counts = cheapest;
        current = size(&counts);
    }
    Some(counts)
}

/// Keeps the share `shares[site] * factor` of every site, with the largest factor that fits.
pub(super) fn scaled(sites: &Sites<'_>, shares: &[f64], limit: Limit) -> Option<Vec<usize>> {
    let totals = sites.totals();
    let largest = shares.iter().copied().fold(f64::INFINITY, f64::min).max(f64::MIN_POSITIVE).recip();
    let counts = |factor: f64| -> Vec<usize> {
        let count =
            |(&total, share): (&usize, &f64)| ((share * factor * total as f64).round() as usize).clamp(1, total);
        totals.iter().zip(shares).map(count).collect()
    };
    largest_that_fits(|t| counts(t * largest), |counts| limit.kind.of(sites.estimate(counts)) <= limit.at_most)
}

/// Keeps in every site the classes whose score is above one share of the site's best, with the smallest share that fits.
pub(super) fn threshold(sites: &Sites<'_>, limit: Limit) -> Option<Vec<usize>> {
    let counts = |share: f32| -> Vec<usize> {
        let above = |scores: &[f32]| scores.iter().filter(|&&score| score > share * scores[0]).count().max(1);
        sites.sites.iter().map(|site| above(&site.scores)).collect()
    };
    largest_that_fits(|t| counts(1.0 - t as f32), |counts| limit.kind.of(sites.estimate(counts)) <= limit.at_most)
}

/// Bisects `t` in `0.0..=1.0`, in which `of` grows.
fn largest_that_fits(of: impl Fn(f64) -> Vec<usize>, fits: impl Fn(&[usize]) -> bool) -> Option<Vec<usize>> {
    const STEPS: usize = 40;
    let all = of(1.0);
    if fits(&all) {
        return Some(all);
    }
    let (mut low, mut high) = (0.0, 1.0);
    let mut best = Some(of(low)).filter(|counts| fits(counts))?;
    for _ in 0..STEPS {
        let middle = 0.5 * (low + high);
        let counts = of(middle);
        if fits(&counts) {
            (low, best) = (middle, counts);
        } else {
            high = middle;
        }
    }
    Some(best)
}
