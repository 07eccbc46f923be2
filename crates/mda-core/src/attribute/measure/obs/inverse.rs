//! The inverse `V` of a damped Gram matrix, of which an elimination takes one group of rows and columns after another.

use crate::observe::regression::{Moments, Rows, add_dots, column, column_blocks, spd};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatMut, Par};
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
pub(super) const WAITING: usize = 256;

/// Numbers of rows that are held in f64 while regressors go: 64 MiB.
const MOST_HELD: usize = 1 << 23;

/// `V` itself, `[D, D]`: where it fits into memory.
pub(super) struct Dense {
    /// As it was when nothing waited.
    inverse: Mat<f64>,
    /// `Z` of what was removed since, one below the other: `[waiting, D]`.
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
        let waiting = Mat::zeros(WAITING, inverse.nrows());
        Self { inverse, waiting, count: 0 }
    }

    /// Takes out what waits.
    fn settle(&mut self) {
        let waiting = self.waiting.get(..self.count, ..);
        column_blocks(self.inverse.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
            let right = waiting.subcols(start, block.ncols());
            matmul(block, Accum::Add, waiting.transpose(), right, -1.0, Par::Seq);
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
        let few: Vec<&[f64]> = group.map(|column| &self.waiting.col_as_slice(column)[..self.count]).collect();
        subtract_dots(&mut rows, |column| &self.waiting.col_as_slice(column)[..self.count], &few, 1.0);
        rows
    }

    fn remove(&mut self, _factor: &Mat<f64>, explained: Mat<f64>) {
        let size = explained.nrows();
        if self.count + size > self.waiting.nrows() {
            self.settle();
        }
        if size > self.waiting.nrows() {
            self.waiting = Mat::zeros(size, self.inverse.nrows());
        }
        self.waiting.get_mut(self.count..self.count + size, ..).copy_from(explained);
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
        self.waiting = Mat::zeros(self.waiting.nrows(), columns.len());
    }
}

/// Takes `factor` times the inner products of a few vectors with `many`, one a column, from `rows`, `[few, columns]`.
fn subtract_dots<'a>(rows: &mut Mat<f64>, many: impl Fn(usize) -> &'a [f64] + Sync, few: &[&[f64]], factor: f64) {
    let blocks = column_blocks(rows.as_mut(), BLOCK).into_par_iter();
    blocks.for_each(|(start, block)| subtract(block, |column| many(start + column), few, factor));
}

/// The same for a block of columns.
fn subtract<'a>(mut block: MatMut<'_, f64>, many: impl Fn(usize) -> &'a [f64], few: &[&[f64]], factor: f64) {
    let many: Vec<&[f64]> = (0..block.ncols()).map(many).collect();
    let mut sums = vec![0.0; many.len() * few.len()];
    add_dots(&mut sums, &many, few, -factor);
    for (index, sums) in sums.chunks(few.len().max(1)).enumerate() {
        column(&mut block, index).iter_mut().zip(sums).for_each(|(slot, sum)| *slot += sum);
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
    /// `X`, `[n, columns]`, where it is not too much to hold in f64.
    held: Option<Mat<f64>>,
    /// `P` of the group that goes next, `[n, g]`.
    next: Mat<f64>,
}

impl<'a> Dual<'a> {
    /// Of the regressors `order` of `rows` with `damping` on the diagonal; `None` where that is not positive definite.
    pub(super) fn new(rows: &'a Rows, order: &[usize], damping: f64) -> Option<Self> {
        let mut kernel = rows.kernel(rows, true);
        (0..kernel.nrows()).for_each(|n| kernel[(n, n)] += damping);
        let inverse = spd::inverse(spd::factor(kernel)?);
        let mut own = Self { rows, columns: order.to_vec(), damping, inverse, held: None, next: Mat::new() };
        own.hold();
        Some(own)
    }

    /// Holds what all columns saw, where that is not too much.
    fn hold(&mut self) {
        let fits = self.columns.len() * self.rows.count() <= MOST_HELD;
        self.held = fits.then(|| self.seen(0..self.columns.len()));
    }

    /// `X` at some columns: `[n, columns]`.
    fn seen(&self, columns: Range<usize>) -> Mat<f64> {
        let (x, columns) = (self.rows.x(), &self.columns[columns]);
        Mat::from_fn(x.ncols(), columns.len(), |n, column| f64::from(x[(columns[column], n)]))
    }
}

impl Inverse for Dual<'_> {
    fn block(&self, group: Range<usize>) -> Mat<f64> {
        let seen = self.seen(group.clone());
        let mut carried = Mat::zeros(seen.nrows(), seen.ncols());
        matmul(&mut carried, Accum::Replace, &self.inverse, &seen, 1.0, Par::Seq);
        let mut block = Mat::zeros(seen.ncols(), seen.ncols());
        matmul(&mut block, Accum::Replace, carried.transpose(), &seen, -1.0 / self.damping, Par::Seq);
        (0..block.nrows()).for_each(|d| block[(d, d)] += 1.0 / self.damping);
        block
    }

    fn rows(&mut self, group: Range<usize>) -> Mat<f64> {
        let seen = self.seen(group.clone());
        // The inverse is symmetric.
        let mut carried = Mat::<f64>::zeros(seen.ncols(), seen.nrows());
        let few: Vec<&[f64]> = (0..seen.ncols()).map(|column| seen.col_as_slice(column)).collect();
        subtract_dots(&mut carried, |n| self.inverse.col_as_slice(n), &few, -1.0);
        let carried = carried.transpose().to_owned();
        let mut rows = Mat::<f64>::zeros(group.len(), self.columns.len());
        let few: Vec<&[f64]> = (0..group.len()).map(|column| carried.col_as_slice(column)).collect();
        match &self.held {
            Some(held) => subtract_dots(&mut rows, |column| held.col_as_slice(column), &few, 1.0 / self.damping),
            None => column_blocks(rows.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
                let seen = self.seen(start..start + block.ncols());
                subtract(block, |column| seen.col_as_slice(column), &few, 1.0 / self.damping);
            }),
        }
        group.enumerate().for_each(|(row, column)| rows[(row, column)] += 1.0 / self.damping);
        self.next = carried;
        rows
    }

    fn remove(&mut self, factor: &Mat<f64>, _explained: Mat<f64>) {
        // P L^-T, `[n, g]`.
        let mut gone = std::mem::replace(&mut self.next, Mat::new());
        solve_lower_triangular_in_place(factor.as_ref(), gone.as_mut().transpose_mut(), Par::Seq);
        column_blocks(self.inverse.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
            let right = gone.subrows(start, block.ncols()).transpose();
            matmul(block, Accum::Add, &gone, right, 1.0 / self.damping, Par::Seq);
        });
    }

    fn keep(&mut self, columns: &[usize]) {
        self.columns = columns.iter().map(|&column| self.columns[column]).collect();
        self.hold();
    }
}
