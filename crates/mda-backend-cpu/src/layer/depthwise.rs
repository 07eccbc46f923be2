//! Convolutions whose filters see one channel each: no matrix product.

use super::finish::Finish;
use super::pointwise::finish_plane;
use super::sweep::Sweep;
use crate::kernel::Simd;
use crate::maps::{Maps, MapsMut};
use crate::parallel::for_each_block;
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
        let (to, taps) = (output.shape().spatial(), self.window.taps());
        let sweep = Sweep::new(self.window, [input.shape().spatial(), to]);
        let (positions, bounds) = (output.shape().positions(), finish.epilogue.bounds);
        let seen = taps.min(input.shape().positions());
        for_each_block(output, positions.saturating_mul(seen), |n, first, planes| {
            let mut buffers = sweep.buffers(0.0);
            for (q, plane) in (first..).zip(planes.chunks_exact_mut(positions)) {
                let (weights, shift) = (&self.weights[q * taps..(q + 1) * taps], finish.epilogue.shift[q]);
                let (source, residual) = (input.plane(n, q / self.multiplier), finish.residual);
                self.simd.vectorize(
                    #[inline(always)]
                    || {
                        let add = |sum: f32, tap: usize, x: f32| self.simd.multiply_add(weights[tap], x, sum);
                        sweep.run(&mut buffers, source, shift, add, |row, sums, step| {
                            let output = &mut plane[row * to[1]..(row + 1) * to[1]];
                            let sums = sums.iter().step_by(step);
                            output.iter_mut().zip(sums).for_each(|(output, &sum)| *output = sum);
                        });
                        finish_plane(plane, residual.map(|residual| residual.plane(n, q)), bounds);
                    },
                );
            }
        });
    }
}
