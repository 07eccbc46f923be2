//! The derivative of a convolution by its input.

use super::Conv2d;
use crate::op::Backward;
use crate::tensor::Tensor;
use rayon::prelude::*;

/// `d/dx` of a scalar whose derivative by the output is `backward.gradient`, samples in parallel.
pub(super) fn of(conv: &Conv2d, backward: &Backward<'_>) -> Tensor {
    let (input, weight) = (backward.inputs[0], backward.parameters.get("weight"));
    let per_sample: usize = input.shape()[1..].iter().product();
    let mut gradient = Tensor::zeros(input.shape());
    let samples = gradient.data_mut().par_chunks_mut(per_sample.max(1)).enumerate();
    samples.for_each(|(n, sample)| of_sample(conv, weight, backward.gradient, n, input.shape(), sample));
    gradient
}

/// At every output position the filters, weighted by their gradients, add up to the gradient of the window that they
/// see; then the window goes back to where it lay. Runs over whole filters, so that the inner loop is long, and skips
/// the zeros that a clamp behind the convolution leaves.
fn of_sample(conv: &Conv2d, weight: &Tensor, gradient: &Tensor, n: usize, input: &[usize], sample: &mut [f32]) {
    let [channels, height, width] = [input[1], input[2], input[3]];
    let [rows, columns] = [gradient.shape()[2], gradient.shape()[3]];
    let (filters, seen) = (conv.out_channels / conv.groups, channels / conv.groups);
    let taps = conv.window.taps();
    let outputs = gradient.row(n);
    let mut seen_window = vec![0.0f32; seen * taps];
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        for group in 0..conv.groups {
            seen_window.fill(0.0);
            for q in group * filters..(group + 1) * filters {
                let g = outputs[(q * rows + row) * columns + column];
                if g != 0.0 {
                    seen_window.iter_mut().zip(weight.row(q)).for_each(|(sum, &w)| *sum += g * w);
                }
            }
            let planes = sample[group * seen * height * width..].chunks_mut(height * width);
            for (plane, kernel) in planes.zip(seen_window.chunks(taps)) {
                scatter(conv, kernel, [row, column], [height, width], plane);
            }
        }
    }
}

/// Adds one channel's window at output position `at` to that channel's plane.
fn scatter(conv: &Conv2d, kernel: &[f32], at: [usize; 2], extents: [usize; 2], plane: &mut [f32]) {
    let [kh, kw] = conv.window.kernel;
    for (y, ky) in (0..kh).filter_map(|ky| Some((conv.window.source(0, at[0], ky, extents[0])?, ky))) {
        for (x, kx) in (0..kw).filter_map(|kx| Some((conv.window.source(1, at[1], kx, extents[1])?, kx))) {
            plane[y * extents[1] + x] += kernel[ky * kw + kx];
        }
    }
}
