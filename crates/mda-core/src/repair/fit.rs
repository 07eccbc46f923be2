//! One group of a layer as a ridge regression: minimises `|y - W x - b|^2 + l |W - S|^2`, with `S` the source's weights and
//! `l` a multiple of the mean square of `x`.
//!
//! With centred `X` (`[n, D]`) and `Y`, and many rows, `W = (Y^T X + l S) (X^T X + l I)^-1`. With fewer rows than regressors the
//! same is `W = S + A^T X` with `A = (X X^T + l I)^-1 (Y - X S^T)`: nothing has `D^2` numbers.

use crate::observe::regression::{Moments, Regression, Rows, column_blocks, spd, strength, widened};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Columns that one thread works on at a time.
const BLOCK: usize = 256;

/// What one group of filters is fitted on, and what the fit is judged by.
pub(super) enum Problem<'a> {
    Primal { fit: &'a Moments, tuning: &'a Moments, start: Mat<f64> },
    Dual(Dual<'a>),
}

/// A regression by its rows, with what every lambda needs.
pub(super) struct Dual<'a> {
    rows: &'a Rows,
    start: MatRef<'a, f32>,
    /// `X X^T`, `[n, n]`, only the lower triangle.
    kernel: Mat<f64>,
    /// `Y - X S^T`, `[n, Q]`.
    missing: Mat<f64>,
    /// The same of the tuning rows: their inner products with `X`, `[m, n]`, and what `S` misses there, `[m, Q]`.
    tuning: [Mat<f64>; 2],
}

/// A fit and its squared error on the tuning rows.
pub(super) struct Solution {
    pub(super) error: f64,
    /// `W`, `[Q, D]`; where the problem is a dual one `A`, `[n, Q]`.
    numbers: Mat<f64>,
}

impl<'a> Problem<'a> {
    /// `start` is `[Q, D]`, row-major. Both regressions are of the same form, and tuning rows are centred where the others
    /// are.
    pub(super) fn new(fit: &'a Regression, tuning: &'a Regression, start: &'a [f32]) -> Option<Self> {
        match (fit, tuning) {
            (Regression::Moments(fit), Regression::Moments(tuning)) => {
                let (filters, regressors) = (fit.mean_y.len(), fit.mean_x.len());
                let start = widened(MatRef::from_row_major_slice(start, filters, regressors));
                Some(Self::Primal { fit, tuning, start })
            }
            (Regression::Rows(rows), Regression::Rows(tuning)) => {
                let start = MatRef::from_row_major_slice(start, rows.mean_y.len(), rows.mean_x.len());
                let tuning = [rows.kernel(tuning, false), missing(tuning, start)];
                let (kernel, missing) = (rows.kernel(rows, true), missing(rows, start));
                Some(Self::Dual(Dual { rows, start, kernel, missing, tuning }))
            }
            _ => None,
        }
    }

    /// The fit with one lambda; `None` where the inputs do not determine it.
    pub(super) fn solve(&self, lambda: f64) -> Option<Solution> {
        let solution = match self {
            Self::Primal { fit, tuning, start } => {
                let numbers = solve_primal(fit, start, lambda)?;
                let error = tuning.squared_error(&numbers, &bias(fit, &numbers));
                Solution { error, numbers }
            }
            Self::Dual(dual) => dual.solve(lambda)?,
        };
        solution.error.is_finite().then_some(solution)
    }

    /// The weights of a solution, `[Q, D]`, row-major, and its biases.
    pub(super) fn weight(&self, solution: &Solution) -> (Vec<f32>, Vec<f64>) {
        match self {
            Self::Primal { fit, .. } => {
                let weight = &solution.numbers;
                let row = |q: usize| (0..weight.ncols()).map(move |d| weight[(q, d)] as f32);
                ((0..weight.nrows()).flat_map(row).collect(), bias(fit, weight))
            }
            Self::Dual(dual) => dual.weight(&solution.numbers),
        }
    }
}

fn solve_primal(moments: &Moments, start: &Mat<f64>, lambda: f64) -> Option<Mat<f64>> {
    let strength = strength(lambda, moments.mean_square(), moments.floor);
    let mut system = moments.xx.clone();
    (0..system.nrows()).for_each(|d| system[(d, d)] += strength);
    let mut right = Mat::from_fn(start.ncols(), start.nrows(), |d, q| moments.yx[(q, d)] + strength * start[(q, d)]);
    spd::solve(&spd::factor(system)?, &mut right);
    Some(right.transpose().to_owned())
}

fn bias(moments: &Moments, weight: &Mat<f64>) -> Vec<f64> {
    let seen = |q: usize| moments.mean_x.iter().enumerate().map(|(d, x)| weight[(q, d)] * x).sum::<f64>();
    moments.mean_y.iter().enumerate().map(|(q, y)| y - seen(q)).collect()
}

/// `Y - X S^T`, `[n, Q]`.
fn missing(rows: &Rows, start: MatRef<'_, f32>) -> Mat<f64> {
    let mut missing = widened(rows.y().transpose());
    column_blocks(missing.as_mut(), BLOCK).into_par_iter().for_each(|(first, mut block)| {
        let mut explained = Mat::<f32>::zeros(block.nrows(), block.ncols());
        let weight = start.subrows(first, block.ncols()).transpose();
        matmul(&mut explained, Accum::Replace, rows.x().transpose(), weight, 1.0, Par::Seq);
        for q in 0..block.ncols() {
            (0..block.nrows()).for_each(|n| block[(n, q)] -= f64::from(explained[(n, q)]));
        }
    });
    missing
}

impl Dual<'_> {
    fn solve(&self, lambda: f64) -> Option<Solution> {
        let mut system = self.kernel.clone();
        let strength = strength(lambda, self.rows.mean_square(), self.rows.floor());
        (0..system.nrows()).for_each(|n| system[(n, n)] += strength);
        let mut numbers = self.missing.clone();
        spd::solve(&spd::factor(system)?, &mut numbers);
        let [kernel, missing] = &self.tuning;
        let mut left = missing.clone();
        let squares = |(first, mut block): (usize, MatMut<'_, f64>)| {
            let own = numbers.subcols(first, block.ncols());
            matmul(block.as_mut(), Accum::Add, kernel, own, -1.0, Par::Seq);
            (0..block.ncols()).flat_map(|q| (0..block.nrows()).map(move |n| (n, q))).map(|at| block[at].powi(2)).sum()
        };
        let blocks: Vec<f64> = column_blocks(left.as_mut(), BLOCK).into_par_iter().map(squares).collect();
        Some(Solution { error: blocks.iter().sum(), numbers })
    }

    /// `S + A^T X`, and `mean(y) - W mean(x)`.
    fn weight(&self, numbers: &Mat<f64>) -> (Vec<f32>, Vec<f64>) {
        let (filters, regressors) = self.start.shape();
        let narrow = Mat::from_fn(numbers.nrows(), filters, |n, q| numbers[(n, q)] as f32);
        // Row-major `[Q, D]` is column-major `[D, Q]`.
        let mut weight = vec![0.0f32; filters * regressors];
        let blocks = column_blocks(MatMut::from_column_major_slice_mut(&mut weight, regressors, filters), BLOCK);
        blocks.into_par_iter().for_each(|(first, mut block)| {
            block.copy_from(self.start.subrows(first, block.ncols()).transpose());
            let own = narrow.subcols(first, block.ncols());
            matmul(block, Accum::Add, self.rows.x(), own, 1.0, Par::Seq);
        });
        let seen = |q: usize| {
            let row = weight[q * regressors..(q + 1) * regressors].iter();
            row.zip(&self.rows.mean_x).map(|(&w, x)| f64::from(w) * x).sum::<f64>()
        };
        let bias = self.rows.mean_y.iter().enumerate().map(|(q, y)| y - seen(q)).collect();
        (weight, bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::regression::{Gathered, Sums};
    use crate::tensor::Uniform;

    /// Both forms of the same observations: `[sums, rows]`, each `[fit, tuning]`.
    fn both(rows: usize, regressors: usize, targets: usize) -> [[Regression; 2]; 2] {
        let mut uniform = Uniform::new(5);
        let mut draw = |count: usize| -> Vec<f32> { (0..count).map(|_| uniform.signed() + 0.5).collect() };
        let data = [rows, 5].map(|rows| (draw(rows * regressors), draw(rows * targets)));
        let gathered = |new: &dyn Fn() -> Gathered| {
            data.each_ref().map(|(x, y)| {
                let mut gathered = new();
                gathered.add(x, y);
                gathered.finish()
            })
        };
        let sums = gathered(&|| Gathered::Sums(Sums::new(regressors, targets)));
        let [fit, tuning] = gathered(&|| Gathered::Rows(Rows::new(regressors, targets, rows)));
        let tuning = tuning.centred_as(&fit);
        [sums, [fit, tuning]]
    }

    #[test]
    fn fewer_rows_than_regressors_give_the_same_fit() {
        let (regressors, targets) = (30, 3);
        let mut uniform = Uniform::new(6);
        let start: Vec<f32> = (0..targets * regressors).map(|_| uniform.signed()).collect();
        let fits = both(7, regressors, targets);
        for lambda in [1e-3, 1.0] {
            let [primal, dual] = fits.each_ref().map(|[fit, tuning]| {
                let problem = Problem::new(fit, tuning, &start).unwrap();
                let solution = problem.solve(lambda).unwrap();
                let (weight, bias) = problem.weight(&solution);
                (solution.error, weight, bias)
            });
            assert!((primal.0 / dual.0 - 1.0).abs() < 1e-3, "{} against {}", primal.0, dual.0);
            assert!(primal.1.iter().zip(&dual.1).all(|(a, b)| (a - b).abs() < 1e-3));
            assert!(primal.2.iter().zip(&dual.2).all(|(a, b)| (a - b).abs() < 1e-3));
            assert!(primal.1.iter().zip(&start).any(|(a, b)| (a - b).abs() > 0.1), "the fit must move");
        }
    }
}
