//! One case an operation and an attribute: the operation alone, over numbers of both signs, its value read out flat.

use super::case::Case;
use super::compare::{ELEMENTWISE, EXACT, ONE_SUM, TRANSCENDENTAL, Tolerance};
use mda_core::graph::Graph;
use mda_core::op::{
    Activation, ActivationKind, Add, AvgPool, BatchNorm, Clamp, Concat, Conv2d, Flatten, GlobalAvgPool, Input, Linear,
    MaxPool, Multiply, Normalize, Op, PRelu, Padding, SelectChannels, Window,
};

pub(super) fn cases() -> Vec<Case> {
    let groups = [
        convolutions(),
        pools(),
        elementwise(),
        activations(),
        connections(),
        gates([5, 7, 9]),
        gates([5, 1, 1]),
        over_features(),
    ];
    groups.into_iter().flatten().collect()
}

/// Images of `[channels, height, width]` as the value `x`, spread over -2..2. Both numbers of the normalisation are powers
/// of two, so that it rounds the same in every form and exact cases stay exact.
pub(super) fn images(shape: [usize; 3]) -> Graph {
    let [channels, height, width] = shape;
    let mut graph = Graph::new();
    graph.push("images", Input { channels, height, width }, &[]);
    graph.push("x", Normalize { mean: vec![0.5; channels], std: vec![0.25; channels] }, &["images"]);
    graph
}

/// The last node's value as logits.
pub(super) fn flat(mut graph: Graph) -> Graph {
    let last = graph.output.clone();
    graph.push("flat", Flatten {}, &[&last]);
    graph
}

/// `op` over images of `shape`.
pub(super) fn single(name: &str, shape: [usize; 3], op: impl Into<Op>, tolerance: Tolerance) -> Case {
    let mut graph = images(shape);
    graph.push("y", op, &["x"]);
    Case::new(name, &flat(graph), tolerance)
}

fn conv(out_channels: usize, groups: usize, bias: bool, window: Window) -> Op {
    Conv2d { out_channels, window, groups, bias }.into()
}

fn convolutions() -> Vec<Case> {
    let square = Window::square;
    let oblong = Window { kernel: [2, 3], stride: [2, 1], ..square(1, 1, 0) };
    let uneven = Window { padding: Padding { top: 0, left: 2, bottom: 1, right: 0 }, ..square(3, 1, 0) };
    let dilated = Window { dilation: [2, 3], ..square(3, 1, 2) };
    let all_at_once = Window {
        kernel: [3, 2],
        stride: [2, 3],
        padding: Padding { top: 1, left: 0, bottom: 3, right: 2 },
        dilation: [2, 1],
    };
    let odd = [4, 7, 9];
    let cases = [
        ("1x1", odd, conv(5, 1, true, square(1, 1, 0))),
        ("1x1 with stride", odd, conv(5, 1, true, square(1, 2, 0))),
        ("3x3, same extents", odd, conv(5, 1, true, square(3, 1, 1))),
        ("3x3 without bias", odd, conv(5, 1, false, square(3, 1, 1))),
        ("3x3 with stride 2", odd, conv(5, 1, true, square(3, 2, 1))),
        ("stride beyond the kernel", odd, conv(5, 1, true, square(2, 3, 0))),
        ("5x5 without padding", odd, conv(3, 1, true, square(5, 1, 0))),
        ("7x7 with stride 2 and padding 3", [3, 13, 11], conv(6, 1, false, square(7, 2, 3))),
        ("even kernel", odd, conv(5, 1, true, square(2, 1, 1))),
        ("oblong kernel and stride", odd, conv(5, 1, true, oblong)),
        ("asymmetric padding", odd, conv(5, 1, true, uneven)),
        ("padding beyond the kernel", odd, conv(5, 1, true, square(2, 1, 3))),
        ("dilation", odd, conv(5, 1, true, dilated)),
        ("stride, dilation and asymmetric padding", odd, conv(5, 1, true, all_at_once)),
        ("kernel of the whole map", odd, conv(6, 1, true, Window { kernel: [7, 9], ..square(1, 1, 0) })),
        ("one channel in", [1, 7, 9], conv(5, 1, true, square(3, 1, 1))),
        ("one channel out", odd, conv(1, 1, true, square(3, 1, 1))),
        ("one channel in and out", [1, 7, 9], conv(1, 1, true, square(3, 1, 1))),
        ("one position", [4, 1, 1], conv(5, 1, true, square(1, 1, 0))),
        ("one position under padding", [4, 1, 1], conv(5, 1, true, square(3, 1, 1))),
        ("one row", [4, 1, 33], conv(5, 1, true, Window { kernel: [1, 3], ..square(1, 1, 0) })),
        ("many channels", [33, 5, 5], conv(65, 1, true, square(3, 1, 1))),
        ("2 groups", odd, conv(6, 2, true, square(3, 1, 1))),
        ("2 groups with stride, no bias", odd, conv(2, 2, false, square(3, 2, 1))),
        ("3 groups of 1x1", [6, 7, 9], conv(9, 3, true, square(1, 1, 0))),
        ("depthwise", odd, conv(4, 4, true, square(3, 1, 1))),
        ("depthwise without bias", odd, conv(4, 4, false, square(3, 1, 1))),
        ("depthwise with stride and multiplier 2", odd, conv(8, 4, true, square(3, 2, 1))),
        ("depthwise 1x1", odd, conv(4, 4, true, square(1, 1, 0))),
        ("depthwise, stride, dilation and asymmetric padding", odd, conv(12, 4, true, all_at_once)),
    ];
    cases.map(|(name, shape, op)| single(&format!("Conv2d: {name}"), shape, op, ONE_SUM)).into()
}

fn pools() -> Vec<Case> {
    let square = Window::square;
    let uneven = Window { padding: Padding { top: 0, left: 1, bottom: 1, right: 0 }, ..square(2, 2, 0) };
    let oblong = Window { kernel: [3, 2], stride: [1, 2], ..square(1, 1, 0) };
    let dilated = Window { dilation: [2, 1], ..square(3, 2, 1) };
    let windows = [
        ("2x2", square(2, 2, 0)),
        ("3x3 overlapping", square(3, 2, 0)),
        ("3x3 with padding", square(3, 1, 1)),
        ("stride beyond the kernel", square(2, 3, 0)),
        ("asymmetric padding", uneven),
        ("oblong", oblong),
        ("1x1 with stride", square(1, 2, 0)),
    ];
    let mut cases = Vec::new();
    for (name, window) in windows {
        for ceil_mode in [false, true] {
            let rounding = if ceil_mode { ", ceil_mode" } else { "" };
            let pool = MaxPool { window, ceil_mode };
            cases.push(single(&format!("MaxPool: {name}{rounding}"), [3, 8, 9], pool, EXACT));
            for count_include_pad in [false, true] {
                let pad = if count_include_pad { ", padding counts" } else { "" };
                let pool = AvgPool { window, ceil_mode, count_include_pad };
                cases.push(single(&format!("AvgPool: {name}{rounding}{pad}"), [3, 8, 9], pool, ONE_SUM));
            }
        }
    }
    cases.push(single("MaxPool: dilation", [3, 8, 9], MaxPool { window: dilated, ceil_mode: false }, EXACT));
    cases.push(single("GlobalAvgPool", [5, 7, 9], GlobalAvgPool {}, ONE_SUM));
    cases.push(single("GlobalAvgPool of one position", [5, 1, 1], GlobalAvgPool {}, ELEMENTWISE));
    cases
}

fn elementwise() -> Vec<Case> {
    let clamp = |min, max| Clamp { min, max };
    let numbers = |first: f32| (0..4).map(|c| first + 0.13 * c as f32).collect::<Vec<f32>>();
    let odd = [4, 7, 9];
    vec![
        Case::new("Input", &flat(images(odd)), EXACT),
        single("Normalize", odd, Normalize { mean: numbers(-0.2), std: numbers(0.3) }, ELEMENTWISE),
        single("BatchNorm", odd, BatchNorm { eps: 1e-5 }, ELEMENTWISE),
        single("BatchNorm: large eps", odd, BatchNorm { eps: 0.1 }, ELEMENTWISE),
        single("Clamp: relu", odd, Clamp::relu(), EXACT),
        single("Clamp: relu6", odd, Clamp::relu6(), EXACT),
        single("Clamp: lower bound below zero", odd, clamp(Some(-0.5), None), EXACT),
        single("Clamp: upper bound alone", odd, clamp(None, Some(0.25)), EXACT),
        single("Clamp: both bounds above zero", odd, clamp(Some(0.5), Some(1.0)), EXACT),
        single("Clamp: no bound", odd, clamp(None, None), EXACT),
    ]
}

fn activations() -> Vec<Case> {
    use ActivationKind::{Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, LeakyRelu, Sigmoid, Silu, Tanh};
    let odd = [4, 7, 9];
    let kinds = [
        ("Sigmoid", Sigmoid, TRANSCENDENTAL),
        ("HardSigmoid", ActivationKind::hard_sigmoid(), ELEMENTWISE),
        ("HardSigmoid: another slope and offset", HardSigmoid { slope: 0.7, offset: 0.25 }, ELEMENTWISE),
        ("SiLU", Silu, TRANSCENDENTAL),
        ("HardSwish", HardSwish, ELEMENTWISE),
        ("LeakyReLU", LeakyRelu { slope: 0.01 }, ELEMENTWISE),
        ("ELU", Elu { alpha: 1.0 }, TRANSCENDENTAL),
        ("ELU: another alpha", Elu { alpha: 0.3 }, TRANSCENDENTAL),
        ("GELU", Gelu, TRANSCENDENTAL),
        ("GELU: tanh", GeluTanh, TRANSCENDENTAL),
        ("Tanh", Tanh, TRANSCENDENTAL),
    ];
    let mut cases = Vec::new();
    for (name, kind, tolerance) in kinds {
        cases.push(single(name, odd, Activation { kind }, tolerance));
        // Far from zero, where exponentials overflow, and close to it, where they cancel.
        for (what, std) in [("large numbers", 1.0 / 128.0), ("small numbers", 4096.0)] {
            let mut graph = images(odd);
            graph.push("scaled", Normalize { mean: vec![0.0; 4], std: vec![std; 4] }, &["x"]);
            graph.push("y", Activation { kind }, &["scaled"]);
            cases.push(Case::new(&format!("{name}: {what}"), &flat(graph), tolerance));
        }
    }
    cases.push(single("PReLU", odd, PRelu {}, ELEMENTWISE));
    cases
}

fn connections() -> Vec<Case> {
    let case = |name: &str, op: Op, inputs: &[&str], tolerance| {
        let mut graph = images([3, 5, 7]);
        graph.push("positive", Clamp::relu(), &["x"]);
        graph.push("bounded", Clamp { min: Some(-0.5), max: Some(0.5) }, &["x"]);
        graph.push("y", op, inputs);
        Case::new(name, &flat(graph), tolerance)
    };
    let select = |name: &str, channels: &[Option<usize>]| {
        case(name, SelectChannels { channels: channels.to_vec() }.into(), &["x"], EXACT)
    };
    vec![
        case("Add: two", Add {}.into(), &["positive", "bounded"], ELEMENTWISE),
        case("Add: three", Add {}.into(), &["positive", "bounded", "x"], ELEMENTWISE),
        case("Add: one value twice", Add {}.into(), &["bounded", "bounded"], ELEMENTWISE),
        case("Multiply: two values", Multiply {}.into(), &["x", "bounded"], ELEMENTWISE),
        case("Multiply: one value twice", Multiply {}.into(), &["x", "x"], ELEMENTWISE),
        case("Concat: two", Concat {}.into(), &["positive", "bounded"], EXACT),
        case("Concat: four, one value twice", Concat {}.into(), &["x", "positive", "x", "bounded"], EXACT),
        case("Concat: one", Concat {}.into(), &["bounded"], EXACT),
        select("SelectChannels: permutation", &[Some(2), Some(0), Some(1)]),
        select("SelectChannels: repetition", &[Some(1), Some(1), Some(0), Some(2), Some(1)]),
        select("SelectChannels: one of three", &[Some(1)]),
        select("SelectChannels: zeros", &[None, Some(2), None, Some(0)]),
        select("SelectChannels: zeros alone", &[None, None]),
    ]
}

/// Gates of maps of `shape`: as maps of one position and as features, followed by nothing, a clamp and an activation.
fn gates(shape: [usize; 3]) -> Vec<Case> {
    let mut cases = Vec::new();
    for as_features in [false, true] {
        let behind = [
            ("", None),
            (", clamped", Some(Op::from(Clamp::relu()))),
            (", activated", Some(Activation { kind: ActivationKind::Sigmoid }.into())),
        ];
        for (what, op) in behind {
            let mut graph = images(shape);
            graph.push("mean", GlobalAvgPool {}, &["x"]);
            let gate = if as_features { graph.push("gate", Flatten {}, &["mean"]) } else { "mean".into() };
            graph.push("y", Multiply {}, &["x", &gate]);
            if let Some(op) = op {
                graph.push("z", op, &["y"]);
            }
            let kind = if as_features { "features" } else { "a map" };
            let [_, height, width] = shape;
            cases.push(Case::new(&format!("Multiply: gate, {kind}, {height}x{width}{what}"), &flat(graph), ONE_SUM));
        }
    }
    cases
}

/// `op` over the numbers of images of `shape` as features.
pub(super) fn features(name: &str, shape: [usize; 3], op: impl Into<Op>, tolerance: Tolerance) -> Case {
    let mut graph = images(shape);
    graph.push("features", Flatten {}, &["x"]);
    graph.push("y", op, &["features"]);
    Case::new(name, &graph, tolerance)
}

fn over_features() -> Vec<Case> {
    let case = |name: &str, shape: [usize; 3], op: Op, tolerance| features(name, shape, op, tolerance);
    let linear = |out_features, bias| Linear { out_features, bias }.into();
    let numbers = |first: f32| (0..12).map(|c| first + 0.07 * c as f32).collect::<Vec<f32>>();
    let two = [2, 2, 3];
    vec![
        case("Linear", [4, 3, 5], linear(10, true), ONE_SUM),
        case("Linear: without bias", [4, 3, 5], linear(10, false), ONE_SUM),
        case("Linear: one feature in and out", [1, 1, 1], linear(1, true), ONE_SUM),
        case("Linear: one feature out", [4, 3, 5], linear(1, true), ONE_SUM),
        case("Linear: one feature in", [1, 1, 1], linear(33, true), ONE_SUM),
        case("Linear: wide", [13, 10, 10], linear(257, true), ONE_SUM),
        case("Flatten: features", two, Flatten {}.into(), EXACT),
        case("BatchNorm: features", two, BatchNorm { eps: 1e-5 }.into(), ELEMENTWISE),
        case("Normalize: features", two, Normalize { mean: numbers(0.1), std: numbers(0.4) }.into(), ELEMENTWISE),
        case("Clamp: features", two, Clamp::relu().into(), EXACT),
        case("SiLU: features", two, Activation { kind: ActivationKind::Silu }.into(), TRANSCENDENTAL),
        case("PReLU: features", two, PRelu {}.into(), ELEMENTWISE),
        case("SelectChannels: features", two, SelectChannels { channels: vec![Some(7), None, Some(0)] }.into(), EXACT),
    ]
}
