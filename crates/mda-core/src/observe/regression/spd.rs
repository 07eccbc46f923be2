//! Symmetric positive definite matrices. Threads share the work by blocks of columns, which are the same for any number of
//! them.

use super::matrix::column_blocks;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::triangular_solve::{solve_lower_triangular_in_place, solve_upper_triangular_in_place};
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

/// Columns that one thread works on at a time.
const BLOCK: usize = 128;

/// The lower triangle `L` of `matrix = L L^T`, whose upper triangle is neither read nor written; `None` where the matrix is
/// not positive definite.
pub(crate) fn factor(mut matrix: Mat<f64>) -> Option<Mat<f64>> {
    let size = matrix.nrows();
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(size, Par::Seq, Default::default()));
    let stack = MemStack::new(&mut memory);
    cholesky_in_place(matrix.as_mut(), Default::default(), Par::Seq, stack, Default::default()).ok()?;
    // A comparison with something that is not a number lets it pass as a pivot.
    (0..size).all(|index| matrix[(index, index)].is_finite() && matrix[(index, index)] > 0.0).then_some(matrix)
}

/// Makes `(L L^T)^-1 right` of `right`, for a factor of [`factor`].
pub(crate) fn solve(factor: &Mat<f64>, right: &mut Mat<f64>) {
    column_blocks(right.as_mut(), BLOCK).into_par_iter().for_each(|(_, mut right)| {
        solve_lower_triangular_in_place(factor.as_ref(), right.as_mut(), Par::Seq);
        solve_upper_triangular_in_place(factor.transpose(), right, Par::Seq);
    });
}

/// `(L L^T)^-1`, whole, for a factor of [`factor`], whose memory it takes.
pub(crate) fn inverse(mut factor: Mat<f64>) -> Mat<f64> {
    let size = factor.nrows();
    let mut lower = Mat::<f64>::zeros(size, size);
    column_blocks(lower.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
        let mut block = block.subrows_mut(start, size - start);
        (0..block.ncols()).for_each(|index| block[(index, index)] = 1.0);
        solve_lower_triangular_in_place(factor.get(start.., start..), block, Par::Seq);
    });
    column_blocks(factor.as_mut(), BLOCK).into_par_iter().for_each(|(start, block)| {
        let (left, right) = (lower.get(start.., start..), lower.get(start.., start..start + block.ncols()));
        let block = block.subrows_mut(start, size - start);
        let (dense, upper) = (BlockStructure::Rectangular, BlockStructure::TriangularUpper);
        matmul(block, dense, Accum::Replace, left.transpose(), upper, right, dense, 1.0, Par::Seq);
    });
    for column in 0..size {
        (column + 1..size).for_each(|row| factor[(column, row)] = factor[(row, column)]);
    }
    factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Uniform;

    fn products(size: usize) -> Mat<f64> {
        let mut uniform = Uniform::new(1);
        let x = Mat::from_fn(2 * size, size, |_, _| f64::from(uniform.signed()));
        x.transpose() * &x
    }

    fn largest(matrix: &Mat<f64>) -> f64 {
        matrix.norm_max()
    }

    #[test]
    fn the_inverse_of_a_large_matrix_is_one() {
        let gram = products(301);
        let inverse = inverse(factor(gram.clone()).unwrap());
        assert!(largest(&(&gram * &inverse - Mat::<f64>::identity(301, 301))) < 1e-8);
        assert_eq!(inverse, inverse.transpose().to_owned());
    }

    #[test]
    fn a_factor_solves() {
        let gram = products(203);
        let right = Mat::from_fn(203, 140, |row, column| (row * 7 + column) as f64 / 1000.0);
        let mut solved = right.clone();
        solve(&factor(gram.clone()).unwrap(), &mut solved);
        assert!(largest(&(&gram * solved - right)) < 1e-9);
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut gram = products(150);
        gram[(140, 140)] = -1.0;
        assert!(factor(gram).is_none());
        let mut gram = products(150);
        gram[(140, 3)] = f64::NAN;
        assert!(factor(gram).is_none());
        assert!(factor(Mat::zeros(3, 3)).is_none());
    }
}
