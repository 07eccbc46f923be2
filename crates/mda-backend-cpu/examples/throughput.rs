//! Images per second of VGG-16 with BatchNorm at 32x32, random weights, with and without the probes of attribution.
//!
//! `cargo run --release -p mda-backend-cpu --example throughput [BATCH] [REPEATS]`

use mda_backend_cpu::CpuBackend;
use mda_core::Model;
use mda_core::graph::{Graph, GraphErrors};
use mda_core::op::{BatchNorm, Clamp, Conv2d, Flatten, Input, Linear, MaxPool, Op, Window};
use mda_core::run::backend::{Backend, BackendError, Probe};
use mda_testkit::generate::{random_images, with_random_parameters};
use std::error::Error;
use std::time::Instant;

fn vgg16() -> Result<Model, GraphErrors> {
    let mut graph = Graph::new();
    let mut last = graph.push("image", Input { channels: 3, height: 32, width: 32 }, &[]);
    for (stage, (width, depth)) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)].into_iter().enumerate() {
        for layer in 0..depth {
            let name = |kind: &str| format!("{kind}{stage}_{layer}");
            last = graph.push(name("conv"), Conv2d::dense(width, 3, 1, 1, true), &[&last]);
            last = graph.push(name("norm"), BatchNorm { eps: 1e-5 }, &[&last]);
            last = graph.push(name("relu"), Clamp::relu(), &[&last]);
        }
        let pool = MaxPool { window: Window::square(2, 2, 0), ceil_mode: false };
        last = graph.push(format!("pool{stage}"), pool, &[&last]);
    }
    last = graph.push("flatten", Flatten {}, &[&last]);
    graph.push("classifier", Linear { out_features: 10, bias: true }, &[&last]);
    with_random_parameters("vgg16", &graph, 1)
}

fn attribution(model: &Model) -> Vec<Probe> {
    let nodes = model.graph().nodes().iter().enumerate();
    let probe = |(id, node): (usize, &mda_core::graph::Node)| match node.op {
        Op::Conv2d(_) => Some(Probe::WindowSum(id)),
        Op::Linear(_) => Some(Probe::Input(id)),
        _ => None,
    };
    nodes.filter_map(probe).collect()
}

/// The seconds that the fastest of `repeats` runs took, after one to warm up.
fn fastest(model: &Model, probes: &[Probe], batch: usize, repeats: usize) -> Result<f64, BackendError> {
    let mut session = CpuBackend::new().compile(model, None, probes)?.session()?;
    let images = random_images(model, batch, 2);
    session.run(&images)?;
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let start = Instant::now();
        session.run(&images)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let batch = arguments.next().transpose()?.unwrap_or(64);
    let repeats = arguments.next().transpose()?.unwrap_or(10);
    let model = vgg16()?;
    let probes = attribution(&model);
    println!("VGG-16, 32x32, batch {batch}, {:.0} million multiply-adds an image", model.size().macs as f64 / 1e6);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        for (name, probes) in [("forward", &[][..]), ("attribution", &probes[..])] {
            let seconds = pool.install(|| fastest(&model, probes, batch, repeats))?;
            println!("{threads} thread(s), {name:<11} {:7.1} images/s", batch as f64 / seconds);
        }
    }
    Ok(())
}
