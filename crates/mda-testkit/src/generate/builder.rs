//! A graph that grows node by node while its shapes are known.

use crate::random::{Choices, Random};
use mda_core::graph::Graph;
use mda_core::op::{Flatten, Input, Normalize, Op};
use mda_core::tensor::Shape;

/// A value of the growing graph.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) shape: Shape,
}

/// The growing graph and where its decisions come from.
pub(super) struct Builder<'a> {
    /// Decides what all members of a family share.
    pub(super) structure: Choices<'a>,
    /// Decides numbers of channels, and which channels a selection picks.
    widths: Choices<'a>,
    /// Gives the attributes that are numbers.
    pub(super) numbers: Random,
    least_width: usize,
    /// The block that is being built; part of its nodes' names.
    pub(super) block: String,
    graph: Graph,
}

impl<'a> Builder<'a> {
    pub(super) fn new(structure: Choices<'a>, widths: Choices<'a>, seed: u64, least_width: usize) -> Self {
        let numbers = Random::new(!seed);
        Self { structure, widths, numbers, least_width, block: "stem".into(), graph: Graph::new() }
    }

    /// Decides everything.
    pub(super) fn finish(mut self) -> Graph {
        let depth = self.structure.below(11);
        let images = self.images();
        let maps = self.blocks(images, depth);
        self.head(&maps);
        self.graph
    }

    fn images(&mut self) -> Value {
        let channels = self.structure.pick(&[3, 1, 2, 4]);
        let [height, width] = [0, 1].map(|_| self.structure.pick(&[1, 8, 12, 7, 9, 5, 3, 11]));
        let images = self.push("images", Input { channels, height, width }, &[]);
        match self.structure.pick(&[false, true, true, true]) {
            true => self.normalize(&images),
            false => images,
        }
    }

    /// Fixed numbers of its own for every channel.
    pub(super) fn normalize(&mut self, value: &Value) -> Value {
        let channels = value.shape.channels();
        let mean = (0..channels).map(|_| self.numbers.uniform(0.2, 0.8)).collect();
        let std = (0..channels).map(|_| self.numbers.uniform(0.3, 1.2)).collect();
        self.push("normalize", Normalize { mean, std }, &[value])
    }

    /// A new number of channels.
    pub(super) fn width(&mut self) -> usize {
        let widest = 8 - self.least_width;
        self.least_width + self.widths.below(widest + 1)
    }

    /// A number of channels that `groups` groups divide, with at least two a group.
    pub(super) fn grouped_width(&mut self, groups: usize) -> usize {
        groups * (2 + self.widths.below(2))
    }

    /// The number of categories.
    pub(super) fn categories(&mut self) -> usize {
        1 + self.widths.below(6)
    }

    /// A number of `0..options` that members of a family decide for themselves.
    pub(super) fn below(&mut self, options: usize) -> usize {
        self.widths.below(options)
    }

    /// Appends a node.
    pub(super) fn push(&mut self, name: &str, op: impl Into<Op>, inputs: &[&Value]) -> Value {
        let op = op.into();
        let described = format!("{op:?} over {inputs:?}");
        self.try_push(name, op, inputs).unwrap_or_else(|| panic!("the generator built {described}"))
    }

    /// Appends a node, or nothing where its window does not fit its input.
    pub(super) fn try_push(&mut self, name: &str, op: impl Into<Op>, inputs: &[&Value]) -> Option<Value> {
        let name = format!("{}.{name}{}", self.block, self.graph.nodes.len());
        let inputs: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        let before = self.graph.clone();
        self.graph.push(name.clone(), op, &inputs);
        let shape = self.shape_of(&name);
        if shape.is_none() {
            self.graph = before;
        }
        Some(Value { shape: shape?, name })
    }

    /// A graph is valid only where its output is flat, so a Flatten stands behind the value while its shape is asked for.
    fn shape_of(&self, name: &str) -> Option<Shape> {
        let mut complete = self.graph.clone();
        complete.push("flat", Flatten {}, &[name]);
        let valid = complete.validate().ok()?;
        Some(valid.node(valid.find(name)?).shape)
    }
}
