//! Convolutions whose filters see one channel each: no matrix product, one pass over the rows for every tap.

use super::finish::{Finish, clamp};
use super::reached;
use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use crate::parallel::for_each_plane;
use mda_core::Tensor;
use mda_core::op::Window;

/// A depthwise convolution.
pub(crate) struct Depthwise<S> {
    simd: S,
    window: Window,
    /// Output channels for every input channel.
    multiplier: usize,
    /// `[Q, KH, KW]`.
    weights: Vec<f32>,
}

impl<S: Simd> Depthwise<S> {
    /// Takes `weight`, `[Q, 1, KH, KW]`, with filter `q` multiplied by `scale[q]`, for `in_channels` input channels.
    pub(crate) fn new(simd: S, window: Window, in_channels: usize, weight: &Tensor, scale: &[f64]) -> Self {
        let filters = weight.shape()[0];
        let scaled = |q: usize| weight.row(q).iter().map(move |&w| (f64::from(w) * scale[q]) as f32);
        Self { simd, window, multiplier: filters / in_channels, weights: (0..filters).flat_map(scaled).collect() }
    }

    /// Computes `output` from `input`.
    pub(crate) fn run(&self, input: Maps<'_>, output: MapsMut<'_>, finish: &Finish<'_>) {
        let (from, to) = (input.shape().spatial(), output.shape().spatial());
        let cost = output.shape().positions() * self.window.taps();
        for_each_plane(output, cost, |n, q, plane| {
            let source = input.plane(n, q / self.multiplier);
            self.simd.vectorize(
                #[inline(always)]
                || self.plane([from, to], source, q, plane),
            );
            if let Some(residual) = finish.residual {
                plane.iter_mut().zip(residual.plane(n, q)).for_each(|(x, r)| *x += r);
            }
            let shift = finish.epilogue.shift[q];
            plane.iter_mut().for_each(|x| *x = clamp(*x + shift, finish.epilogue.bounds));
        });
    }

    #[inline(always)]
    fn plane(&self, [from, to]: [[usize; 2]; 2], source: &[f32], q: usize, plane: &mut [f32]) {
        let (window, taps) = (&self.window, self.window.taps());
        let weights = &self.weights[q * taps..(q + 1) * taps];
        plane.fill(0.0);
        for (tap, &weight) in weights.iter().enumerate() {
            let (ky, kx) = (tap / window.kernel[1], tap % window.kernel[1]);
            let seen = reached(window, 1, kx, from[1], to[1]);
            if seen.is_empty() {
                continue;
            }
            let first = seen.start * window.stride[1] + kx * window.dilation[1] - window.padding.left;
            for row in reached(window, 0, ky, from[0], to[0]) {
                let y = row * window.stride[0] + ky * window.dilation[0] - window.padding.top;
                let sums = &mut plane[row * to[1]..][seen.clone()];
                let numbers = &source[y * from[1] + first..(y + 1) * from[1]];
                match window.stride[1] {
                    1 => sums.iter_mut().zip(numbers).for_each(|(sum, x)| *sum += weight * x),
                    step => sums.iter_mut().zip(numbers.iter().step_by(step)).for_each(|(sum, x)| *sum += weight * x),
                }
            }
        }
    }
}
