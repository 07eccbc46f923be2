//! Derivatives of what looks at one position at a time: clamps, activations, slopes, products, channels moved about.

use crate::kernel::Simd;
use crate::layer::derivative;
use crate::maps::Maps;
use crate::sums::sum;
use mda_core::op::ActivationKind;

/// Sets gradients to zero where a clamp has bent: where its value, which lies in `bounds`, is one of these.
pub(super) fn mask<S: Simd>(simd: S, gradient: &mut [f32], value: &[f32], [low, high]: [f32; 2]) {
    if low == f32::NEG_INFINITY && high == f32::INFINITY {
        return;
    }
    simd.vectorize(
        #[inline(always)]
        || {
            let pairs = gradient.iter_mut().zip(value);
            pairs.for_each(|(g, &y)| *g = if (y > low) & (y < high) { *g } else { 0.0 });
        },
    );
}

/// Adds the sums over each channel's positions of all images to `sums`.
pub(super) fn add_sums<S: Simd>(simd: S, gradient: Maps<'_>, sums: &mut [f32]) {
    for (channel, to) in sums.iter_mut().enumerate() {
        let total: f64 = (0..gradient.images())
            .map(|n| {
                simd.vectorize(
                    #[inline(always)]
                    || sum(gradient.plane(n, channel), f64::from),
                )
            })
            .sum();
        *to += total as f32;
    }
}

/// Adds the sums of the products with what is at the same place of `input`.
pub(super) fn add_products(gradient: Maps<'_>, input: Maps<'_>, of: impl Fn(f32, f32) -> f32, sums: &mut [f32]) {
    for (channel, to) in sums.iter_mut().enumerate() {
        let planes = (0..gradient.images()).map(|n| (gradient.plane(n, channel), input.plane(n, channel)));
        let products = |(g, x): (&[f32], &[f32])| g.iter().zip(x).map(|(&g, &x)| f64::from(of(g, x))).sum::<f64>();
        *to += planes.map(products).sum::<f64>() as f32;
    }
}

/// Multiplies every channel by its own factor, or by what `factor` says of each number of `input`.
pub(super) fn scale<S: Simd>(simd: S, gradient: &mut [f32], positions: usize, factors: &[(f64, f64)]) {
    for (plane, &(factor, _)) in gradient.chunks_exact_mut(positions).zip(factors.iter().cycle()) {
        let factor = factor as f32;
        simd.vectorize(
            #[inline(always)]
            || plane.iter_mut().for_each(|g| *g *= factor),
        );
    }
}

/// Multiplies by the derivative of an activation at `input`.
pub(super) fn bend<S: Simd>(simd: S, kind: ActivationKind, gradient: &mut [f32], input: &[f32]) {
    simd.vectorize(
        #[inline(always)]
        || derivative(simd, kind, gradient, input),
    );
}

/// Multiplies by a channel's slope where `input` is not above zero.
pub(super) fn leak(gradient: &mut [f32], input: Maps<'_>, slopes: &[f32]) {
    let positions = input.shape().positions();
    let planes = gradient.chunks_exact_mut(positions).zip(input.data().chunks_exact(positions));
    for ((plane, input), &slope) in planes.zip(slopes.iter().cycle()) {
        plane.iter_mut().zip(input).for_each(|(g, &x)| *g *= if x > 0.0 { 1.0 } else { slope });
    }
}

/// Writes the derivative of a product by its first factor, `gradient` times the second, which has as many numbers or one a channel.
pub(super) fn by_value(gradient: Maps<'_>, factors: Maps<'_>, to: &mut [f32]) {
    let positions = gradient.shape().positions();
    let planes = gradient.data().chunks_exact(positions).zip(to.chunks_exact_mut(positions));
    for ((from, to), factors) in planes.zip(factors.data().chunks_exact(factors.shape().positions())) {
        let factor = |at: usize| factors[if factors.len() == 1 { 0 } else { at }];
        to.iter_mut().zip(from).enumerate().for_each(|(at, (to, g))| *to = g * factor(at));
    }
}

/// Writes the derivative of a product by its second factor, of which each number stands for all positions of a channel or for one.
pub(super) fn by_factors(gradient: Maps<'_>, value: Maps<'_>, to: &mut [f32], positions: usize) {
    let all = gradient.shape().positions();
    let planes = gradient.data().chunks_exact(all).zip(value.data().chunks_exact(all));
    for ((from, value), to) in planes.zip(to.chunks_exact_mut(positions)) {
        let products = from.iter().zip(value).map(|(g, x)| g * x);
        match to {
            [one] => *one = products.map(f64::from).sum::<f64>() as f32,
            _ => to.iter_mut().zip(products).for_each(|(to, product)| *to = product),
        }
    }
}

/// Adds the derivatives of channels that were picked to where they came from, over zeros.
pub(super) fn unselect(gradient: Maps<'_>, channels: &[Option<usize>], to: &mut [f32], count: usize) {
    let positions = gradient.shape().positions();
    for (n, image) in to.chunks_exact_mut(count * positions).enumerate() {
        for (channel, source) in channels.iter().enumerate() {
            let Some(source) = source else { continue };
            let to = &mut image[source * positions..(source + 1) * positions];
            to.iter_mut().zip(gradient.plane(n, channel)).for_each(|(sum, g)| *sum += g);
        }
    }
}
