//! The derivative of a convolution by its input.

use super::Conv2d;
use crate::op::{Backward, Window};
use crate::tensor::Tensor;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

/// The most numbers of windows that a thread holds at a time.
const MOST_NUMBERS: usize = 1 << 20;

/// `d/dx` of a scalar whose derivative by the output is `backward.gradient`, samples in parallel.
pub(super) fn of(conv: &Conv2d, backward: &Backward<'_>) -> Tensor {
    let (input, weight) = (backward.inputs[0], backward.parameters.get("weight"));
    let per_sample: usize = input.shape()[1..].iter().product();
    let mut gradient = Tensor::zeros(input.shape());
    let samples = gradient.data_mut().par_chunks_mut(per_sample.max(1)).enumerate();
    samples.for_each(|(n, sample)| of_sample(conv, weight, backward.gradient, n, input.shape(), sample));
    gradient
}

/// The filters, weighted by their gradients, add up to the gradients of all windows, `[taps of channels, positions]`; then
/// every tap goes back to where it lay.
fn of_sample(conv: &Conv2d, weight: &Tensor, gradient: &Tensor, n: usize, input: &[usize], sample: &mut [f32]) {
    let [channels, height, width] = [input[1], input[2], input[3]];
    let map = Map { window: &conv.window, input: [height, width], output: [gradient.shape()[2], gradient.shape()[3]] };
    let (filters, seen) = (conv.out_channels / conv.groups, channels / conv.groups);
    let (taps, positions) = (conv.window.taps(), map.output[0] * map.output[1]);
    let outputs = gradient.row(n);
    let at_once = (MOST_NUMBERS / (taps * positions).max(1)).clamp(1, seen.max(1));
    let mut windows = Mat::<f32>::zeros(positions, at_once * taps);
    for group in 0..conv.groups {
        let own = &outputs[group * filters * positions..(group + 1) * filters * positions];
        let kernels = &weight.data()[group * filters * seen * taps..(group + 1) * filters * seen * taps];
        // Row-major `[filters, positions]` is column-major `[positions, filters]`.
        let own_columns = MatRef::from_column_major_slice(own, positions, filters);
        let kernels = MatRef::from_row_major_slice(kernels, filters, seen * taps);
        for first in (0..seen).step_by(at_once) {
            let count = at_once.min(seen - first);
            let right = kernels.subcols(first * taps, count * taps);
            matmul(windows.as_mut().subcols_mut(0, count * taps), Accum::Replace, own_columns, right, 1.0, Par::Seq);
            let planes = &mut sample[(group * seen + first) * height * width..][..count * height * width];
            for (channel, plane) in planes.chunks_mut(height * width).enumerate() {
                for tap in 0..taps {
                    map.scatter(windows.col_as_slice(channel * taps + tap), tap, plane);
                }
            }
        }
    }
}

/// Where a window slides.
struct Map<'a> {
    window: &'a Window,
    input: [usize; 2],
    output: [usize; 2],
}

impl Map<'_> {
    /// Adds what every output position, `[positions]`, says of one tap to the plane that it was read from.
    fn scatter(&self, numbers: &[f32], tap: usize, plane: &mut [f32]) {
        let [ky, kx] = [tap / self.window.kernel[1], tap % self.window.kernel[1]];
        let columns = self.output[1];
        let seen: Vec<usize> =
            (0..columns).filter(|&x| self.window.source(1, x, kx, self.input[1]).is_some()).collect();
        let Some((&left, &right)) = seen.first().zip(seen.last()) else { return };
        let Some(start) = self.window.source(1, left, kx, self.input[1]) else { return };
        let step = self.window.stride[1];
        for (row, numbers) in numbers.chunks(columns).enumerate() {
            let Some(y) = self.window.source(0, row, ky, self.input[0]) else { continue };
            let target = &mut plane[y * self.input[1] + start..(y + 1) * self.input[1]];
            let numbers = &numbers[left..=right];
            if step == 1 {
                target.iter_mut().zip(numbers).for_each(|(sum, g)| *sum += g);
            } else {
                target.iter_mut().step_by(step).zip(numbers).for_each(|(sum, g)| *sum += g);
            }
        }
    }
}
