//! The graph under construction.

use super::fault::Fault;
use mda_core::graph::Graph;
use mda_core::op::{Conv2d, Flatten, Input, Linear, Multiply, Normalize, Op, SelectChannels};
use mda_core::tensor::Tensor;
use mda_core::tensor::{Parameters, Shape};
use std::collections::HashMap;
use std::rc::Rc;

/// A node and the shape of its value.
pub(super) type Shaped = (Rc<str>, Shape);

/// Nodes and parameters so far; every node's shape is known when it is added.
#[derive(Default)]
pub(super) struct Builder {
    graph: Graph,
    parameters: Parameters,
    /// The position of every node, and the shape of its value.
    places: HashMap<Rc<str>, (usize, Shape)>,
    /// How often a name was asked for.
    asked: HashMap<String, usize>,
}

impl Builder {
    /// Adds a node whose inputs have the shapes `shapes`, and answers its name and shape.
    pub(super) fn push(&mut self, name: &str, op: impl Into<Op>, inputs: &[Shaped]) -> Result<Shaped, Fault> {
        let op = op.into();
        let shapes: Vec<Shape> = inputs.iter().map(|&(_, shape)| shape).collect();
        let shape = shape(&op, &shapes)?;
        let name: Rc<str> = self.unique(name).into();
        self.places.insert(name.clone(), (self.graph.nodes.len(), shape));
        let inputs: Vec<&str> = inputs.iter().map(|(input, _)| &**input).collect();
        self.graph.push(&*name, op, &inputs);
        Ok((name, shape))
    }

    fn unique(&mut self, name: &str) -> String {
        let asked = self.asked.entry(name.to_owned()).or_default();
        loop {
            *asked += 1;
            let unique = if *asked == 1 { name.to_owned() } else { format!("{name}_{asked}") };
            if !self.places.contains_key(&*unique) {
                return unique;
            }
        }
    }

    /// Gives `node` the parameter `suffix`.
    pub(super) fn parameter(&mut self, node: &str, suffix: &str, tensor: Tensor) {
        self.parameters.insert(format!("{node}.{suffix}"), tensor);
    }

    /// The operation of the node `name`.
    pub(super) fn op(&self, name: &str) -> Option<&Op> {
        self.places.get(name).map(|&(position, _)| &self.graph.nodes[position].op)
    }

    /// Makes room for a bias in the convolution or linear layer `name`, where it has none.
    pub(super) fn add_bias(&mut self, name: &str) -> bool {
        let op = self.places.get(name).map(|&(position, _)| &mut self.graph.nodes[position].op);
        match op {
            Some(Op::Conv2d(Conv2d { bias, .. }) | Op::Linear(Linear { bias, .. })) => !std::mem::replace(bias, true),
            _ => false,
        }
    }

    /// Multiplies what the convolution or linear layer `name` computes by `factors`, one a channel; answers whether it is one.
    pub(super) fn scale(&mut self, name: &str, factors: &[f32]) -> bool {
        if !matches!(self.op(name), Some(Op::Conv2d(_) | Op::Linear(_))) {
            return false;
        }
        for suffix in ["weight", "bias"] {
            let name = format!("{name}.{suffix}");
            let Some(tensor) = self.parameters.get(&name) else { continue };
            let mut tensor = Tensor::clone(tensor);
            let row = (tensor.len() / factors.len()).max(1);
            for (row, factor) in tensor.data_mut().chunks_mut(row).zip(factors) {
                row.iter_mut().for_each(|weight| *weight *= factor);
            }
            self.parameters.insert(name, tensor);
        }
        true
    }

    /// Takes the last node away, where it is `name` and does no more than to subtract a mean: its input and that mean.
    pub(super) fn take_shift(&mut self, name: &str) -> Option<(Shaped, Vec<f32>)> {
        let is_shift =
            |op: &Op| matches!(op, Op::Normalize(Normalize { std, .. }) if std.iter().all(|&std| std == 1.0));
        let (input, op) = self.take_last(name, is_shift)?;
        if let Op::Normalize(Normalize { mean, .. }) = op { Some((input, mean)) } else { None }
    }

    /// Takes the last node away, where it is `name` and selects channels: its input and the selection.
    pub(super) fn take_selection(&mut self, name: &str) -> Option<(Shaped, Vec<Option<usize>>)> {
        let (input, op) = self.take_last(name, |op| matches!(op, Op::SelectChannels(_)))?;
        if let Op::SelectChannels(SelectChannels { channels }) = op { Some((input, channels)) } else { None }
    }

    fn take_last(&mut self, name: &str, wanted: impl FnOnce(&Op) -> bool) -> Option<(Shaped, Op)> {
        let node = self.graph.nodes.pop_if(|node| node.name == name && wanted(&node.op))?;
        self.places.remove(name);
        self.asked.remove(name);
        let (input, &(_, shape)) = self.places.get_key_value(node.inputs.first()?.as_str())?;
        Some(((input.clone(), shape), node.op))
    }

    /// Whether the images are brought to another range.
    pub(super) fn normalizes(&self) -> bool {
        self.graph.nodes.iter().any(|node| matches!(node.op, Op::Normalize(_)))
    }

    /// The graph with the value of `output` as its logits, and the parameters.
    pub(super) fn finish(mut self, output: &str) -> (Graph, Parameters) {
        self.graph.output = output.to_owned();
        (self.graph, self.parameters)
    }
}

/// The shape that `op` gives, by the rules of the graph itself: one operation is checked in a graph of its own.
fn shape(op: &Op, inputs: &[Shape]) -> Result<Shape, Fault> {
    let all = || inputs.iter().map(Shape::to_string).collect::<Vec<_>>().join(" and ");
    match (op, inputs) {
        (Op::Add(_), [first, rest @ ..]) if rest.iter().all(|shape| shape == first) => Ok(*first),
        (Op::Add(_), _) => Err(Fault::new("values of one shape", all())),
        (Op::Multiply(_), [value, factors]) if value == factors || Multiply::is_gate(*factors, *value) => Ok(*value),
        (Op::Multiply(_), _) => Err(Fault::new("values of one shape, or one number a channel", all())),
        (Op::Concat(_), [first, rest @ ..]) if rest.iter().all(|s| s.with_channels(1) == first.with_channels(1)) => {
            let channels = inputs.iter().try_fold(0usize, |sum, shape| sum.checked_add(shape.channels()));
            Ok(first.with_channels(channels.ok_or_else(|| Fault::new("fewer channels", all()))?))
        }
        (Op::Concat(_), _) => Err(Fault::new("values that differ only in their channels", all())),
        _ => alone(op, inputs),
    }
}

fn alone(op: &Op, inputs: &[Shape]) -> Result<Shape, Fault> {
    let mut graph = Graph::new();
    let mut value = String::new();
    if let Some(input) = inputs.first() {
        let [height, width] = input.spatial();
        value = graph.push("input", Input { channels: input.channels(), height, width }, &[]);
        if matches!(input, Shape::Features(_)) {
            value = graph.push("features", Flatten {}, &[&value]);
        }
    }
    let inputs: Vec<&str> = inputs.iter().map(|_| value.as_str()).collect();
    graph.push("operation", op.clone(), &inputs);
    graph.push("output", Flatten {}, &["operation"]);
    let graph = graph.validate()?;
    let id = graph.nodes().len() - 2;
    Ok(graph.node(id).shape)
}
