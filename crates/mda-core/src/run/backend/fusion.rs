//! Which nodes a backend may compute together: a layer with the BatchNorm, the residual sum and the clamp or activation
//! behind it.

use crate::graph::NodeId;
use crate::model::Model;
use crate::op::{ActivationKind, Clamp, Op};

/// Nodes that one step computes; only the last one's value ever exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The first node, which decides the kind of the step.
    pub head: NodeId,
    /// The last node, whose value the step computes.
    pub end: NodeId,
    /// What the head's value is multiplied with and what is added then, per channel.
    pub affine: Vec<(f64, f64)>,
    /// A value that is added then.
    pub residual: Option<NodeId>,
    /// The clamp that follows.
    pub clamp: Option<Clamp>,
    /// The activation that follows where no clamp does.
    pub activation: Option<ActivationKind>,
}

/// Cuts the graph into chains, in the order in which their last nodes stand; the graph's input and Flatten, which compute
/// nothing, belong to none. `observed` has a flag for every node: values whose flag is set have to exist.
pub fn chains(model: &Model, observed: &[bool]) -> Vec<Chain> {
    let graph = model.graph();
    let consumers = graph.consumers();
    let needed = needed(model, observed);
    let mut absorbed = vec![false; graph.nodes().len()];
    let mut chains = Vec::new();
    for (head, node) in graph.nodes().iter().enumerate() {
        if absorbed[head] || !needed[head] || matches!(node.op, Op::Input(_) | Op::Flatten(_)) {
            continue;
        }
        let mut chain = start(model, head);
        while let Some(next) = only_consumer(model, &consumers, observed, chain.end).filter(|&next| !absorbed[next]) {
            if !absorb(model, &mut chain, next) {
                break;
            }
            absorbed[next] = true;
        }
        chains.push(chain);
    }
    chains.sort_by_key(|chain| chain.end);
    chains
}

/// The nodes on which the logits or an observed value depend.
fn needed(model: &Model, observed: &[bool]) -> Vec<bool> {
    let graph = model.graph();
    let mut needed = observed.to_vec();
    needed[graph.output()] = true;
    for (id, node) in graph.nodes().iter().enumerate().rev().filter(|(_, node)| !node.inputs.is_empty()) {
        if needed[id] {
            node.inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    needed
}

fn start(model: &Model, head: NodeId) -> Chain {
    let node = model.graph().node(head);
    let mut affine = vec![(1.0, 0.0); node.shape.channels()];
    let (mut clamp, mut activation) = (None, None);
    match &node.op {
        Op::Conv2d(conv) if conv.bias => add_bias(model, head, &mut affine),
        Op::Linear(linear) if linear.bias => add_bias(model, head, &mut affine),
        Op::BatchNorm(norm) => affine = norm.affine(model.node_parameters(head)),
        Op::Normalize(normalize) => {
            let numbers = normalize.mean.iter().zip(&normalize.std).map(|(&m, &s)| (f64::from(m), f64::from(s)));
            affine = numbers.map(|(mean, std)| (1.0 / std, -mean / std)).collect();
        }
        Op::Clamp(op) => clamp = Some(op.clone()),
        Op::Activation(op) => activation = Some(op.kind),
        _ => {}
    }
    Chain { head, end: head, affine, residual: None, clamp, activation }
}

fn add_bias(model: &Model, head: NodeId, affine: &mut [(f64, f64)]) {
    let bias = model.node_parameters(head).get("bias").data();
    affine.iter_mut().zip(bias).for_each(|((_, shift), &bias)| *shift = f64::from(bias));
}

/// The only node that sees the value of `id`, where nobody else looks at it.
fn only_consumer(model: &Model, consumers: &[Vec<NodeId>], observed: &[bool], id: NodeId) -> Option<NodeId> {
    match consumers[id][..] {
        [next] if !observed[id] && id != model.graph().output() => Some(next),
        _ => None,
    }
}

/// Takes `next` into the chain, where a step can compute both.
fn absorb(model: &Model, chain: &mut Chain, next: NodeId) -> bool {
    let graph = model.graph();
    let affine_head =
        matches!(graph.node(chain.head).op, Op::Conv2d(_) | Op::Linear(_) | Op::BatchNorm(_) | Op::Normalize(_));
    let ends = affine_head || matches!(graph.node(chain.head).op, Op::Add(_) | Op::Multiply(_));
    let summed = chain.residual.is_some() || !affine_head;
    match &graph.node(next).op {
        _ if chain.clamp.is_some() || chain.activation.is_some() => return false,
        Op::BatchNorm(norm) if !summed => {
            for ((scale, shift), (a, b)) in chain.affine.iter_mut().zip(norm.affine(model.node_parameters(next))) {
                (*scale, *shift) = (*scale * a, *shift * a + b);
            }
        }
        Op::Add(_) if !summed => match graph.node(next).inputs[..] {
            [a, b] => chain.residual = Some(if a == chain.end { b } else { a }),
            _ => return false,
        },
        Op::Clamp(clamp) if ends => chain.clamp = Some(clamp.clone()),
        Op::Activation(activation) if ends => chain.activation = Some(activation.kind),
        _ => return false,
    }
    chain.end = next;
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::op::{Activation, Add, BatchNorm, Conv2d, Flatten, Input, Linear, Multiply};
    use crate::tensor::Uniform;
    use crate::test_graphs::with_random_parameters;

    fn ends(model: &Model, observed: &[&str]) -> Vec<(String, String)> {
        let graph = model.graph();
        let mut flags = vec![false; graph.nodes().len()];
        observed.iter().for_each(|name| flags[graph.find(name).unwrap()] = true);
        let name = |id: NodeId| graph.node(id).name.clone();
        chains(model, &flags).iter().map(|chain| (name(chain.head), name(chain.end))).collect()
    }

    fn plain() -> Model {
        let mut graph = Graph::new();
        graph.push("image", Input { channels: 2, height: 4, width: 4 }, &[]);
        graph.push("conv", Conv2d::dense(3, 3, 1, 1, true), &["image"]);
        graph.push("norm", BatchNorm { eps: 1e-5 }, &["conv"]);
        graph.push("relu", Clamp::relu(), &["norm"]);
        classify(graph, "relu")
    }

    fn residual() -> Model {
        let mut graph = Graph::new();
        graph.push("image", Input { channels: 2, height: 4, width: 4 }, &[]);
        graph.push("main", Conv2d::dense(3, 3, 1, 1, false), &["image"]);
        graph.push("shortcut", Conv2d::dense(3, 1, 1, 0, true), &["image"]);
        graph.push("sum", Add {}, &["main", "shortcut"]);
        graph.push("relu", Clamp::relu(), &["sum"]);
        classify(graph, "relu")
    }

    fn classify(mut graph: Graph, features: &str) -> Model {
        graph.push("flat", Flatten {}, &[features]);
        graph.push("fc", Linear { out_features: 2, bias: true }, &["flat"]);
        with_random_parameters(&graph, &mut Uniform::new(1))
    }

    #[test]
    fn a_layer_takes_what_follows() {
        assert_eq!(ends(&plain(), &[]), [("conv", "relu"), ("fc", "fc")].map(owned));
    }

    #[test]
    fn an_observed_value_exists() {
        assert_eq!(ends(&plain(), &["conv"]), [("conv", "conv"), ("norm", "relu"), ("fc", "fc")].map(owned));
    }

    #[test]
    fn a_residual_sum_joins_one_of_its_inputs() {
        assert_eq!(ends(&residual(), &[]), [("shortcut", "shortcut"), ("main", "relu"), ("fc", "fc")].map(owned));
        let observed = ends(&residual(), &["main"]);
        assert_eq!(observed, [("main", "main"), ("shortcut", "relu"), ("fc", "fc")].map(owned));
    }

    #[test]
    fn an_activation_ends_a_chain_and_a_product_begins_one() {
        let sigmoid = || Activation { kind: ActivationKind::Sigmoid };
        let mut graph = Graph::new();
        graph.push("image", Input { channels: 2, height: 4, width: 4 }, &[]);
        graph.push("conv", Conv2d::dense(3, 3, 1, 1, true), &["image"]);
        graph.push("silu", Activation { kind: ActivationKind::Silu }, &["conv"]);
        graph.push("again", sigmoid(), &["silu"]);
        graph.push("product", Multiply {}, &["again", "again"]);
        graph.push("relu", Clamp::relu(), &["product"]);
        let model = classify(graph, "relu");
        let expected = [("conv", "silu"), ("again", "again"), ("product", "relu"), ("fc", "fc")];
        assert_eq!(ends(&model, &[]), expected.map(owned));
        let flags = vec![false; model.graph().nodes().len()];
        assert_eq!(chains(&model, &flags)[0].activation, Some(ActivationKind::Silu));
    }

    fn owned((head, end): (&str, &str)) -> (String, String) {
        (head.into(), end.into())
    }
}
