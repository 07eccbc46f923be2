//! How much a component loses where one site alone is cut.

use super::planner::one;
use super::site::Sites;
use super::{BudgetError, Evaluate};

/// The loss, or how much it rises, at some counts of kept classes of one site, everything else kept; counts ascending, the last one is all.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    points: Vec<(usize, f64)>,
}

impl Curve {
    /// A curve through `(kept, loss)`; where keeping more seems to lose more, which is noise, the smaller loss counts
    /// for fewer as well.
    ///
    /// # Panics
    /// Without a point.
    pub fn new(mut points: Vec<(usize, f64)>) -> Self {
        assert!(!points.is_empty(), "a curve has a point");
        points.sort_by_key(|&(kept, _)| kept);
        for index in (0..points.len() - 1).rev() {
            points[index].1 = points[index].1.max(points[index + 1].1);
        }
        Self { points }
    }

    /// The points, by kept classes.
    pub fn points(&self) -> &[(usize, f64)] {
        &self.points
    }

    /// The loss with `kept` classes, linear between the points.
    pub fn at(&self, kept: usize) -> f64 {
        let after = self.points.partition_point(|&(count, _)| count < kept);
        match (after.checked_sub(1).map(|before| self.points[before]), self.points.get(after)) {
            (Some((left, low)), Some(&(right, high))) => {
                low + (high - low) * (kept - left) as f64 / (right - left) as f64
            }
            (None, Some(&(_, loss))) | (Some((_, loss)), None) => loss,
            (None, None) => 0.0,
        }
    }
}

impl Curve {
    /// The same at the counts that are tried where a loss is measured.
    pub(super) fn thinned(&self) -> Vec<(usize, f64)> {
        let total = self.points.last().map_or(0, |&(kept, _)| kept);
        tried(total).into_iter().chain([total]).map(|kept| (kept, self.at(kept))).collect()
    }
}

/// The shares of a site that are tried, beside a single class.
const SHARES: [f64; 4] = [0.125, 0.25, 0.5, 0.75];

/// Some counts of a site of `total` classes, ascending, without the last one.
fn tried(total: usize) -> Vec<usize> {
    let shares = SHARES.map(|share| (share * total as f64).round() as usize);
    let mut counts: Vec<usize> = std::iter::once(1).chain(shares).collect();
    counts.retain(|count| (1..total).contains(count));
    counts.dedup();
    counts
}

/// Cuts every site alone and evaluates.
pub(super) fn measured(sites: &Sites<'_>, evaluate: &Evaluate<'_>) -> Result<Vec<Curve>, BudgetError> {
    let totals = sites.totals();
    let whole = one(evaluate, &sites.everything())?;
    let of_site = |site: usize| {
        let mut points = vec![(totals[site], whole.loss)];
        for count in tried(totals[site]) {
            let mut kept = totals.clone();
            kept[site] = count;
            points.push((count, one(evaluate, &sites.plan(&kept))?.loss));
        }
        Ok(Curve::new(points))
    };
    (0..totals.len()).map(of_site).collect()
}

#[cfg(test)]
mod tests {
    use super::Curve;

    #[test]
    fn between_points_the_loss_is_linear_and_never_falls_with_fewer_classes() {
        let curve = Curve::new(vec![(8, 1.0), (4, 0.5), (2, 3.0)]);
        assert_eq!(curve.points(), [(2, 3.0), (4, 1.0), (8, 1.0)]);
        assert_eq!((curve.at(1), curve.at(3), curve.at(6), curve.at(9)), (3.0, 2.0, 1.0, 1.0));
    }
}
