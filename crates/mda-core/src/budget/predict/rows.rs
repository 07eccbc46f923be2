//! Layers with more regressors than their products are held of: by a sample of the rows that they saw.
//!
//! With the rows `X`, what is lost is `l |L^-1 X_R W_R^T|^2`, where `L L^T = X_S X_S^T + l`.

use super::layer::LAMBDA;
use crate::observe::regression::{Rows, spd, strength};
use faer::linalg::matmul::matmul;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, Par};

/// The most rows that are looked at.
const MOST_ROWS: usize = 1024;
/// At how many sizes the loss is worked out; between them it is a straight line.
const SIZES: usize = 8;

/// What is lost where the first so many of `groups` stay.
pub(super) fn lost(rows: &Rows, weight: &Mat<f64>, groups: &[usize], regressors: &[Vec<usize>]) -> Vec<f64> {
    let (all, count) = (rows.x(), rows.count().min(MOST_ROWS));
    let of_share = (rows.count() as f64 / count.max(1) as f64).max(1.0);
    let row = |n: usize| n * rows.count() / count.max(1);
    let strength = strength(LAMBDA, rows.mean_square() / of_share, rows.floor());
    let columns = |groups: &[usize]| -> Vec<usize> { groups.iter().flat_map(|&g| &regressors[g]).copied().collect() };
    let part = |columns: &[usize]| Mat::from_fn(count, columns.len(), |n, d| f64::from(all[(columns[d], row(n))]));
    let outputs = |numbers: &Mat<f64>, columns: &[usize], into: &mut Mat<f64>, sign: f64| {
        let own = Mat::from_fn(weight.nrows(), columns.len(), |q, d| weight[(q, columns[d])]);
        matmul(into, Accum::Add, numbers, own.transpose(), sign, Par::Seq);
    };
    let mut missing = Mat::zeros(count, weight.nrows());
    let mut kernel = Mat::<f64>::identity(count, count) * faer::Scale(strength);
    let ends: Vec<usize> = (0..=SIZES).map(|size| size * groups.len() / SIZES).collect();
    for ends in ends.windows(2) {
        let columns = columns(&groups[ends[0]..ends[1]]);
        outputs(&part(&columns), &columns, &mut missing, 1.0);
    }
    let mut points = Vec::with_capacity(SIZES + 1);
    for (index, &end) in ends.iter().enumerate() {
        if let Some(&start) = index.checked_sub(1).and_then(|before| ends.get(before)) {
            let columns = columns(&groups[start..end]);
            let numbers = part(&columns);
            outputs(&numbers, &columns, &mut missing, -1.0);
            matmul(&mut kernel, Accum::Add, &numbers, numbers.transpose(), 1.0, Par::Seq);
        }
        let mut solved = missing.clone();
        let known = spd::factor(kernel.clone()).map(|factor| {
            solve_lower_triangular_in_place(factor.as_ref(), solved.as_mut(), Par::Seq);
            strength * solved.squared_norm_l2()
        });
        points.push((end, of_share * known.unwrap_or_else(|| missing.squared_norm_l2())));
    }
    let between = |kept: usize| {
        let after = points.partition_point(|&(end, _)| end < kept);
        let ((right, low), (left, high)) = (points[after], points[after.saturating_sub(1)]);
        let share = if right > left { (right - kept) as f64 / (right - left) as f64 } else { 0.0 };
        low + share * (high - low)
    };
    (0..=groups.len()).map(between).collect()
}
