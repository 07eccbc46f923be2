//! Sessions: varying batches, several at once, refused input.

use crate::check::{agrees, backends, classified, single};
use mda_backend_cpu::CpuBackend;
use mda_core::graph::Graph;
use mda_core::op::{Add, Conv2d, GlobalAvgPool, Input, MaxPool, Window};
use mda_core::run::backend::{Backend, BackendError, Probe};
use mda_core::{Model, Tensor};
use mda_testkit::generate::random_images;

/// Batches of every size through one session, smaller after larger, and more images than one part holds.
#[test]
fn batch_sizes_may_vary() {
    let model = single([16, 6, 6], Conv2d::dense(20, 3, 1, 1, true));
    agrees(&model, &[Probe::WindowSum(1), Probe::Value(1)], &[64, 1, 7, 150, 2]);
}

#[test]
fn sessions_of_one_program_run_at_once() {
    let model = single([16, 12, 12], Conv2d::dense(40, 3, 1, 1, true));
    let program = CpuBackend::new().compile(&model, None, &[]).unwrap();
    let batches: Vec<Tensor> = (0..4).map(|seed| random_images(&model, 9, seed)).collect();
    let alone = &|batch: &Tensor| program.session().unwrap().run(batch).unwrap().logits;
    let expected: Vec<Tensor> = batches.iter().map(alone).collect();
    std::thread::scope(|scope| {
        for (batch, expected) in batches.iter().zip(&expected) {
            scope.spawn(move || (0..5).for_each(|_| assert_eq!(&alone(batch), expected)));
        }
    });
}

/// The answer does not depend on how many threads there are.
#[test]
fn threads_change_nothing() {
    let model = single([16, 24, 24], Conv2d::dense(70, 3, 1, 1, true));
    let batch = random_images(&model, 8, 1);
    let logits = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut session = CpuBackend::new().compile(&model, None, &[]).unwrap().session().unwrap();
            session.run(&batch).unwrap().logits
        })
    });
    assert!(logits[1..].iter().all(|other| other == &logits[0]));
}

/// Large maps with few weights, then small maps with many: the former go through in parts, which neither batch nor threads show.
fn narrowing() -> Model {
    let mut graph = Graph::new();
    graph.push("image", Input { channels: 3, height: 96, width: 96 }, &[]);
    graph.push("stem", Conv2d::dense(24, 3, 1, 1, true), &["image"]);
    graph.push("wide", Conv2d::dense(96, 1, 1, 0, true), &["stem"]);
    let window = Window::square(3, 2, 1);
    graph.push("deep", Conv2d { out_channels: 96, window, groups: 96, bias: true }, &["wide"]);
    graph.push("narrow", Conv2d::dense(24, 1, 1, 0, true), &["deep"]);
    graph.push("again", Conv2d::dense(24, 3, 1, 1, true), &["narrow"]);
    graph.push("sum", Add {}, &["again", "narrow"]);
    graph.push("pool", MaxPool { window: Window::square(8, 8, 0), ceil_mode: false }, &["sum"]);
    graph.push("late", Conv2d::dense(300, 1, 1, 0, true), &["pool"]);
    graph.push("later", Conv2d::dense(200, 3, 2, 1, true), &["late"]);
    graph.push("mean", GlobalAvgPool {}, &["later"]);
    classified(graph, "mean")
}

#[test]
fn parts_change_nothing() {
    let model = narrowing();
    let node = |name: &str| model.graph().find(name).expect("a node of this name");
    let probes = [Probe::Value(node("narrow")), Probe::Moments(node("late")), Probe::WindowSum(node("again"))];
    agrees(&model, &probes, &[1, 5]);
    let batch = random_images(&model, 7, 1);
    let image = batch.len() / 7;
    for backend in backends() {
        let run = |threads: usize, together: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut session = backend.compile(&model, None, &probes).unwrap().session().unwrap();
                let outputs = batch.data().chunks(together * image).map(|images| {
                    let shape = model.input_shape().batched(images.len() / image);
                    session.run(&Tensor::new(shape, images.to_vec()).unwrap()).unwrap()
                });
                let rows = outputs.map(|output| std::iter::once(output.logits).chain(output.probes).collect());
                let rows: Vec<Vec<Tensor>> = rows.collect();
                let all = |index: usize| rows.iter().flat_map(|row| row[index].data().to_vec()).collect();
                (0..=probes.len()).map(all).collect::<Vec<Vec<f32>>>()
            })
        };
        let expected = run(1, 7);
        for (threads, together) in [(1, 1), (2, 7), (2, 1), (3, 4), (5, 3)] {
            assert!(run(threads, together) == expected, "{backend:?}, {threads} threads, {together} images");
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let model = single([3, 4, 4], Conv2d::dense(2, 3, 1, 1, true));
    let error = CpuBackend::new().compile(&model, Some("cuda:0"), &[]).err();
    assert!(matches!(error, Some(BackendError::NoDevice { .. })));
    let mut session = CpuBackend::new().compile(&model, Some("cpu"), &[]).unwrap().session().unwrap();
    for shape in [vec![0, 3, 4, 4], vec![2, 3, 4, 5], vec![3, 4, 4]] {
        let error = session.run(&Tensor::zeros(shape)).err();
        assert!(matches!(error, Some(BackendError::BadBatch { .. })));
    }
    assert_eq!(CpuBackend::new().devices()[0].id, "cpu");
}
