//! Small models for the tests of this crate.

use mda_core::Model;
use mda_core::graph::Graph;
use mda_core::op::{
    Activation, ActivationKind, Add, AvgPool, BatchNorm, Clamp, Concat, Conv2d, Flatten, GlobalAvgPool, Input, Linear,
    MaxPool, Multiply, Normalize, Op, PRelu, Padding, SelectChannels, Window,
};
use mda_core::tensor::Parameters;
use mda_core::tensor::Tensor;

/// Numbers in `-0.5..0.5` that are the same on every run.
pub(crate) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

/// `graph` with made-up parameters; variances are positive.
pub(crate) fn fill(name: &str, graph: &Graph) -> Model {
    let graph = graph.validate().unwrap();
    let mut parameters = Parameters::new();
    for (id, node) in graph.nodes().iter().enumerate() {
        for (i, spec) in graph.parameter_specs(id).into_iter().enumerate() {
            let mut data = numbers(spec.shape.iter().product(), (id * 8 + i) as u32);
            if spec.suffix == "running_var" {
                data.iter_mut().for_each(|x| *x += 1.0);
            }
            parameters.insert(format!("{}.{}", node.name, spec.suffix), Tensor::new(spec.shape, data).unwrap());
        }
    }
    let categories = (0..graph.category_count()).map(|k| format!("category {k}")).collect();
    Model::new(name, graph, parameters, categories).unwrap()
}

/// Images that fit `model`.
pub(crate) fn images(model: &Model, batch: usize) -> Tensor {
    let shape = model.input_shape().batched(batch);
    let count = shape.iter().product();
    Tensor::new(shape, numbers(count, 99).into_iter().map(|x| x + 0.5).collect()).unwrap()
}

/// The logits of the reference evaluation.
pub(crate) fn logits(model: &Model, images: &Tensor) -> Tensor {
    let mut values = mda_core::run::reference::evaluate(model, images, |_, _| {});
    values.swap_remove(model.graph().output())
}

fn conv(out_channels: usize, groups: usize, bias: bool, window: Window) -> Conv2d {
    Conv2d { out_channels, window, groups, bias }
}

/// A network with every operation, and with every attribute away from its default somewhere.
pub(crate) fn every_operation() -> Model {
    let mut g = Graph::new();
    g.push("images", Input { channels: 3, height: 13, width: 11 }, &[]);
    g.push(
        "normalize",
        Normalize { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 7.038_531e-3] },
        &["images"],
    );
    let padding = Padding { top: 1, left: 0, bottom: 2, right: 1 };
    let uneven = Window { kernel: [3, 2], stride: [1, 2], padding, dilation: [2, 1] };
    g.push("features.0", conv(6, 1, false, uneven), &["normalize"]);
    g.push("features.1", BatchNorm { eps: 1e-3 }, &["features.0"]);
    g.push("features.2", Clamp::relu(), &["features.1"]);
    g.push("grouped", conv(4, 2, true, Window::square(3, 1, 1)), &["features.2"]);
    g.push("depthwise", conv(6, 6, false, Window::square(3, 1, 1)), &["features.2"]);
    g.push("relu6", Clamp::relu6(), &["depthwise"]);
    g.push("joined", Concat {}, &["grouped", "relu6", "features.2"]);
    let channels = vec![Some(3), None, Some(0), Some(15), Some(3), None];
    g.push("shortcut", SelectChannels { channels }, &["joined"]);
    g.push("sum", Add {}, &["shortcut", "relu6", "features.2"]);
    let pool = Window { kernel: [3, 3], stride: [2, 2], padding: Padding::same(1), dilation: [1, 1] };
    g.push("maxpool", MaxPool { window: pool, ceil_mode: true }, &["sum"]);
    g.push("avgpool", AvgPool { window: pool, ceil_mode: true, count_include_pad: false }, &["maxpool"]);
    g.push(
        "avgpool2",
        AvgPool { window: Window::square(2, 1, 1), ceil_mode: false, count_include_pad: true },
        &["avgpool"],
    );
    g.push("floor", Clamp { min: Some(-0.75), max: None }, &["avgpool2"]);
    g.push("silu", Activation { kind: ActivationKind::Silu }, &["floor"]);
    g.push("gelu", Activation { kind: ActivationKind::Gelu }, &["silu"]);
    g.push("leaky", Activation { kind: ActivationKind::LeakyRelu { slope: 0.1 } }, &["gelu"]);
    g.push("prelu", PRelu {}, &["leaky"]);
    g.push("flatten", Flatten {}, &["prelu"]);
    g.push("gap", GlobalAvgPool {}, &["sum"]);
    g.push("gap_flat", Flatten {}, &["gap"]);
    g.push("gate", Linear { out_features: 6, bias: true }, &["gap_flat"]);
    g.push("gated", Multiply {}, &["sum", "gate"]);
    g.push("gated_gap", GlobalAvgPool {}, &["gated"]);
    g.push("again", Multiply {}, &["gated", "gated_gap"]);
    g.push("again_gap", GlobalAvgPool {}, &["again"]);
    g.push("again_flat", Flatten {}, &["again_gap"]);
    g.push("both", Concat {}, &["flatten", "again_flat"]);
    g.push("fc1", Linear { out_features: 7, bias: true }, &["both"]);
    g.push("fc1_bn", BatchNorm { eps: 1e-5 }, &["fc1"]);
    g.push("ceiling", Clamp { min: None, max: Some(0.9) }, &["fc1_bn"]);
    let channels = vec![Some(6), None, Some(1), Some(1), Some(0)];
    g.push("picked", SelectChannels { channels }, &["ceiling"]);
    g.push(
        "scaled",
        Normalize { mean: vec![0.1, 0.0, -0.2, 0.3, 1e-3], std: vec![0.5, 1.0, -2.0, 3.0, 0.7] },
        &["picked"],
    );
    g.push("fc2", Linear { out_features: 4, bias: false }, &["scaled"]);
    fill("every operation", &g)
}

/// A network of one convolution and one linear layer over `[1, 4, 4]` images, three categories.
pub(crate) fn tiny() -> Model {
    let mut g = Graph::new();
    g.push("images", Input { channels: 1, height: 4, width: 4 }, &[]);
    g.push("conv", Conv2d::dense(2, 3, 1, 0, true), &["images"]);
    g.push("relu", Clamp::relu(), &["conv"]);
    g.push("flatten", Flatten {}, &["relu"]);
    g.push("fc", Op::from(Linear { out_features: 3, bias: true }), &["flatten"]);
    fill("tiny", &g)
}
