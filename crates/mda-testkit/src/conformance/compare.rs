//! Comparing tensors under a stated tolerance.

use super::report::Failure;
use mda_core::Tensor;

/// How far an answer may be from the reference, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    /// The largest difference, relative to the largest magnitude of the reference's tensor.
    pub(super) relative: f32,
    /// Why it cannot be smaller.
    pub(super) reason: &'static str,
}

/// Numbers are only moved, compared or clamped.
pub(super) const EXACT: Tolerance =
    Tolerance { relative: 0.0, reason: "numbers are moved or compared, never computed" };

/// Two or three operations on every number.
pub(super) const ELEMENTWISE: Tolerance =
    Tolerance { relative: 1e-6, reason: "a few f32 roundings a number, in any order" };

/// One sum a number.
pub(super) const ONE_SUM: Tolerance =
    Tolerance { relative: 1e-5, reason: "one f32 sum of up to some thousand products, in any order" };

/// Layer upon layer of sums.
pub(super) const LAYERS: Tolerance =
    Tolerance { relative: 1e-4, reason: "f32 sums whose errors pass through up to some dozen layers" };

/// Activations are near 1 by construction: where a whole tensor happens to be tiny, its errors are still those of the
/// numbers that cancelled.
const LEAST_MAGNITUDE: f32 = 0.1;

/// The largest difference of `got` from `expected`, relative to the largest magnitude of `expected`.
pub(super) fn compare(tensor: &str, expected: &Tensor, got: &Tensor, tolerance: Tolerance) -> Result<f32, Failure> {
    if expected.shape() != got.shape() {
        let (expected, got) = (expected.shape(), got.shape());
        return Err(Failure::Wrong(format!("{tensor} should have the shape {expected:?}, it has {got:?}")));
    }
    let magnitude = magnitude(expected);
    let differences = expected.data().iter().zip(got.data()).map(|(a, b)| (a - b).abs());
    let (worst, largest) = differences.enumerate().fold((0, 0.0), |worst: (usize, f32), (index, difference)| {
        if difference > worst.1 || difference.is_nan() { (index, difference) } else { worst }
    });
    let difference = largest / magnitude;
    if difference <= tolerance.relative {
        return Ok(difference);
    }
    Err(Failure::Differs {
        tensor: tensor.into(),
        position: position(expected.shape(), worst),
        expected: expected.data()[worst],
        got: got.data()[worst],
        difference,
        allowed: format!("{:.0e}: {}", tolerance.relative, tolerance.reason),
    })
}

/// What differences from `expected` are relative to.
pub(super) fn magnitude(expected: &Tensor) -> f32 {
    expected.data().iter().fold(LEAST_MAGNITUDE, |m, x| m.max(x.abs()))
}

/// The index of every axis at a position of the row-major numbers.
fn position(shape: &[usize], mut index: usize) -> Vec<usize> {
    let mut position = vec![0; shape.len()];
    for (axis, &extent) in shape.iter().enumerate().rev() {
        position[axis] = index % extent;
        index /= extent;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_number_is_named() {
        let expected = Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let got = Tensor::new([2, 2], vec![1.0, 2.0, 3.5, 4.0]).unwrap();
        let Err(Failure::Differs { position, difference, .. }) = compare("t", &expected, &got, LAYERS) else {
            panic!("a difference of 0.5 passed");
        };
        assert_eq!((position, difference), (vec![1, 0], 0.125));
    }

    #[test]
    fn nan_never_passes() {
        let zeros = Tensor::zeros([3]);
        let tolerance = Tolerance { relative: f32::MAX, reason: "anything goes" };
        assert!(compare("t", &zeros, &Tensor::vector(vec![0.0, f32::NAN, 0.0]), tolerance).is_err());
        assert!(compare("t", &zeros, &Tensor::vector(vec![f32::NAN, 1.0, 0.0]), tolerance).is_err());
    }

    #[test]
    fn shapes_must_agree() {
        assert!(compare("t", &Tensor::zeros([2, 3]), &Tensor::zeros([3, 2]), LAYERS).is_err());
    }
}
