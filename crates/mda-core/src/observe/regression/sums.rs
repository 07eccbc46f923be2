//! The moments of a linear regression, summed row by row: memory does not grow with the number of rows.

#[cfg(test)]
mod tests;

use super::matrix::{column, column_blocks, slice, squared_norm};
use super::{MOST_REGRESSORS, NOISE};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Columns that one thread multiplies at a time.
const BLOCK: usize = 128;
/// Rows whose products are summed at a time. How rows arrive makes no difference: blocks are counted from the first row on.
const ROWS: usize = 512;
/// From so many regressors on a block's products are summed in f32, which takes half the time: where they are that many, the
/// error of each sum (1e-6 of its size) is far below the least that a diagonal is raised by.
const MANY: usize = 256;
/// Numbers up to this size can be squared and summed in f32.
const LARGEST: f32 = 1e15;

/// Sums over observations of the products of D regressors `x` and Q targets `y`.
///
/// Numbers are taken relative to the mean of the first block, so that a large mean costs no precision, and what is constant
/// there has products of exactly zero.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    rows: usize,
    /// What is taken from every row; known from the first block on.
    centre: Option<[Vec<f64>; 2]>,
    /// Rows that do not fill a block yet.
    waiting: [Vec<f32>; 2],
    /// `[D, D]`, only the lower triangle: `x x^T`.
    xx: Mat<f64>,
    /// `[Q, D]`: `y x^T`.
    yx: Mat<f64>,
    x: Vec<f64>,
    y: Vec<f64>,
    /// The sum of `y * y`.
    yy: f64,
    finite: bool,
}

/// The second moments of a regression around its means.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    /// `[D, D]`, symmetric: the sum of `(x - mean) (x - mean)^T`.
    pub(crate) xx: Mat<f64>,
    /// `[Q, D]`: the sum of `(y - mean) (x - mean)^T`.
    pub(crate) yx: Mat<f64>,
    /// `[D]`.
    pub(crate) mean_x: Vec<f64>,
    /// `[Q]`.
    pub(crate) mean_y: Vec<f64>,
    /// The sum of `(y - mean)^2`, over all targets.
    pub(crate) spread: f64,
    /// How many observations there were.
    pub(crate) rows: f64,
    /// What of the diagonal is noise.
    pub(crate) floor: f64,
    /// Whether all observations were finite.
    pub(crate) finite: bool,
}

impl Sums {
    pub(crate) fn new(regressors: usize, targets: usize) -> Self {
        debug_assert!(regressors <= MOST_REGRESSORS, "more regressors are kept as rows");
        Self {
            rows: 0,
            centre: None,
            waiting: [Vec::new(), Vec::new()],
            xx: Mat::zeros(regressors, regressors),
            yx: Mat::zeros(targets, regressors),
            x: vec![0.0; regressors],
            y: vec![0.0; targets],
            yy: 0.0,
            finite: true,
        }
    }

    /// Adds observations: `x` is `[rows, D]` and `y` `[rows, Q]`, row-major.
    pub(crate) fn add(&mut self, x: &[f32], y: &[f32]) {
        let (regressors, targets) = (self.x.len(), self.y.len());
        let mut start = 0;
        let rows = x.len() / regressors;
        while start < rows {
            let taken = (ROWS - self.waiting[0].len() / regressors).min(rows - start);
            self.waiting[0].extend_from_slice(&x[start * regressors..(start + taken) * regressors]);
            self.waiting[1].extend_from_slice(&y[start * targets..(start + taken) * targets]);
            start += taken;
            if self.waiting[0].len() == ROWS * regressors {
                self.sum_up();
            }
        }
    }

    /// Adds the products of the waiting rows.
    fn sum_up(&mut self) {
        let (regressors, targets) = (self.x.len(), self.y.len());
        let [mut x, mut y] = std::mem::take(&mut self.waiting);
        let rows = x.len() / regressors;
        if rows == 0 {
            return;
        }
        self.rows += rows;
        if !x.iter().chain(&y).all(|number| number.is_finite()) {
            self.finite = false;
            return;
        }
        let [centre_x, centre_y] = self.centre.get_or_insert_with(|| [means(&x, regressors), means(&y, targets)]);
        let y_shifted = shifted(&y, centre_y);
        add_columns(&mut self.y, &y_shifted);
        self.yy += squared_norm(&y_shifted);
        // Row-major observations are column-major matrices with one observation a column.
        let wanted = MatRef::from_column_major_slice(&y_shifted, targets, rows);
        if regressors < MANY || x.iter().chain(&y).any(|number| number.abs() > LARGEST) {
            let x_shifted = shifted(&x, centre_x);
            add_columns(&mut self.x, &x_shifted);
            let seen = MatRef::from_column_major_slice(&x_shifted, regressors, rows);
            self.add_products(seen, wanted, |sums, left, right, _| {
                matmul(sums, Accum::Add, left, right, 1.0, Par::Seq);
            });
        } else {
            shift(&mut x, centre_x);
            shift(&mut y, centre_y);
            add_columns(&mut self.x, &x);
            let wanted = MatRef::from_column_major_slice(&y, targets, rows);
            self.add_products(MatRef::from_column_major_slice(&x, regressors, rows), wanted, add_narrow);
        }
        x.clear();
        y.clear();
        self.waiting = [x, y];
    }

    /// Adds `seen seen^T`, below the diagonal, and `wanted seen^T`, by what adds a product to a block of sums; that may keep numbers
    /// from one block to the next.
    fn add_products<T: Sync>(
        &mut self,
        seen: MatRef<'_, T>,
        wanted: MatRef<'_, T>,
        add: impl Fn(MatMut<'_, f64>, MatRef<'_, T>, MatRef<'_, T>, &mut Vec<f32>) + Sync,
    ) {
        let (xx, yx) = (column_blocks(self.xx.as_mut(), BLOCK), column_blocks(self.yx.as_mut(), BLOCK));
        xx.into_par_iter().zip(yx).for_each_init(Vec::new, |kept, ((start, xx), (_, yx))| {
            let (left, right) = (seen.get(start.., ..), seen.subrows(start, xx.ncols()).transpose());
            add(xx.subrows_mut(start, left.nrows()), left, right, kept);
            if wanted.nrows() > 0 {
                add(yx, wanted, right, kept);
            }
        });
    }

    /// The moments around the means.
    pub(crate) fn centred(mut self) -> Moments {
        self.sum_up();
        let (regressors, rows) = (self.x.len(), self.rows.max(1) as f64);
        let [centre_x, centre_y] =
            self.centre.take().unwrap_or_else(|| [vec![0.0; regressors], vec![0.0; self.y.len()]]);
        let offset = |sums: &[f64]| -> Vec<f64> { sums.iter().map(|sum| sum / rows).collect() };
        let (off_x, off_y) = (offset(&self.x), offset(&self.y));
        let mean =
            |centre: &[f64], off: &[f64]| -> Vec<f64> { centre.iter().zip(off).map(|(c, off)| c + off).collect() };
        let (mean_x, mean_y) = (mean(&centre_x, &off_x), mean(&centre_y, &off_y));
        for d in 0..regressors {
            for row in d..regressors {
                let centred = self.xx[(row, d)] - rows * off_x[row] * off_x[d];
                (self.xx[(row, d)], self.xx[(d, row)]) = (centred, centred);
            }
            self.xx[(d, d)] = self.xx[(d, d)].max(0.0);
            (0..off_y.len()).for_each(|q| self.yx[(q, d)] -= rows * off_y[q] * off_x[d]);
        }
        let spread = (self.yy - rows * off_y.iter().map(|off| off * off).sum::<f64>()).max(0.0);
        let squares: f64 = (0..regressors).map(|d| self.xx[(d, d)] + rows * mean_x[d] * mean_x[d]).sum();
        let floor = NOISE * squares / regressors.max(1) as f64;
        Moments { xx: self.xx, yx: self.yx, mean_x, mean_y, spread, rows, floor, finite: self.finite }
    }
}

fn means(numbers: &[f32], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    add_columns(&mut sums, &shifted(numbers, &vec![0.0; width]));
    let rows = numbers.len() / width.max(1);
    sums.iter().map(|sum| sum / rows.max(1) as f64).collect()
}

/// Adds `left right` to `sums`, with `products` in between.
fn add_narrow(mut sums: MatMut<'_, f64>, left: MatRef<'_, f32>, right: MatRef<'_, f32>, products: &mut Vec<f32>) {
    products.resize(sums.nrows() * sums.ncols(), 0.0);
    let mut product = MatMut::from_column_major_slice_mut(products, sums.nrows(), sums.ncols());
    matmul(product.as_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
    for index in 0..sums.ncols() {
        let own = product.as_ref();
        column(&mut sums, index).iter_mut().zip(slice(own, index)).for_each(|(sum, &own)| *sum += f64::from(own));
    }
}

/// Rows with `centre` taken out.
fn shifted(numbers: &[f32], centre: &[f64]) -> Vec<f64> {
    let mut shifted = Vec::with_capacity(numbers.len());
    for row in numbers.chunks(centre.len().max(1)) {
        shifted.extend(row.iter().zip(centre).map(|(&number, centre)| f64::from(number) - centre));
    }
    shifted
}

/// Takes `centre` out of rows.
fn shift(numbers: &mut [f32], centre: &[f64]) {
    for row in numbers.chunks_mut(centre.len().max(1)) {
        row.iter_mut().zip(centre).for_each(|(number, centre)| *number = (f64::from(*number) - centre) as f32);
    }
}

fn add_columns<T: Copy + Into<f64>>(sums: &mut [f64], numbers: &[T]) {
    for row in numbers.chunks(sums.len().max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, &number)| *sum += number.into());
    }
}

impl Moments {
    /// The mean of the diagonal.
    pub(crate) fn mean_square(&self) -> f64 {
        let size = self.xx.nrows();
        (0..size).map(|d| self.xx[(d, d)]).sum::<f64>() / size.max(1) as f64
    }

    /// The sum over observations and targets of `(y - weight x - bias)^2`; `weight` is `[Q, D]`.
    pub(crate) fn squared_error(&self, weight: &Mat<f64>, bias: &[f64]) -> f64 {
        let mut carried = Mat::zeros(weight.nrows(), weight.ncols());
        matmul(&mut carried, Accum::Replace, weight, &self.xx, 1.0, Par::Seq);
        let mut error = self.spread;
        for d in 0..weight.ncols() {
            let (own, crossed) = (weight.col_as_slice(d), self.yx.col_as_slice(d));
            let terms = own.iter().zip(carried.col_as_slice(d)).zip(crossed);
            error += terms.map(|((w, carried), crossed)| w * (carried - 2.0 * crossed)).sum::<f64>();
        }
        let offset = |(q, (mean, bias)): (usize, (&f64, &f64))| {
            let seen: f64 = self.mean_x.iter().enumerate().map(|(d, x)| weight[(q, d)] * x).sum();
            (mean - seen - bias).powi(2)
        };
        let offsets: f64 = self.mean_y.iter().zip(bias).enumerate().map(offset).sum();
        // Rounding may leave a tiny negative number of a perfect fit.
        (error + self.rows * offsets).max(0.0)
    }
}
