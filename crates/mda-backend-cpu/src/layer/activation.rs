//! Activations over whole values: behind a layer in place, or with a slope a channel.

use super::functions::{elu, erf, sigmoid, tanh};
use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use crate::parallel::{for_each_block, for_each_plane};
use mda_core::op::ActivationKind;

/// Puts `kind` of every number of `values` in its place.
pub(crate) fn activate<S: Simd>(simd: S, kind: ActivationKind, values: MapsMut<'_>) {
    let positions = values.shape().positions();
    for_each_block(values, positions, |_, _, planes| {
        simd.vectorize(
            #[inline(always)]
            || in_place(simd, kind, planes),
        );
    });
}

/// One loop a kind, so that nothing is decided inside.
#[inline(always)]
fn in_place<S: Simd>(simd: S, kind: ActivationKind, numbers: &mut [f32]) {
    match kind {
        ActivationKind::Sigmoid => each(numbers, |x| sigmoid(simd, x)),
        ActivationKind::HardSigmoid { slope, offset } => {
            each(numbers, |x| unit(simd.multiply_add(slope, x, offset)));
        }
        ActivationKind::Silu => each(numbers, |x| x * sigmoid(simd, x)),
        ActivationKind::HardSwish => each(numbers, |x| x * unit(simd.multiply_add(1.0 / 6.0, x, 0.5))),
        ActivationKind::LeakyRelu { slope } => each(numbers, |x| leaky(slope, x)),
        ActivationKind::Elu { alpha } => each(numbers, |x| elu(simd, alpha, x)),
        ActivationKind::Gelu => each(numbers, |x| {
            let half = 0.5 * x;
            simd.multiply_add(half, erf(simd, x * std::f32::consts::FRAC_1_SQRT_2), half)
        }),
        ActivationKind::GeluTanh => {
            let scale = ActivationKind::GELU_SCALE as f32;
            let cube = (ActivationKind::GELU_SCALE * ActivationKind::GELU_CUBE) as f32;
            each(numbers, |x| {
                let half = 0.5 * x;
                let inner = x * simd.multiply_add(cube, x * x, scale);
                simd.multiply_add(half, tanh(simd, inner), half)
            });
        }
        ActivationKind::Tanh => each(numbers, |x| tanh(simd, x)),
    }
}

#[inline(always)]
fn each(numbers: &mut [f32], f: impl Fn(f32) -> f32) {
    numbers.iter_mut().for_each(|x| *x = f(*x));
}

/// NaN stays NaN.
#[inline(always)]
fn unit(x: f32) -> f32 {
    super::finish::clamp(x, [0.0, 1.0])
}

#[inline(always)]
fn leaky(slope: f32, x: f32) -> f32 {
    if x > 0.0 { x } else { slope * x }
}

/// `x` above zero, `slopes[c] * x` below.
pub(crate) fn leak<S: Simd>(simd: S, slopes: &[f32], input: Maps<'_>, output: MapsMut<'_>) {
    let positions = output.shape().positions();
    for_each_plane(output, positions, |n, c, plane| {
        let (slope, source) = (slopes[c], input.plane(n, c));
        simd.vectorize(
            #[inline(always)]
            || plane.iter_mut().zip(source).for_each(|(y, &x)| *y = leaky(slope, x)),
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Portable;
    use mda_core::tensor::Shape;

    const ALL: [ActivationKind; 9] = [
        ActivationKind::Sigmoid,
        ActivationKind::HardSigmoid { slope: 0.2, offset: 0.5 },
        ActivationKind::Silu,
        ActivationKind::HardSwish,
        ActivationKind::LeakyRelu { slope: 0.1 },
        ActivationKind::Elu { alpha: 1.5 },
        ActivationKind::Gelu,
        ActivationKind::GeluTanh,
        ActivationKind::Tanh,
    ];

    fn activated<S: Simd>(simd: S, kind: ActivationKind, numbers: &[f32]) -> Vec<f32> {
        let mut values = numbers.to_vec();
        let shape = Shape::Features(values.len());
        activate(simd, kind, MapsMut::new(&mut values, 1, numbers.len(), shape, 1));
        values
    }

    /// Both signs, from the smallest normal numbers to beyond where everything is flat.
    fn numbers() -> Vec<f32> {
        let steps = (0..4000).map(|step| (step as f32 - 2000.0) * 0.0137);
        let powers = (-120..7).flat_map(|power| [1.0, -1.0, 1.37, -1.37].map(|x: f32| x * 2.0f32.powi(power)));
        steps.chain(powers).collect()
    }

    /// Some rounding steps of the result, and two of what cancels in it: the tails of GELU and HardSwish are products of the
    /// argument with a difference, a hard sigmoid's is a difference itself.
    fn close<S: Simd>(simd: S) {
        let numbers = numbers();
        for kind in ALL {
            for (&x, y) in numbers.iter().zip(activated(simd, kind, &numbers)) {
                let expected = kind.value(f64::from(x));
                let cancels = match kind {
                    ActivationKind::HardSigmoid { .. } => 1.0,
                    ActivationKind::HardSwish | ActivationKind::Gelu | ActivationKind::GeluTanh => x.abs(),
                    _ => 0.0,
                };
                let allowed = f64::from(f32::EPSILON) * (4.0 * expected.abs() + 2.0 * f64::from(cancels)) + 1e-35;
                let difference = (f64::from(y) - expected).abs();
                assert!(difference <= allowed, "{} {kind:?} of {x}: {y}, not {expected}", S::NAME);
            }
        }
    }

    #[test]
    fn functions_are_good_to_some_rounding_steps_with_every_instruction_set() {
        close(Portable);
        #[cfg(target_arch = "x86_64")]
        {
            crate::kernel::Avx2::detect().into_iter().for_each(close);
            crate::kernel::Avx512::detect().into_iter().for_each(close);
        }
        #[cfg(target_arch = "aarch64")]
        crate::kernel::Neon::detect().into_iter().for_each(close);
    }

    #[test]
    fn nan_stays_nan_and_the_infinite_is_reached() {
        for kind in ALL {
            let [nan, above] = activated(Portable, kind, &[f32::NAN, f32::INFINITY])[..] else { panic!("two numbers") };
            assert!(nan.is_nan(), "{kind:?}");
            assert_eq!(f64::from(above), kind.value(f64::INFINITY), "{kind:?}");
        }
    }
}
