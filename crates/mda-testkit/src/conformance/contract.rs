//! What the traits promise beyond right numbers: typed errors, order of probes, independent sessions.

use super::case::{Expected, all_probes, unexpected, unsupported};
use super::compare::LAYERS;
use super::report::{Failure, Outcome};
use crate::generate::{random_images, with_random_parameters};
use mda_core::graph::Graph;
use mda_core::op::{Add, BatchNorm, Clamp, Conv2d, Flatten, GlobalAvgPool, Input, Linear};
use mda_core::run::backend::{Backend, BackendError, Probe, Program, RunOutput};
use mda_core::{Model, Tensor};

type Check = fn(&dyn Backend, Option<&str>) -> Result<Outcome, Failure>;

/// The checks, by name.
pub(super) const CHECKS: [(&str, Check); 7] = [
    ("contract: every device runs", every_device_runs),
    ("contract: an unknown device is NoDevice", unknown_device),
    ("contract: a batch of the wrong shape is BadBatch", wrong_batch),
    ("contract: a probe that does not fit is BadProbe", wrong_probe),
    ("contract: probes answer in their order, repeated ones too", order_of_probes),
    ("contract: a run leaves nothing behind", repeated_runs),
    ("contract: sessions of one program run at once", concurrent_sessions),
];

const PASSED: Outcome = Outcome::Passed { difference: 0.0, allowed: 0.0 };

fn model() -> Model {
    let mut graph = Graph::new();
    graph.push("images", Input { channels: 2, height: 6, width: 5 }, &[]);
    graph.push("conv1", Conv2d::dense(4, 3, 1, 1, true), &["images"]);
    graph.push("bn1", BatchNorm { eps: 1e-5 }, &["conv1"]);
    graph.push("relu1", Clamp::relu(), &["bn1"]);
    graph.push("conv2", Conv2d::dense(4, 3, 1, 1, false), &["relu1"]);
    graph.push("sum", Add {}, &["conv2", "relu1"]);
    graph.push("pool", GlobalAvgPool {}, &["sum"]);
    graph.push("flat", Flatten {}, &["pool"]);
    graph.push("fc", Linear { out_features: 3, bias: true }, &["flat"]);
    with_random_parameters("contract", &graph, 3).expect("the graph is valid")
}

/// What the backend answers to one batch.
fn answer(program: &dyn Program, batch: &Tensor) -> Result<RunOutput, Failure> {
    program.session().and_then(|mut session| session.run(batch)).map_err(unexpected)
}

/// Checks `answer` against the reference.
fn check(model: &Model, probes: &[Probe], batch: &Tensor, answer: &RunOutput) -> Result<Outcome, Failure> {
    let difference = Expected::new(model, batch)?.compare(probes, answer, LAYERS)?;
    Ok(Outcome::Passed { difference, allowed: LAYERS.relative })
}

fn wrong<T>(expected: &str, got: Result<T, BackendError>) -> Failure {
    Failure::Wrong(match got {
        Ok(_) => format!("expected {expected}, it went well"),
        Err(error) => format!("expected {expected}, got: {error}"),
    })
}

fn every_device_runs(backend: &dyn Backend, _device: Option<&str>) -> Result<Outcome, Failure> {
    let model = model();
    let batch = random_images(&model, 2, 1);
    let mut outcome = PASSED;
    for device in backend.devices() {
        if let Some(skip) = unsupported(backend, &model, Some(&device.id))? {
            return Ok(skip);
        }
        let program = backend.compile(&model, Some(&device.id), &[]).map_err(unexpected)?;
        outcome = check(&model, &[], &batch, &answer(&*program, &batch)?)?;
    }
    Ok(outcome)
}

fn unknown_device(backend: &dyn Backend, _device: Option<&str>) -> Result<Outcome, Failure> {
    match backend.compile(&model(), Some("abacus:7"), &[]) {
        Err(BackendError::NoDevice { device, .. }) if device == "abacus:7" => Ok(PASSED),
        other => Err(wrong("NoDevice for `abacus:7`", other)),
    }
}

fn wrong_batch(backend: &dyn Backend, device: Option<&str>) -> Result<Outcome, Failure> {
    let model = model();
    if let Some(skip) = unsupported(backend, &model, device)? {
        return Ok(skip);
    }
    let program = backend.compile(&model, device, &[]).map_err(unexpected)?;
    let mut session = program.session().map_err(unexpected)?;
    let shapes: [&[usize]; 8] =
        [&[1, 3, 6, 5], &[1, 2, 5, 6], &[2, 6, 5], &[1, 60], &[60], &[0, 2, 6, 5], &[], &[1, 2, 6, 5, 1]];
    for shape in shapes {
        match session.run(&Tensor::zeros(shape)) {
            Err(BackendError::BadBatch { got, .. }) if got == shape => {}
            other => return Err(wrong(&format!("BadBatch for {shape:?}"), other)),
        }
    }
    let batch = random_images(&model, 2, 1);
    check(&model, &[], &batch, &session.run(&batch).map_err(unexpected)?)
}

fn wrong_probe(backend: &dyn Backend, device: Option<&str>) -> Result<Outcome, Failure> {
    let model = model();
    if let Some(skip) = unsupported(backend, &model, device)? {
        return Ok(skip);
    }
    let graph = model.graph();
    let beyond = graph.nodes().len();
    let linear = graph.output();
    let every_kind = [Probe::WindowSum, Probe::Input, Probe::Value, Probe::Moments];
    let unfit = [Probe::WindowSum(linear), Probe::WindowSum(graph.input()), Probe::Input(graph.input())];
    for bad in every_kind.map(|kind| kind(beyond)).into_iter().chain(unfit) {
        match backend.compile(&model, device, &[Probe::Value(linear), bad]) {
            Err(BackendError::BadProbe { probe, .. }) if probe == bad => {}
            other => return Err(wrong(&format!("BadProbe for {bad:?}"), other)),
        }
    }
    Ok(PASSED)
}

fn order_of_probes(backend: &dyn Backend, device: Option<&str>) -> Result<Outcome, Failure> {
    let model = model();
    if let Some(skip) = unsupported(backend, &model, device)? {
        return Ok(skip);
    }
    let mut probes = all_probes(&model);
    probes.reverse();
    probes.extend_from_within(3..9);
    let batch = random_images(&model, 2, 1);
    let program = backend.compile(&model, device, &probes).map_err(unexpected)?;
    check(&model, &probes, &batch, &answer(&*program, &batch)?)
}

fn repeated_runs(backend: &dyn Backend, device: Option<&str>) -> Result<Outcome, Failure> {
    let model = model();
    if let Some(skip) = unsupported(backend, &model, device)? {
        return Ok(skip);
    }
    let probes = all_probes(&model);
    let program = backend.compile(&model, device, &probes).map_err(unexpected)?;
    let mut session = program.session().map_err(unexpected)?;
    let [small, large] = [(2, 1), (9, 2)].map(|(count, seed)| random_images(&model, count, seed));
    let mut outcome = PASSED;
    for batch in [&small, &large, &small, &small] {
        outcome = check(&model, &probes, batch, &session.run(batch).map_err(unexpected)?)?;
    }
    Ok(outcome)
}

fn concurrent_sessions(backend: &dyn Backend, device: Option<&str>) -> Result<Outcome, Failure> {
    let model = model();
    if let Some(skip) = unsupported(backend, &model, device)? {
        return Ok(skip);
    }
    let probes = all_probes(&model);
    let program = backend.compile(&model, device, &probes).map_err(unexpected)?;
    let work = |thread: u64| {
        let mut session = program.session().map_err(unexpected)?;
        let mut outcome = PASSED;
        for round in 0..20 {
            let batch = random_images(&model, 1 + round % 4, 100 * thread + round as u64);
            outcome = check(&model, &probes, &batch, &session.run(&batch).map_err(unexpected)?)?;
        }
        Ok(outcome)
    };
    std::thread::scope(|scope| {
        let threads = [0, 1].map(|thread| scope.spawn(move || work(thread)));
        let outcomes = threads.map(|thread| {
            thread.join().unwrap_or_else(|_| Err(Failure::Wrong("a session panicked on its thread".into())))
        });
        outcomes.into_iter().try_fold(PASSED, |_, outcome| outcome)
    })
}
