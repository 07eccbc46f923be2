//! Layers that look at one position at a time: per-channel scaling, sums, products, channels moved about.

use super::finish::{Finish, clamp};
use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use crate::parallel::for_each_plane;

/// `scale[c] * x + shift[c]`, residual added, clamped: Normalize, a BatchNorm or a Clamp that nothing could absorb.
pub(crate) fn normalize<S: Simd>(simd: S, scale: &[f32], input: Maps<'_>, output: MapsMut<'_>, finish: &Finish<'_>) {
    let bounds = finish.epilogue.bounds;
    let positions = output.shape().positions();
    for_each_plane(output, positions, |n, c, plane| {
        let (scale, shift, source) = (scale[c], finish.epilogue.shift[c], input.plane(n, c));
        simd.vectorize(
            #[inline(always)]
            || {
                plane.iter_mut().zip(source).for_each(|(y, &x)| *y = scale * x + shift);
                finish_plane(plane, finish.residual.map(|residual| residual.plane(n, c)), bounds);
            },
        );
    });
}

/// Adds the residual and clamps.
#[inline(always)]
pub(super) fn finish_plane(plane: &mut [f32], residual: Option<&[f32]>, bounds: [f32; 2]) {
    if let Some(residual) = residual {
        plane.iter_mut().zip(residual).for_each(|(y, r)| *y += r);
    }
    plane.iter_mut().for_each(|y| *y = clamp(*y, bounds));
}

/// The sum of `inputs`, clamped.
pub(crate) fn add<S: Simd>(simd: S, inputs: &[Maps<'_>], output: MapsMut<'_>, bounds: [f32; 2]) {
    let positions = output.shape().positions();
    for_each_plane(output, positions, |n, c, plane| {
        simd.vectorize(
            #[inline(always)]
            || {
                plane.copy_from_slice(inputs[0].plane(n, c));
                for input in &inputs[1..] {
                    plane.iter_mut().zip(input.plane(n, c)).for_each(|(y, x)| *y += x);
                }
                plane.iter_mut().for_each(|y| *y = clamp(*y, bounds));
            },
        );
    });
}

/// `input` times `factors`, which are as many or one a channel, clamped.
pub(crate) fn multiply<S: Simd>(simd: S, input: Maps<'_>, factors: Maps<'_>, output: MapsMut<'_>, bounds: [f32; 2]) {
    let positions = output.shape().positions();
    for_each_plane(output, positions, |n, c, plane| {
        let (source, factors) = (input.plane(n, c), factors.plane(n, c));
        simd.vectorize(
            #[inline(always)]
            || match *factors {
                [factor] => plane.iter_mut().zip(source).for_each(|(y, &x)| *y = clamp(factor * x, bounds)),
                _ => {
                    let pairs = source.iter().zip(factors);
                    plane.iter_mut().zip(pairs).for_each(|(y, (&x, &factor))| *y = clamp(factor * x, bounds));
                }
            },
        );
    });
}

/// `inputs`, each with the first output channel that it fills; channels that no input fills keep what they hold.
pub(crate) fn concat(inputs: &[(usize, Maps<'_>)], output: MapsMut<'_>) {
    let positions = output.shape().positions();
    for_each_plane(output, positions, |n, c, plane| {
        let filled = |&&(first, input): &&(usize, Maps<'_>)| (first..first + input.shape().channels()).contains(&c);
        if let Some((first, input)) = inputs.iter().find(filled) {
            plane.copy_from_slice(input.plane(n, c - first));
        }
    });
}

/// Output channel `c` is input channel `channels[c]`, or zero.
pub(crate) fn select(channels: &[Option<usize>], input: Maps<'_>, output: MapsMut<'_>) {
    let positions = output.shape().positions();
    for_each_plane(output, positions, |n, c, plane| match channels[c] {
        Some(source) => plane.copy_from_slice(input.plane(n, source)),
        None => plane.fill(0.0),
    });
}
