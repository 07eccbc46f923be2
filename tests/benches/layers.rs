//! Micro-benchmarks: single layers on the embedded backend, window sums and contributions. `cargo bench -p mda-tests`.

use divan::Bencher;
use divan::counter::ItemsCount;
use mda_backend_cpu::CpuBackend;
use mda_core::Model;
use mda_core::graph::Graph;
use mda_core::observe::contribution::relative_contributions;
use mda_core::op::{Conv2d, GlobalAvgPool, Input, Linear, MaxPool, Op, Window};
use mda_core::op::{Flatten, Padding};
use mda_core::run::backend::{Backend, Probe};
use mda_testkit::generate::{random_images, with_random_parameters};

const BATCH: usize = 16;

fn main() {
    divan::main();
}

/// A layer of ResNet-50, GoogLeNet or MobileNet and the maps that it sees.
struct Case {
    name: &'static str,
    channels: usize,
    size: usize,
    op: fn(usize) -> Op,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} channels, {}x{}", self.name, self.channels, self.size, self.size)
    }
}

const CASES: [Case; 9] = [
    Case { name: "1x1", channels: 64, size: 32, op: |_| Conv2d::dense(256, 1, 1, 0, false).into() },
    Case { name: "1x1", channels: 1024, size: 4, op: |_| Conv2d::dense(256, 1, 1, 0, false).into() },
    Case { name: "1x1, stride 2", channels: 256, size: 32, op: |_| Conv2d::dense(512, 1, 2, 0, false).into() },
    Case { name: "3x3", channels: 64, size: 32, op: |_| Conv2d::dense(64, 3, 1, 1, false).into() },
    Case { name: "3x3", channels: 512, size: 4, op: |_| Conv2d::dense(512, 3, 1, 1, false).into() },
    Case { name: "3x3, stride 2", channels: 128, size: 32, op: |_| Conv2d::dense(128, 3, 2, 1, false).into() },
    Case { name: "5x5", channels: 3, size: 32, op: |_| Conv2d::dense(6, 5, 1, 0, true).into() },
    Case { name: "depthwise 3x3", channels: 256, size: 16, op: depthwise },
    Case { name: "maximum 3x3", channels: 256, size: 16, op: |_| maximum().into() },
];

fn depthwise(channels: usize) -> Op {
    Conv2d { out_channels: channels, window: Window::square(3, 1, 1), groups: channels, bias: false }.into()
}

fn maximum() -> MaxPool {
    MaxPool { window: Window { padding: Padding::same(1), ..Window::square(3, 1, 1) }, ceil_mode: false }
}

fn model(case: &Case) -> Model {
    let mut graph = Graph::new();
    graph.push("image", Input { channels: case.channels, height: case.size, width: case.size }, &[]);
    graph.push("layer", (case.op)(case.channels), &["image"]);
    graph.push("mean", GlobalAvgPool {}, &["layer"]);
    graph.push("flat", Flatten {}, &["mean"]);
    graph.push("fc", Linear { out_features: 2, bias: true }, &["flat"]);
    with_random_parameters("layer", &graph, 1).expect("a layer and its mean")
}

/// Images a second through one layer.
#[divan::bench(args = CASES)]
fn forward(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case, &[]);
}

/// The same with the window sums of the layer's input.
#[divan::bench(args = &CASES[..7])]
fn forward_with_window_sums(bencher: Bencher<'_, '_>, case: &Case) {
    run(bencher, case, &[Probe::WindowSum(1)]);
}

fn run(bencher: Bencher<'_, '_>, case: &Case, probes: &[Probe]) {
    let model = model(case);
    let program = CpuBackend::new().compile(&model, None, probes).expect("the CPU runs every layer");
    let mut session = program.session().expect("the CPU has a session");
    let images = random_images(&model, BATCH, 2);
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench_local(|| session.run(&images).expect("a batch of the model's images"));
}

/// Contributions of all inputs to all outputs, from window sums.
#[divan::bench(args = &CASES[..7])]
fn contributions(bencher: Bencher<'_, '_>, case: &Case) {
    let model = model(case);
    let program = CpuBackend::new().compile(&model, None, &[Probe::WindowSum(1)]).expect("the CPU runs every layer");
    let images = random_images(&model, BATCH, 2);
    let output = program.session().and_then(|mut session| session.run(&images)).expect("a batch of the model's images");
    let rows: Vec<usize> = (0..model.graph().node(1).shape.channels()).collect();
    bencher.counter(ItemsCount::new(BATCH)).bench(|| relative_contributions(&model, 1, &output.probes[0], &rows));
}
