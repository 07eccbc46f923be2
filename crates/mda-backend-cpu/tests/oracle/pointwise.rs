//! Operations that look at one position at a time, against the oracle.

use crate::check::{agrees, single};
use mda_backend_cpu::CpuBackend;
use mda_core::graph::Graph;
use mda_core::op::{
    BatchNorm, Clamp, Concat, Conv2d, Flatten, Input, Linear, MaxPool, Normalize, SelectChannels, Window,
};
use mda_core::run::backend::Backend;
use mda_testkit::generate::{random_images, with_random_parameters};

#[test]
fn alone() {
    let image = [3, 5, 7];
    agrees(&single(image, Normalize { mean: vec![0.1, 0.2, 0.3], std: vec![0.5, -0.25, 2.0] }), &[], &[1, 3]);
    agrees(&single(image, BatchNorm { eps: 1e-3 }), &[], &[1, 3]);
    for clamp in [Clamp::relu(), Clamp::relu6(), Clamp { min: None, max: Some(0.5) }, Clamp { min: None, max: None }] {
        agrees(&single(image, clamp), &[], &[1, 3]);
    }
    agrees(&single(image, SelectChannels { channels: vec![Some(2), None, Some(0), Some(2)] }), &[], &[1, 3]);
}

#[test]
fn features() {
    for (inputs, outputs) in [(1, 1), (7, 3), (300, 5), (5, 300), (700, 130)] {
        let mut graph = Graph::new();
        graph.push("image", Input { channels: inputs, height: 1, width: 1 }, &[]);
        graph.push("flat", Flatten {}, &["image"]);
        graph.push("fc", Linear { out_features: outputs, bias: true }, &["flat"]);
        graph.push("norm", BatchNorm { eps: 1e-5 }, &["fc"]);
        graph.push("relu", Clamp::relu(), &["norm"]);
        agrees(&with_random_parameters("features", &graph, 3).unwrap(), &[], &[1, 7, 64]);
    }
}

/// A NaN in one image reaches that image's logits and no other's.
#[test]
fn nan_shows() {
    let mut graph = Graph::new();
    graph.push("image", Input { channels: 16, height: 8, width: 8 }, &[]);
    graph.push("conv", Conv2d::dense(16, 3, 1, 1, true), &["image"]);
    graph.push("relu", Clamp::relu6(), &["conv"]);
    graph.push("pool", MaxPool { window: Window::square(2, 2, 0), ceil_mode: false }, &["relu"]);
    graph.push("joined", Concat {}, &["pool", "pool"]);
    graph.push("flat", Flatten {}, &["joined"]);
    graph.push("fc", Linear { out_features: 4, bias: true }, &["flat"]);
    let model = with_random_parameters("nan", &graph, 3).unwrap();
    let mut batch = random_images(&model, 3, 1);
    batch.data_mut()[16 * 64 + 70] = f32::NAN;
    for backend in CpuBackend::available() {
        let mut session = backend.compile(&model, None, &[]).unwrap().session().unwrap();
        let logits = session.run(&batch).unwrap().logits;
        assert!(logits.row(1).iter().all(|x| x.is_nan()));
        assert!([0, 2].iter().all(|&n| logits.row(n).iter().all(|x| x.is_finite())));
    }
}
