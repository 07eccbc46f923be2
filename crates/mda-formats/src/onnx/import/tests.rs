//! Import rules, each on files built in memory.

mod activations;
mod arithmetic;
mod channels;
mod constants;
mod gates;
mod hostile;
mod layers;
mod range;
mod rearrange;
mod refused;
mod round_trip;
mod signature;

use super::*;
use crate::onnx::proto::{Attribute, Dimension, Extent, Graph, Node, OperatorSetId, Tensor, TensorShape, TensorType};
use crate::onnx::proto::{Type, ValueInfo, attribute_type, data_type};
use crate::test_models::logits;
use mda_core::op::Op;

/// A file under construction: every node's value is called as the node, and the last node's value is the output.
#[derive(Clone)]
struct File {
    opset: i64,
    graph: Graph,
}

impl File {
    /// A file that takes images `[N, C, H, W]` as `x`.
    fn new(opset: i64, image: [i64; 3]) -> Self {
        let mut graph = Graph::default();
        let [channels, height, width] = image.map(Extent::Value);
        let extents = [Extent::Parameter("N".into()), channels, height, width];
        graph.input.push(value_info("x", data_type::FLOAT, &extents));
        Self { opset, graph }
    }

    fn with_batch(mut self, batch: i64) -> Self {
        let tensor = self.graph.input[0].kind.as_mut().unwrap().tensor.as_mut().unwrap();
        tensor.shape.as_mut().unwrap().dim[0].extent = Some(Extent::Value(batch));
        self
    }

    fn floats(mut self, name: &str, shape: &[i64], numbers: &[f32]) -> Self {
        let tensor = Tensor { float_data: numbers.to_vec(), ..tensor(name, data_type::FLOAT, shape) };
        self.graph.initializer.push(tensor);
        self
    }

    /// Numbers 0.1, 0.2, ... in `shape`.
    fn counted(self, name: &str, shape: &[i64]) -> Self {
        let count: i64 = shape.iter().product();
        let numbers: Vec<f32> = (1..=count).map(|index| index as f32 / 10.0).collect();
        self.floats(name, shape, &numbers)
    }

    fn ints(mut self, name: &str, numbers: &[i64]) -> Self {
        let shape = [numbers.len() as i64];
        self.graph.initializer.push(Tensor { int64_data: numbers.to_vec(), ..tensor(name, data_type::INT64, &shape) });
        self
    }

    fn int(mut self, name: &str, number: i64) -> Self {
        self.graph.initializer.push(Tensor { int64_data: vec![number], ..tensor(name, data_type::INT64, &[]) });
        self
    }

    fn node(mut self, op: &str, name: &str, inputs: &[&str], attribute: &[Attribute]) -> Self {
        let input = inputs.iter().map(|&input| input.to_owned()).collect();
        let (op_type, output) = (op.to_owned(), vec![name.to_owned()]);
        let node = Node { input, output, name: name.into(), op_type, attribute: attribute.to_vec(), ..Node::default() };
        self.graph.node.push(node);
        self
    }

    fn message(mut self) -> proto::Model {
        if self.graph.output.is_empty() {
            let name = self.graph.node.last().map_or("x", |node| &node.name).to_owned();
            self.graph.output.push(value_info(&name, data_type::FLOAT, &[]));
        }
        let opset_import = vec![OperatorSetId { domain: String::new(), version: self.opset }];
        proto::Model { ir_version: 8, graph: Some(self.graph), opset_import, ..proto::Model::default() }
    }

    fn bytes(self) -> Vec<u8> {
        self.message().encode_to_vec()
    }

    fn import(self) -> Imported {
        import_bytes(&self.bytes(), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The operations of the imported model but the input, with their names.
    fn ops(self) -> Vec<(String, Op)> {
        let model = self.import().model;
        model.graph().nodes()[1..].iter().map(|node| (node.name.clone(), node.op.clone())).collect()
    }

    /// What is computed from one image.
    fn logits(self, image: &[f32]) -> Vec<f32> {
        let model = self.import().model;
        let image = mda_core::Tensor::new(model.input_shape().batched(1), image.to_vec()).unwrap();
        logits(&model, &image).into_data()
    }

    fn refused(self) -> String {
        import_bytes(&self.bytes(), &ImportOptions::default()).unwrap_err().to_string()
    }
}

fn tensor(name: &str, data_type: i32, shape: &[i64]) -> Tensor {
    Tensor { name: name.into(), data_type, dims: shape.to_vec(), ..Tensor::default() }
}

fn value_info(name: &str, elem_type: i32, extents: &[Extent]) -> ValueInfo {
    let dim = extents.iter().map(|extent| Dimension { extent: Some(extent.clone()) }).collect();
    let tensor = TensorType { elem_type, shape: Some(TensorShape { dim }) };
    ValueInfo { name: name.into(), kind: Some(Type { tensor: Some(tensor) }) }
}

fn attribute(name: &str, kind: i32) -> Attribute {
    Attribute { name: name.into(), kind, ..Attribute::default() }
}

fn int(name: &str, number: i64) -> Attribute {
    Attribute { i: Some(number), ..attribute(name, attribute_type::INT) }
}

fn ints(name: &str, numbers: &[i64]) -> Attribute {
    Attribute { ints: numbers.to_vec(), ..attribute(name, attribute_type::INTS) }
}

fn float(name: &str, number: f32) -> Attribute {
    Attribute { f: Some(number), ..attribute(name, attribute_type::FLOAT) }
}

fn string(name: &str, string: &str) -> Attribute {
    Attribute { s: Some(string.into()), ..attribute(name, 3) }
}

fn value(value: Tensor) -> Attribute {
    Attribute { t: Some(Box::new(value)), ..attribute("value", 4) }
}
