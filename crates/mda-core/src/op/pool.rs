//! Pools over a sliding window.

use super::{
    Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, Window, channelwise, only_map,
};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// The maximum under a window; padding never wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxPool {
    /// The window.
    pub window: Window,
    /// Whether a last, partial window counts.
    pub ceil_mode: bool,
}

/// The mean under a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvgPool {
    /// The window; its dilation is 1.
    pub window: Window,
    /// Whether a last, partial window counts.
    pub ceil_mode: bool,
    /// Whether padding counts in the divisor.
    pub count_include_pad: bool,
}

fn shape(window: &Window, ceil_mode: bool, inputs: &[Shape]) -> Result<Shape, ShapeError> {
    let (channels, input) = only_map(inputs)?;
    let [height, width] = window.output(input, ceil_mode)?;
    if (0..2).any(|axis| window.padding.along(axis).iter().any(|&pad| pad >= window.kernel[axis])) {
        return Err(ShapeError::new("padding smaller than the kernel", format!("{window:?}")));
    }
    // Padding is smaller than the kernel, so a window reaches the input; spread wider than it, the taps could miss it.
    if (0..2).any(|axis| window.kernel[axis] > 1 && window.dilation[axis] > input[axis]) {
        return Err(ShapeError::new("a dilation of at most the input's extents", format!("{window:?} over {input:?}")));
    }
    Ok(Shape::Map { channels, height, width })
}

/// Calls `f(plane, output index, taps inside the input)` for every output position of every channel.
fn evaluate(
    window: &Window,
    input: &Tensor,
    output: Shape,
    f: impl Fn([usize; 2], &mut dyn Iterator<Item = f32>) -> f32,
) -> Tensor {
    let (batch, extents) = (input.shape()[0], [input.shape()[2], input.shape()[3]]);
    let [rows, columns] = output.spatial();
    let mut data = Vec::with_capacity(batch * output.elements());
    for plane in input.data().chunks(extents[0] * extents[1]) {
        for row in 0..rows {
            for column in 0..columns {
                let taps_of = |axis: usize, at: usize| {
                    (0..window.kernel[axis]).filter_map(move |tap| window.source(axis, at, tap, extents[axis]))
                };
                let mut numbers =
                    taps_of(0, row).flat_map(|y| taps_of(1, column).map(move |x| plane[y * extents[1] + x]));
                data.push(f([row, column], &mut numbers));
            }
        }
    }
    Tensor::new(output.batched(batch), data).expect("one number a position")
}

/// Spreads the gradient at every output position over the input: `f(plane, output index, positions under the window, g,
/// gradient plane)` adds to the gradient plane.
fn backward(
    window: &Window,
    backward: &Backward<'_>,
    f: impl Fn(&[f32], [usize; 2], &[usize], f32, &mut [f32]),
) -> Vec<Tensor> {
    let (input, output) = (backward.inputs[0], backward.gradient.shape());
    let extents = [input.shape()[2], input.shape()[3]];
    let size = extents[0] * extents[1];
    let mut gradient = Tensor::zeros(input.shape());
    let planes = gradient.data_mut().chunks_mut(size).zip(input.data().chunks(size));
    let mut positions = Vec::with_capacity(window.taps());
    for ((spread, plane), outputs) in planes.zip(backward.gradient.data().chunks(output[2] * output[3])) {
        for (index, &g) in outputs.iter().enumerate().filter(|&(_, &g)| g != 0.0) {
            let at = [index / output[3], index % output[3]];
            let along = |axis: usize| {
                (0..window.kernel[axis]).filter_map(move |tap| window.source(axis, at[axis], tap, extents[axis]))
            };
            positions.clear();
            positions.extend(along(0).flat_map(|y| along(1).map(move |x| y * extents[1] + x)));
            f(plane, at, &positions, g, spread);
        }
    }
    vec![gradient]
}

/// The larger number; NaN wins, so that a broken input shows.
fn largest(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

impl Operation for MaxPool {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        shape(&self.window, self.ceil_mode, inputs)
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::join_equal(join)
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        evaluate(&self.window, inputs[0], output, |_, taps| taps.fold(f32::NEG_INFINITY, largest))
    }

    fn backward(&self, of: &Backward<'_>) -> Vec<Tensor> {
        // The first of equal maxima wins, as in PyTorch.
        backward(&self.window, of, |plane, _, positions, g, spread| {
            let first_max = |best: usize, &at: &usize| if plane[at] > plane[best] { at } else { best };
            let winner = positions.iter().skip(1).fold(positions[0], first_max);
            spread[winner] += g;
        })
    }
}

impl AvgPool {
    /// What the sum at output position `[row, column]` is divided by, over an input of extents `input`.
    pub fn divisor(&self, output: [usize; 2], input: [usize; 2]) -> usize {
        let along = |axis: usize| {
            let [before, after] = self.window.padding.along(axis);
            let start = output[axis] * self.window.stride[axis];
            let end = (start + self.window.kernel[axis]).min(input[axis] + before + after);
            if self.count_include_pad { end - start } else { end.min(input[axis] + before) - start.max(before) }
        };
        along(0) * along(1)
    }
}

impl Operation for AvgPool {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        if self.window.dilation != [1, 1] {
            return Err(ShapeError::new("an average pool without dilation", format!("{:?}", self.window.dilation)));
        }
        shape(&self.window, self.ceil_mode, inputs)
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::join_equal(join)
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        let extents = [inputs[0].shape()[2], inputs[0].shape()[3]];
        evaluate(&self.window, inputs[0], output, |at, taps| {
            (taps.map(f64::from).sum::<f64>() / self.divisor(at, extents) as f64) as f32
        })
    }

    fn backward(&self, of: &Backward<'_>) -> Vec<Tensor> {
        let extents = [of.inputs[0].shape()[2], of.inputs[0].shape()[3]];
        backward(&self.window, of, |_, at, positions, g, spread| {
            let share = g / self.divisor(at, extents) as f32;
            positions.iter().for_each(|&position| spread[position] += share);
        })
    }
}
