//! Inner products of many vectors with a few: what a step of an elimination consists of, and too narrow for matrix products to be
//! quick at.

use pulp::{Arch, Simd, WithSimd};

/// Vectors of either side that share what is loaded of the other.
const MANY: usize = 4;
const FEW: usize = 4;

/// Adds `factor` times the inner products of `many` vectors with every one of the `few` to `sums`, `[many, few]`, row-major; all
/// vectors are of one length.
pub(crate) fn add_dots(sums: &mut [f64], many: &[&[f64]], few: &[&[f64]], factor: f64) {
    Arch::new().dispatch(Dots { sums, many, few, factor });
}

struct Dots<'a> {
    sums: &'a mut [f64],
    many: &'a [&'a [f64]],
    few: &'a [&'a [f64]],
    factor: f64,
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, many, few, factor } = self;
        for (many, sums) in many.chunks(MANY).zip(sums.chunks_mut(MANY * few.len().max(1))) {
            let own: [&[f64]; MANY] = std::array::from_fn(|row| many[row.min(many.len() - 1)]);
            for (block, others) in few.chunks(FEW).enumerate() {
                let other: [&[f64]; FEW] = std::array::from_fn(|column| others[column.min(others.len() - 1)]);
                let dots = tile(simd, own, other);
                for (dots, sums) in dots.iter().zip(sums.chunks_mut(few.len())) {
                    let sums = &mut sums[block * FEW..][..others.len()];
                    sums.iter_mut().zip(dots).for_each(|(sum, dot)| *sum += factor * dot);
                }
            }
        }
    }
}

/// All inner products of some vectors with some others.
#[inline(always)]
fn tile<S: Simd>(simd: S, own: [&[f64]; MANY], other: [&[f64]; FEW]) -> [[f64; FEW]; MANY] {
    let split = |vector| S::as_simd_f64s(vector);
    let (own, other) = (own.map(split), other.map(split));
    let mut sums = [[simd.splat_f64s(0.0); FEW]; MANY];
    for index in 0..own[0].0.len() {
        let right = other.map(|(vector, _)| vector[index]);
        for (sums, (vector, _)) in sums.iter_mut().zip(own) {
            let left = vector[index];
            sums.iter_mut().zip(right).for_each(|(sum, right)| *sum = simd.mul_add_f64s(left, right, *sum));
        }
    }
    let rest = |row: usize, column: usize| -> f64 { own[row].1.iter().zip(other[column].1).map(|(a, b)| a * b).sum() };
    std::array::from_fn(|row| std::array::from_fn(|column| simd.reduce_sum_f64s(sums[row][column]) + rest(row, column)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Uniform;

    fn vectors(numbers: &[f64], length: usize) -> Vec<&[f64]> {
        numbers.chunks(length).collect()
    }

    #[test]
    fn inner_products_of_any_numbers_of_vectors() {
        let mut uniform = Uniform::new(3);
        for (many, few, length) in [(1, 1, 1), (5, 3, 7), (9, 9, 33), (4, 4, 16), (2, 6, 8)] {
            let mut draw = |count: usize| -> Vec<f64> { (0..count).map(|_| f64::from(uniform.signed())).collect() };
            let (left, right, before) = (draw(many * length), draw(few * length), draw(many * few));
            let mut sums = before.clone();
            add_dots(&mut sums, &vectors(&left, length), &vectors(&right, length), -2.0);
            for (index, (sum, before)) in sums.iter().zip(&before).enumerate() {
                let (row, column) = (index / few, index % few);
                let dot: f64 = (0..length).map(|at| left[row * length + at] * right[column * length + at]).sum();
                assert!((sum - (before - 2.0 * dot)).abs() < 1e-12, "{many} x {few}: {sum}");
            }
        }
    }
}
