//! The operations of the graph: one file each, holding the shape rule, the channel ties, the slicing rule, the joining
//! rule of block-diagonal assembly and the reference evaluation together.
//!
//! `Op` is closed: a new operation is a new variant, and the compiler lists every place that has to learn of it.

mod activation;
mod add;
mod batch_norm;
mod channelwise;
mod clamp;
mod concat;
mod conv2d;
mod flatten;
mod global_avg_pool;
mod input;
mod linear;
mod multiply;
mod normalize;
mod pool;
mod prelu;
mod select_channels;
mod window;

pub use activation::{Activation, ActivationKind};
pub use add::Add;
pub use batch_norm::BatchNorm;
pub use clamp::Clamp;
pub use concat::Concat;
pub use conv2d::{Connectivity, Conv2d};
pub use flatten::Flatten;
pub use global_avg_pool::GlobalAvgPool;
pub use input::Input;
pub use linear::Linear;
pub use multiply::Multiply;
pub use normalize::Normalize;
pub use pool::{AvgPool, MaxPool};
pub use prelu::PRelu;
pub use select_channels::SelectChannels;
pub use window::{Padding, Window};

use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, ParameterSpec, Shape};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// One operation with its attributes; parameters (weights) live beside the graph.
///
/// It is closed on purpose and will grow: whoever runs, cuts or writes graphs must be stopped by the compiler where an operation is
/// new, so a new variant is a breaking change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op")]
pub enum Op {
    /// The images.
    Input(Input),
    /// Per-channel `(x - mean) / std`.
    Normalize(Normalize),
    /// Two-dimensional convolution, grouped or not.
    Conv2d(Conv2d),
    /// Batch normalisation with running statistics.
    BatchNorm(BatchNorm),
    /// ReLU, ReLU6 and their like.
    Clamp(Clamp),
    /// Sigmoid, SiLU, GELU and their like.
    Activation(Activation),
    /// A leaky ReLU with a trained slope a channel.
    PRelu(PRelu),
    /// Maximum over a window.
    MaxPool(MaxPool),
    /// Mean over a window.
    AvgPool(AvgPool),
    /// Mean over all positions, keeping `[N, C, 1, 1]`.
    GlobalAvgPool(GlobalAvgPool),
    /// Elementwise sum of values of one shape.
    Add(Add),
    /// A value times another of its shape, or times one number a channel.
    Multiply(Multiply),
    /// Values behind one another along the channels.
    Concat(Concat),
    /// `[N, C, H, W]` to `[N, C*H*W]`.
    Flatten(Flatten),
    /// Fully connected layer.
    Linear(Linear),
    /// Channels picked, repeated, permuted or inserted as zeros.
    SelectChannels(SelectChannels),
}

/// Why an operation does not fit its inputs or its parameters.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("expected {expected}, got {got}")]
pub struct ShapeError {
    /// What the operation needs.
    pub expected: String,
    /// What it was given.
    pub got: String,
}

impl ShapeError {
    pub(crate) fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { expected: expected.into(), got: got.into() }
    }
}

/// A node that a keep plan is about to cut: what stays of its inputs and of its output.
pub(crate) struct Cut<'a> {
    /// Shapes of the inputs, uncut.
    pub inputs: &'a [Shape],
    /// Kept channels of every input, ascending.
    pub kept_inputs: &'a [&'a [usize]],
    /// Kept channels of the output, ascending.
    pub kept: &'a [usize],
    /// The node's uncut parameters.
    pub parameters: NodeParameters<'a>,
}

/// What a pass makes of a node: its operation and its parameters by suffix.
pub(crate) struct Rewritten {
    pub op: Op,
    pub parameters: Vec<(&'static str, Tensor)>,
}

impl Rewritten {
    pub(crate) fn plain(op: impl Into<Op>) -> Self {
        Self { op: op.into(), parameters: Vec::new() }
    }
}

/// A node whose values and output gradient are known.
pub(crate) struct Backward<'a> {
    /// The values that entered the node, in its order.
    pub inputs: &'a [&'a Tensor],
    /// The derivative of the scalar by the node's value, in its shape.
    pub gradient: &'a Tensor,
    /// The node's parameters.
    pub parameters: NodeParameters<'a>,
}

/// Where a channel of a joined value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    /// Which of the joined models.
    pub part: usize,
    /// Which channel of that model's value.
    pub channel: usize,
}

/// One model's version of the node that is being joined.
pub(crate) struct Part<'a> {
    pub op: &'a Op,
    pub inputs: Vec<Shape>,
    pub output: Shape,
    pub parameters: NodeParameters<'a>,
}

/// The same node of several models of one architecture, with the lanes of the joined inputs.
pub(crate) struct Join<'a> {
    pub parts: &'a [Part<'a>],
    pub lanes: &'a [&'a [Lane]],
}

impl Join<'_> {
    /// The lanes of all parts' outputs, one part behind another.
    pub(crate) fn stacked_output(&self) -> Vec<Lane> {
        let stacked = self.parts.iter().enumerate();
        stacked.flat_map(|(part, p)| (0..p.output.channels()).map(move |channel| Lane { part, channel })).collect()
    }
}

/// A joined node.
pub(crate) struct Joined {
    pub node: Rewritten,
    pub lanes: Vec<Lane>,
}

/// Why a node cannot be cut or joined as asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RewriteError {
    /// The groups of a grouped convolution would keep different numbers of channels.
    #[error("its {groups} groups would keep {counts:?} {side} channels; a grouped convolution needs equal counts")]
    UnequalGroups {
        /// Groups of the convolution.
        groups: usize,
        /// `input` or `output`.
        side: &'static str,
        /// Kept channels per group.
        counts: Vec<usize>,
    },
    /// Two models have different operations or attributes at one node.
    #[error("the models differ here: {left} against {right}; join them in parallel instead")]
    Different {
        /// Operation of the first model.
        left: String,
        /// Operation of the other.
        right: String,
    },
}

/// What every operation knows about itself. Inputs have been counted and checked when a method beyond `shape` is called.
pub(crate) trait Operation {
    /// The output's shape.
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError>;

    /// The tensors that the operation needs over inputs of these shapes.
    fn parameters(&self, _inputs: &[Shape]) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// Whether the operation can compute with these parameters, which have their shapes and are finite.
    fn check_numbers(&self, _parameters: NodeParameters<'_>) -> Result<(), ShapeError> {
        Ok(())
    }

    /// The `(input, channel)` pairs that are kept or cut together with output channel `channel`; none at a barrier.
    fn ties(&self, inputs: &[Shape], channel: usize) -> Vec<(usize, usize)>;

    /// The operation between what is kept.
    fn cut(&self, cut: &Cut<'_>) -> Result<Rewritten, RewriteError>;

    /// The operation over the joined inputs of several models (block-diagonal assembly).
    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError>;

    /// The output for a batch, computed naively with f64 accumulation: the oracle of every backend.
    fn evaluate(&self, inputs: &[&Tensor], output: Shape, parameters: NodeParameters<'_>) -> Tensor;

    /// The derivative of a scalar by every input, given its derivative by the output.
    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor>;

    /// Its derivative by every trained parameter, by suffix, in f64 sums as the value. Statistics are as fixed as when a model runs.
    fn parameter_gradients(&self, _backward: &Backward<'_>) -> Vec<(&'static str, Tensor)> {
        Vec::new()
    }

    /// Multiply-adds of one sample; only convolutions and linear layers count.
    fn macs(&self, _inputs: &[Shape], _output: Shape) -> u64 {
        0
    }
}

impl Op {
    pub(crate) fn operation(&self) -> &dyn Operation {
        match self {
            Self::Input(op) => op,
            Self::Normalize(op) => op,
            Self::Conv2d(op) => op,
            Self::BatchNorm(op) => op,
            Self::Clamp(op) => op,
            Self::Activation(op) => op,
            Self::PRelu(op) => op,
            Self::MaxPool(op) => op,
            Self::AvgPool(op) => op,
            Self::GlobalAvgPool(op) => op,
            Self::Add(op) => op,
            Self::Multiply(op) => op,
            Self::Concat(op) => op,
            Self::Flatten(op) => op,
            Self::Linear(op) => op,
            Self::SelectChannels(op) => op,
        }
    }

    /// The operation's name as the field writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input(_) => "Input",
            Self::Normalize(_) => "Normalize",
            Self::Conv2d(_) => "Conv2d",
            Self::BatchNorm(_) => "BatchNorm",
            Self::Clamp(_) => "Clamp",
            Self::Activation(op) => op.kind.name(),
            Self::PRelu(_) => "PReLU",
            Self::MaxPool(_) => "MaxPool",
            Self::AvgPool(_) => "AvgPool",
            Self::GlobalAvgPool(_) => "GlobalAvgPool",
            Self::Add(_) => "Add",
            Self::Multiply(_) => "Multiply",
            Self::Concat(_) => "Concat",
            Self::Flatten(_) => "Flatten",
            Self::Linear(_) => "Linear",
            Self::SelectChannels(_) => "SelectChannels",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! into_op {
    ($($variant:ident),*) => { $(
        impl From<$variant> for Op {
            fn from(op: $variant) -> Self {
                Self::$variant(op)
            }
        }
    )* };
}
into_op!(
    Input,
    Normalize,
    Conv2d,
    BatchNorm,
    Clamp,
    Activation,
    PRelu,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Add,
    Multiply,
    Concat,
    Flatten,
    Linear,
    SelectChannels
);

/// Checks the number of inputs and answers the only one.
pub(crate) fn only(inputs: &[Shape]) -> Result<Shape, ShapeError> {
    match inputs {
        [shape] => Ok(*shape),
        _ => Err(ShapeError::new("one input", format!("{}", inputs.len()))),
    }
}

/// Checks for a single input that is a map and answers its channels, height and width.
pub(crate) fn only_map(inputs: &[Shape]) -> Result<(usize, [usize; 2]), ShapeError> {
    match only(inputs)? {
        Shape::Map { channels, height, width } => Ok((channels, [height, width])),
        shape @ Shape::Features(_) => Err(ShapeError::new("feature maps [N, C, H, W]", shape.to_string())),
    }
}
