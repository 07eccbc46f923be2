//! The checked form of a graph: names resolved, shapes known, no forward references.

use super::{GRAPH_FORMAT, Graph, GraphNode};
use crate::op::Op;
use crate::tensor::{ParameterSpec, Shape};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// The position of a node in its graph; a value is named by the node that computes it.
pub type NodeId = usize;

/// A node of a checked graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name, also the first part of its parameters' names.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Where its inputs come from; always smaller than its own position.
    pub inputs: Vec<NodeId>,
    /// The shape of its value.
    pub shape: Shape,
}

/// A graph that has passed every check; clones share it.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidGraph(Arc<Inner>);

#[derive(Debug, PartialEq)]
struct Inner {
    nodes: Vec<Node>,
    input: NodeId,
    output: NodeId,
    names: HashMap<String, NodeId>,
}

/// One thing that is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphProblem {
    /// The node it was found at, or `graph`.
    pub node: String,
    /// The node's operation, where there is one.
    pub op: Option<&'static str>,
    /// What was needed.
    pub expected: String,
    /// What was there.
    pub got: String,
}

impl fmt::Display for GraphProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = self.op.map(|op| format!(" ({op})")).unwrap_or_default();
        write!(f, "{}{op}: expected {}, got {}", self.node, self.expected, self.got)
    }
}

/// Everything that is wrong with a graph or its parameters.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct GraphErrors(pub Vec<GraphProblem>);

impl fmt::Display for GraphErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} problem(s) in the graph", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl ValidGraph {
    pub(super) fn check(graph: &Graph) -> Result<Self, GraphErrors> {
        let mut checker = Checker::default();
        if graph.format != GRAPH_FORMAT {
            checker.graph_problem(format!("graph format {GRAPH_FORMAT}"), format!("format {}", graph.format));
        }
        for node in &graph.nodes {
            checker.node(node);
        }
        checker.finish(graph)
    }

    /// The nodes, in an order of computation.
    pub fn nodes(&self) -> &[Node] {
        &self.0.nodes
    }

    /// The node at `id`.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.0.nodes[id]
    }

    /// The node called `name`.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.0.names.get(name).copied()
    }

    /// The images.
    pub fn input(&self) -> NodeId {
        self.0.input
    }

    /// The logits.
    pub fn output(&self) -> NodeId {
        self.0.output
    }

    /// K, the number of logits.
    pub fn category_count(&self) -> usize {
        self.node(self.output()).shape.channels()
    }

    /// The shapes of a node's inputs.
    pub fn input_shapes(&self, id: NodeId) -> Vec<Shape> {
        self.node(id).inputs.iter().map(|&input| self.node(input).shape).collect()
    }

    /// The tensors that a node needs.
    pub fn parameter_specs(&self, id: NodeId) -> Vec<ParameterSpec> {
        self.node(id).op.operation().parameters(&self.input_shapes(id))
    }

    /// For every value, the nodes that consume it, in order.
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.nodes().len()];
        for (id, node) in self.nodes().iter().enumerate() {
            for &input in &node.inputs {
                consumers[input].push(id);
            }
        }
        consumers
    }

    /// Multiply-adds of one node for one sample; only convolutions and linear layers count.
    pub fn macs(&self, id: NodeId) -> u64 {
        self.node(id).op.operation().macs(&self.input_shapes(id), self.node(id).shape)
    }

    /// The form that files hold.
    pub fn to_graph(&self) -> Graph {
        let name = |id: NodeId| self.node(id).name.clone();
        let node = |node: &Node| GraphNode {
            name: node.name.clone(),
            op: node.op.clone(),
            inputs: node.inputs.iter().map(|&input| name(input)).collect(),
        };
        Graph { format: GRAPH_FORMAT, nodes: self.nodes().iter().map(node).collect(), output: name(self.output()) }
    }
}

#[derive(Default)]
struct Checker {
    /// `None` stands for a node whose shape could not be found, so that its consumers are not reported as well.
    nodes: Vec<Option<Node>>,
    names: HashMap<String, NodeId>,
    inputs: Vec<NodeId>,
    problems: Vec<GraphProblem>,
}

impl Checker {
    fn graph_problem(&mut self, expected: impl Into<String>, got: impl Into<String>) {
        let (expected, got) = (expected.into(), got.into());
        self.problems.push(GraphProblem { node: "graph".into(), op: None, expected, got });
    }

    fn node_problem(&mut self, node: &GraphNode, expected: impl Into<String>, got: impl Into<String>) {
        let (node, op) = (node.name.clone(), Some(node.op.name()));
        self.problems.push(GraphProblem { node, op, expected: expected.into(), got: got.into() });
    }

    fn node(&mut self, node: &GraphNode) {
        let id = self.nodes.len();
        let checked = self.resolve(node);
        if matches!(node.op, Op::Input(_)) {
            self.inputs.push(id);
        }
        if node.name.is_empty() {
            self.node_problem(node, "a name", "an empty one");
        }
        if self.names.insert(node.name.clone(), id).is_some() {
            self.node_problem(node, "a name of its own", "a name that an earlier node has");
        }
        self.nodes.push(checked);
    }

    fn resolve(&mut self, node: &GraphNode) -> Option<Node> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            match self.names.get(name) {
                Some(&id) => inputs.push(id),
                None => self.node_problem(node, "inputs that earlier nodes compute", format!("`{name}`")),
            }
        }
        if inputs.len() < node.inputs.len() {
            return None;
        }
        let shapes: Option<Vec<Shape>> = inputs.iter().map(|&id| Some(self.nodes[id].as_ref()?.shape)).collect();
        match node.op.operation().shape(&shapes?) {
            Ok(shape) if shape.is_reasonable() => {
                Some(Node { name: node.name.clone(), op: node.op.clone(), inputs, shape })
            }
            Ok(shape) => {
                self.node_problem(node, "a non-empty value of sane size", shape.to_string());
                None
            }
            Err(error) => {
                self.node_problem(node, error.expected, error.got);
                None
            }
        }
    }

    fn finish(mut self, graph: &Graph) -> Result<ValidGraph, GraphErrors> {
        if self.inputs.len() != 1 {
            self.graph_problem("exactly one Input", format!("{}", self.inputs.len()));
        }
        let output = self.names.get(&graph.output).copied();
        match output {
            None => self.graph_problem("an output that a node computes", format!("`{}`", graph.output)),
            Some(id) => {
                if let Some(shape @ Shape::Map { .. }) = self.nodes[id].as_ref().map(|node| node.shape) {
                    self.graph_problem("logits [N, K]; put a Flatten behind", format!("`{}` {shape}", graph.output));
                }
            }
        }
        let nodes: Option<Vec<Node>> = self.nodes.into_iter().collect();
        match (nodes, output) {
            (Some(nodes), Some(output)) if self.problems.is_empty() => {
                let input = self.inputs[0];
                Ok(ValidGraph(Arc::new(Inner { nodes, input, output, names: self.names })))
            }
            _ => Err(GraphErrors(self.problems)),
        }
    }
}
