//! The graph: what a network computes, without its numbers.
//!
//! [`Graph`] is what files and builders write; [`ValidGraph`] is the only form that passes and backends accept.

mod channels;
mod layers;
mod valid;

pub use channels::{ChannelClass, ChannelClasses, PerClass};
pub use layers::{is_layer, layers};
pub use valid::{GraphErrors, GraphProblem, Node, NodeId, ValidGraph};

use crate::op::Op;
use serde::{Deserialize, Serialize};

/// The version of the JSON form that this crate reads and writes.
pub const GRAPH_FORMAT: u32 = 1;

/// A graph as written: nodes in order of computation, values named after their nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The version of this form, [`GRAPH_FORMAT`].
    pub format: u32,
    /// The nodes; each refers only to nodes before it.
    pub nodes: Vec<GraphNode>,
    /// The node whose value is the logits, `[N, K]`.
    pub output: String,
}

/// One node as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphNode {
    /// The node's name, which is its value's name and the first part of its parameters' names.
    pub name: String,
    /// The operation and its attributes.
    #[serde(flatten)]
    pub op: Op,
    /// The names of its inputs.
    #[serde(default)]
    pub inputs: Vec<String>,
}

impl Default for Graph {
    fn default() -> Self {
        Self { format: GRAPH_FORMAT, nodes: Vec::new(), output: String::new() }
    }
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a node, makes it the output, and answers its name.
    pub fn push(&mut self, name: impl Into<String>, op: impl Into<Op>, inputs: &[&str]) -> String {
        let name = name.into();
        let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
        self.nodes.push(GraphNode { name: name.clone(), op: op.into(), inputs });
        self.output.clone_from(&name);
        name
    }

    /// Checks everything that can be checked without parameters.
    ///
    /// # Errors
    /// [`GraphErrors`] with every problem found: an unknown version, no or several inputs, names used twice, forward or
    /// dangling references, shapes that do not fit, an output that is not `[N, K]`.
    pub fn validate(&self) -> Result<ValidGraph, GraphErrors> {
        ValidGraph::check(self)
    }
}
