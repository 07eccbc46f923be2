//! One operation of the graph with its numbers on the device.

use crate::activation::{activate, leak};
use crate::convolution::Convolution;
use crate::pointwise::{Bounds, Selection};
use crate::pool::{self, Average};
use crate::sliding::Sliding;
use crate::transfer::{per_channel, upload};
use candle_core::{D, Device, Error, Result, Tensor};
use mda_core::Model;
use mda_core::op::{ActivationKind, Op, Window};
use mda_core::run::backend::schedule::Step;

/// An operation, ready to run.
#[derive(Clone)]
pub(crate) enum Layer {
    Normalize { mean: Tensor, std: Tensor },
    Convolution(Convolution),
    Linear { weight: Tensor, bias: Option<Tensor> },
    Affine { scale: Tensor, shift: Tensor },
    Clamp(Bounds),
    Activation(ActivationKind),
    PRelu(Tensor),
    MaxPool(Sliding),
    AvgPool(Average),
    GlobalAvgPool,
    Add,
    Multiply,
    Concat,
    Flatten,
    SelectChannels(Selection),
}

impl Layer {
    /// The layer of `step`.
    pub(crate) fn new(model: &Model, step: &Step, device: &Device) -> Result<Self> {
        let graph = model.graph();
        let node = graph.node(step.node);
        let input = node.inputs.first().map_or(node.shape, |&input| graph.node(input).shape);
        let rank = input.batched(1).len();
        let sliding = |window: &Window| Sliding::new(window, input.spatial(), node.shape.spatial());
        let bias = |rank| step.bias(model).map(|bias| per_channel(bias.data(), rank, device)).transpose();
        Ok(match &node.op {
            Op::Input(_) => return Err(Error::msg("images are given, not computed")),
            Op::Normalize(op) => {
                let [mean, std] = [&op.mean, &op.std].map(|numbers| per_channel(numbers, rank, device));
                Self::Normalize { mean: mean?, std: std? }
            }
            Op::Conv2d(op) => Self::Convolution(Convolution::new(
                &step.weight(model),
                bias(4)?,
                op.groups,
                sliding(&op.window),
                device,
            )?),
            Op::Linear(_) => Self::Linear { weight: upload(&step.weight(model), device)?, bias: bias(2)? },
            Op::BatchNorm(op) => {
                let affine = op.affine(model.node_parameters(step.node));
                let (scale, shift): (Vec<f32>, Vec<f32>) =
                    affine.into_iter().map(|(scale, shift)| (scale as f32, shift as f32)).unzip();
                Self::Affine { scale: per_channel(&scale, rank, device)?, shift: per_channel(&shift, rank, device)? }
            }
            Op::Clamp(op) => Self::Clamp(Bounds::new(op.min, op.max, device)?),
            Op::Activation(op) => Self::Activation(op.kind),
            Op::PRelu(_) => {
                let slopes = model.node_parameters(step.node).get("weight").data();
                Self::PRelu(per_channel(slopes, rank, device)?)
            }
            Op::MaxPool(op) => Self::MaxPool(sliding(&op.window)),
            Op::AvgPool(op) => Self::AvgPool(Average::new(op, sliding(&op.window), input.spatial(), device)?),
            Op::GlobalAvgPool(_) => Self::GlobalAvgPool,
            Op::Add(_) => Self::Add,
            Op::Multiply(_) => Self::Multiply,
            Op::Concat(_) => Self::Concat,
            Op::Flatten(_) => Self::Flatten,
            Op::SelectChannels(op) => Self::SelectChannels(Selection::new(&op.channels, input.channels(), device)?),
        })
    }

    /// The value of the operation over `inputs`, in the node's order.
    pub(crate) fn run(&self, inputs: &[&Tensor]) -> Result<Tensor> {
        let first = inputs[0];
        match self {
            Self::Normalize { mean, std } => first.broadcast_sub(mean)?.broadcast_div(std),
            Self::Convolution(convolution) => convolution.run(first),
            Self::Linear { weight, bias } => {
                let product = weight.matmul(first)?;
                bias.as_ref().map_or(Ok(product.clone()), |bias| product.broadcast_add(bias))
            }
            Self::Affine { scale, shift } => first.broadcast_mul(scale)?.broadcast_add(shift),
            Self::Clamp(bounds) => bounds.apply(first),
            Self::Activation(kind) => activate(*kind, first),
            Self::PRelu(slopes) => leak(first, slopes),
            Self::MaxPool(sliding) => pool::max(first, sliding),
            Self::AvgPool(average) => average.run(first),
            Self::GlobalAvgPool => {
                let (channels, images, _, _) = first.dims4()?;
                first.reshape((channels, images, ()))?.mean(D::Minus1)?.reshape((channels, images, 1, 1))
            }
            Self::Add => inputs[1..].iter().try_fold(first.clone(), |sum, input| sum + *input),
            Self::Multiply => multiply(first, inputs[1]),
            Self::Concat => Tensor::cat(inputs, 0),
            Self::Flatten => flatten(first),
            Self::SelectChannels(selection) => selection.apply(first),
        }
    }
}

/// The product with a value of one shape, or with a gate, `[C, N, 1, 1]` or `[C, N]`.
fn multiply(value: &Tensor, factors: &Tensor) -> Result<Tensor> {
    if value.dims() == factors.dims() {
        return value * factors;
    }
    let (channels, images) = (factors.dim(0)?, factors.dim(1)?);
    value.broadcast_mul(&factors.reshape((channels, images, 1, 1))?)
}

/// `[C, N, H, W]` to `[C*H*W, N]`; features stay as they are.
fn flatten(value: &Tensor) -> Result<Tensor> {
    match value.dims() {
        &[channels, images, height, width] => {
            let positions = height * width;
            let turned = value.reshape((channels, images, positions))?.transpose(1, 2)?.contiguous()?;
            turned.reshape((channels * positions, images))
        }
        _ => Ok(value.clone()),
    }
}
