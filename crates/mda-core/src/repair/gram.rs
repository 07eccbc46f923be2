//! The moments of a linear regression, summed batch by batch: memory does not grow with the number of images.

use nalgebra::{DMatrix, DMatrixView, DVector, Dyn};
use rayon::prelude::*;

/// Columns that one thread multiplies at a time.
const BLOCK: usize = 128;

/// Sums over observations of the products of D regressors `x` and Q targets `y`.
///
/// Products within a batch are summed in f32 by the matrix kernel, batches in f64: the sums of a few thousand rows lose
/// about 1e-6 of their size, far below what any lambda leaves of them.
pub(super) struct Sums {
    rows: usize,
    /// `[D, D]`, only the lower triangle: `x x^T`.
    xx: DMatrix<f64>,
    /// `[Q, D]`: `y x^T`.
    yx: DMatrix<f64>,
    x: DVector<f64>,
    y: DVector<f64>,
    /// `[Q]`: `y * y`.
    yy: DVector<f64>,
}

/// The second moments of a regression around its means.
pub(super) struct Moments {
    /// `[D, D]`, symmetric: the sum of `(x - mean) (x - mean)^T`.
    pub(super) xx: DMatrix<f64>,
    /// `[Q, D]`: the sum of `(y - mean) (x - mean)^T`.
    pub(super) yx: DMatrix<f64>,
    /// `[D]`.
    pub(super) mean_x: DVector<f64>,
    /// `[Q]`.
    pub(super) mean_y: DVector<f64>,
    /// The sum of `(y - mean)^2`, over all targets.
    pub(super) spread: f64,
    /// How many observations there were.
    pub(super) rows: f64,
}

impl Sums {
    pub(super) fn new(regressors: usize, targets: usize) -> Self {
        Self {
            rows: 0,
            xx: DMatrix::zeros(regressors, regressors),
            yx: DMatrix::zeros(targets, regressors),
            x: DVector::zeros(regressors),
            y: DVector::zeros(targets),
            yy: DVector::zeros(targets),
        }
    }

    /// Adds observations: `x` is `[rows, D]` and `y` `[rows, Q]`, row-major.
    pub(super) fn add(&mut self, x: &[f32], y: &[f32]) {
        let (regressors, targets) = (self.x.len(), self.y.len());
        let rows = x.len() / regressors;
        self.rows += rows;
        for row in x.chunks(regressors) {
            self.x.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        for row in y.chunks(targets) {
            self.y.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
            self.yy.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v) * f64::from(v));
        }
        // Row-major observations are column-major matrices with one observation a column.
        let (x_columns, y_columns) =
            (DMatrixView::from_slice(x, regressors, rows), DMatrixView::from_slice(y, targets, rows));
        let xx = self.xx.as_mut_slice().par_chunks_mut(regressors * BLOCK);
        let yx = self.yx.as_mut_slice().par_chunks_mut(targets * BLOCK);
        xx.zip(yx).enumerate().for_each(|(block, (xx, yx))| {
            let (start, width) = (block * BLOCK, xx.len() / regressors);
            let block = DMatrixView::<f32, Dyn, Dyn>::from_slice_with_strides(&x[start..], rows, width, regressors, 1);
            let below = x_columns.rows(start, regressors - start) * block;
            for (sums, products) in xx.chunks_mut(regressors).zip(below.column_iter()) {
                sums[start..].iter_mut().zip(products.iter()).for_each(|(sum, &v)| *sum += f64::from(v));
            }
            let crossed = y_columns * block;
            yx.iter_mut().zip(crossed.iter()).for_each(|(sum, &v)| *sum += f64::from(v));
        });
    }

    /// Whether every sum is finite.
    pub(super) fn is_finite(&self) -> bool {
        self.xx.iter().chain(self.yx.iter()).chain(self.yy.iter()).all(|sum| sum.is_finite())
    }

    /// The moments around the means.
    pub(super) fn centred(mut self) -> Moments {
        let rows = self.rows.max(1) as f64;
        let (mean_x, mean_y) = (&self.x / rows, &self.y / rows);
        self.xx.fill_upper_triangle_with_lower_triangle();
        self.xx.ger(-rows, &mean_x, &mean_x, 1.0);
        self.yx.ger(-rows, &mean_y, &mean_x, 1.0);
        let spread =
            self.yy.iter().zip(mean_y.iter()).map(|(square, mean)| (square - rows * mean * mean).max(0.0)).sum();
        Moments { xx: self.xx, yx: self.yx, mean_x, mean_y, spread, rows }
    }
}

impl Moments {
    /// The sum over observations and targets of `(y - weight x - bias)^2`; `weight` is `[Q, D]`.
    pub(super) fn squared_error(&self, weight: &DMatrix<f64>, bias: &DVector<f64>) -> f64 {
        let explained = (weight * &self.xx).dot(weight) - 2.0 * self.yx.dot(weight);
        let offset = &self.mean_y - weight * &self.mean_x - bias;
        // Rounding may leave a tiny negative number of a perfect fit.
        (self.spread + explained + self.rows * offset.norm_squared()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_blocks_add_up() {
        let (rows, regressors, targets) = (7, BLOCK + 3, 2);
        let number = |i: usize| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0;
        let x: Vec<f32> = (0..rows * regressors).map(number).collect();
        let y: Vec<f32> = (0..rows * targets).map(|i| number(i + 5)).collect();
        let mut sums = Sums::new(regressors, targets);
        sums.add(&x[..3 * regressors], &y[..3 * targets]);
        sums.add(&x[3 * regressors..], &y[3 * targets..]);
        let moments = sums.centred();
        let column = |data: &[f32], width: usize, c: usize| -> Vec<f64> {
            let numbers: Vec<f64> = data.iter().skip(c).step_by(width).map(|&v| f64::from(v)).collect();
            let mean = numbers.iter().sum::<f64>() / rows as f64;
            numbers.iter().map(|v| v - mean).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for (i, j) in [(0, 0), (BLOCK + 2, 1), (1, BLOCK + 2), (BLOCK, BLOCK + 1)] {
            let expected = dot(&column(&x, regressors, i), &column(&x, regressors, j));
            assert!((moments.xx[(i, j)] - expected).abs() < 1e-5, "{i}, {j}");
        }
        let expected = dot(&column(&y, targets, 1), &column(&x, regressors, BLOCK));
        assert!((moments.yx[(1, BLOCK)] - expected).abs() < 1e-5);
    }

    #[test]
    fn the_error_is_that_of_the_observations() {
        let (x, y) = ([1.0f32, 2.0, 4.0], [1.0f32, 3.0, 2.0]);
        let mut sums = Sums::new(1, 1);
        sums.add(&x, &y);
        let (weight, bias) = (DMatrix::from_element(1, 1, 0.5), DVector::from_element(1, 0.25));
        let expected: f64 = x.iter().zip(&y).map(|(&x, &y)| (f64::from(y) - 0.5 * f64::from(x) - 0.25).powi(2)).sum();
        assert!((sums.centred().squared_error(&weight, &bias) - expected).abs() < 1e-6);
    }
}
