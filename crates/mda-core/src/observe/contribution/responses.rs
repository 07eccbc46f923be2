//! The responses of kernels of several taps, image by image, and the sums of their positive parts: small matrix products
//! with the clamp and the sum over images behind them, so that no response is ever stored.

use super::Layer;
use pulp::bytemuck::{cast_slice, cast_slice_mut};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Inputs that are handled one after the other: their kernels stand beside one another in every filter.
const INPUTS: usize = 8;
/// Registers of outputs that share what is loaded of an image.
const VECTORS: usize = 2;
/// Images that share what is loaded of a kernel; with VECTORS, twelve sums that do not wait for one another.
const IMAGES: usize = 6;

impl Layer<'_> {
    /// `[requested outputs, seen]`, row-major.
    pub(super) fn positive_responses(&self, observed: &[f32]) -> Vec<f32> {
        let chunks: Vec<Vec<f32>> = (0..self.seen.div_ceil(INPUTS))
            .into_par_iter()
            .map(|chunk| {
                let inputs = chunk * INPUTS..((chunk + 1) * INPUTS).min(self.seen);
                Arch::new().dispatch(Chunk { layer: self, inputs, observed })
            })
            .collect();
        let mut values = vec![0.0; self.rows.len() * self.seen];
        for (row, values) in values.chunks_exact_mut(self.seen.max(1)).enumerate() {
            for (values, chunk) in values.chunks_mut(INPUTS).zip(&chunks) {
                values.copy_from_slice(&chunk[row * values.len()..][..values.len()]);
            }
        }
        values
    }

    /// The requested outputs in runs of at most `most` that see the same inputs.
    fn alike(&self, most: usize) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut start = 0;
        while start < self.rows.len() {
            let first = self.first[start];
            let count = self.first[start..].iter().take(most).take_while(|&&other| other == first).count();
            runs.push(start..start + count);
            start += count;
        }
        runs
    }
}

/// Some inputs, of those that each requested output sees.
struct Chunk<'a> {
    layer: &'a Layer<'a>,
    inputs: Range<usize>,
    observed: &'a [f32],
}

impl WithSimd for Chunk<'_> {
    /// `[requested outputs, inputs]`, row-major.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Layer { weight, rows, first, taps, inputs: all, .. } = *self.layer;
        let (width, count) = (VECTORS * S::F32_LANES, self.inputs.len());
        let mut values = vec![0.0; rows.len() * count];
        let mut kernels = vec![[simd.splat_f32s(0.0); VECTORS]; count * taps];
        for block in self.layer.alike(width) {
            let numbers: &mut [f32] = cast_slice_mut(kernels.as_flattened_mut());
            for (lane, &q) in rows[block.clone()].iter().enumerate() {
                let kernel = &weight.row(q)[self.inputs.start * taps..self.inputs.end * taps];
                numbers.chunks_exact_mut(width).zip(kernel).for_each(|(numbers, &w)| numbers[lane] = w);
            }
            for (index, kernels) in kernels.chunks_exact(taps).enumerate() {
                let start = (first[block.start] + self.inputs.start + index) * taps;
                let images = Images { observed: self.observed, stride: all * taps, start };
                let sums = images.positive(simd, kernels);
                let sums: &[f32] = cast_slice(&sums);
                for (row, &sum) in block.clone().zip(sums) {
                    values[row * count + index] = sum;
                }
            }
        }
        values
    }
}

/// The observations of one input: `taps` numbers from `start` on, `stride` apart from image to image.
struct Images<'a> {
    observed: &'a [f32],
    stride: usize,
    start: usize,
}

impl Images<'_> {
    /// The sums over all images of the positive responses to `kernels`, one a tap.
    #[inline(always)]
    fn positive<S: Simd>(&self, simd: S, kernels: &[[S::f32s; VECTORS]]) -> [S::f32s; VECTORS] {
        let mut sums = [simd.splat_f32s(0.0); VECTORS];
        let mut blocks = self.observed.chunks_exact(IMAGES * self.stride);
        for block in &mut blocks {
            self.block::<S, IMAGES>(simd, block, kernels, &mut sums);
        }
        for image in blocks.remainder().chunks_exact(self.stride) {
            self.block::<S, 1>(simd, image, kernels, &mut sums);
        }
        sums
    }

    #[inline(always)]
    fn block<S: Simd, const N: usize>(
        &self,
        simd: S,
        block: &[f32],
        kernels: &[[S::f32s; VECTORS]],
        sums: &mut [S::f32s; VECTORS],
    ) {
        let images: [&[f32]; N] = std::array::from_fn(|n| &block[n * self.stride + self.start..][..kernels.len()]);
        let mut responses = [[simd.splat_f32s(0.0); VECTORS]; N];
        for (tap, kernel) in kernels.iter().enumerate() {
            for (responses, image) in responses.iter_mut().zip(&images) {
                let number = simd.splat_f32s(image[tap]);
                for (response, &weight) in responses.iter_mut().zip(kernel) {
                    *response = simd.mul_add_e_f32s(weight, number, *response);
                }
            }
        }
        let zero = simd.splat_f32s(0.0);
        for responses in responses {
            for (sum, response) in sums.iter_mut().zip(responses) {
                *sum = simd.add_f32s(*sum, simd.max_f32s(response, zero));
            }
        }
    }
}
