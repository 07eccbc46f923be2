//! Symmetric positive definite matrices, worked on by halves so that nearly all of the work is in matrix products.

use nalgebra::{Cholesky, DMatrix, DVector};

/// Below this size the direct algorithms are as fast.
const DIRECT: usize = 64;

/// The lower triangle `L` of `matrix = L L^T`, whose upper triangle is not read; `None` where the matrix is not positive
/// definite.
pub(crate) fn factor(matrix: DMatrix<f64>) -> Option<DMatrix<f64>> {
    let size = matrix.nrows();
    if size <= DIRECT {
        return Some(Cholesky::new(matrix)?.l());
    }
    let half = size / 2;
    let first = factor(matrix.view((0, 0), (half, half)).into_owned())?;
    let below = solve_lower(&first, matrix.view((half, 0), (size - half, half)).transpose());
    let mut rest = matrix.view((half, half), (size - half, size - half)).into_owned();
    rest.gemm_tr(-1.0, &below, &below, 1.0);
    let second = factor(rest)?;
    let mut whole = DMatrix::zeros(size, size);
    whole.view_mut((0, 0), (half, half)).copy_from(&first);
    whole.view_mut((half, 0), (size - half, half)).copy_from(&below.transpose());
    whole.view_mut((half, half), (size - half, size - half)).copy_from(&second);
    Some(whole)
}

/// `(L L^T)^-1 right`, for a factor of [`factor`].
pub(crate) fn solve(factor: &DMatrix<f64>, right: DMatrix<f64>) -> DMatrix<f64> {
    solve_upper(factor, solve_lower(factor, right))
}

/// `L^-1 right`.
fn solve_lower(lower: &DMatrix<f64>, right: DMatrix<f64>) -> DMatrix<f64> {
    halves(lower, right, [0, 1])
}

/// `L^-T right`.
fn solve_upper(lower: &DMatrix<f64>, right: DMatrix<f64>) -> DMatrix<f64> {
    halves(lower, right, [1, 0])
}

/// Solves for one half of the unknowns, takes what they explain from the right side, and solves for the other half;
/// `order` says which half comes first.
fn halves(lower: &DMatrix<f64>, mut right: DMatrix<f64>, order: [usize; 2]) -> DMatrix<f64> {
    let size = lower.nrows();
    let forwards = order == [0, 1];
    if size <= DIRECT {
        if forwards {
            lower.solve_lower_triangular_unchecked_mut(&mut right);
        } else {
            lower.ad_solve_lower_triangular_unchecked_mut(&mut right);
        }
        return right;
    }
    let half = size / 2;
    let parts = [(0, half), (half, size - half)];
    let diagonal =
        |part: usize| lower.view((parts[part].0, parts[part].0), (parts[part].1, parts[part].1)).into_owned();
    let corner = lower.view((half, 0), (size - half, half));
    let rows = |right: &DMatrix<f64>, part: usize| right.rows(parts[part].0, parts[part].1).into_owned();
    let first = halves(&diagonal(order[0]), rows(&right, order[0]), order);
    let mut rest = rows(&right, order[1]);
    if forwards {
        rest.gemm(-1.0, &corner, &first, 1.0);
    } else {
        rest.gemm(-1.0, &corner.transpose(), &first, 1.0);
    }
    let second = halves(&diagonal(order[1]), rest, order);
    right.rows_mut(parts[order[0]].0, parts[order[0]].1).copy_from(&first);
    right.rows_mut(parts[order[1]].0, parts[order[1]].1).copy_from(&second);
    right
}

/// The inverse; of a matrix that rounding has left without a factor, that of its diagonal blocks.
pub(crate) fn inverse(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    let size = matrix.nrows();
    if size <= DIRECT {
        let diagonal = || DMatrix::from_diagonal(&DVector::from_fn(size, |i, _| 1.0 / matrix[(i, i)]));
        return Cholesky::new(matrix.clone()).map_or_else(diagonal, |cholesky| cholesky.inverse());
    }
    let half = size / 2;
    let a = matrix.view((0, 0), (half, half));
    let b = matrix.view((0, half), (half, size - half));
    let c = matrix.view((half, half), (size - half, size - half));
    let a_inverse = inverse(&a.into_owned());
    let left = &a_inverse * b;
    let complement = c - b.tr_mul(&left);
    let c_inverse = inverse(&complement);
    let corner = &left * &c_inverse;
    let mut whole = DMatrix::zeros(size, size);
    whole.view_mut((0, 0), (half, half)).copy_from(&(a_inverse + &corner * left.transpose()));
    whole.view_mut((0, half), (half, size - half)).copy_from(&-&corner);
    whole.view_mut((half, 0), (size - half, half)).copy_from(&-corner.transpose());
    whole.view_mut((half, half), (size - half, size - half)).copy_from(&c_inverse);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Uniform;

    fn products(size: usize) -> DMatrix<f64> {
        let mut uniform = Uniform::new(1);
        let x = DMatrix::from_fn(2 * size, size, |_, _| f64::from(uniform.signed()));
        x.tr_mul(&x)
    }

    #[test]
    fn the_inverse_of_a_large_matrix_is_one() {
        let gram = products(131);
        assert!((&gram * inverse(&gram) - DMatrix::identity(131, 131)).amax() < 1e-8);
    }

    #[test]
    fn a_factor_multiplies_back_and_solves() {
        let gram = products(203);
        let lower = factor(gram.clone()).unwrap();
        assert!((&lower * lower.transpose() - &gram).amax() < 1e-9);
        assert_eq!(lower, lower.lower_triangle());
        let right = DMatrix::from_fn(203, 7, |row, column| (row * 7 + column) as f64 / 1000.0);
        assert!((&gram * solve(&lower, right.clone()) - right).amax() < 1e-9);
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let mut gram = products(150);
        gram[(140, 140)] = -1.0;
        assert!(factor(gram).is_none());
    }
}
