//! The rows of a linear regression themselves, where there are fewer of them than regressors.

use super::NOISE;
use super::matrix::{column_blocks, widened};
use super::sums::{Moments, Sums};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

/// Regressors whose products are summed at a time, and rows that one thread multiplies.
const BLOCK: usize = 256;

/// Observations of D regressors and Q targets, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// `[n, D]`, row-major.
    x: Vec<f32>,
    /// `[n, Q]`, row-major.
    y: Vec<f32>,
    regressors: usize,
    targets: usize,
    /// What was taken from every row, `[D]` and `[Q]`; zeros until then.
    pub(crate) mean_x: Vec<f64>,
    pub(crate) mean_y: Vec<f64>,
}

impl Rows {
    pub(crate) fn new(regressors: usize, targets: usize, rows: usize) -> Self {
        let (x, y) = (Vec::with_capacity(rows * regressors), Vec::with_capacity(rows * targets));
        Self { x, y, regressors, targets, mean_x: vec![0.0; regressors], mean_y: vec![0.0; targets] }
    }

    pub(crate) fn add(&mut self, x: &[f32], y: &[f32]) {
        self.x.extend_from_slice(x);
        self.y.extend_from_slice(y);
    }

    pub(crate) fn count(&self) -> usize {
        self.x.len() / self.regressors.max(1)
    }

    pub(crate) fn is_finite(&self) -> bool {
        self.x.par_iter().chain(&self.y).all(|number| number.is_finite())
    }

    /// Takes the means out.
    pub(super) fn centre(&mut self) {
        let (mean_x, mean_y) = (means(&self.x, self.regressors), means(&self.y, self.targets));
        self.centre_at(mean_x, mean_y);
    }

    /// Takes the given means out instead of its own.
    pub(crate) fn centre_at(&mut self, mean_x: Vec<f64>, mean_y: Vec<f64>) {
        for (numbers, mean, old) in [(&mut self.x, &mean_x, &self.mean_x), (&mut self.y, &mean_y, &self.mean_y)] {
            numbers.par_chunks_mut(mean.len().max(1)).for_each(|row| {
                let shifts = mean.iter().zip(old);
                row.iter_mut().zip(shifts).for_each(|(x, (mean, old))| *x = (f64::from(*x) + old - mean) as f32);
            });
        }
        (self.mean_x, self.mean_y) = (mean_x, mean_y);
    }

    /// `[D, n]`: one row a column.
    pub(crate) fn x(&self) -> MatRef<'_, f32> {
        MatRef::from_column_major_slice(&self.x, self.regressors, self.count())
    }

    /// `[Q, n]`: one row a column.
    pub(crate) fn y(&self) -> MatRef<'_, f32> {
        MatRef::from_column_major_slice(&self.y, self.targets, self.count())
    }

    /// The sums of the products of these rows.
    pub(crate) fn moments(&self) -> Moments {
        let mut sums = Sums::new(self.regressors, self.targets);
        sums.add(&self.x, &self.y);
        let moments = sums.centred();
        Moments { floor: self.floor(), ..moments }
    }

    /// The mean of the squares of a centred regressor, summed over rows.
    pub(crate) fn mean_square(&self) -> f64 {
        self.squares() / self.regressors.max(1) as f64
    }

    /// What of that is noise.
    pub(crate) fn floor(&self) -> f64 {
        let means: f64 = self.mean_x.iter().map(|mean| mean * mean).sum();
        NOISE * (self.squares() + self.count() as f64 * means) / self.regressors.max(1) as f64
    }

    fn squares(&self) -> f64 {
        let of_row = |row: &[f32]| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
        self.x.chunks(self.regressors.max(1)).map(of_row).sum()
    }

    /// The inner products of the rows of `other` with these: `[other's n, n]`, of which only the lower triangle is
    /// computed where `lower`.
    pub(crate) fn kernel(&self, other: &Self, lower: bool) -> Mat<f64> {
        let mut kernel = Mat::zeros(other.count(), self.count());
        column_blocks(kernel.as_mut(), BLOCK).into_par_iter().for_each(|(start, mut block)| {
            let first = if lower { start } else { 0 };
            let (left, right) = (other.x(), self.x().subcols(start, block.ncols()));
            for from in (0..self.regressors).step_by(BLOCK) {
                let size = BLOCK.min(self.regressors - from);
                let left = widened(left.get(from..from + size, first..));
                let right = widened(right.subrows(from, size));
                let sums = block.as_mut().subrows_mut(first, left.ncols());
                matmul(sums, Accum::Add, left.transpose(), right, 1.0, Par::Seq);
            }
        });
        kernel
    }
}

fn means(numbers: &[f32], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0f64; width];
    let rows = numbers.len() / width.max(1);
    for row in numbers.chunks(width.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, &number)| *sum += f64::from(number));
    }
    sums.iter().map(|sum| sum / rows.max(1) as f64).collect()
}
