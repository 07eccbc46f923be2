//! Removing groups of regressors one by one, the others refitted each time.

use crate::spd::inverse;
use nalgebra::{Cholesky, DMatrix, DMatrixViewMut, Dyn};
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
pub(super) fn eliminate(mut gram: DMatrix<f64>, mut weight: DMatrix<f64>, groups: &[Vec<usize>]) -> Vec<Removal> {
    let size = gram.nrows();
    let mean = gram.diagonal().sum() / size.max(1) as f64;
    let damping = DAMPING * if mean > 0.0 { mean } else { 1.0 };
    for index in 0..size {
        gram[(index, index)] += damping;
    }
    let mut inverse = inverse(&gram);
    let mut alive: Vec<usize> = (0..groups.len()).collect();
    let mut removals = Vec::with_capacity(groups.len());
    while !alive.is_empty() {
        let prices = alive.par_iter().map(|&group| Removal { group, cost: price(&inverse, &weight, &groups[group]) });
        let cheaper = |a: Removal, b: Removal| {
            if b.cost.total_cmp(&a.cost).then(b.group.cmp(&a.group)).is_lt() { b } else { a }
        };
        let Some(removal) = prices.reduce_with(cheaper) else { break };
        let group = removal.group;
        alive.retain(|&other| other != group);
        removals.push(removal);
        if !alive.is_empty() {
            remove(&mut inverse, &mut weight, &groups[group]);
        }
    }
    removals
}

fn own_block(inverse: &DMatrix<f64>, group: &[usize]) -> Option<Cholesky<f64, Dyn>> {
    Cholesky::new(DMatrix::from_fn(group.len(), group.len(), |row, column| inverse[(group[row], group[column])]))
}

/// `tr(W_g V_gg^-1 W_g^T)`; zero where rounding has left nothing of the group to remove.
fn price(inverse: &DMatrix<f64>, weight: &DMatrix<f64>, group: &[usize]) -> f64 {
    let Some(block) = own_block(inverse, group) else { return 0.0 };
    let own = DMatrix::from_fn(group.len(), weight.nrows(), |row, q| weight[(q, group[row])]);
    block.l_dirty().solve_lower_triangular(&own).map_or(0.0, |solved| solved.norm_squared())
}

fn remove(inverse: &mut DMatrix<f64>, weight: &mut DMatrix<f64>, group: &[usize]) {
    let Some(block) = own_block(inverse, group) else { return };
    let columns = inverse.select_columns(group);
    // V_gg^-1 V_g, `[g, D]`.
    let explained = block.solve(&columns.transpose());
    let own = weight.select_columns(group);
    weight.gemm(-1.0, &own, &explained, 1.0);
    let size = inverse.nrows();
    inverse.as_mut_slice().par_chunks_mut(size * 64).enumerate().for_each(|(chunk, part)| {
        let width = part.len() / size;
        let mut part = DMatrixViewMut::from_slice(part, size, width);
        part.gemm(-1.0, &columns, &explained.columns(chunk * 64, width), 1.0);
    });
    for &index in group {
        inverse.row_mut(index).fill(0.0);
        inverse.column_mut(index).fill(0.0);
        weight.column_mut(index).fill(0.0);
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
