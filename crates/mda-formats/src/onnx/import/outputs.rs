//! Nodes of several outputs, taken apart into one node for each.

use crate::onnx::proto::{self, attribute_type};

/// The attributes that tell a part of a Split which it is, and of how many; what a file itself has there is left out.
pub(super) const PART: &str = "mda.part";
pub(super) const PARTS: &str = "mda.parts";

/// No network splits a value into more; nodes of more outputs stay as they are, and are refused where they are needed.
const MOST_PARTS: usize = 64;

/// Writes every Split of `graph` as one node an output.
pub(super) fn take_apart(graph: &mut proto::Graph) {
    graph.node = std::mem::take(&mut graph.node).into_iter().flat_map(apart).collect();
}

fn apart(mut node: proto::Node) -> Vec<proto::Node> {
    if node.op_type != "Split" {
        return vec![node];
    }
    node.attribute.retain(|attribute| attribute.name != PART && attribute.name != PARTS);
    let copied = node.input.len() + node.attribute.iter().map(|attribute| 1 + attribute.ints.len()).sum::<usize>();
    let parts = node.output.len();
    if parts < 2 || parts.max(copied) > MOST_PARTS {
        return vec![node];
    }
    let outputs = std::mem::take(&mut node.output);
    let part = |(part, output): (usize, String)| {
        let mut node = proto::Node { output: vec![output], ..node.clone() };
        if !node.name.is_empty() {
            node.name = format!("{}_{}", node.name, part + 1);
        }
        node.attribute.extend([int(PART, part), int(PARTS, parts)]);
        node
    };
    outputs.into_iter().enumerate().map(part).collect()
}

fn int(name: &str, number: usize) -> proto::Attribute {
    let i = Some(number as i64);
    proto::Attribute { name: name.into(), kind: attribute_type::INT, i, ..Default::default() }
}
