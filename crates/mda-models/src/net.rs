//! The builder that architecture files are written with: it appends nodes behind a current value, under a scope of names.
//!
//! It keeps the first thing that cannot be built, so that definitions read without error handling; [`Net::finish`]
//! answers it, or else whatever the graph's own checks find.

mod conv;

pub(crate) use conv::{Conv, conv, conv_of, depthwise};

use crate::architecture::{BuildError, Config, MAX_WIDTH, Widths};
use mda_core::graph::{Graph, ValidGraph};
use mda_core::op::{
    Add, AvgPool, BatchNorm, Clamp, Concat, Conv2d, Flatten, GlobalAvgPool, Input, Linear, MaxPool, Op, SelectChannels,
    Window,
};
use mda_core::tensor::Shape;
use std::fmt::Display;

/// A network that is being written.
pub(crate) struct Net<'a> {
    config: &'a Config,
    graph: Graph,
    scope: String,
    eps: f32,
    value: Value,
    problem: Option<BuildError>,
}

/// A node's value, to branch from or to join.
#[derive(Clone)]
pub(crate) struct Value {
    node: String,
    shape: Shape,
}

impl Value {
    pub(crate) fn channels(&self) -> usize {
        self.shape.channels()
    }
}

impl<'a> Net<'a> {
    /// The images, normalised where `config` says so.
    pub(crate) fn new(config: &'a Config) -> Result<Self, BuildError> {
        if let Widths::Scaled(factor) = config.widths
            && !(factor.is_finite() && factor > 0.0)
        {
            return Err(BuildError::Factor { factor });
        }
        let input @ [channels, height, width] = config.input;
        if input.iter().any(|&extent| extent > MAX_WIDTH) {
            return Err(BuildError::Image { input });
        }
        let value = Value { node: String::new(), shape: Shape::Map { channels, height, width } };
        let mut net = Self { config, graph: Graph::new(), scope: String::new(), eps: 1e-5, value, problem: None };
        net.push("input", Input { channels, height, width }, &[], net.value.shape);
        if let Some(normalize) = &config.normalization {
            net.push_behind("normalize", normalize.clone(), net.value.shape);
        }
        Ok(net)
    }

    /// The checked graph.
    pub(crate) fn finish(self) -> Result<ValidGraph, BuildError> {
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(self.graph.validate()?),
        }
    }

    /// The current value.
    pub(crate) fn value(&self) -> Value {
        self.value.clone()
    }

    /// Goes on behind `value`.
    pub(crate) fn from(&mut self, value: &Value) -> &mut Self {
        self.value = value.clone();
        self
    }

    /// Runs `body` with `name.` before the names of its nodes.
    pub(crate) fn scope(&mut self, name: impl Display, body: impl FnOnce(&mut Self)) -> &mut Self {
        let outer = self.scope.len();
        self.scope = format!("{}{name}.", self.scope);
        body(self);
        self.scope.truncate(outer);
        self
    }

    /// The eps of every BatchNorm from here on; PyTorch's default 1e-5 until then.
    pub(crate) fn eps(&mut self, eps: f32) -> &mut Self {
        self.eps = eps;
        self
    }

    pub(crate) fn conv(&mut self, name: impl Display, conv: Conv) -> &mut Self {
        let channels = self.value.channels();
        let out_channels = match conv.published {
            Some(published) => self.width(&name, published, conv.multiple_of),
            None => channels,
        };
        let groups = if conv.published.is_some() { conv.groups } else { channels };
        let op = Conv2d { out_channels, window: conv.window, groups, bias: conv.bias };
        let shape = self.slid(&conv.window, false).with_channels(out_channels);
        self.push_behind(name, op, shape)
    }

    pub(crate) fn norm(&mut self, name: impl Display) -> &mut Self {
        self.push_behind(name, BatchNorm { eps: self.eps }, self.value.shape)
    }

    pub(crate) fn relu(&mut self, name: impl Display) -> &mut Self {
        self.push_behind(name, Clamp::relu(), self.value.shape)
    }

    pub(crate) fn relu6(&mut self, name: impl Display) -> &mut Self {
        self.push_behind(name, Clamp::relu6(), self.value.shape)
    }

    pub(crate) fn max_pool(&mut self, name: impl Display, window: Window) -> &mut Self {
        let shape = self.slid(&window, false);
        self.push_behind(name, MaxPool { window, ceil_mode: false }, shape)
    }

    /// A maximum pool whose last, partial window counts.
    pub(crate) fn max_pool_ceil(&mut self, name: impl Display, window: Window) -> &mut Self {
        let shape = self.slid(&window, true);
        self.push_behind(name, MaxPool { window, ceil_mode: true }, shape)
    }

    /// The maximum over all positions.
    pub(crate) fn global_max_pool(&mut self, name: impl Display) -> &mut Self {
        let extents = self.value.shape.spatial();
        self.max_pool(name, Window { kernel: extents, stride: extents, ..Window::square(1, 1, 0) })
    }

    /// A slice of every `stride`-th row and column.
    pub(crate) fn subsample(&mut self, name: impl Display, stride: usize) -> &mut Self {
        self.max_pool(name, Window::square(1, stride, 0))
    }

    pub(crate) fn avg_pool(&mut self, name: impl Display, window: Window) -> &mut Self {
        let shape = self.slid(&window, false);
        self.push_behind(name, AvgPool { window, ceil_mode: false, count_include_pad: true }, shape)
    }

    /// The mean over all positions.
    pub(crate) fn global_avg_pool(&mut self, name: impl Display) -> &mut Self {
        let shape = Shape::Map { channels: self.value.channels(), height: 1, width: 1 };
        self.push_behind(name, GlobalAvgPool {}, shape)
    }

    /// PyTorch's adaptive pool to `to` x `to`, where it is a plain pool; no node where it changes nothing.
    pub(crate) fn adaptive_avg_pool(&mut self, name: impl Display, to: usize) -> &mut Self {
        let from @ [height, width] = self.value.shape.spatial();
        if !height.is_multiple_of(to) || !width.is_multiple_of(to) {
            let node = format!("{}{name}", self.scope);
            self.fail(BuildError::AdaptivePool { node, from, to });
        }
        if from == [to, to] {
            return self;
        }
        let kernel = [height / to, width / to];
        self.avg_pool(name, Window { kernel, stride: kernel, ..Window::square(1, 1, 0) })
    }

    /// As many zero channels before as behind the current ones, so that there are `to`.
    pub(crate) fn pad_channels(&mut self, name: impl Display, to: usize) -> &mut Self {
        let from = self.value.channels();
        let Some(zeros) = to.checked_sub(from) else {
            let node = format!("{}{name}", self.scope);
            return self.fail(BuildError::NarrowingShortcut { node, from, to });
        };
        let before = zeros / 2;
        let channels = (0..to).map(|c| c.checked_sub(before).filter(|&source| source < from)).collect();
        let shape = self.value.shape.with_channels(to);
        self.push_behind(name, SelectChannels { channels }, shape)
    }

    pub(crate) fn add(&mut self, name: impl Display, values: &[Value]) -> &mut Self {
        self.push(name, Add {}, values, values[0].shape)
    }

    pub(crate) fn concat(&mut self, name: impl Display, values: &[Value]) -> &mut Self {
        let channels = values.iter().map(Value::channels).sum();
        self.push(name, Concat {}, values, values[0].shape.with_channels(channels))
    }

    pub(crate) fn flatten(&mut self, name: impl Display) -> &mut Self {
        let [height, width] = self.value.shape.spatial();
        let features = self.value.channels().saturating_mul(height).saturating_mul(width);
        self.push_behind(name, Flatten {}, Shape::Features(features))
    }

    pub(crate) fn linear(&mut self, name: impl Display, published: usize) -> &mut Self {
        let out_features = self.width(&name, published, 1);
        self.push_behind(name, Linear { out_features, bias: true }, Shape::Features(out_features))
    }

    /// The linear layer that answers the logits.
    pub(crate) fn logits(&mut self, name: impl Display) -> &mut Self {
        let categories = self.config.categories;
        self.push_behind(name, Linear { out_features: categories, bias: true }, Shape::Features(categories))
    }

    /// The 1x1 convolution that answers a map of every logit.
    pub(crate) fn logit_maps(&mut self, name: impl Display) -> &mut Self {
        let categories = self.config.categories;
        let shape = self.value.shape.with_channels(categories);
        self.push_behind(name, Conv2d::dense(categories, 1, 1, 0, true), shape)
    }

    /// The output channels of the layer `name`, as configured.
    fn width(&mut self, name: impl Display, published: usize, multiple_of: usize) -> usize {
        let node = format!("{}{name}", self.scope);
        let width = match &self.config.widths {
            Widths::Scaled(factor) => {
                let parts = (published as f64 * factor / multiple_of as f64).round();
                parts.clamp(1.0, MAX_WIDTH as f64 + 1.0) as usize * multiple_of
            }
            Widths::Explicit(widths) => widths.get(&node).copied().unwrap_or(published),
        };
        if width > MAX_WIDTH {
            self.fail(BuildError::Width { node, width });
            return published;
        }
        width
    }

    /// The current shape behind a window. Where that does not fit, any extents will do: the graph's checks report it.
    fn slid(&self, window: &Window, ceil_mode: bool) -> Shape {
        let [height, width] = window.output(self.value.shape.spatial(), ceil_mode).unwrap_or([1, 1]);
        Shape::Map { channels: self.value.channels(), height, width }
    }

    fn fail(&mut self, problem: BuildError) -> &mut Self {
        self.problem.get_or_insert(problem);
        self
    }

    fn push_behind(&mut self, name: impl Display, op: impl Into<Op>, shape: Shape) -> &mut Self {
        let input = self.value();
        self.push(name, op, &[input], shape)
    }

    fn push(&mut self, name: impl Display, op: impl Into<Op>, inputs: &[Value], shape: Shape) -> &mut Self {
        let inputs: Vec<&str> = inputs.iter().map(|value| value.node.as_str()).collect();
        let node = self.graph.push(format!("{}{name}", self.scope), op, &inputs);
        self.value = Value { node, shape };
        self
    }
}
