//! One operation of the graph with its numbers on the device.

use crate::activation::activate;
use crate::sliding::{Average, Sliding};
use crate::transfer::{Result, Shared, per_channel, upload};
use mda_core::Model;
use mda_core::op::{ActivationKind, Op};
use mda_core::run::backend::schedule::Step;
use tch::{Device, Kind, TchError, Tensor};

/// An operation, ready to run.
#[derive(Clone)]
pub(crate) enum Layer {
    Normalize {
        mean: Shared,
        std: Shared,
    },
    Convolution {
        weight: Shared,
        bias: Option<Shared>,
        sliding: Sliding,
        groups: i64,
    },
    Linear {
        weight: Shared,
        bias: Option<Shared>,
    },
    Affine {
        scale: Shared,
        shift: Shared,
    },
    Clamp {
        min: Option<f32>,
        max: Option<f32>,
    },
    Activation(ActivationKind),
    PRelu {
        weight: Shared,
    },
    MaxPool(Sliding),
    AvgPool(Average),
    GlobalAvgPool,
    Add,
    Multiply,
    Concat,
    Flatten,
    /// Indices of channels; a channel of zeros stands behind the input's where one is needed.
    SelectChannels {
        indices: Shared,
        with_zeros: bool,
    },
}

impl Layer {
    /// The layer of `step`.
    pub(crate) fn new(model: &Model, step: &Step, device: Device) -> Result<Self> {
        let graph = model.graph();
        let node = graph.node(step.node);
        let input = node.inputs.first().map_or(node.shape, |&input| graph.node(input).shape);
        let rank = input.batched(1).len();
        let weight = || upload(&step.weight(model), device);
        let bias = || step.bias(model).map(|bias| upload(&bias, device)).transpose();
        Ok(match &node.op {
            Op::Input(_) => return Err(TchError::Torch("images are given, not computed".into())),
            Op::Normalize(op) => {
                Self::Normalize { mean: per_channel(&op.mean, rank, device)?, std: per_channel(&op.std, rank, device)? }
            }
            Op::Conv2d(op) => Self::Convolution {
                weight: weight()?,
                bias: bias()?,
                sliding: Sliding::of_convolution(&op.window),
                groups: op.groups as i64,
            },
            Op::Linear(_) => Self::Linear { weight: weight()?, bias: bias()? },
            Op::BatchNorm(op) => {
                let affine = op.affine(model.node_parameters(step.node));
                let (scale, shift): (Vec<f32>, Vec<f32>) =
                    affine.into_iter().map(|(scale, shift)| (scale as f32, shift as f32)).unzip();
                Self::Affine { scale: per_channel(&scale, rank, device)?, shift: per_channel(&shift, rank, device)? }
            }
            Op::Clamp(op) => Self::Clamp { min: op.min, max: op.max },
            Op::Activation(op) => Self::Activation(op.kind),
            Op::PRelu(_) => Self::PRelu { weight: upload(model.node_parameters(step.node).get("weight"), device)? },
            Op::MaxPool(op) => {
                let (input, output) = (input.spatial(), node.shape.spatial());
                Self::MaxPool(Sliding::of_pool(&op.window, op.ceil_mode, input, output))
            }
            Op::AvgPool(op) => Self::AvgPool(Average::new(op, input.spatial(), node.shape.spatial(), device)?),
            Op::GlobalAvgPool(_) => Self::GlobalAvgPool,
            Op::Add(_) => Self::Add,
            Op::Multiply(_) => Self::Multiply,
            Op::Concat(_) => Self::Concat,
            Op::Flatten(_) => Self::Flatten,
            Op::SelectChannels(op) => {
                let zeros = input.channels();
                let indices: Vec<i64> = op.channels.iter().map(|channel| channel.unwrap_or(zeros) as i64).collect();
                let indices = Tensor::f_from_slice(&indices)?.f_to(device)?.into();
                Self::SelectChannels { indices, with_zeros: op.channels.contains(&None) }
            }
        })
    }

    /// The value of the operation over `inputs`, in the node's order.
    pub(crate) fn run(&self, inputs: &[&Tensor]) -> Result<Tensor> {
        let first = inputs[0];
        match self {
            Self::Normalize { mean, std } => first.f_sub(mean)?.f_div(std),
            Self::Convolution { weight, bias, sliding, groups } => {
                convolve(&sliding.pad(first, 0.0)?, weight, bias.as_deref(), sliding, *groups)
            }
            Self::Linear { weight, bias } => first.f_linear(weight, bias.as_deref()),
            Self::Affine { scale, shift } => first.f_mul(scale)?.f_add(shift),
            Self::Clamp { min, max } => {
                let above = min.map_or_else(|| Ok(first.shallow_clone()), |min| first.f_clamp_min(f64::from(min)))?;
                max.map_or_else(|| Ok(above.shallow_clone()), |max| above.f_clamp_max(f64::from(max)))
            }
            Self::Activation(kind) => activate(*kind, first),
            Self::PRelu { weight } => first.f_prelu(weight),
            Self::MaxPool(sliding) => {
                let Sliding { kernel, stride, padding, dilation, ceil_mode, .. } = *sliding;
                sliding.pad(first, f64::NEG_INFINITY)?.f_max_pool2d(kernel, stride, padding, dilation, ceil_mode)
            }
            Self::AvgPool(average) => average.run(first),
            Self::GlobalAvgPool => first.f_mean_dim([2i64, 3].as_slice(), true, Kind::Float),
            Self::Add => inputs[1..].iter().try_fold(first.shallow_clone(), |sum, input| sum.f_add(input)),
            Self::Multiply if inputs[1].dim() < first.dim() => {
                first.f_mul(&inputs[1].f_unsqueeze(-1)?.f_unsqueeze(-1)?)
            }
            Self::Multiply => first.f_mul(inputs[1]),
            Self::Concat => Tensor::f_cat(inputs, 1),
            Self::Flatten => first.f_flatten(1, -1),
            Self::SelectChannels { indices, with_zeros: false } => first.f_index_select(1, indices),
            Self::SelectChannels { indices, with_zeros: true } => {
                let zeros = first.f_narrow(1, 0, 1)?.f_zeros_like()?;
                Tensor::f_cat(&[first, &zeros], 1)?.f_index_select(1, indices)
            }
        }
    }
}

/// A convolution that says itself which hardware paths it allows: LibTorch's default would let cuDNN round to TF32.
fn convolve(map: &Tensor, weight: &Tensor, bias: Option<&Tensor>, sliding: &Sliding, groups: i64) -> Result<Tensor> {
    let (transposed, output_padding) = (false, [0i64, 0]);
    let (benchmark, deterministic, cudnn, tf32) = (false, true, true, false);
    let Sliding { stride, padding, dilation, .. } = *sliding;
    map.f_internal_convolution(
        weight,
        bias,
        stride,
        padding,
        dilation,
        transposed,
        output_padding,
        groups,
        benchmark,
        deterministic,
        cudnn,
        tf32,
    )
}
