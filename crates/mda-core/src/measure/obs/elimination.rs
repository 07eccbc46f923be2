//! Removing groups of regressors one by one, the others refitted each time.

use crate::spd::inverse;
use nalgebra::{Cholesky, DMatrix, Dyn};
use rayon::prelude::*;

/// One step of an elimination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Removal {
    /// Which group went.
    pub(super) group: usize,
    /// By how much the sum of squared errors rose.
    pub(super) cost: f64,
}

/// Added to the diagonal, in units of its mean, so that collinear regressors do no harm.
const DAMPING: f64 = 0.01;

/// Removes all `groups` of regressors, cheapest first, refitting `weight` (`[Q, D]`) by least squares under
/// `gram` (`[D, D]`, symmetric).
///
/// With `V` the inverse of the Gram matrix, removing group g costs `tr(W_g V_gg^-1 W_g^T)`, moves the weights by
/// `-W_g V_gg^-1 V_g` and leaves `V - V_g^T V_gg^-1 V_g` as the inverse for the rest.
pub(super) fn eliminate(mut gram: DMatrix<f64>, weight: DMatrix<f64>, groups: &[Vec<usize>]) -> Vec<Removal> {
    let size = gram.nrows();
    let mean = gram.diagonal().sum() / size.max(1) as f64;
    let damping = DAMPING * if mean > 0.0 { mean } else { 1.0 };
    for index in 0..size {
        gram[(index, index)] += damping;
    }
    let mut rest = Rest::new(inverse(&gram), weight);
    let mut alive: Vec<usize> = (0..groups.len()).collect();
    let mut removals = Vec::with_capacity(groups.len());
    while !alive.is_empty() {
        let prices = alive.par_iter().with_min_len(16);
        let prices = prices.map(|&group| Removal { group, cost: rest.price(&groups[group]) });
        let cheaper = |a: Removal, b: Removal| {
            if b.cost.total_cmp(&a.cost).then(b.group.cmp(&a.group)).is_lt() { b } else { a }
        };
        let Some(removal) = prices.reduce_with(cheaper) else { break };
        let group = removal.group;
        alive.retain(|&other| other != group);
        removals.push(removal);
        rest.remove(&groups[group]);
    }
    removals
}

/// The regressors that are left. They stand in front, so that every step works on less than the one before.
struct Rest {
    /// `V`, of which the first `count` rows and columns count.
    inverse: DMatrix<f64>,
    /// `W`, of which the first `count` columns count.
    weight: DMatrix<f64>,
    count: usize,
    /// Where every regressor stands.
    place: Vec<usize>,
    /// Which regressor stands where.
    standing: Vec<usize>,
}

/// Columns that one thread works on at a time.
const CHUNK: usize = 32;

impl Rest {
    fn new(inverse: DMatrix<f64>, weight: DMatrix<f64>) -> Self {
        let count = inverse.nrows();
        Self { inverse, weight, count, place: (0..count).collect(), standing: (0..count).collect() }
    }

    fn own_block(&self, places: &[usize]) -> Option<Cholesky<f64, Dyn>> {
        let size = places.len();
        Cholesky::new(DMatrix::from_fn(size, size, |row, column| self.inverse[(places[row], places[column])]))
    }

    /// `tr(W_g V_gg^-1 W_g^T)`; zero where rounding has left nothing of the group to remove.
    fn price(&self, group: &[usize]) -> f64 {
        let places: Vec<usize> = group.iter().map(|&regressor| self.place[regressor]).collect();
        let Some(block) = self.own_block(&places) else { return 0.0 };
        let own = self.weight.select_columns(&places).transpose();
        block.l_dirty().solve_lower_triangular(&own).map_or(0.0, |solved| solved.norm_squared())
    }

    fn remove(&mut self, group: &[usize]) {
        let places: Vec<usize> = group.iter().map(|&regressor| self.place[regressor]).collect();
        if let Some(block) = self.own_block(&places) {
            let columns = self.inverse.rows(0, self.count).select_columns(&places);
            // V_gg^-1 V_g, `[g, count]`.
            let explained = block.solve(&columns.transpose());
            let own = self.weight.select_columns(&places);
            let (size, outputs) = (self.inverse.nrows(), self.weight.nrows());
            let inverse = self.inverse.as_mut_slice()[..size * self.count].par_chunks_mut(size * CHUNK);
            let weight = self.weight.as_mut_slice()[..outputs * self.count].par_chunks_mut(outputs * CHUNK);
            inverse.zip(weight).zip(explained.as_slice().par_chunks(places.len() * CHUNK)).for_each(
                |((inverse, weight), explained)| {
                    pulp::Arch::new().dispatch(|| {
                        for (column, factors) in inverse.chunks_mut(size).zip(explained.chunks(places.len())) {
                            subtract(&mut column[..columns.nrows()], columns.as_slice(), factors);
                        }
                        for (column, factors) in weight.chunks_mut(outputs).zip(explained.chunks(places.len())) {
                            subtract(column, own.as_slice(), factors);
                        }
                    });
                },
            );
        }
        group.iter().for_each(|&regressor| self.retire(regressor));
    }

    /// Changes places with the last regressor that is left.
    fn retire(&mut self, regressor: usize) {
        self.count -= 1;
        let (place, last) = (self.place[regressor], self.count);
        self.inverse.swap_rows(place, last);
        self.inverse.swap_columns(place, last);
        self.weight.swap_columns(place, last);
        self.standing.swap(place, last);
        self.place[self.standing[place]] = place;
        self.place[regressor] = last;
    }
}

/// Takes `factors[k]` times the k-th of `columns` from `target`, four at a time so that `target` is read less often.
#[inline(always)]
fn subtract(target: &mut [f64], columns: &[f64], factors: &[f64]) {
    let size = target.len();
    for (columns, factors) in columns.chunks(4 * size).zip(factors.chunks(4)) {
        if let &[a, b, c, d] = factors {
            let (first, rest) = columns.split_at(size);
            let (second, rest) = rest.split_at(size);
            let (third, fourth) = rest.split_at(size);
            let columns = first.iter().zip(second).zip(third.iter().zip(fourth));
            for (t, ((w, x), (y, z))) in target.iter_mut().zip(columns) {
                *t -= a * w + b * x + c * y + d * z;
            }
        } else {
            for (column, factor) in columns.chunks(size).zip(factors) {
                target.iter_mut().zip(column).for_each(|(t, x)| *t -= factor * x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Uniform;

    fn random(rows: usize, columns: usize, uniform: &mut Uniform) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| f64::from(uniform.signed()))
    }

    #[test]
    fn costs_are_the_rises_of_the_refitted_error() {
        let mut uniform = Uniform::new(2);
        let x = random(80, 6, &mut uniform);
        let weight = random(3, 6, &mut uniform);
        let groups = [vec![0, 1], vec![2, 3], vec![4, 5]];
        let removals = eliminate(x.tr_mul(&x), weight.clone(), &groups);
        // The damping is a ridge that pulls towards the original weights: as rows of their own it makes the error plain.
        let damping = (DAMPING * x.norm_squared() / 6.0).sqrt();
        let mut rows = x.clone().resize_vertically(86, 0.0);
        (0..6).for_each(|i| rows[(80 + i, i)] = damping);
        let wanted = &rows * weight.transpose();
        let error = |kept: &[usize]| {
            let seen = rows.select_columns(kept);
            let fitted = seen.tr_mul(&seen).cholesky().unwrap().solve(&seen.tr_mul(&wanted));
            (&wanted - seen * fitted).norm_squared()
        };
        let mut kept: Vec<usize> = (0..6).collect();
        let mut before = 0.0;
        for removal in removals {
            kept.retain(|regressor| !groups[removal.group].contains(regressor));
            let after = if kept.is_empty() { wanted.norm_squared() } else { error(&kept) };
            assert!((removal.cost / (after - before) - 1.0).abs() < 1e-6, "{removal:?} against {}", after - before);
            before = after;
        }
    }

    #[test]
    fn a_copy_goes_first_and_its_twin_stays() {
        let mut uniform = Uniform::new(3);
        let mut x = random(200, 4, &mut uniform);
        let twin = x.column(1).into_owned();
        x.set_column(3, &twin);
        let weight = DMatrix::from_element(1, 4, 1.0);
        let groups: Vec<Vec<usize>> = (0..4).map(|i| vec![i]).collect();
        let removals = eliminate(x.tr_mul(&x), weight, &groups);
        assert_eq!(removals[0].group, 1);
        assert_eq!(removals[3].group, 3);
    }
}
