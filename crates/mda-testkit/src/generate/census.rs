//! What a model contains, so that a test can show that nothing is missing from the generator.

use mda_core::Model;
use mda_core::graph::{Node, NodeId, ValidGraph};
use mda_core::op::{Clamp, Connectivity, Conv2d, Op, Window};
use mda_core::tensor::Shape;
use std::collections::BTreeSet;

/// Everything that [`features`] can find.
pub(super) const FEATURES: &[&str] = &[
    "Input",
    "Normalize",
    "Normalize of hidden values",
    "Conv2d dense",
    "Conv2d grouped",
    "Conv2d depthwise",
    "Conv2d depthwise, multiplier 2",
    "Conv2d with bias",
    "Conv2d without bias",
    "Conv2d of the whole map",
    "asymmetric padding",
    "stride",
    "uneven stride",
    "dilation",
    "even kernel",
    "oblong kernel",
    "BatchNorm of maps",
    "BatchNorm of features",
    "relu",
    "relu6",
    "one-sided Clamp",
    "two-sided Clamp",
    "Sigmoid",
    "HardSigmoid",
    "SiLU",
    "HardSwish",
    "LeakyReLU",
    "ELU",
    "GELU",
    "GELU (tanh)",
    "Tanh",
    "PReLU",
    "MaxPool",
    "MaxPool with ceil_mode",
    "MaxPool with dilation",
    "AvgPool",
    "AvgPool with ceil_mode",
    "AvgPool with padding counted",
    "AvgPool with padding not counted",
    "GlobalAvgPool",
    "GlobalAvgPool before convolutions",
    "Add",
    "Add of three",
    "Add of one value twice",
    "Add of features",
    "Multiply of one shape",
    "Multiply by a gate of maps",
    "Multiply by a gate of features",
    "Multiply of features",
    "Concat",
    "Concat of three",
    "Concat of one value twice",
    "Concat of features",
    "Concat of logits",
    "Flatten of positions",
    "Flatten of features",
    "Linear",
    "SelectChannels permutes",
    "SelectChannels repeats",
    "SelectChannels inserts zeros",
    "SelectChannels of features",
    "logits from Linear",
    "logits from Flatten",
    "three consumers of one value",
    "images consumed twice",
    "one channel",
    "one category",
    "one-pixel maps",
    "several Linear",
    "over 30 nodes",
];

/// The features of one model.
pub(super) fn features(model: &Model) -> BTreeSet<&'static str> {
    let graph = model.graph();
    let mut found: BTreeSet<&'static str> = (0..graph.nodes().len()).flat_map(|id| of_node(graph, id)).collect();
    let consumers = graph.consumers();
    let linears = graph.nodes().iter().filter(|node| matches!(node.op, Op::Linear(_))).count();
    let whole = [
        (consumers.iter().any(|of| of.len() > 2), "three consumers of one value"),
        (consumers[graph.input()].len() > 1, "images consumed twice"),
        (graph.category_count() == 1, "one category"),
        (linears > 1, "several Linear"),
        (graph.nodes().len() > 30, "over 30 nodes"),
        (matches!(graph.node(graph.output()).op, Op::Linear(_)), "logits from Linear"),
        (matches!(graph.node(graph.output()).op, Op::Flatten(_)), "logits from Flatten"),
        (matches!(graph.node(graph.output()).op, Op::Concat(_)), "Concat of logits"),
    ];
    found.extend(whole.into_iter().filter_map(|(present, name)| present.then_some(name)));
    found
}

fn of_node(graph: &ValidGraph, id: NodeId) -> Vec<&'static str> {
    let node = graph.node(id);
    let inputs = graph.input_shapes(id);
    let is_map = matches!(node.shape, Shape::Map { .. });
    let repeated = node.inputs.iter().collect::<BTreeSet<_>>().len() < node.inputs.len();
    let mut found = match &node.op {
        Op::Input(_) => vec!["Input"],
        Op::Normalize(_) if node.inputs[0] == graph.input() => vec!["Normalize"],
        Op::Normalize(_) => vec!["Normalize of hidden values"],
        Op::Conv2d(conv) => conv2d(conv, inputs[0]),
        Op::BatchNorm(_) => vec![if is_map { "BatchNorm of maps" } else { "BatchNorm of features" }],
        Op::Clamp(clamp) => vec![self::clamp(clamp)],
        Op::Activation(_) | Op::PRelu(_) => vec![node.op.name()],
        Op::MaxPool(pool) => {
            let extra =
                [(pool.ceil_mode, "MaxPool with ceil_mode"), (pool.window.dilation != [1, 1], "MaxPool with dilation")];
            std::iter::once("MaxPool").chain(present(&extra)).collect()
        }
        Op::AvgPool(pool) => {
            let padded = pool.window.padding != Default::default();
            let extra = [
                (pool.ceil_mode, "AvgPool with ceil_mode"),
                (padded && pool.count_include_pad, "AvgPool with padding counted"),
                (padded && !pool.count_include_pad, "AvgPool with padding not counted"),
            ];
            std::iter::once("AvgPool").chain(present(&extra)).collect()
        }
        Op::GlobalAvgPool(_) => {
            let again = graph.consumers()[id].iter().any(|&next| matches!(graph.node(next).op, Op::Conv2d(_)));
            std::iter::once("GlobalAvgPool").chain(again.then_some("GlobalAvgPool before convolutions")).collect()
        }
        Op::Add(_) => present(&[
            (true, "Add"),
            (inputs.len() > 2, "Add of three"),
            (repeated, "Add of one value twice"),
            (!is_map, "Add of features"),
        ])
        .collect(),
        Op::Multiply(_) => vec![match inputs[1] {
            _ if !is_map => "Multiply of features",
            Shape::Features(_) => "Multiply by a gate of features",
            factors if factors == inputs[0] => "Multiply of one shape",
            _ => "Multiply by a gate of maps",
        }],
        Op::Concat(_) => present(&[
            (true, "Concat"),
            (inputs.len() > 2, "Concat of three"),
            (repeated, "Concat of one value twice"),
            (!is_map, "Concat of features"),
        ])
        .collect(),
        Op::Flatten(_) => vec![match inputs[0] {
            Shape::Map { .. } => "Flatten of positions",
            Shape::Features(_) => "Flatten of features",
        }],
        Op::Linear(_) => vec!["Linear"],
        Op::SelectChannels(select) => {
            let sources: Vec<usize> = select.channels.iter().flatten().copied().collect();
            let distinct = sources.iter().collect::<BTreeSet<_>>().len();
            present(&[
                (distinct == sources.len() && !sources.is_sorted(), "SelectChannels permutes"),
                (distinct < sources.len(), "SelectChannels repeats"),
                (sources.len() < select.channels.len(), "SelectChannels inserts zeros"),
                (!is_map, "SelectChannels of features"),
            ])
            .collect()
        }
    };
    found.extend(window(node).into_iter().flat_map(windowed));
    found.extend(present(&[
        (node.shape.channels() == 1, "one channel"),
        (is_map && node.shape.spatial() == [1, 1], "one-pixel maps"),
    ]));
    found
}

fn present(named: &[(bool, &'static str)]) -> impl Iterator<Item = &'static str> {
    named.iter().filter_map(|&(present, name)| present.then_some(name))
}

fn conv2d(conv: &Conv2d, input: Shape) -> Vec<&'static str> {
    let kind = match conv.connectivity(input.channels()) {
        Connectivity::Dense => "Conv2d dense",
        Connectivity::Grouped => "Conv2d grouped",
        Connectivity::Depthwise if conv.out_channels > conv.groups => "Conv2d depthwise, multiplier 2",
        Connectivity::Depthwise => "Conv2d depthwise",
    };
    let bias = if conv.bias { "Conv2d with bias" } else { "Conv2d without bias" };
    let whole = conv.window.kernel == input.spatial() && input.positions() > 1;
    [kind, bias].into_iter().chain(whole.then_some("Conv2d of the whole map")).collect()
}

fn clamp(clamp: &Clamp) -> &'static str {
    match (clamp.min, clamp.max) {
        (Some(0.0), None) => "relu",
        (Some(_), Some(6.0)) => "relu6",
        (Some(_), Some(_)) => "two-sided Clamp",
        _ => "one-sided Clamp",
    }
}

fn window(node: &Node) -> Option<Window> {
    match &node.op {
        Op::Conv2d(conv) => Some(conv.window),
        Op::MaxPool(pool) => Some(pool.window),
        Op::AvgPool(pool) => Some(pool.window),
        _ => None,
    }
}

fn windowed(window: Window) -> impl Iterator<Item = &'static str> {
    let Window { kernel, stride, padding, dilation } = window;
    let named = [
        (padding.top != padding.bottom || padding.left != padding.right, "asymmetric padding"),
        (stride != [1, 1], "stride"),
        (stride[0] != stride[1], "uneven stride"),
        (dilation != [1, 1], "dilation"),
        (kernel.iter().any(|extent| extent.is_multiple_of(2)), "even kernel"),
        (kernel[0] != kernel[1], "oblong kernel"),
    ];
    named.into_iter().filter_map(|(present, name)| present.then_some(name))
}
