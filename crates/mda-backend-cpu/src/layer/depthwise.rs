//! Convolutions whose filters see one channel each: no matrix product.

use super::finish::Finish;
use super::layout::Layout;
use super::pointwise::finish_plane;
use super::sweep::Sweep;
use crate::buffer::ScratchPool;
use crate::kernel::{MAX_ROWS, Offsets, Product, Simd};
use crate::maps::{Maps, MapsMut};
use crate::parallel::for_each_block;
use mda_core::Tensor;
use mda_core::op::Window;

/// Numbers that are laid out before any is used, where several channels are so few: half a first-level cache. What has just been
/// written in pieces is slow to read.
const LAID_OUT: usize = 4 << 10;

/// A depthwise convolution.
pub(crate) struct Depthwise<S> {
    simd: S,
    window: Window,
    /// Output channels for every input channel.
    multiplier: usize,
    /// `[Q, KH, KW]`.
    weights: Vec<f32>,
    /// How a channel is laid out, and where the taps look; `None` where padding is out of proportion.
    layout: Option<(Layout, Offsets)>,
}

impl<S: Simd> Depthwise<S> {
    /// Takes `weight`, `[Q, 1, KH, KW]`, with filter `q` multiplied by `scale[q]`, for `in_channels` input channels. `extents`
    /// are those of the input and of the output.
    pub(crate) fn new(
        simd: S,
        window: Window,
        extents: [[usize; 2]; 2],
        in_channels: usize,
        weight: &Tensor,
        scale: &[f64],
    ) -> Self {
        let filters = weight.shape()[0];
        let layout = Layout::rows(window, extents, S::LANES).map(|layout| {
            let offsets = Offsets::new(layout.taps.iter().copied());
            (layout, offsets)
        });
        let weights = vec![0.0; weight.len()];
        let mut depthwise = Self { simd, window, multiplier: filters / in_channels, weights, layout };
        depthwise.pack(weight.data(), scale);
        depthwise
    }

    /// Takes other weights of the same shape, filter `q` multiplied by `scale[q]`.
    pub(crate) fn pack(&mut self, weight: &[f32], scale: &[f64]) {
        let taps = self.window.taps();
        for ((to, from), scale) in self.weights.chunks_exact_mut(taps).zip(weight.chunks_exact(taps)).zip(scale) {
            to.iter_mut().zip(from).for_each(|(to, &w)| *to = (f64::from(w) * scale) as f32);
        }
    }

    /// Computes `output` from `input`.
    pub(crate) fn run(&self, input: Maps<'_>, output: MapsMut<'_>, finish: &Finish<'_>, scratch: &ScratchPool) {
        let Some((layout, offsets)) = &self.layout else { return self.run_clipped(input, output, finish) };
        let (positions, taps) = (output.shape().positions(), self.window.taps());
        let together = (LAID_OUT / layout.plane).max(1);
        for_each_block(output, positions.saturating_mul(taps), |n, first, planes| {
            scratch.with(|scratch| {
                // What a register reads behind the last number does not count.
                // Where a channel has several filters, the first and the last may be seen in part.
                let laid = scratch.columns.reserve((together + 1) * layout.plane + S::LANES);
                layout.clear(laid);
                self.simd.vectorize(
                    #[inline(always)]
                    || {
                        let planes = planes.chunks_mut(together * self.multiplier * positions);
                        for (index, planes) in planes.enumerate() {
                            let first = first + index * together * self.multiplier;
                            self.planes(layout, offsets, input, n, first, planes, laid, finish);
                        }
                    },
                );
            });
        });
    }

    /// Computes neighbouring planes of image `n`, of which `first` is the first.
    #[expect(clippy::too_many_arguments, reason = "what one step of `run` is made of")]
    #[inline(always)]
    fn planes(
        &self,
        layout: &Layout,
        offsets: &Offsets,
        input: Maps<'_>,
        n: usize,
        first: usize,
        planes: &mut [f32],
        laid: &mut [f32],
        finish: &Finish<'_>,
    ) {
        let (taps, plane) = (self.window.taps(), layout.plane);
        let positions = layout.positions();
        let channels = first / self.multiplier..(first + planes.len() / positions - 1) / self.multiplier + 1;
        for (channel, laid) in channels.clone().zip(laid.chunks_exact_mut(plane)) {
            layout.lay_out(self.simd, input.plane(n, channel), laid);
        }
        for (q, numbers) in (first..).zip(planes.chunks_exact_mut(positions)) {
            let product = Product {
                weights: &self.weights[q * taps..(q + 1) * taps],
                offsets,
                input: &laid[(q / self.multiplier - channels.start) * plane..],
                shift: [finish.epilogue.shift[q]; MAX_ROWS],
                channels: 1,
                plane: positions,
                residual: finish.residual.map(|residual| residual.plane(n, q)),
                bounds: finish.epilogue.bounds,
            };
            self.simd.product(1, &product, numbers, &layout.vectors, 0..layout.vectors.len());
        }
    }

    /// Where the layout would be too large.
    fn run_clipped(&self, input: Maps<'_>, output: MapsMut<'_>, finish: &Finish<'_>) {
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
