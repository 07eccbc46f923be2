//! Components side by side: no multiplication by padded zeros, any architectures.

use super::{AssembleError, all_categories};
use crate::graph::Graph;
use crate::model::Model;
use crate::op::{Concat, Op};
use crate::tensor::Parameters;
use std::collections::HashSet;

pub(super) fn join(name: &str, components: &[&Model]) -> Result<Model, AssembleError> {
    let first = components[0].graph();
    let image = first.node(first.input());
    let mut graph = Graph::new();
    let input = graph.push(&image.name, image.op.clone(), &[]);
    let mut parameters = Parameters::new();
    let mut logits = Vec::new();
    for (component, prefix) in components.iter().zip(prefixes(components, &input)) {
        let nodes = component.graph().nodes();
        let renamed = |id: usize| match nodes[id].op {
            Op::Input(_) => input.clone(),
            _ => format!("{prefix}.{}", nodes[id].name),
        };
        for (id, node) in nodes.iter().enumerate().filter(|(_, node)| !matches!(node.op, Op::Input(_))) {
            let inputs: Vec<String> = node.inputs.iter().map(|&input| renamed(input)).collect();
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            graph.push(renamed(id), node.op.clone(), &inputs);
        }
        for (name, tensor) in component.parameters().iter() {
            parameters.insert(format!("{prefix}.{name}"), tensor.clone());
        }
        logits.push(renamed(component.graph().output()));
    }
    let logits: Vec<&str> = logits.iter().map(String::as_str).collect();
    graph.push(free_name("logits", &graph), Concat {}, &logits);
    Ok(Model::new(name, graph.validate()?, parameters, all_categories(components))?)
}

/// A first name part for every component's nodes: its own name, made unlike all others and the input's.
fn prefixes(components: &[&Model], input: &str) -> Vec<String> {
    let mut taken = HashSet::from([input.to_owned()]);
    let mut unique = |name: &str| {
        let plain = name.replace('.', "-");
        let numbered = (2..).map(|n| format!("{plain}-{n}"));
        let mut candidates = std::iter::once(plain.clone()).filter(|name| !name.is_empty()).chain(numbered);
        let free = candidates.find(|name| !taken.contains(name)).unwrap_or(plain);
        taken.insert(free.clone());
        free
    };
    components.iter().map(|component| unique(component.name())).collect()
}

fn free_name(wanted: &str, graph: &Graph) -> String {
    let mut name = wanted.to_owned();
    while graph.nodes.iter().any(|node| node.name == name) {
        name.push('_');
    }
    name
}
