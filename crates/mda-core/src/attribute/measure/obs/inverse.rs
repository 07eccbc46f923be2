//! The inverse `V` of a damped Gram matrix, of which an elimination takes one group of rows and columns after another.

use crate::observe::regression::{Moments, Rows, column_blocks, slice, spd};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;
use std::ops::Range;

/// What an elimination asks of `V`.
pub(super) trait Inverse: Sync {
    /// `V_gg`, before anything was removed.
    fn block(&self, group: Range<usize>) -> Mat<f64>;

    /// `V_g`, `[g, columns]`, of the group that goes next.
    fn rows(&mut self, group: Range<usize>) -> Mat<f64>;

    /// Takes out that group, of which `V_gg = L L^T` and `explained = L^-1 V_g`.
    fn remove(&mut self, factor: &Mat<f64>, explained: Mat<f64>);

    /// Leaves nothing but `columns`, ascending.
    fn keep(&mut self, columns: &[usize]);
}

/// Columns that one thread works on at a time.
const BLOCK: usize = 128;
/// How many removed regressors wait until they are taken out together.
const WAITING: usize = 256;

/// `V` itself, `[D, D]`: where it fits into memory.
pub(super) struct Dense {
    /// As it was when nothing waited.
    inverse: Mat<f64>,
    /// `Z` of what was removed since, one below the other: `[waiting, D]`, transposed.
    waiting: Mat<f64>,
    count: usize,
}

impl Dense {
    /// Of `moments` with `damping` on the diagonal; `None` where that is not positive definite.
    pub(super) fn new(moments: &Moments, damping: f64) -> Option<Self> {
        let mut gram = moments.xx.clone();
        (0..gram.nrows()).for_each(|d| gram[(d, d)] += damping);
        Some(Self::of(spd::inverse(spd::factor(gram)?)))
    }

    /// Of that inverse.
    pub(super) fn of(inverse: Mat<f64>) -> Self {
        let waiting = Mat::zeros(inverse.nrows(), WAITING);
        Self { inverse, waiting, count: 0 }
    }

    /// Takes out what waits.
    fn settle(&mut self) {
        let waiting = self.waiting.get(.., ..self.count);
        column_blocks(self.inverse.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
            let right = waiting.subrows(start, block.ncols()).transpose();
            matmul(block, Accum::Add, waiting, right, -1.0, Par::Seq);
        });
        self.count = 0;
    }
}

impl Inverse for Dense {
    fn block(&self, group: Range<usize>) -> Mat<f64> {
        self.inverse.get(group.clone(), group).to_owned()
    }

    fn rows(&mut self, group: Range<usize>) -> Mat<f64> {
        let mut rows = self.inverse.get(.., group.clone()).transpose().to_owned();
        let waiting = self.waiting.get(.., ..self.count);
        if self.count > 0 {
            matmul(&mut rows, Accum::Add, waiting.get(group, ..), waiting.transpose(), -1.0, Par::Seq);
        }
        rows
    }

    fn remove(&mut self, _factor: &Mat<f64>, explained: Mat<f64>) {
        let size = explained.nrows();
        if self.count + size > self.waiting.ncols() {
            self.settle();
        }
        if size > self.waiting.ncols() {
            self.waiting = Mat::zeros(self.inverse.nrows(), size);
        }
        self.waiting.get_mut(.., self.count..self.count + size).copy_from(explained.transpose());
        self.count += size;
    }

    fn keep(&mut self, columns: &[usize]) {
        self.settle();
        // Every number moves up and to the left, or stays.
        for (column, &from) in columns.iter().enumerate() {
            for (row, &from_row) in columns.iter().enumerate() {
                self.inverse[(row, column)] = self.inverse[(from_row, from)];
            }
        }
        self.inverse.truncate(columns.len(), columns.len());
        self.waiting = Mat::zeros(columns.len(), self.waiting.ncols());
    }
}

/// `V = (I - X^T K^-1 X) / l` with `K = X X^T + l I`, `[n, n]`: where there are fewer rows than regressors.
///
/// What is removed leaves `K - X_g X_g^T`, the inverse of which is, with `P = K^-1 X_g`, `K^-1 + P V_gg^-1 P^T / l`.
pub(super) struct Dual<'a> {
    rows: &'a Rows,
    /// Which regressor stands in which column.
    columns: Vec<usize>,
    damping: f64,
    /// `K^-1`, `[n, n]`.
    inverse: Mat<f64>,
    /// `P` of the group that goes next, `[n, g]`.
    next: Mat<f64>,
}

impl<'a> Dual<'a> {
    /// Of the regressors `order` of `rows` with `damping` on the diagonal; `None` where that is not positive definite.
    pub(super) fn new(rows: &'a Rows, order: &[usize], damping: f64) -> Option<Self> {
        let mut kernel = rows.kernel(rows, true);
        (0..kernel.nrows()).for_each(|n| kernel[(n, n)] += damping);
        let inverse = spd::inverse(spd::factor(kernel)?);
        Some(Self { rows, columns: order.to_vec(), damping, inverse, next: Mat::new() })
    }

    /// `X` at some columns, transposed: `[columns, n]`.
    fn seen(&self, columns: Range<usize>) -> Mat<f64> {
        let (x, columns) = (self.rows.x(), &self.columns[columns]);
        let mut seen = Mat::zeros(columns.len(), x.ncols());
        for n in 0..x.ncols() {
            let row = slice(x, n);
            seen.col_as_slice_mut(n).iter_mut().zip(columns).for_each(|(slot, &d)| *slot = f64::from(row[d]));
        }
        seen
    }
}

impl Inverse for Dual<'_> {
    fn block(&self, group: Range<usize>) -> Mat<f64> {
        let seen = self.seen(group.clone());
        let mut carried = Mat::zeros(seen.nrows(), seen.ncols());
        matmul(&mut carried, Accum::Replace, &seen, &self.inverse, 1.0, Par::Seq);
        let mut block = Mat::zeros(seen.nrows(), seen.nrows());
        matmul(&mut block, Accum::Replace, &carried, seen.transpose(), -1.0 / self.damping, Par::Seq);
        (0..block.nrows()).for_each(|d| block[(d, d)] += 1.0 / self.damping);
        block
    }

    fn rows(&mut self, group: Range<usize>) -> Mat<f64> {
        let seen = self.seen(group.clone());
        let mut carried = Mat::<f64>::zeros(seen.nrows(), seen.ncols());
        column_blocks(carried.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
            let columns = self.inverse.subcols(start, block.ncols());
            matmul(block, Accum::Replace, &seen, columns, 1.0, Par::Seq);
        });
        let mut rows = Mat::<f64>::zeros(seen.nrows(), self.columns.len());
        column_blocks(rows.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
            let seen = self.seen(start..start + block.ncols());
            matmul(block, Accum::Replace, &carried, seen.transpose(), -1.0 / self.damping, Par::Seq);
        });
        group.enumerate().for_each(|(row, column)| rows[(row, column)] += 1.0 / self.damping);
        self.next = carried;
        rows
    }

    fn remove(&mut self, factor: &Mat<f64>, _explained: Mat<f64>) {
        // L^-1 P^T, `[g, n]`.
        let mut gone = std::mem::replace(&mut self.next, Mat::new());
        solve_lower_triangular_in_place(factor.as_ref(), gone.as_mut(), Par::Seq);
        column_blocks(self.inverse.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
            let right = gone.subcols(start, block.ncols());
            matmul(block, Accum::Add, gone.transpose(), right, 1.0 / self.damping, Par::Seq);
        });
    }

    fn keep(&mut self, columns: &[usize]) {
        self.columns = columns.iter().map(|&column| self.columns[column]).collect();
    }
}
