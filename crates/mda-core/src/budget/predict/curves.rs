//! How the loss rises where one site alone is cut.

use super::{Layer, Order, Predictor};
use crate::budget::sensitivity::Curve;
use crate::budget::site::Sites;
use crate::observe::regression::{spd, squared_norm};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Mat, Par};
use rayon::prelude::*;

/// The curve of every site, through all counts; `orders` are those of `sites`.
pub(in crate::budget) fn curves(predictor: &Predictor<'_>, sites: &Sites<'_>, orders: &[Order]) -> Vec<Curve> {
    let totals = sites.totals();
    let of_layer = |(layer, order): (&Layer<'_>, &Order)| alone(layer, order, sites);
    let parts: Vec<Vec<(usize, Vec<f64>)>> = predictor.layers.par_iter().zip(orders).map(of_layer).collect();
    let mut lost: Vec<Vec<f64>> = totals.iter().map(|&total| vec![0.0; total + 1]).collect();
    for (site, part) in parts.into_iter().flatten() {
        lost[site].iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
    // No site keeps nothing.
    lost.into_iter().map(|lost| Curve::new(lost.into_iter().enumerate().skip(1).collect())).collect()
}

/// For every site that the layer reads: what it loses where so many of the site's classes stay and all else does.
fn alone(layer: &Layer<'_>, order: &Order, sites: &Sites<'_>) -> Vec<(usize, Vec<f64>)> {
    let places = layer.places(sites);
    let mut read: Vec<usize> = places.iter().flatten().map(|&(site, _)| site).collect();
    read.sort_unstable();
    read.dedup();
    let pinned = places.iter().filter(|place| place.is_none()).count();
    let spread = |site: usize, lost_of: &dyn Fn(usize) -> f64| -> (usize, Vec<f64>) {
        // A layer may see some of a site's classes only.
        let mut ranks: Vec<usize> =
            places.iter().flatten().filter(|(s, _)| *s == site).map(|&(_, rank)| rank).collect();
        ranks.sort_unstable();
        let total = sites.sites[site].classes.len();
        (site, (0..=total).map(|kept| lost_of(ranks.partition_point(|&rank| rank < kept))).collect())
    };
    if let [only] = read[..] {
        return vec![spread(only, &|kept| order.lost[pinned + kept])];
    }
    let Some((inverse, strength)) = layer.inverse() else {
        // By the share of what is lost in their common order.
        let share = |site: usize| places.iter().flatten().filter(|(s, _)| *s == site).count();
        return read
            .iter()
            .map(|&site| spread(site, &|kept| order.lost[order.groups.len() - (share(site) - kept)]))
            .collect();
    };
    let of_site = |&site: &usize| {
        let mut own: Vec<(usize, usize)> = places
            .iter()
            .enumerate()
            .filter_map(|(group, place)| place.filter(|(s, _)| *s == site).map(|(_, rank)| (rank, group)))
            .collect();
        own.sort_unstable_by(|a, b| b.cmp(a));
        let groups: Vec<usize> = own.into_iter().map(|(_, group)| group).collect();
        let gone = going(layer, &groups, &inverse, strength);
        spread(site, &|kept| gone[groups.len() - kept])
    };
    read.par_iter().map(of_site).collect()
}

/// What is lost without the first so many of `groups`, none to all, everything else kept: with `H = (G + l)^-1` and `L L^T =
/// H_RR` it is `|L^-1 W_R^T|^2` less `l |W_R|^2`.
fn going(layer: &Layer<'_>, groups: &[usize], inverse: &Mat<f64>, strength: f64) -> Vec<f64> {
    let order: Vec<usize> = groups.iter().flat_map(|&group| &layer.regressors[group]).copied().collect();
    let weight = layer.weight_in(&order);
    let own = Mat::from_fn(order.len(), order.len(), |row, column| inverse[(order[row], order[column])]);
    let mut solved = weight.transpose().to_owned();
    match spd::factor(own) {
        Some(factor) => solve_lower_triangular_in_place(factor.as_ref(), solved.as_mut(), Par::Seq),
        None => return vec![0.0; groups.len() + 1],
    }
    let mut gone = vec![0.0];
    let (mut sum, mut start) = (0.0f64, 0);
    for &group in groups {
        for d in start..start + layer.regressors[group].len() {
            let carried: f64 = (0..weight.nrows()).map(|q| solved[(d, q)].powi(2)).sum();
            sum += carried - strength * squared_norm(weight.col_as_slice(d));
        }
        start += layer.regressors[group].len();
        gone.push(sum.max(0.0));
    }
    gone
}
