//! Chains that backends fuse, the connections of real networks, and extreme sizes.

use super::case::Case;
use super::compare::LAYERS;
use super::operations::{flat, images};
use mda_core::graph::Graph;
use mda_core::op::{
    Add, AvgPool, BatchNorm, Clamp, Concat, Conv2d, Flatten, GlobalAvgPool, Linear, MaxPool, Normalize, Op,
    SelectChannels, Window,
};

pub(super) fn cases() -> Vec<Case> {
    let groups = [chains(), near_chains(), blocks(), sizes()];
    groups.into_iter().flatten().collect()
}

pub(super) const BN: BatchNorm = BatchNorm { eps: 1e-5 };

pub(super) fn conv(out_channels: usize, kernel: usize, stride: usize) -> Op {
    Conv2d::dense(out_channels, kernel, stride, kernel / 2, true).into()
}

pub(super) fn depthwise(channels: usize, stride: usize) -> Op {
    Conv2d { out_channels: channels, window: Window::square(3, stride, 1), groups: channels, bias: false }.into()
}

pub(super) fn max_pool() -> Op {
    MaxPool { window: Window::square(2, 2, 0), ceil_mode: false }.into()
}

/// Appends operations one behind another, named `prefix0`, `prefix1`, ..., and answers the last name.
pub(super) fn chain(graph: &mut Graph, prefix: &str, from: &str, ops: Vec<Op>) -> String {
    let mut last = from.to_owned();
    for (index, op) in ops.into_iter().enumerate() {
        last = graph.push(format!("{prefix}{index}"), op, &[&last]);
    }
    last
}

/// GlobalAvgPool and a linear layer of 5 categories.
pub(super) fn classified(mut graph: Graph) -> Graph {
    let last = graph.output.clone();
    let linear = Linear { out_features: 5, bias: true };
    chain(&mut graph, "head.", &last, vec![GlobalAvgPool {}.into(), Flatten {}.into(), linear.into()]);
    graph
}

pub(super) fn chains() -> Vec<Case> {
    let (relu, relu6) = (|| Op::from(Clamp::relu()), || Op::from(Clamp::relu6()));
    let average = || Op::from(AvgPool { window: Window::square(2, 2, 0), ceil_mode: false, count_include_pad: true });
    let linear = |out_features| Op::from(Linear { out_features, bias: true });
    let chains: [(&str, Vec<Op>); 12] = [
        ("Conv2d, BatchNorm", vec![conv(6, 3, 1), BN.into()]),
        ("Conv2d, BatchNorm, ReLU", vec![conv(6, 3, 1), BN.into(), relu()]),
        ("Conv2d, ReLU, MaxPool", vec![conv(6, 3, 1), relu(), max_pool()]),
        ("Conv2d, BatchNorm, ReLU, MaxPool, twice", {
            let once = |width| vec![conv(width, 3, 1), BN.into(), relu(), max_pool()];
            once(6).into_iter().chain(once(7)).collect()
        }),
        ("Conv2d, MaxPool, ReLU", vec![conv(6, 3, 1), max_pool(), relu()]),
        ("Conv2d, AvgPool, ReLU", vec![conv(6, 3, 1), average(), relu()]),
        ("BatchNorm, ReLU, Conv2d", vec![BN.into(), relu(), conv(6, 3, 1)]),
        ("Conv2d, ReLU, BatchNorm", vec![conv(6, 3, 1), relu(), BN.into()]),
        ("Conv2d, BatchNorm, BatchNorm, ReLU6", vec![conv(6, 3, 1), BN.into(), BN.into(), relu6()]),
        ("Conv2d, Conv2d", vec![conv(6, 3, 1), conv(4, 3, 1)]),
        ("depthwise, BatchNorm, ReLU6", vec![depthwise(4, 1), BN.into(), relu6(), conv(5, 1, 1)]),
        ("Flatten, Linear, BatchNorm, ReLU, Linear", vec![Flatten {}.into(), linear(9), BN.into(), relu(), linear(4)]),
    ];
    let case = |(name, ops): (&str, Vec<Op>)| {
        let mut graph = images([4, 8, 10]);
        chain(&mut graph, "layer", "x", ops);
        Case::new(&format!("chain: {name}"), &flat(graph), LAYERS)
    };
    chains.into_iter().map(case).collect()
}

/// What looks like a chain but must not be fused as one.
fn near_chains() -> Vec<Case> {
    let mut normalized = images([3, 6, 6]);
    let (mean, std) = (vec![1.5, -1.0, 0.4], vec![0.7, 1.9, 1.3]);
    chain(&mut normalized, "layer", "x", vec![Normalize { mean, std }.into(), conv(5, 3, 1), BN.into()]);

    let mut shared = images([3, 6, 6]);
    let conv_value = chain(&mut shared, "conv", "x", vec![conv(5, 3, 1)]);
    let relu_value = chain(&mut shared, "norm", &conv_value, vec![BN.into(), Clamp::relu().into()]);
    shared.push("sum", Add {}, &[&conv_value, &relu_value]);

    let mut forked = images([3, 6, 6]);
    let relu_value = chain(&mut forked, "stem", "x", vec![conv(5, 3, 1), Clamp::relu().into()]);
    let left = chain(&mut forked, "left", &relu_value, vec![max_pool()]);
    let right = chain(&mut forked, "right", &relu_value, vec![conv(4, 3, 2)]);
    forked.push("both", Concat {}, &[&left, &right, &left]);

    let mut doubled = images([3, 6, 6]);
    let relu_value = chain(&mut doubled, "stem", "x", vec![conv(5, 3, 1), BN.into(), Clamp::relu().into()]);
    doubled.push("sum", Add {}, &[&relu_value, &relu_value]);

    let mut selected = images([3, 6, 6]);
    let channels = vec![Some(4), None, Some(0), Some(4)];
    chain(
        &mut selected,
        "layer",
        "x",
        vec![conv(5, 3, 1), SelectChannels { channels }.into(), BN.into(), conv(3, 3, 1)],
    );

    let mut logits = images([3, 6, 6]);
    let features =
        chain(&mut logits, "fc", "x", vec![Flatten {}.into(), Linear { out_features: 4, bias: true }.into()]);
    logits.push("sum", Add {}, &[&features, &features]);

    let named = [
        ("Normalize before a padded Conv2d", flat(normalized)),
        ("a Conv2d read behind and before its BatchNorm", flat(shared)),
        ("a ReLU read by two", flat(forked)),
        ("a ReLU added to itself", flat(doubled)),
        ("zeros before a BatchNorm", flat(selected)),
        ("logits read before the end", logits),
    ];
    named.map(|(name, graph)| Case::new(&format!("no chain: {name}"), &graph, LAYERS)).into()
}

/// The connections of real networks.
pub(super) fn blocks() -> Vec<Case> {
    let relu = || Op::from(Clamp::relu());
    let case = |name: &str, graph: Graph| Case::new(&format!("block: {name}"), &classified(graph), LAYERS);

    let mut basic = images([6, 8, 8]);
    let branch = chain(&mut basic, "branch", "x", vec![conv(6, 3, 1), BN.into(), relu(), conv(6, 3, 1), BN.into()]);
    let sum = basic.push("sum", Add {}, &[&branch, "x"]);
    chain(&mut basic, "after", &sum, vec![relu()]);

    let mut bottleneck = images([6, 8, 8]);
    let ops = vec![conv(3, 1, 1), BN.into(), relu(), conv(3, 3, 2), BN.into(), relu(), conv(12, 1, 1), BN.into()];
    let branch = chain(&mut bottleneck, "branch", "x", ops);
    let shortcut = chain(&mut bottleneck, "shortcut", "x", vec![conv(12, 1, 2), BN.into()]);
    let sum = bottleneck.push("sum", Add {}, &[&branch, &shortcut]);
    chain(&mut bottleneck, "after", &sum, vec![relu(), conv(7, 1, 1)]);

    let mut padded = images([4, 8, 8]);
    let branch = chain(&mut padded, "branch", "x", vec![conv(8, 3, 2), BN.into(), relu(), conv(8, 3, 1), BN.into()]);
    let strided = Op::from(MaxPool { window: Window::square(1, 2, 0), ceil_mode: false });
    let channels = (0..8usize).map(|c| c.checked_sub(2).filter(|&c| c < 4)).collect();
    let shortcut = chain(&mut padded, "shortcut", "x", vec![strided, SelectChannels { channels }.into()]);
    padded.push("sum", Add {}, &[&shortcut, &branch]);

    let mut inverted = images([4, 8, 8]);
    let relu6 = || Op::from(Clamp::relu6());
    let ops = vec![conv(12, 1, 1), BN.into(), relu6(), depthwise(12, 1), BN.into(), relu6(), conv(4, 1, 1), BN.into()];
    let branch = chain(&mut inverted, "branch", "x", ops);
    inverted.push("sum", Add {}, &["x", &branch]);

    let mut inception = images([5, 7, 7]);
    let pool = Op::from(MaxPool { window: Window::square(3, 1, 1), ceil_mode: false });
    let one = chain(&mut inception, "one", "x", vec![conv(3, 1, 1), relu()]);
    let three = chain(&mut inception, "three", "x", vec![conv(2, 1, 1), relu(), conv(4, 3, 1), relu()]);
    let five = chain(&mut inception, "five", "x", vec![conv(2, 1, 1), relu(), conv(3, 5, 1), relu()]);
    let pooled = chain(&mut inception, "pool", "x", vec![pool, conv(2, 1, 1), relu()]);
    inception.push("joined", Concat {}, &[&one, &three, &five, &pooled]);

    let mut dense = images([4, 7, 7]);
    let mut values = vec!["x".to_owned()];
    for layer in 0..4 {
        let inputs: Vec<&str> = values.iter().map(String::as_str).collect();
        let all = dense.push(format!("all{layer}"), Concat {}, &inputs);
        values.push(chain(&mut dense, &format!("layer{layer}."), &all, vec![BN.into(), relu(), conv(3, 3, 1)]));
    }
    let inputs: Vec<&str> = values.iter().map(String::as_str).collect();
    dense.push("joined", Concat {}, &inputs);

    let mut parallel = images([3, 6, 6]);
    let head = |width| vec![conv(width, 3, 1), relu(), GlobalAvgPool {}.into(), Flatten {}.into()];
    let left = chain(&mut parallel, "left", "images", head(3));
    let right = chain(&mut parallel, "right", "x", head(4));
    parallel.push("logits", Concat {}, &[&left, &right]);

    vec![
        case("residual", basic),
        case("residual bottleneck with projection", bottleneck),
        case("residual with zero-padded shortcut", padded),
        case("inverted residual", inverted),
        case("inception", inception),
        case("dense", dense),
        Case::new("block: parallel components", &parallel, LAYERS),
    ]
}

/// A small network over images of `shape`.
fn network(shape: [usize; 3], width: usize, categories: usize) -> Graph {
    let mut graph = images(shape);
    let ops = vec![conv(width, 3, 1), BN.into(), Clamp::relu().into(), conv(width, 3, 2), Clamp::relu().into()];
    let maps = chain(&mut graph, "features.", "x", ops);
    let linear = Linear { out_features: categories, bias: true };
    chain(&mut graph, "head.", &maps, vec![GlobalAvgPool {}.into(), Flatten {}.into(), linear.into()]);
    graph
}

fn sizes() -> Vec<Case> {
    let case = |name: &str, shape, width, categories, batches: &[usize]| {
        Case::new(&format!("size: {name}"), &network(shape, width, categories), LAYERS).with_batches(batches)
    };
    vec![
        case("batches that grow and shrink", [3, 9, 9], 5, 4, &[7, 1, 64, 7]),
        case("large images", [3, 64, 64], 9, 10, &[2]),
        case("images of one pixel", [3, 1, 1], 5, 4, &[1, 7]),
        case("images of one row", [3, 1, 41], 5, 4, &[1, 2]),
        case("images of one column", [3, 41, 1], 5, 4, &[1, 2]),
        case("one channel and one category", [1, 8, 8], 1, 1, &[1, 7]),
        case("one number in all", [1, 1, 1], 1, 1, &[1, 64]),
        case("many categories", [1, 8, 8], 6, 1000, &[3]),
    ]
}
