//! Comparing tensors under a stated tolerance.

use super::report::Failure;
use mda_core::Tensor;

/// How far an answer may be from the reference, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    /// The largest difference, relative to the scale of the number's channel ([`super::scale`]).
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

/// A transcendental function of every number.
pub(super) const TRANSCENDENTAL: Tolerance = Tolerance {
    relative: 4e-6,
    reason: "exponentials of a few units in the last place, as libraries and shaders have them",
};

/// One sum a number.
pub(super) const ONE_SUM: Tolerance =
    Tolerance { relative: 1e-5, reason: "one f32 sum of up to some thousand products, in any order" };

/// Layer upon layer of sums.
pub(super) const LAYERS: Tolerance =
    Tolerance { relative: 1e-4, reason: "f32 sums whose errors pass through up to some dozen layers" };

/// The largest difference of `got` from `expected`, relative to the scale of its channel; both are `[N, ...]`, and every one
/// of `scales` stands for equally many numbers of an image.
pub(super) fn compare(
    tensor: &str,
    expected: &Tensor,
    got: &Tensor,
    scales: &[f32],
    tolerance: Tolerance,
) -> Result<f32, Failure> {
    if expected.shape() != got.shape() {
        let (expected, got) = (expected.shape(), got.shape());
        return Err(Failure::Wrong(format!("{tensor} should have the shape {expected:?}, it has {got:?}")));
    }
    let image = expected.len() / expected.shape()[0];
    let share = image / scales.len();
    assert_eq!(share * scales.len(), image, "one scale for equally many numbers");
    let (mut worst, mut difference) = (0, 0.0f32);
    for (index, (a, b)) in expected.data().iter().zip(got.data()).enumerate() {
        // Where nothing but zero can come out, the scale is zero.
        let relative = if a == b { 0.0 } else { (a - b).abs() / scales[index % image / share] };
        if relative > difference || relative.is_nan() {
            (worst, difference) = (index, relative);
        }
        if relative.is_nan() {
            break;
        }
    }
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
        let got = Tensor::new([2, 2], vec![1.0, 2.0, 3.5, 4.25]).unwrap();
        let Err(Failure::Differs { position, difference, .. }) = compare("t", &expected, &got, &[3.0, 1.0], LAYERS)
        else {
            panic!("differences of 0.5 and 0.25 passed");
        };
        assert_eq!((position, difference), (vec![1, 1], 0.25));
    }

    #[test]
    fn every_channel_has_a_tolerance_of_its_own() {
        let expected = Tensor::new([1, 2, 2], vec![1000.0, -500.0, 1e-4, 0.0]).unwrap();
        let got = |x: f32, y: f32| Tensor::new([1, 2, 2], vec![x, -500.0, y, 0.0]).unwrap();
        let passes = |got: Tensor| compare("t", &expected, &got, &[1000.0, 1e-4], LAYERS).is_ok();
        assert!(passes(got(1000.05, 1e-4)) && !passes(got(1000.0, 0.0)) && !passes(got(1000.2, 1e-4)));
    }

    #[test]
    fn nan_never_passes() {
        let zeros = Tensor::zeros([3]);
        let tolerance = Tolerance { relative: f32::MAX, reason: "anything goes" };
        for nan_first in [vec![0.0, f32::NAN, 0.0], vec![f32::NAN, 1.0, 0.0], vec![1.0, f32::NAN, 2.0]] {
            assert!(compare("t", &zeros, &Tensor::vector(nan_first), &[1.0], tolerance).is_err());
        }
    }

    #[test]
    fn a_channel_of_zeros_has_to_be_one() {
        let zeros = Tensor::zeros([1, 3]);
        assert_eq!(compare("t", &zeros, &zeros.clone(), &[0.0, 1.0, 1.0], EXACT), Ok(0.0));
        assert!(
            compare("t", &zeros, &Tensor::new([1, 3], vec![1e-30, 0.0, 0.0]).unwrap(), &[0.0, 1.0, 1.0], LAYERS)
                .is_err()
        );
    }

    #[test]
    fn shapes_must_agree() {
        assert!(compare("t", &Tensor::zeros([2, 3]), &Tensor::zeros([3, 2]), &[1.0], LAYERS).is_err());
    }
}
