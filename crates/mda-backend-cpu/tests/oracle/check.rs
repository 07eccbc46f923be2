//! How the tests compare.

use mda_backend_cpu::CpuBackend;
use mda_core::graph::Graph;
use mda_core::op::{Flatten, Input, Op};
use mda_core::run::backend::{Backend, Probe, RunOutput};
use mda_core::run::reference::Reference;
use mda_core::{Model, Tensor};
use mda_testkit::generate::{random_images, with_random_parameters};

/// Sums of a few thousand f32 products lose about this much against f64, relative to the largest number.
pub(crate) const TOLERANCE: f32 = 2e-5;

/// A graph of one operation over an image of `[channels, height, width]`, flattened to logits.
pub(crate) fn single(image: [usize; 3], op: impl Into<Op>) -> Model {
    let mut graph = Graph::new();
    graph.push("image", Input { channels: image[0], height: image[1], width: image[2] }, &[]);
    graph.push("op", op, &["image"]);
    classified(graph, "op")
}

/// `graph` with random parameters and the value `features` flattened to logits.
pub(crate) fn classified(mut graph: Graph, features: &str) -> Model {
    graph.push("logits", Flatten {}, &[features]);
    with_random_parameters("sample", &graph, 7).expect("a valid graph")
}

/// The backend with every instruction set that runs here, or with the one alone that `MDA_INSTRUCTIONS` names.
pub(crate) fn backends() -> Vec<CpuBackend> {
    let mut backends = CpuBackend::available();
    if let Ok(name) = std::env::var("MDA_INSTRUCTIONS") {
        backends.retain(|backend| backend.instructions() == name);
        assert!(!backends.is_empty(), "this processor has no {name}, which MDA_INSTRUCTIONS asks for");
    }
    backends
}

/// Compares logits and every probe with the reference, on all paths, for batches of these sizes.
pub(crate) fn agrees(model: &Model, probes: &[Probe], batches: &[usize]) {
    let session = |backend: &dyn Backend| backend.compile(model, None, probes)?.session();
    let batches: Vec<Tensor> = batches.iter().map(|&images| random_images(model, images, images as u64)).collect();
    let mut oracle = session(&Reference).expect("the reference runs everything");
    let expected: Vec<RunOutput> = batches.iter().map(|batch| oracle.run(batch).expect("a batch that fits")).collect();
    for backend in backends() {
        let mut session = session(&backend).expect("the backend runs everything");
        for (batch, expected) in batches.iter().zip(&expected) {
            let found = session.run(batch).expect("a batch that fits");
            let ops: Vec<&Op> = model.graph().nodes().iter().map(|node| &node.op).collect();
            let place = || format!("{ops:?}, batch {}, {backend:?}", batch.shape()[0]);
            close(&found.logits, &expected.logits, || format!("logits of {}", place()));
            for (index, probe) in probes.iter().enumerate() {
                close(&found.probes[index], &expected.probes[index], || format!("{probe:?} of {}", place()));
            }
        }
    }
}

fn close(found: &Tensor, expected: &Tensor, place: impl Fn() -> String) {
    assert_eq!(found.shape(), expected.shape(), "{}", place());
    let scale = expected.data().iter().fold(1e-3f32, |max, x| max.max(x.abs()));
    for (index, (a, b)) in found.data().iter().zip(expected.data()).enumerate() {
        assert!((a - b).abs() <= TOLERANCE * scale, "{index}: {a}, not {b}; {}", place());
    }
}
