//! Derivatives of activations, without branches or tables where the function has none.

use super::functions::{erf, exp, sigmoid, tanh};
use crate::kernel::Simd;
use mda_core::op::ActivationKind;
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// Multiplies every gradient by the derivative of `kind` at the number of `input` at its place.
#[inline(always)]
pub(crate) fn derivative<S: Simd>(simd: S, kind: ActivationKind, gradient: &mut [f32], input: &[f32]) {
    match kind {
        ActivationKind::Sigmoid => each(gradient, input, |x| sigmoid(simd, x) * sigmoid(simd, -x)),
        ActivationKind::HardSigmoid { slope, offset } => each(gradient, input, |x| {
            let y = simd.multiply_add(slope, x, offset);
            if (y > 0.0) & (y < 1.0) { slope } else { 0.0 }
        }),
        ActivationKind::Silu => each(gradient, input, |x| {
            let (above, below) = (sigmoid(simd, x), sigmoid(simd, -x));
            above * simd.multiply_add(x, below, 1.0)
        }),
        ActivationKind::HardSwish => each(gradient, input, |x| {
            let between = simd.multiply_add(x, 1.0 / 3.0, 0.5);
            let upper = if x <= 3.0 { between } else { 1.0 };
            if x <= -3.0 { 0.0 } else { upper }
        }),
        ActivationKind::LeakyRelu { slope } => each(gradient, input, |x| if x > 0.0 { 1.0 } else { slope }),
        ActivationKind::Elu { alpha } => each(gradient, input, |x| {
            let below = alpha * exp(simd, if x > 0.0 { 0.0 } else { x });
            if x > 0.0 { 1.0 } else { below }
        }),
        ActivationKind::Gelu => each(gradient, input, |x| {
            let probability = 0.5 * (1.0 + erf(simd, x * FRAC_1_SQRT_2));
            let density = 0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * exp(simd, -0.5 * x * x);
            simd.multiply_add(x, density, probability)
        }),
        ActivationKind::GeluTanh => {
            let (scale, cube) = (ActivationKind::GELU_SCALE as f32, ActivationKind::GELU_CUBE as f32);
            each(gradient, input, |x| {
                let square = cube * x * x;
                let t = tanh(simd, scale * x * (1.0 + square));
                let inner = scale * (1.0 + 3.0 * square);
                0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner
            });
        }
        ActivationKind::Tanh => each(gradient, input, |x| {
            let t = tanh(simd, x);
            1.0 - t * t
        }),
    }
}

#[inline(always)]
fn each(gradient: &mut [f32], input: &[f32], f: impl Fn(f32) -> f32) {
    gradient.iter_mut().zip(input).for_each(|(g, &x)| *g *= f(x));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Portable;

    #[test]
    fn derivatives_are_those_of_the_core() {
        let kinds = [
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
        let numbers: Vec<f32> = (-900..900).map(|step| step as f32 * 0.0137).collect();
        for kind in kinds {
            let mut found = vec![1.0; numbers.len()];
            derivative(Portable, kind, &mut found, &numbers);
            for (&x, found) in numbers.iter().zip(found) {
                let expected = kind.derivative(f64::from(x));
                // Differences of numbers around one, times the argument: some roundings of it.
                let allowed = 1e-6 * (1.0 + f64::from(x.abs()));
                assert!((f64::from(found) - expected).abs() < allowed, "{kind:?} at {x}: {found}, not {expected}");
            }
        }
    }
}
