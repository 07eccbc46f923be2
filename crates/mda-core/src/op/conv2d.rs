//! Two-dimensional convolution: dense, grouped, depthwise.

mod grouped;
mod input_gradient;
mod parameter_gradients;

use super::{
    Backward, Cut, Join, Joined, Lane, Op, Operation, RewriteError, Rewritten, ShapeError, Window, channelwise,
    only_map,
};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, ParameterSpec, Shape};
use serde::{Deserialize, Serialize};

/// Convolution (cross-correlation, as the field has it) with zero padding. `weight` is `[Q, P / groups, KH, KW]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv2d {
    /// Q, the number of filters.
    pub out_channels: usize,
    /// The window.
    pub window: Window,
    /// Groups; input and output channels divide by it.
    pub groups: usize,
    /// Whether there is a `bias`, `[Q]`.
    pub bias: bool,
}

/// How a convolution's filters see its input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// Every filter sees every channel.
    Dense,
    /// Every group of filters sees its own group of channels.
    Grouped,
    /// Every filter sees one channel, and is kept or cut with it.
    Depthwise,
}

impl Conv2d {
    /// A dense convolution with a square window.
    pub fn dense(out_channels: usize, kernel: usize, stride: usize, padding: usize, bias: bool) -> Self {
        Self { out_channels, window: Window::square(kernel, stride, padding), groups: 1, bias }
    }

    /// How the filters see `in_channels` input channels.
    pub fn connectivity(&self, in_channels: usize) -> Connectivity {
        match self.groups {
            1 => Connectivity::Dense,
            groups if groups == in_channels => Connectivity::Depthwise,
            _ => Connectivity::Grouped,
        }
    }

    /// The first input channel that filter `q` sees.
    pub fn first_input(&self, q: usize, in_channels: usize) -> usize {
        q / (self.out_channels / self.groups) * (in_channels / self.groups)
    }

    fn rewritten(&self, groups: usize, weight: Tensor, bias: Option<Tensor>) -> Rewritten {
        let op = Self { out_channels: weight.shape()[0], groups, ..self.clone() };
        let parameters = std::iter::once(("weight", weight)).chain(bias.map(|bias| ("bias", bias))).collect();
        Rewritten { op: op.into(), parameters }
    }
}

impl Operation for Conv2d {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        let (channels, input) = only_map(inputs)?;
        let divides = |count: usize| self.groups > 0 && count.is_multiple_of(self.groups);
        if !divides(channels) || !divides(self.out_channels) {
            let got = format!("{} groups, {channels} inputs, {} outputs", self.groups, self.out_channels);
            return Err(ShapeError::new("groups that divide the input and output channels", got));
        }
        let [height, width] = self.window.output(input, false)?;
        Ok(Shape::Map { channels: self.out_channels, height, width })
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let [kh, kw] = self.window.kernel;
        let weight = [self.out_channels, inputs[0].channels() / self.groups, kh, kw];
        let bias = self.bias.then(|| ParameterSpec::trained("bias", [self.out_channels]));
        std::iter::once(ParameterSpec::trained("weight", weight)).chain(bias).collect()
    }

    fn ties(&self, inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        let in_channels = inputs[0].channels();
        match self.connectivity(in_channels) {
            Connectivity::Depthwise => vec![(0, self.first_input(channel, in_channels))],
            Connectivity::Dense | Connectivity::Grouped => Vec::new(),
        }
    }

    fn cut(&self, cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        let weight = cut.parameters.get("weight");
        let bias = self.bias.then(|| cut.parameters.get("bias").select(0, cut.kept));
        let (groups, weight) = match self.connectivity(cut.inputs[0].channels()) {
            Connectivity::Dense => (1, weight.select(0, cut.kept).select(1, cut.kept_inputs[0])),
            Connectivity::Depthwise => (cut.kept_inputs[0].len(), weight.select(0, cut.kept)),
            Connectivity::Grouped => grouped::cut(self, cut)?,
        };
        Ok(self.rewritten(groups, weight, bias))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        let alike = |op: &Op| matches!(op, Op::Conv2d(op) if (op.window, op.bias) == (self.window, self.bias));
        channelwise::require_equal(join, alike)?;
        if grouped::all_depthwise(join) {
            return Ok(grouped::join_depthwise(self, join));
        }
        let lanes = join.stacked_output();
        let (kept_in, taps) = (join.lanes[0], self.window.taps());
        let mut weight = Tensor::zeros([lanes.len(), kept_in.len(), self.window.kernel[0], self.window.kernel[1]]);
        let kernels = weight.data_mut().chunks_mut(taps).enumerate();
        for (index, kernel) in kernels {
            let (q, p) = (lanes[index / kept_in.len()], kept_in[index % kept_in.len()]);
            if q.part == p.part {
                grouped::copy_kernel(&join.parts[q.part], q.channel, p.channel, kernel);
            }
        }
        let bias = self.bias.then(|| stack_bias(join, &lanes));
        Ok(Joined { node: self.rewritten(1, weight, bias), lanes })
    }

    fn evaluate(&self, inputs: &[&Tensor], output: Shape, parameters: NodeParameters<'_>) -> Tensor {
        let (input, weight) = (inputs[0], parameters.get("weight"));
        let bias = self.bias.then(|| parameters.get("bias").data());
        let (batch, channels) = (input.shape()[0], input.shape()[1]);
        let extents = [input.shape()[2], input.shape()[3]];
        let ([rows, columns], [kh, kw]) = (output.spatial(), self.window.kernel);
        // Which number of a kernel meets which of the image, for every position of the output.
        let taps = |axis: usize, positions: usize, kernel: usize| -> Vec<Vec<(usize, usize)>> {
            let source = |position, k| Some((k, self.window.source(axis, position, k, extents[axis])?));
            (0..positions).map(|position| (0..kernel).filter_map(|k| source(position, k)).collect()).collect()
        };
        let (row_taps, column_taps) = (taps(0, rows, kh), taps(1, columns, kw));
        let mut data = Vec::with_capacity(batch * output.elements());
        for n in 0..batch {
            let image = input.row(n);
            for q in 0..self.out_channels {
                let (first, filter) = (self.first_input(q, channels), weight.row(q));
                for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                    let mut sum = bias.map_or(0.0, |bias| f64::from(bias[q]));
                    for (index, kernel) in filter.chunks(kh * kw).enumerate() {
                        let plane = &image[(first + index) * extents[0] * extents[1]..];
                        for &(ky, y) in &row_taps[row] {
                            for &(kx, x) in &column_taps[column] {
                                sum += f64::from(kernel[ky * kw + kx]) * f64::from(plane[y * extents[1] + x]);
                            }
                        }
                    }
                    data.push(sum as f32);
                }
            }
        }
        Tensor::new(output.batched(batch), data).expect("one number a filter and position")
    }

    fn macs(&self, inputs: &[Shape], output: Shape) -> u64 {
        let per_output = inputs[0].channels() / self.groups * self.window.taps();
        (output.elements() as u64).saturating_mul(per_output as u64)
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        vec![input_gradient::of(self, backward)]
    }

    fn parameter_gradients(&self, backward: &Backward<'_>) -> Vec<(&'static str, Tensor)> {
        let bias = self.bias.then(|| ("bias", channelwise::sums(backward.gradient, |_, g, _| g, backward.gradient)));
        std::iter::once(("weight", parameter_gradients::of_weight(self, backward))).chain(bias).collect()
    }
}

/// The biases of the parts, in the order of `lanes`.
pub(super) fn stack_bias(join: &Join<'_>, lanes: &[Lane]) -> Tensor {
    let bias = |lane: &Lane| join.parts[lane.part].parameters.get("bias").data()[lane.channel];
    Tensor::vector(lanes.iter().map(bias).collect())
}
