//! Linear least squares on what a layer sees: rows gathered from its inputs, their sums, and what is solved with them.
//!
//! Structured OBS and ridge share it. Rows are chosen by image and output position and summed in blocks that only their
//! order makes, so that neither the batch size nor the number of threads changes a bit.
//!
//! With `X` the centred rows (`[n, D]`), all that is solved has the matrix `X^T X + l I`. Where there are many rows its
//! `D^2` numbers are summed up. Where there are fewer rows than regressors the rows themselves are kept, and
//! `(X^T X + l I)^-1 = (I - X^T (X X^T + l I)^-1 X) / l` needs a matrix of `n^2` numbers only.

mod dots;
mod matrix;
mod patches;
mod rows;
pub(crate) mod spd;
mod sums;

pub(crate) use dots::add_dots;
pub(crate) use matrix::{column, column_blocks, slice, squared_norm, widened};
pub(crate) use patches::{Geometry, Sampling, scramble};
pub(crate) use rows::Rows;
pub(crate) use sums::{Moments, Sums};

/// The most regressors whose squared number is held: 302 MB in f64.
pub(crate) const MOST_REGRESSORS: usize = 6144;
/// The most rows that are kept of a layer with more regressors than that: their squared number takes 134 MB in f64, and
/// they themselves 411 MB where there are 25,088 regressors.
pub(crate) const MOST_ROWS: usize = 4096;

/// Activations are f32, good to about 1e-6 of their size: what varies less than this share of the mean square is noise.
const NOISE: f64 = 1e-10;

/// Observations of a layer on their way in.
#[derive(Clone, Debug)]
pub(crate) enum Gathered {
    /// Many rows.
    Sums(Sums),
    /// Few rows.
    Rows(Rows),
}

impl Gathered {
    /// Takes up rows: `x` is `[rows, D]` and `y` `[rows, Q]`, row-major.
    pub(crate) fn add(&mut self, x: &[f32], y: &[f32]) {
        match self {
            Self::Sums(sums) => sums.add(x, y),
            Self::Rows(rows) => rows.add(x, y),
        }
    }

    /// No more rows come.
    pub(crate) fn finish(self) -> Regression {
        match self {
            Self::Sums(sums) => Regression::Moments(sums.centred()),
            Self::Rows(mut rows) => {
                rows.centre();
                Regression::Rows(rows)
            }
        }
    }
}

/// Observations of a layer, means taken out.
#[derive(Clone, Debug)]
pub(crate) enum Regression {
    /// The products of regressors.
    Moments(Moments),
    /// The rows themselves.
    Rows(Rows),
}

impl Regression {
    /// Whether all that was observed is a finite number.
    pub(crate) fn is_finite(&self) -> bool {
        match self {
            Self::Moments(moments) => moments.finite,
            Self::Rows(rows) => rows.is_finite(),
        }
    }

    /// Rows with the means of `other`, also rows, taken out instead of their own; sums know both.
    pub(crate) fn centred_as(mut self, other: &Self) -> Self {
        if let (Self::Rows(rows), Self::Rows(other)) = (&mut self, other) {
            rows.centre_at(other.mean_x.clone(), other.mean_y.clone());
        }
        self
    }
}

/// What is added to a diagonal whose mean is `mean`: `lambda` times that, at least `floor`, and 1 where both are nothing.
pub(crate) fn strength(lambda: f64, mean: f64, floor: f64) -> f64 {
    let strength = lambda * mean + floor;
    if strength > 0.0 || mean > 0.0 { strength } else { 1.0 }
}
