//! The transcendental functions of activations, without branches or tables, so that the compiler makes vectors of them.

use crate::kernel::Simd;

/// Adding it leaves the nearest integer in a number's lowest bits.
const ROUND: f32 = 12_582_912.0;
/// The logarithm of 2 in two parts, the first so short that its products with exponents are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Below this, `exp` is smaller than any normal number.
const LEAST: f32 = -87.0;

/// `exp(x)` for `x` of at most zero as `(p + 1) * s`: `p`, which is small, and `s`, a power of two.
#[inline(always)]
fn exp_parts<S: Simd>(simd: S, x: f32) -> (f32, f32) {
    let x = if x < LEAST { LEAST } else { x };
    let shifted = simd.multiply_add(x, std::f32::consts::LOG2_E, ROUND);
    let exponent = shifted - ROUND;
    let rest = simd.multiply_add(exponent, -LN_2[0], x);
    let rest = simd.multiply_add(exponent, -LN_2[1], rest);
    // Taylor's series; the next term is below 1e-8 of the sum, since the rest is at most half the logarithm of 2.
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
    let sum = series.into_iter().fold(1.0 / 5040.0, |sum, term| simd.multiply_add(sum, rest, term));
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    (simd.multiply_add(rest * rest, sum, rest), power)
}

/// `exp(x)` for `x` of at most zero.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: f32) -> f32 {
    let (p, power) = exp_parts(simd, x);
    simd.multiply_add(p, power, power)
}

/// `exp(x) - 1` for `x` of at most zero, exact near zero.
#[inline(always)]
fn exp_m1<S: Simd>(simd: S, x: f32) -> f32 {
    let (p, power) = exp_parts(simd, x);
    simd.multiply_add(p, power, power - 1.0)
}

/// `1 / (1 + exp(-x))`
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(simd: S, x: f32) -> f32 {
    let small = exp(simd, -x.abs());
    let numerator = if x >= 0.0 { 1.0 } else { small };
    numerator / (1.0 + small)
}

/// `tanh(x)`
#[inline(always)]
pub(super) fn tanh<S: Simd>(simd: S, x: f32) -> f32 {
    let small = exp_m1(simd, -2.0 * x.abs());
    (-small / (2.0 + small)).copysign(x)
}

/// `x` above zero, `alpha * (exp(x) - 1)` below.
#[inline(always)]
pub(super) fn elu<S: Simd>(simd: S, alpha: f32, x: f32) -> f32 {
    let below = alpha * exp_m1(simd, x);
    if x > 0.0 { x } else { below }
}

/// Numerator and denominator of the error function over its argument, by powers of its square, the highest first: the
/// rational approximation of Eigen.
const ERF: [&[f32]; 2] = [
    &[-2.726_142_3e-10, 2.770_681_5e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906_5e-4, -2.954_6e-3, -1.609_603_3e-2],
    &[-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329_4e-3, -1.426_473_9e-2],
];

/// The error function.
#[inline(always)]
pub(super) fn erf<S: Simd>(simd: S, x: f32) -> f32 {
    let x = super::finish::clamp(x, [-4.0, 4.0]);
    let square = x * x;
    let [above, below] = ERF.map(|terms| terms.iter().fold(0.0, |sum, &term| simd.multiply_add(sum, square, term)));
    x * above / below
}
