//! What needs a device but not the whole suite: small limits, NaN, a lost device, no device.

use crate::WgpuBackend;
use crate::adapters::Adapters;
use crate::gpu::Gpu;
use crate::plan::Plan;
use crate::session::Running;
use mda_core::backend::{Backend, BackendError, Probe, RunOutput, Session};
use mda_core::graph::Graph;
use mda_core::op::{Add, BatchNorm, Clamp, Concat, Conv2d, Flatten, Input, Linear, MaxPool, Window};
use mda_core::reference::Reference;
use mda_core::{Model, Tensor};
use mda_testkit::conformance;
use mda_testkit::generate::{random_images, with_random_parameters};
use std::sync::Arc;

/// The default device where shaders see only `bytes` of a buffer; `None`, with a reason, where there is no device.
fn limited(bytes: u64) -> Option<Arc<Gpu>> {
    let gpu = Adapters::find().limited(bytes);
    match gpu {
        Err(BackendError::NoDevice { .. }) if !conformance::require("wgpu") => {
            println!("skipped: the backend finds no device here");
            None
        }
        gpu => Some(Arc::new(gpu.unwrap())),
    }
}

/// All kinds of layers, with values and weights of some kilobytes.
fn model() -> Model {
    let grouped = |out_channels, groups| Conv2d { out_channels, window: Window::square(3, 1, 1), groups, bias: true };
    let mut graph = Graph::new();
    graph.push("images", Input { channels: 3, height: 9, width: 9 }, &[]);
    graph.push("conv", Conv2d::dense(12, 3, 1, 1, true), &["images"]);
    graph.push("norm", BatchNorm { eps: 1e-5 }, &["conv"]);
    graph.push("relu", Clamp::relu(), &["norm"]);
    graph.push("depthwise", grouped(12, 12), &["relu"]);
    graph.push("grouped", grouped(36, 2), &["depthwise"]);
    graph.push("narrow", grouped(12, 3), &["grouped"]);
    graph.push("sum", Add {}, &["narrow", "relu"]);
    graph.push("joined", Concat {}, &["sum", "depthwise"]);
    graph.push("pool", MaxPool { window: Window::square(3, 2, 1), ceil_mode: true }, &["joined"]);
    graph.push("flat", Flatten {}, &["pool"]);
    graph.push("fc", Linear { out_features: 21, bias: true }, &["flat"]);
    with_random_parameters("limited", &graph, 5).unwrap()
}

fn every_probe(model: &Model) -> Vec<Probe> {
    let kinds = [Probe::WindowSum, Probe::Input, Probe::Value, Probe::Moments];
    let all = (0..model.graph().nodes().len()).flat_map(|id| kinds.map(|kind| kind(id)));
    all.filter(|probe| probe.shape(model, 1).is_ok()).collect()
}

fn reference(model: &Model, probes: &[Probe], batch: &Tensor) -> RunOutput {
    let program = Reference.compile(model, None, probes).unwrap();
    program.session().unwrap().run(batch).unwrap()
}

/// The largest difference of any number, relative to the largest of its tensor; NaN stands only beside NaN.
fn difference(expected: &RunOutput, got: &RunOutput) -> f32 {
    let tensors = |output: &RunOutput| [vec![output.logits.clone()], output.probes.clone()].concat();
    let mut worst = 0.0f32;
    for (expected, got) in tensors(expected).iter().zip(tensors(got)) {
        assert_eq!(expected.shape(), got.shape());
        let largest = expected.data().iter().fold(0.1f32, |most, x| most.max(x.abs()));
        for (a, b) in expected.data().iter().zip(got.data()) {
            assert_eq!(a.is_nan(), b.is_nan(), "{a} {b}");
            worst = worst.max((a - b).abs() / largest);
        }
    }
    worst
}

#[test]
fn batches_and_weights_are_split() {
    let Some(gpu) = limited(16 << 10) else { return };
    let model = model();
    for probes in [Vec::new(), every_probe(&model)] {
        let plan = Arc::new(gpu.guarded(|| Plan::new(&gpu, &model, &probes)).unwrap());
        // A block of 4 filters of the linear layer has 600 * 4 weights, 9.6 kB: 6 parts.
        assert_eq!(plan.dispatches().filter(|dispatch| dispatch.params.has_depth(600)).count(), 6);
        let mut session = Running::new(Arc::clone(&gpu), plan);
        let batch = random_images(&model, 11, 1);
        // 36 channels of 81 numbers are 11.7 kB: images run one by one.
        let got = session.run(&batch).unwrap();
        let difference = difference(&reference(&model, &probes, &batch), &got);
        assert!(difference < 1e-4, "f32 sums through 8 layers differ by {difference}");
    }
}

#[test]
fn what_cannot_be_split_is_named() {
    let Some(gpu) = limited(8 << 10) else { return };
    let Err(BackendError::Unsupported { nodes, .. }) = gpu.guarded(|| Plan::new(&gpu, &model(), &[])) else {
        panic!("a value of 11.7 kB cannot be seen at once");
    };
    assert!(nodes[0].node == "grouped" && nodes[0].reason.contains("8192"), "{nodes:?}");

    let mut graph = Graph::new();
    graph.push("images", Input { channels: 1, height: 30, width: 30 }, &[]);
    graph.push("flat", Flatten {}, &["images"]);
    graph.push("fc", Linear { out_features: 2, bias: false }, &["flat"]);
    let wide = with_random_parameters("wide", &graph, 1).unwrap();
    let Err(BackendError::Unsupported { nodes, .. }) = gpu.guarded(|| Plan::new(&gpu, &wide, &[])) else {
        panic!("a block of 4 filters of 900 weights cannot be seen at once");
    };
    assert!(nodes[0].node == "fc" && nodes[0].reason.contains("900"), "{nodes:?}");
}

#[test]
fn nan_shows_where_the_reference_shows_it() {
    let Some(gpu) = limited(1 << 20) else { return };
    let model = model();
    let probes = every_probe(&model);
    let plan = Arc::new(gpu.guarded(|| Plan::new(&gpu, &model, &probes)).unwrap());
    let mut batch = random_images(&model, 2, 1);
    batch.data_mut()[5] = f32::NAN;
    let got = Running::new(gpu, plan).run(&batch).unwrap();
    let expected = reference(&model, &probes, &batch);
    assert!(expected.logits.data()[0].is_nan() && !expected.logits.data()[21].is_nan());
    let difference = difference(&expected, &got);
    assert!(difference < 1e-4, "f32 sums through 8 layers differ by {difference}");
}

#[test]
fn a_lost_device_is_an_error_and_is_opened_again() {
    let adapters = Adapters::find();
    if adapters.devices().is_empty() && !conformance::require("wgpu") {
        println!("skipped: the backend finds no device here");
        return;
    }
    let model = model();
    let gpu = adapters.open(None).unwrap();
    let plan = Arc::new(gpu.guarded(|| Plan::new(&gpu, &model, &[])).unwrap());
    let mut session = Running::new(Arc::clone(&gpu), Arc::clone(&plan));
    let batch = random_images(&model, 2, 1);
    session.run(&batch).unwrap();
    gpu.device().destroy();
    for _ in 0..2 {
        let error = session.run(&batch).unwrap_err();
        assert!(matches!(error, BackendError::Failed { .. }), "{error}");
    }
    let again = adapters.open(None).unwrap();
    let plan = Arc::new(again.guarded(|| Plan::new(&again, &model, &[])).unwrap());
    let got = Running::new(again, plan).run(&batch).unwrap();
    assert!(difference(&reference(&model, &[], &batch), &got) < 1e-4);
}

#[test]
fn without_a_device_there_is_a_clear_error() {
    let backend = WgpuBackend::over(Adapters::none());
    assert!(backend.devices().is_empty());
    for device in [None, Some("vulkan:0")] {
        let error = backend.compile(&model(), device, &[]).map(drop).unwrap_err();
        assert!(matches!(&error, BackendError::NoDevice { available, .. } if available.is_empty()), "{error}");
    }
}
