//! Chains that are fused, and chains that must not be, against the oracle.

use crate::check::{agrees, classified};
use mda_core::graph::Graph;
use mda_core::op::{
    Add, AvgPool, BatchNorm, Clamp, Concat, Conv2d, GlobalAvgPool, Input, MaxPool, Op, Padding, SelectChannels, Window,
};
use mda_core::run::backend::Probe;

fn start(channels: usize) -> Graph {
    let mut graph = Graph::new();
    graph.push("image", Input { channels, height: 9, width: 7 }, &[]);
    graph
}

fn conv_norm(graph: &mut Graph, name: &str, conv: Conv2d, input: &str) -> String {
    let conv = graph.push(name, conv, &[input]);
    graph.push(format!("{name}_norm"), BatchNorm { eps: 1e-5 }, &[&conv])
}

/// All ways to look at every node.
fn everything(graph: &Graph) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        probes.extend([Probe::Value(id), Probe::Moments(id)]);
        probes.extend((!node.inputs.is_empty()).then_some(Probe::Input(id)));
        probes.extend(matches!(node.op, Op::Conv2d(_)).then_some(Probe::WindowSum(id)));
    }
    probes
}

/// Compares without probes, with each value observed alone (which undoes one fusion), and with everything observed.
fn agrees_however_observed(graph: Graph, last: &str) {
    let model = classified(graph.clone(), last);
    agrees(&model, &[], &[1, 3]);
    agrees(&model, &everything(&graph), &[2]);
    for id in 0..graph.nodes.len() {
        agrees(&model, &[Probe::Value(id)], &[2]);
    }
}

#[test]
fn residual_blocks() {
    let mut graph = start(3);
    let stem = conv_norm(&mut graph, "stem", Conv2d::dense(20, 3, 1, 1, false), "image");
    let stem = graph.push("stem_relu", Clamp::relu(), &[&stem]);
    let one = conv_norm(&mut graph, "one", Conv2d::dense(24, 3, 2, 1, false), &stem);
    let one = graph.push("one_relu", Clamp::relu6(), &[&one]);
    let two = conv_norm(&mut graph, "two", Conv2d::dense(24, 3, 1, 1, false), &one);
    let down = conv_norm(&mut graph, "down", Conv2d::dense(24, 1, 2, 0, false), &stem);
    let sum = graph.push("sum", Add {}, &[&two, &down]);
    let sum = graph.push("sum_relu", Clamp::relu(), &[&sum]);
    let three = conv_norm(&mut graph, "three", Conv2d::dense(24, 3, 1, 1, true), &sum);
    let sum = graph.push("sum2", Add {}, &[&sum, &three]);
    agrees_however_observed(graph, &sum);
}

#[test]
fn inverted_bottleneck() {
    let mut graph = start(4);
    let up = conv_norm(&mut graph, "up", Conv2d::dense(12, 1, 1, 0, false), "image");
    let up = graph.push("up_relu", Clamp::relu6(), &[&up]);
    let depthwise = Conv2d { out_channels: 12, window: Window::square(3, 1, 1), groups: 12, bias: false };
    let middle = conv_norm(&mut graph, "middle", depthwise.clone(), &up);
    let middle = graph.push("middle_relu", Clamp::relu6(), &[&middle]);
    let again = conv_norm(&mut graph, "again", depthwise, &middle);
    let sum = graph.push("inner", Add {}, &[&again, &middle]);
    let down = conv_norm(&mut graph, "down", Conv2d::dense(4, 1, 1, 0, false), &sum);
    let sum = graph.push("sum", Add {}, &["image", &down]);
    agrees_however_observed(graph, &sum);
}

/// Branches joined, one of them used elsewhere as well, one joined twice, a Concat inside a Concat.
#[test]
fn concats() {
    let mut graph = start(3);
    let a = conv_norm(&mut graph, "a", Conv2d::dense(5, 1, 1, 0, true), "image");
    let b = conv_norm(&mut graph, "b", Conv2d::dense(17, 3, 1, 1, true), &a);
    let b = graph.push("b_relu", Clamp::relu(), &[&b]);
    let pool = MaxPool { window: Window::square(3, 1, 1), ceil_mode: false };
    let c = graph.push("c", pool, &[&b]);
    let inner = graph.push("inner", Concat {}, &[&b, &c, "image"]);
    let d = conv_norm(&mut graph, "d", Conv2d::dense(18, 3, 1, 1, false), &inner);
    let outer = graph.push("outer", Concat {}, &[&inner, &d, &a, &a]);
    let e = graph.push("e", SelectChannels { channels: vec![Some(30), None, Some(1)] }, &[&outer]);
    let last = graph.push("last", Concat {}, &[&e, &outer]);
    agrees_however_observed(graph, &last);
}

/// Each layer sees all earlier ones, through a BatchNorm that stands before its convolution.
#[test]
fn dense_block() {
    let mut graph = start(4);
    let mut features = vec!["image".to_owned()];
    for layer in 0..3 {
        let inputs: Vec<&str> = features.iter().map(String::as_str).collect();
        let joined = graph.push(format!("joined{layer}"), Concat {}, &inputs);
        let norm = graph.push(format!("norm{layer}"), BatchNorm { eps: 1e-5 }, &[&joined]);
        let relu = graph.push(format!("relu{layer}"), Clamp::relu(), &[&norm]);
        features.push(graph.push(format!("conv{layer}"), Conv2d::dense(6, 3, 1, 1, false), &[&relu]));
    }
    let inputs: Vec<&str> = features.iter().map(String::as_str).collect();
    let joined = graph.push("joined", Concat {}, &inputs);
    let window = Window { padding: Padding::default(), ..Window::square(2, 2, 0) };
    let pool = graph.push("pool", AvgPool { window, ceil_mode: true, count_include_pad: false }, &[&joined]);
    agrees_however_observed(graph, &pool);
}

/// A sum of three, of a value with itself, and nodes that nothing needs.
#[test]
fn sums_and_leftovers() {
    let mut graph = start(3);
    let a = graph.push("a", Conv2d::dense(3, 3, 1, 1, true), &["image"]);
    let twice = graph.push("twice", Add {}, &[&a, &a]);
    let three = graph.push("three", Add {}, &[&twice, "image", &a]);
    let three = graph.push("three_relu", Clamp::relu(), &[&three]);
    graph.push("unused", GlobalAvgPool {}, &[&a]);
    let mean = graph.push("mean", GlobalAvgPool {}, &[&three]);
    agrees_however_observed(graph, &mean);
}
