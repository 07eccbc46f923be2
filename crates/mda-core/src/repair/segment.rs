//! Stretches of a model, so that a pass over its layers computes each of them once.

use crate::graph::{Graph, GraphErrors, GraphNode, NodeId, ValidGraph};
use crate::model::Model;
use crate::op::{Flatten, GlobalAvgPool, Input, Op, SelectChannels};
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

/// The values among those that `stop` says that `to` is computed from, ascending; the input of the model among them where it
/// is needed.
pub(super) fn reached(graph: &ValidGraph, to: NodeId, stop: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    let mut needed = vec![false; graph.nodes().len()];
    needed[to] = true;
    let mut found = Vec::new();
    for id in (0..=to).rev().filter(|&id| id >= graph.input()) {
        if !needed[id] {
            continue;
        }
        if stop(id) || id == graph.input() {
            found.push(id);
        } else {
            graph.node(id).inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    found.reverse();
    found
}

/// The part of `model` that computes value `to` from the values `from`, which it depends on alone.
///
/// It takes them as if they were an image, behind one another (several are maps of one extent; features are a map of one
/// position). Its logits are the means of `to`, or, where that is features, `to` itself: a name for every number of a map would
/// cost more than computing it.
///
/// # Errors
/// [`GraphErrors`] where the stretch is no valid model, which is a defect of this crate.
pub(super) fn segment(model: &Model, from: &[NodeId], to: NodeId) -> Result<Model, GraphErrors> {
    let graph = model.graph();
    let mut needed = vec![false; graph.nodes().len()];
    needed[to] = true;
    for id in (0..=to).rev().filter(|id| !from.contains(id)) {
        if needed[id] {
            graph.node(id).inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    let mut part = Graph::new();
    match from {
        &[only] => enter(&mut part, graph, only),
        several => enter_all(&mut part, graph, several),
    }
    let mut parameters = Parameters::new();
    for id in (0..=to).filter(|&id| needed[id] && !from.contains(&id)) {
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
        let means = part.push(unused(graph, &format!("{name}.mean")), GlobalAvgPool {}, &[&name]);
        part.push(unused(graph, &format!("{name}.flat")), Flatten {}, &[&means]);
    }
    let categories = (0..shape.channels()).map(|k| k.to_string()).collect();
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

/// Lets several maps of one extent enter, each under its own name.
fn enter_all(part: &mut Graph, graph: &ValidGraph, from: &[NodeId]) {
    let shapes = from.iter().map(|&id| graph.node(id).shape);
    let channels: Vec<usize> = shapes.clone().map(|shape| shape.channels()).collect();
    let [height, width] = shapes.map(|shape| shape.spatial()).next().unwrap_or([1, 1]);
    let name = unused(graph, "entering");
    let all = part.push(name, Input { channels: channels.iter().sum(), height, width }, &[]);
    let mut first = 0;
    for (&id, count) in from.iter().zip(channels) {
        let own = (first..first + count).map(Some).collect();
        part.push(&graph.node(id).name, SelectChannels { channels: own }, &[&all]);
        first += count;
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
