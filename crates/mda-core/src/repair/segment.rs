//! Stretches of a model, so that a pass over its layers computes each of them once.

use crate::graph::{Graph, GraphErrors, GraphNode, NodeId, ValidGraph};
use crate::model::Model;
use crate::op::{Flatten, Input, Op};
use crate::tensor::{Parameters, Shape};

/// The values that everything computed behind them depends on alone, in order: the points where a pass can stop and go on.
///
/// The input is one, every value of a chain is, and so is the sum at the end of a residual block.
pub(super) fn bottlenecks(graph: &ValidGraph) -> Vec<NodeId> {
    let consumers = graph.consumers();
    let mut read_until = 0;
    let mut found = Vec::new();
    for (id, consumers) in consumers.iter().enumerate() {
        if id >= graph.input() && read_until <= id {
            found.push(id);
        }
        read_until = consumers.iter().copied().max().unwrap_or(id).max(read_until);
    }
    found
}

/// The part of `model` that computes value `to` from value `from`, a bottleneck before it.
///
/// It takes `from` as if it were an image (features as a map of one position) and answers `to`, flattened, in the place
/// of logits.
///
/// # Errors
/// [`GraphErrors`] where the stretch is no valid model, which is a defect of this crate.
pub(super) fn segment(model: &Model, from: NodeId, to: NodeId) -> Result<Model, GraphErrors> {
    let graph = model.graph();
    let mut needed = vec![false; graph.nodes().len()];
    needed[to] = true;
    for id in (from + 1..=to).rev().filter(|&id| id != from) {
        if needed[id] {
            graph.node(id).inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    let mut part = Graph::new();
    enter(&mut part, graph, from);
    let mut parameters = Parameters::new();
    for id in (from + 1..=to).filter(|&id| needed[id]) {
        let node = graph.node(id);
        let inputs = node.inputs.iter().map(|&input| graph.node(input).name.clone()).collect();
        part.nodes.push(GraphNode { name: node.name.clone(), op: node.op.clone(), inputs });
        for spec in graph.parameter_specs(id) {
            let name = format!("{}.{}", node.name, spec.suffix);
            if let Some(tensor) = model.parameters().get(&name) {
                parameters.insert(name, tensor.clone());
            }
        }
    }
    let (name, shape) = (graph.node(to).name.clone(), graph.node(to).shape);
    part.output.clone_from(&name);
    if matches!(shape, Shape::Map { .. }) {
        part.push(unused(graph, &name), Flatten {}, &[&name]);
    }
    let categories = (0..shape.elements()).map(|k| k.to_string()).collect();
    Model::new(model.name(), part.validate()?, parameters, categories)
}

/// Lets the value of `from` enter `part` under its own name.
fn enter(part: &mut Graph, graph: &ValidGraph, from: NodeId) {
    let node = graph.node(from);
    match (&node.op, node.shape) {
        (Op::Input(image), _) => {
            part.push(&node.name, image.clone(), &[]);
        }
        (_, Shape::Map { channels, height, width }) => {
            part.push(&node.name, Input { channels, height, width }, &[]);
        }
        (_, Shape::Features(channels)) => {
            let map = part.push(unused(graph, &node.name), Input { channels, height: 1, width: 1 }, &[]);
            part.push(&node.name, Flatten {}, &[&map]);
        }
    }
}

/// A name that no node of the graph has.
fn unused(graph: &ValidGraph, name: &str) -> String {
    let mut name = format!("{name}.map");
    while graph.find(&name).is_some() {
        name.push('_');
    }
    name
}
