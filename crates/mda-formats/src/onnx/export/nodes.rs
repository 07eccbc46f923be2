//! Operations to ONNX nodes.

use super::super::proto::{self, attribute_type, data_type};
use super::{IMAGES, LOGITS, pool};
use mda_core::Model;
use mda_core::graph::Node;
use mda_core::op::{BatchNorm, Clamp, Conv2d, Normalize, Op, Padding, SelectChannels, Window};
use mda_core::tensor::Shape;
use std::collections::HashSet;

/// The nodes and constants of a graph.
#[derive(Default)]
pub(super) struct Written {
    pub node: Vec<proto::Node>,
    pub initializer: Vec<proto::Tensor>,
}

/// All nodes of `model`'s graph but the input, and all its parameters.
pub(super) fn write(model: &Model) -> Written {
    let mut writer = Writer { written: Written::default(), values: Vec::new(), taken: HashSet::new() };
    writer.taken.extend([IMAGES.to_owned(), LOGITS.to_owned()]);
    let graph = model.graph();
    let slopes =
        graph.nodes().iter().filter(|node| matches!((&node.op, node.shape), (Op::PRelu(_), Shape::Map { .. })));
    let slopes: HashSet<String> = slopes.map(|node| format!("{}.weight", node.name)).collect();
    for (name, tensor) in model.parameters().iter() {
        writer.taken.insert(name.to_owned());
        // Slopes are broadcast from the last axis on.
        let shape = if slopes.contains(name) { &[tensor.len(), 1, 1][..] } else { tensor.shape() };
        writer.floats(name.to_owned(), shape, tensor.data());
    }
    for (id, node) in graph.nodes().iter().enumerate() {
        let value = match id {
            _ if id == graph.input() => IMAGES.to_owned(),
            _ if id == graph.output() => LOGITS.to_owned(),
            _ => writer.unique(&node.name),
        };
        writer.values.push(value);
        let shapes = graph.input_shapes(id);
        writer.node(id, node, &shapes);
    }
    writer.written
}

/// Values and constants share one namespace in ONNX.
pub(super) struct Writer {
    written: Written,
    /// The name of every node's value.
    values: Vec<String>,
    taken: HashSet<String>,
}

impl Writer {
    pub(super) fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let mut count = 1;
        while !self.taken.insert(unique.clone()) {
            count += 1;
            unique = format!("{name}_{count}");
        }
        unique
    }

    fn node(&mut self, id: usize, node: &Node, shapes: &[Shape]) {
        let mut inputs: Vec<String> = node.inputs.iter().map(|&input| self.values[input].clone()).collect();
        let parameter = |suffix: &str| format!("{}.{suffix}", node.name);
        let (op_type, attributes) = match &node.op {
            Op::Input(_) => return,
            Op::Normalize(op) => ("Div", self.normalize(node, op, shapes[0], &mut inputs)),
            Op::Conv2d(op) => {
                inputs.push(parameter("weight"));
                inputs.extend(op.bias.then(|| parameter("bias")));
                ("Conv", conv(op))
            }
            Op::BatchNorm(BatchNorm { eps }) => {
                inputs.extend(["weight", "bias", "running_mean", "running_var"].map(parameter));
                ("BatchNormalization", vec![float("epsilon", *eps)])
            }
            Op::Clamp(op) => (self.clamp(node, op, &mut inputs), Vec::new()),
            Op::Activation(op) => self.activation(node, op.kind, &mut inputs),
            Op::PRelu(_) => {
                inputs.push(parameter("weight"));
                ("PRelu", Vec::new())
            }
            Op::MaxPool(op) => ("MaxPool", pool::max(op, shapes[0], node.shape)),
            Op::AvgPool(op) => {
                let pool::Average { zeros, attributes } = pool::average(op, shapes[0], node.shape);
                if let Some(Padding { top, left, bottom, right }) = zeros {
                    self.pad(node, &[0, 0, top, left, 0, 0, bottom, right], &mut inputs);
                }
                ("AveragePool", attributes)
            }
            Op::GlobalAvgPool(_) => ("GlobalAveragePool", Vec::new()),
            Op::Add(_) if inputs.len() == 2 => ("Add", Vec::new()),
            Op::Add(_) => ("Sum", Vec::new()),
            Op::Multiply(_) => {
                if shapes[1].batched(1).len() < shapes[0].batched(1).len() {
                    let axes = self.unique(&format!("{}.axes", node.name));
                    self.integers(axes.clone(), &[2, 3]);
                    inputs[1] = self.step(node, "Unsqueeze", &[inputs[1].clone(), axes]);
                }
                ("Mul", Vec::new())
            }
            Op::Concat(_) => ("Concat", vec![int("axis", 1)]),
            Op::Flatten(_) => ("Flatten", vec![int("axis", 1)]),
            Op::Linear(op) => {
                inputs.push(parameter("weight"));
                inputs.extend(op.bias.then(|| parameter("bias")));
                ("Gemm", vec![int("transB", 1)])
            }
            Op::SelectChannels(op) => ("Gather", self.select(node, op, shapes[0], &mut inputs)),
        };
        let output = self.values[id].clone();
        self.push(op_type, &node.name, inputs, output, attributes);
    }

    fn push(&mut self, op: &str, name: &str, input: Vec<String>, output: String, attribute: Vec<proto::Attribute>) {
        let (name, op_type) = (name.to_owned(), op.to_owned());
        let node = proto::Node { input, output: vec![output], name, op_type, attribute, domain: String::new() };
        self.written.node.push(node);
    }

    /// A node on the way to `node`'s own, and the name of its value.
    pub(super) fn step(&mut self, node: &Node, op: &str, inputs: &[String]) -> String {
        let value = self.unique(&format!("{}/{}", node.name, op.to_lowercase()));
        self.push(op, &value, inputs.to_vec(), value.clone(), Vec::new());
        value
    }

    /// A node ahead of `node`'s own, on the path of its only input.
    fn before(&mut self, op: &str, node: &Node, constant: String, inputs: &mut Vec<String>) {
        let value = self.step(node, op, &[&inputs[..], &[constant]].concat());
        *inputs = vec![value];
    }

    fn normalize(
        &mut self,
        node: &Node,
        op: &Normalize,
        input: Shape,
        inputs: &mut Vec<String>,
    ) -> Vec<proto::Attribute> {
        let shape: Vec<usize> = match input {
            Shape::Map { channels, .. } => vec![1, channels, 1, 1],
            Shape::Features(features) => vec![1, features],
        };
        let mean = self.unique(&format!("{}.mean", node.name));
        let std = self.unique(&format!("{}.std", node.name));
        self.floats(mean.clone(), &shape, &op.mean);
        self.floats(std.clone(), &shape, &op.std);
        self.before("Sub", node, mean, inputs);
        inputs.push(std);
        Vec::new()
    }

    fn clamp(&mut self, node: &Node, op: &Clamp, inputs: &mut Vec<String>) -> &'static str {
        match (op.min, op.max) {
            (None, None) => return "Identity",
            (Some(0.0), None) => return "Relu",
            _ => {}
        }
        for (suffix, bound) in [("min", op.min), ("max", op.max)] {
            // An absent input in the middle has an empty name; at the end it is left out.
            match bound {
                None if suffix == "min" => inputs.push(String::new()),
                None => {}
                Some(bound) => {
                    let name = self.unique(&format!("{}.{suffix}", node.name));
                    self.floats(name.clone(), &[], &[bound]);
                    inputs.push(name);
                }
            }
        }
        "Clip"
    }

    /// Zeros around `node`'s input: before every axis, then behind every axis.
    fn pad(&mut self, node: &Node, pads: &[usize], inputs: &mut Vec<String>) {
        let name = self.unique(&format!("{}.pads", node.name));
        self.integers(name.clone(), pads);
        self.before("Pad", node, name, inputs);
    }

    /// Zero channels are gathered from one that is padded behind the others: exact, and only standard operators.
    fn select(
        &mut self,
        node: &Node,
        op: &SelectChannels,
        input: Shape,
        inputs: &mut Vec<String>,
    ) -> Vec<proto::Attribute> {
        let channels = input.channels();
        if op.channels.contains(&None) {
            let rank = input.batched(1).len();
            let mut pads = vec![0; 2 * rank];
            pads[rank + 1] = 1;
            self.pad(node, &pads, inputs);
        }
        let indices: Vec<usize> = op.channels.iter().map(|source| source.unwrap_or(channels)).collect();
        let name = self.unique(&format!("{}.channels", node.name));
        self.integers(name.clone(), &indices);
        inputs.push(name);
        vec![int("axis", 1)]
    }

    pub(super) fn floats(&mut self, name: String, shape: &[usize], numbers: &[f32]) {
        self.written.initializer.push(proto::Tensor {
            dims: shape.iter().map(|&extent| extent as i64).collect(),
            data_type: data_type::FLOAT,
            name,
            raw_data: Some(numbers.iter().flat_map(|number| number.to_le_bytes()).collect()),
            ..Default::default()
        });
    }

    fn integers(&mut self, name: String, numbers: &[usize]) {
        self.written.initializer.push(proto::Tensor {
            dims: vec![numbers.len() as i64],
            data_type: data_type::INT64,
            name,
            raw_data: Some(numbers.iter().flat_map(|&number| (number as i64).to_le_bytes()).collect()),
            ..Default::default()
        });
    }
}

fn conv(op: &Conv2d) -> Vec<proto::Attribute> {
    let Window { kernel, stride, padding, dilation } = op.window;
    vec![
        ints("dilations", &dilation),
        int("group", op.groups),
        ints("kernel_shape", &kernel),
        ints("pads", &[padding.top, padding.left, padding.bottom, padding.right]),
        ints("strides", &stride),
    ]
}

fn attribute(name: &str, kind: i32) -> proto::Attribute {
    proto::Attribute { name: name.into(), kind, ..Default::default() }
}

/// A number as an attribute.
pub(super) fn float(name: &str, value: f32) -> proto::Attribute {
    proto::Attribute { f: Some(value), ..attribute(name, attribute_type::FLOAT) }
}

/// An integer attribute.
pub(super) fn int(name: &str, value: usize) -> proto::Attribute {
    proto::Attribute { i: Some(value as i64), ..attribute(name, attribute_type::INT) }
}

/// A list of integers as an attribute.
pub(super) fn ints(name: &str, values: &[usize]) -> proto::Attribute {
    let ints = values.iter().map(|&value| value as i64).collect();
    proto::Attribute { ints, ..attribute(name, attribute_type::INTS) }
}
