//! What needs a device but not the whole suite: small limits, NaN, a lost device, no device.

use crate::WgpuBackend;
use crate::adapters::Adapters;
use crate::gpu::Gpu;
use crate::kernel::Kernel;
use crate::layers::Constants;
use crate::limits::Limits;
use crate::plan::Plan;
use crate::session::Running;
use mda_core::graph::Graph;
use mda_core::op::{Add, BatchNorm, Clamp, Concat, Conv2d, Flatten, Input, Linear, MaxPool, Window};
use mda_core::run::backend::{Backend, BackendError, Probe, RunOutput, Session};
use mda_core::run::reference::Reference;
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

/// What a device with these limits answers to `model`; needs no device.
fn measured(bytes: u64, buffer: u64, model: &Model) -> Result<(), (String, String)> {
    let limits = Limits { bytes, buffer, workgroups: 65_535, alignment: 256 };
    match Plan::with(Constants::measured(limits), limits, model, &[]) {
        Ok(_) => Ok(()),
        Err(BackendError::Unsupported { nodes, .. }) => Err((nodes[0].node.clone(), nodes[0].reason.clone())),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn weights_and_tables_together_stay_within_a_device() {
    let model = model();
    assert_eq!(measured(1 << 20, 1 << 20, &model), Ok(()));
    // The linear layer alone has 21 * 600 weights; what comes before takes less than half as much.
    let (node, reason) = measured(1 << 20, 50_000, &model).unwrap_err();
    assert!(node == "fc" && reason.contains("weights and tables take") && reason.contains("at most 50000"), "{reason}");
    // The first table of all.
    assert_eq!(measured(1 << 20, 40, &model).unwrap_err().0, "conv");
}

#[test]
fn a_table_larger_than_its_value_is_named() {
    let mut graph = Graph::new();
    graph.push("images", Input { channels: 512, height: 1, width: 1 }, &[]);
    graph.push("norm", BatchNorm { eps: 1e-5 }, &["images"]);
    graph.push("flat", Flatten {}, &["norm"]);
    let model = with_random_parameters("tables", &graph, 1).unwrap();
    assert_eq!(measured(4096, 1 << 20, &model), Ok(()));
    let (node, reason) = measured(4080, 1 << 20, &model).unwrap_err();
    assert!(node == "norm" && reason.contains("scales takes 4096 bytes") && reason.contains("4080"), "{reason}");
}

#[test]
fn parameters_of_many_dispatches_stay_within_a_buffer() {
    let mut graph = Graph::new();
    let mut last = graph.push("images", Input { channels: 1, height: 2, width: 2 }, &[]);
    for index in 0..40 {
        let pool = MaxPool { window: Window::square(1, 1, 0), ceil_mode: false };
        last = graph.push(format!("pool{index}"), pool, &[&last]);
    }
    graph.push("flat", Flatten {}, &[&last]);
    let model = with_random_parameters("long", &graph, 1).unwrap();
    assert_eq!(measured(1 << 20, 40 * 256, &model), Ok(()));
    let (_, reason) = measured(1 << 20, 40 * 256 - 1, &model).unwrap_err();
    assert!(reason.contains("40 dispatches take 10240 bytes"), "{reason}");
}

/// The tile that keeps a real device busy, and the small one.
#[test]
fn the_suite_reaches_both_tiles() {
    let backend = WgpuBackend::new();
    if backend.devices().is_empty() && !conformance::require("wgpu") {
        println!("skipped: the backend finds no device here");
        return;
    }
    let report = conformance::run_some(&backend, None, |name| name.starts_with("many positions"));
    assert!(report.cases().len() > 4 && report.failures().count() == 0, "{report}");
    let kernels = backend.adapters().open(None).unwrap().kernels();
    for side in [8, 16] {
        assert!(kernels.contains(&Kernel::Gemm { side }), "{kernels:?}");
    }
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
