//! The walk over the file's nodes.

use super::array::Array;
use super::budget::Budget;
use super::builder::{Builder, Shaped};
use super::call::Call;
use super::constant;
use super::external::Folder;
use super::fault::Fault;
use super::rules;
use super::signature::{self, Images};
use super::value::{Activation, Floats, Value};
use super::view::{Dim, Role, View};
use super::{ImportOptions, PixelRange};
use crate::onnx::{OnnxError, UnsupportedOperator, proto};
use mda_core::graph::Graph;
use mda_core::op::{Input, Normalize, Op};
use mda_core::tensor::Parameters;
use mda_core::tensor::Tensor;
use std::collections::HashMap;
use std::rc::Rc;

/// The operator sets that are known.
const FIRST_OPSET: i64 = 9;
const LAST_OPSET: i64 = 21;

const NOT_NORMALISED: &str = "the graph does not normalise its images: if it was trained on normalised ones, give their \
                              mean and standard deviation";

/// The version of ONNX's own operators that the file uses.
pub(super) fn opset(message: &proto::Model) -> Result<i64, OnnxError> {
    let own = message.opset_import.iter().find(|set| is_own(&set.domain));
    let found = own.ok_or_else(|| OnnxError::NotOnnx("it names no operator set".into()))?.version;
    if (FIRST_OPSET..=LAST_OPSET).contains(&found) {
        Ok(found)
    } else {
        Err(OnnxError::Opset { found, first: FIRST_OPSET, last: LAST_OPSET })
    }
}

fn is_own(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// The file's graph, and what has been made of it so far.
pub(super) struct Importer<'a> {
    graph: &'a proto::Graph,
    opset: i64,
    /// The batch, where the file fixes it.
    pub batch: Option<i64>,
    initializers: HashMap<&'a str, &'a proto::Tensor>,
    values: HashMap<&'a str, Value<'a>>,
    /// How many inputs of nodes and outputs of the graph refer to a value.
    uses: HashMap<&'a str, usize>,
    pub builder: Builder,
    pub budget: Budget,
    folder: Folder,
    pub notes: Vec<String>,
}

impl<'a> Importer<'a> {
    pub(super) fn new(graph: &'a proto::Graph, opset: i64, folder: Folder, bytes: usize) -> Self {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        let used = graph.node.iter().flat_map(|node| &node.input).chain(graph.output.iter().map(|output| &output.name));
        used.for_each(|name| *uses.entry(name).or_default() += 1);
        Self {
            graph,
            opset,
            batch: None,
            initializers: graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
            values: HashMap::new(),
            uses,
            builder: Builder::default(),
            budget: Budget::for_bytes(bytes),
            folder,
            notes: Vec::new(),
        }
    }

    /// Takes over what the file's first output needs.
    pub(super) fn run(mut self, options: &ImportOptions) -> Result<(Graph, Parameters, Vec<String>), OnnxError> {
        let output = signature::output(self.graph, &mut self.notes)?;
        let nodes = self.needed(output);
        unsupported(&nodes)?;
        let images = signature::images(self.graph, &self.initializers, &nodes, options)?;
        self.images(&images, options).map_err(|fault| fault.at(images.name, "Input"))?;
        for node in nodes {
            let call = Call { node, opset: self.opset };
            let value = rules::apply(&mut self, &call).map_err(|fault| fault.at(call.name(), &node.op_type))?;
            self.values.insert(call.output(), value);
        }
        let name = self.logits(output).map_err(|fault| fault.at(output, "output"))?;
        if options.range == PixelRange::Unit && !self.builder.normalizes() {
            self.notes.push(NOT_NORMALISED.into());
        }
        let (graph, parameters) = self.builder.finish(&name);
        Ok((graph, parameters, self.notes))
    }

    /// The nodes that `output` depends on, in the file's order.
    fn needed(&self, output: &str) -> Vec<&'a proto::Node> {
        let mut producers: HashMap<&str, usize> = HashMap::new();
        for (index, node) in self.graph.node.iter().enumerate() {
            node.output.iter().filter(|name| !name.is_empty()).for_each(|name| {
                producers.insert(name, index);
            });
        }
        let mut needed = vec![false; self.graph.node.len()];
        let mut open: Vec<usize> = producers.get(output).copied().into_iter().collect();
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut needed[index], true) {
                open.extend(self.graph.node[index].input.iter().filter_map(|name| producers.get(name.as_str())));
            }
        }
        self.graph.node.iter().zip(needed).filter(|&(_, needed)| needed).map(|(node, _)| node).collect()
    }

    fn images(&mut self, images: &Images<'a>, options: &ImportOptions) -> Result<(), Fault> {
        let [channels, height, width] = images.extents;
        self.batch = images.batch;
        if let Some(batch) = images.batch.filter(|&batch| batch != 1) {
            self.notes.push(format!("the file fixes the batch at {batch}; the model takes any"));
        }
        let (mut node, shape) = self.add(images.name, Input { channels, height, width }, &[])?;
        if let Some(normalize) = &options.normalize {
            (node, _) = self.add("normalize", for_channels(normalize, channels), &[(node, shape)])?;
        }
        let mut value = Activation::new(node, shape, images.name);
        if images.channels_last {
            self.notes.push("the file takes images as [N, H, W, C], the model as [N, C, H, W]".into());
            value.view = View::of(shape, &[Role::Batch, Role::Row, Role::Column, Role::Channel]);
        }
        self.values.insert(images.name, Value::Activation(value));
        Ok(())
    }

    /// The node whose value is the logits.
    fn logits(&mut self, output: &str) -> Result<Rc<str>, Fault> {
        let Some(Value::Activation(mut value)) = self.values.get(output).cloned() else {
            return Err(Fault::new("a value computed from the images", "none"));
        };
        if let Some(op) = value.probabilities.take() {
            self.notes.push(format!("the final {op} is left out: models end in logits"));
        }
        // The classes may have kept positions of extent 1.
        let dims = value.view.dims(value.shape);
        if dims.iter().skip(2).all(|dim| *dim == Dim::known(1)) && dims.len() > 2 {
            value.view = value.view.flattened(1);
        }
        Ok(self.features(value)?.0)
    }

    /// The value called `name`.
    fn value(&mut self, name: &str) -> Result<Value<'a>, Fault> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        match self.initializers.get(name) {
            Some(tensor) => self.decode(tensor),
            None => {
                Err(Fault::new("inputs that are computed before, by the first output of a node", format!("`{name}`")))
            }
        }
    }

    /// The numbers of `tensor`.
    pub(super) fn decode(&mut self, tensor: &proto::Tensor) -> Result<Value<'a>, Fault> {
        constant::decode(tensor, &mut self.folder, &mut self.budget)
    }

    /// Input `index` of `call`, where it has one.
    pub(super) fn optional(&mut self, call: &Call<'a>, index: usize) -> Result<Option<Value<'a>>, Fault> {
        call.input(index).map(|name| self.value(name)).transpose()
    }

    /// Input `index` of `call`.
    pub(super) fn input(&mut self, call: &Call<'a>, index: usize) -> Result<Value<'a>, Fault> {
        let missing = || Fault::new(format!("at least {} inputs", index + 1), call.node.input.len().to_string());
        self.optional(call, index)?.ok_or_else(missing)
    }

    /// Input `index` of `call`, which must depend on the images.
    pub(super) fn activation(&mut self, call: &Call<'a>, index: usize) -> Result<Activation<'a>, Fault> {
        match self.input(call, index)? {
            Value::Activation(activation) => Ok(activation),
            other => Err(Fault::new(format!("input {index} to be computed from the images"), other.describe())),
        }
    }

    /// Input `index` of `call`, which must be constant numbers.
    pub(super) fn floats(&mut self, call: &Call<'a>, index: usize) -> Result<Floats, Fault> {
        match self.input(call, index)? {
            Value::Floats(floats) => Ok(floats),
            other => Err(Fault::new(format!("input {index} to be constant numbers"), other.describe())),
        }
    }

    /// Input `index` of `call`, where it has one, which must be extents.
    pub(super) fn dims(&mut self, call: &Call<'a>, index: usize) -> Result<Option<Rc<Array<Dim>>>, Fault> {
        match self.optional(call, index)? {
            None => Ok(None),
            Some(Value::Ints(ints)) => Ok(Some(ints)),
            Some(other) => Err(Fault::new(format!("input {index} to be integers"), other.describe())),
        }
    }

    /// Input `index` of `call`, where it has one, which must be integers that do not depend on the batch.
    pub(super) fn ints(&mut self, call: &Call<'a>, index: usize) -> Result<Option<Vec<i64>>, Fault> {
        let Some(dims) = self.dims(call, index)? else { return Ok(None) };
        let known: Option<Vec<i64>> = dims.data().iter().map(|dim| dim.value()).collect();
        let known =
            known.ok_or_else(|| Fault::new(format!("input {index} to be constant"), "a multiple of the batch"))?;
        Ok(Some(known))
    }

    /// Whether nothing but one node's input refers to `name`.
    pub(super) fn used_once(&self, name: &str) -> bool {
        self.uses.get(name) == Some(&1)
    }

    /// Adds a node named `name` for `call`, whose value is seen plainly.
    pub(super) fn push(
        &mut self,
        call: &Call<'a>,
        name: &str,
        op: impl Into<Op>,
        inputs: &[Shaped],
    ) -> Result<Activation<'a>, Fault> {
        let (node, shape) = self.add(name, op, inputs)?;
        Ok(Activation::new(node, shape, call.output()))
    }

    /// Adds a node, whose names count as memory: a file may use one long name many times.
    pub(super) fn add(&mut self, name: &str, op: impl Into<Op>, inputs: &[Shaped]) -> Result<Shaped, Fault> {
        let bytes = inputs.iter().map(|(input, _)| input.len()).sum::<usize>() + name.len();
        self.budget.take(bytes / size_of::<f32>())?;
        self.builder.push(name, op, inputs)
    }

    /// Gives the node of `activation` a parameter.
    pub(super) fn parameter(&mut self, activation: &Activation<'_>, suffix: &str, tensor: Tensor) {
        self.builder.parameter(&activation.node, suffix, tensor);
    }
}

/// One mean and standard deviation stand for every channel.
fn for_channels(normalize: &Normalize, channels: usize) -> Normalize {
    match (&normalize.mean[..], &normalize.std[..]) {
        (&[mean], &[std]) => Normalize { mean: vec![mean; channels], std: vec![std; channels] },
        _ => normalize.clone(),
    }
}

fn unsupported(nodes: &[&proto::Node]) -> Result<(), OnnxError> {
    let unknown = |node: &&&proto::Node| !is_own(&node.domain) || !rules::is_known(&node.op_type);
    let operator = |node: &&proto::Node| {
        let op = if is_own(&node.domain) { node.op_type.clone() } else { format!("{}.{}", node.domain, node.op_type) };
        UnsupportedOperator { op, node: Call { node, opset: 0 }.name().to_owned() }
    };
    let operators: Vec<_> = nodes.iter().filter(unknown).map(operator).collect();
    if operators.is_empty() { Ok(()) } else { Err(OnnxError::Unsupported(operators)) }
}
