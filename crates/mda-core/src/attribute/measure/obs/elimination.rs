//! Removing groups of regressors one by one, the others refitted each time.
//!
//! With `V` the inverse of the damped Gram matrix of what is left, removing group g costs `tr(W_g V_gg^-1 W_g^T)`, moves the
//! weights by `-W_g V_gg^-1 V_g` and leaves `V - V_g^T V_gg^-1 V_g` as the inverse for the rest (Hassibi and Stork 1993). With
//! `V_gg = L L^T` and `Z = L^-1 V_g` the three are `|W_g L^-T|^2`, `-(W_g L^-T) Z` and `V - Z^T Z`.

use super::inverse::Inverse;
use crate::observe::regression::{column, slice, spd, squared_norm};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;
use std::ops::Range;

/// One step of an elimination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Removal {
    /// Which group went.
    pub(super) group: usize,
    /// By how much the sum of squared errors rose.
    pub(super) cost: f64,
}

/// Columns that one thread works on at a time, or a group where that has more.
const CHUNK: usize = 64;

/// Removes all groups, cheapest first; `groups` are the sizes of the groups, whose regressors stand side by side in `inverse`
/// and in `weight` (`[Q, D]`). `None` where rounding leaves a group nothing to be removed with: it takes more damping.
pub(super) fn eliminate(inverse: impl Inverse, weight: Mat<f64>, groups: &[usize]) -> Option<Vec<Removal>> {
    let mut rest = Rest::new(inverse, weight, groups)?;
    let mut removals = Vec::with_capacity(groups.len());
    while let Some(cheapest) = rest.cheapest() {
        removals.push(Removal { group: rest.left[cheapest].group, cost: rest.left[cheapest].cost });
        rest.remove(cheapest)?;
    }
    Some(removals)
}

/// A group that is left.
struct Group {
    group: usize,
    /// Where its regressors stand.
    columns: Range<usize>,
    /// `V_gg`.
    own: Mat<f64>,
    cost: f64,
}

/// What is left.
struct Rest<I> {
    inverse: I,
    /// `[Q, columns]`; columns of groups that went stand until the next [`Rest::close_gaps`].
    weight: Mat<f64>,
    /// In the order of their columns.
    left: Vec<Group>,
}

/// What a step does to the groups that stay.
struct Step {
    /// `W_g L^-T`, `[Q, g]`.
    weight: Mat<f64>,
    /// `Z = L^-1 V_g`, `[g, columns]`.
    explained: Mat<f64>,
}

impl<I: Inverse> Rest<I> {
    fn new(inverse: I, weight: Mat<f64>, groups: &[usize]) -> Option<Self> {
        let mut start = 0;
        let mut columns = Vec::with_capacity(groups.len());
        for size in groups {
            columns.push(start..start + size);
            start += size;
        }
        let of_group = |(group, columns): (usize, &Range<usize>)| {
            let own = inverse.block(columns.clone());
            let cost = cost(&own, weight.get(.., columns.clone()))?;
            Some(Group { group, columns: columns.clone(), own, cost })
        };
        let left = columns.par_iter().enumerate().map(of_group).collect::<Option<Vec<_>>>()?;
        Some(Self { inverse, weight, left })
    }

    /// The position of the cheapest group; of equals the first.
    fn cheapest(&self) -> Option<usize> {
        (0..self.left.len()).min_by(|&a, &b| self.left[a].cost.total_cmp(&self.left[b].cost))
    }

    fn remove(&mut self, position: usize) -> Option<()> {
        let gone = self.left.remove(position);
        let factor = spd::factor(gone.own)?;
        let mut explained = self.inverse.rows(gone.columns.clone());
        solve_lower_triangular_in_place(factor.as_ref(), explained.as_mut(), Par::Seq);
        let mut weight = self.weight.get(.., gone.columns.clone()).to_owned();
        solve_lower_triangular_in_place(factor.as_ref(), weight.transpose_mut(), Par::Seq);
        let step = Step { weight, explained };
        self.update(&step)?;
        self.inverse.remove(&factor, step.explained);
        let standing: usize = self.left.iter().map(|group| group.columns.len()).sum();
        if 4 * standing <= 3 * self.weight.ncols() {
            self.close_gaps();
        }
        Some(())
    }

    /// Moves the weights of all groups, and finds their blocks of `V` and their costs anew.
    fn update(&mut self, step: &Step) -> Option<()> {
        let mut tasks = Vec::new();
        let (mut weight, mut groups, mut start) = (self.weight.as_mut(), self.left.as_mut_slice(), 0);
        while let Some(first) = groups.first().map(|group| group.columns.start) {
            let count = groups.iter().take_while(|group| group.columns.end <= first + CHUNK).count().max(1);
            let (chunk, others) = groups.split_at_mut(count);
            let end = chunk[count - 1].columns.end;
            let (columns, rest) = weight.split_at_col_mut(end - start);
            tasks.push((columns.get_mut(.., first - start..), first, chunk));
            (weight, groups, start) = (rest, others, end);
        }
        let done = tasks.into_par_iter().map(|(weight, first, groups)| step.apply(weight, first, groups));
        done.collect::<Option<Vec<()>>>().map(|_| ())
    }

    /// Lets what is left stand side by side.
    fn close_gaps(&mut self) {
        let columns: Vec<usize> = self.left.iter().flat_map(|group| group.columns.clone()).collect();
        for (to, &from) in columns.iter().enumerate().filter(|(to, from)| to < *from) {
            let (mut before, behind) = self.weight.split_at_col_mut(from);
            before.as_mut().col_mut(to).copy_from(behind.col(0));
        }
        self.weight.truncate(self.weight.nrows(), columns.len());
        self.inverse.keep(&columns);
        let mut start = 0;
        for group in &mut self.left {
            group.columns = start..start + group.columns.len();
            start = group.columns.end;
        }
    }
}

impl Step {
    /// Updates `groups`, whose columns of the weights are `weight`, the first of them number `first`.
    fn apply(&self, mut weight: MatMut<'_, f64>, first: usize, groups: &mut [Group]) -> Option<()> {
        let explained = self.explained.get(.., first..first + weight.ncols());
        subtract_product(weight.as_mut(), self.weight.as_ref(), explained);
        for group in groups {
            let columns = group.columns.start - first..group.columns.end - first;
            let own = explained.get(.., columns.clone());
            match own.ncols() {
                // One column: not worth a call.
                1 => group.own[(0, 0)] -= squared_norm(slice(own, 0)),
                _ => matmul(&mut group.own, Accum::Add, own.transpose(), own, -1.0, Par::Seq),
            }
            group.cost = cost(&group.own, weight.as_ref().get(.., columns))?;
        }
        Some(())
    }
}

/// Takes `left right` from `target`.
fn subtract_product(mut target: MatMut<'_, f64>, left: MatRef<'_, f64>, right: MatRef<'_, f64>) {
    if left.ncols() > 1 {
        return matmul(target, Accum::Add, left, right, -1.0, Par::Seq);
    }
    // One column: not worth a call.
    for index in 0..target.ncols() {
        let factor = right[(0, index)];
        column(&mut target, index).iter_mut().zip(slice(left, 0)).for_each(|(target, own)| *target -= factor * own);
    }
}

/// `tr(W_g V_gg^-1 W_g^T)`; `None` where `V_gg` is not positive definite any more.
fn cost(own: &Mat<f64>, weight: MatRef<'_, f64>) -> Option<f64> {
    let squares =
        |matrix: MatRef<'_, f64>| (0..matrix.ncols()).map(|index| squared_norm(slice(matrix, index))).sum::<f64>();
    let cost = if own.nrows() == 1 {
        squares(weight) / Some(own[(0, 0)]).filter(|&own| own > 0.0)?
    } else {
        let factor = spd::factor(own.clone())?;
        let mut weight = weight.to_owned();
        solve_lower_triangular_in_place(factor.as_ref(), weight.as_mut().transpose_mut(), Par::Seq);
        squares(weight.as_ref())
    };
    cost.is_finite().then_some(cost)
}
