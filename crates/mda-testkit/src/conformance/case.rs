//! One model run through a backend in every way that the suite asks for.

use super::compare::{LAYERS, ONE_SUM, Tolerance, compare};
use super::masks;
use super::report::{Failure, Outcome};
use super::scale::Scales;
use crate::generate::{model_from_seed, random_images, with_random_parameters};
use crate::random::Random;
use mda_core::graph::Graph;
use mda_core::run::backend::{Backend, BackendError, Probe, RunOutput};
use mda_core::run::reference::Reference;
use mda_core::{Model, Tensor};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A model, the batches it runs, and how exact the answers have to be.
pub(super) struct Case {
    pub(super) name: String,
    model: Model,
    batch_sizes: Vec<usize>,
    tolerance: Tolerance,
}

/// The seed of all weights that are not drawn for a random graph.
const SEED: u64 = 7;

impl Case {
    /// A case over `graph` with random weights, in batches of 3 and 1.
    pub(super) fn new(name: &str, graph: &Graph, tolerance: Tolerance) -> Self {
        let model = with_random_parameters(name, graph, SEED).unwrap_or_else(|error| panic!("case `{name}`: {error}"));
        Self { name: name.into(), model, batch_sizes: vec![3, 1], tolerance }
    }

    /// The random graph of `seed`.
    pub(super) fn random(seed: u64) -> Self {
        let model = model_from_seed(seed);
        Self { name: format!("random graph {seed}"), model, batch_sizes: vec![2, 5], tolerance: LAYERS }
    }

    /// The model.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    pub(super) fn with_batches(mut self, batch_sizes: &[usize]) -> Self {
        self.batch_sizes = batch_sizes.to_vec();
        self
    }

    /// The case with every third channel of every layer and BatchNorm, from the second one on, 2^-17 of what it was.
    pub(super) fn with_small_channels(mut self) -> Self {
        let (graph, mut parameters) = (self.model.graph(), self.model.parameters().clone());
        let names =
            graph.nodes().iter().flat_map(|node| ["weight", "bias"].map(|suffix| format!("{}.{suffix}", node.name)));
        for name in names {
            let Some(tensor) = parameters.get(&name) else { continue };
            let mut tensor = Tensor::clone(tensor);
            let row = tensor.len() / tensor.shape()[0];
            for small in tensor.data_mut().chunks_exact_mut(row).skip(1).step_by(3) {
                small.iter_mut().for_each(|x| *x *= 2.0f32.powi(-17));
            }
            parameters.insert(name, tensor);
        }
        let (name, categories) = (self.model.name().to_owned(), self.model.categories().to_vec());
        self.model = Model::new(name, graph.clone(), parameters, categories).expect("parameters of the same shapes");
        self
    }

    pub(super) fn run(&self, backend: &dyn Backend, device: Option<&str>) -> Outcome {
        guarded(|| self.compared(backend, device))
    }

    /// The masks of the case's model, as a case of their own.
    pub(super) fn run_masks(&self, backend: &dyn Backend, device: Option<&str>) -> Outcome {
        guarded(|| masks::check(&self.model, backend, device))
    }

    /// Without probes, so that the backend may fuse what it can; with all; and with some, which breaks fused chains here
    /// and there.
    fn compared(&self, backend: &dyn Backend, device: Option<&str>) -> Result<Outcome, Failure> {
        if let Some(outcome) = unsupported(backend, &self.model, device)? {
            return Ok(outcome);
        }
        let all = all_probes(&self.model);
        let mut random = Random::new(SEED);
        let some: Vec<Probe> = all.iter().copied().filter(|_| random.below(4) == 0).collect();
        let batches = self.batches()?;
        let mut worst: f32 = 0.0;
        for probes in [&[][..], &all, &some] {
            let program = backend.compile(&self.model, device, probes).map_err(unexpected)?;
            let mut session = program.session().map_err(unexpected)?;
            for (batch, expected) in &batches {
                let output = session.run(batch).map_err(unexpected)?;
                worst = worst.max(expected.compare(probes, &output, self.tolerance)?);
            }
        }
        Ok(Outcome::Passed { difference: worst, allowed: self.tolerance.relative })
    }

    /// Every batch with what the reference answers to it.
    fn batches(&self) -> Result<Vec<(Tensor, Expected<'_>)>, Failure> {
        let answer = |(seed, &size): (usize, &usize)| {
            let batch = random_images(&self.model, size, seed as u64);
            let expected = Expected::new(&self.model, &batch)?;
            Ok((batch, expected))
        };
        self.batch_sizes.iter().enumerate().map(answer).collect()
    }
}

/// Runs a check; a panic of the backend is a failure of this case alone.
pub(super) fn guarded(check: impl FnOnce() -> Result<Outcome, Failure>) -> Outcome {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(failure)) => Outcome::Failed(failure),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Outcome::Failed(Failure::Wrong(format!("a panic: {}", text.unwrap_or_default())))
        }
    }
}

pub(super) fn unexpected(error: BackendError) -> Failure {
    Failure::Wrong(format!("an unexpected error: {error}"))
}

/// The skip of a model that the backend says it cannot run, after checking that it refuses to compile it.
pub(super) fn unsupported(
    backend: &dyn Backend,
    model: &Model,
    device: Option<&str>,
) -> Result<Option<Outcome>, Failure> {
    let nodes = backend.unsupported(model);
    if nodes.is_empty() {
        return Ok(None);
    }
    match backend.compile(model, device, &[]).map(drop) {
        Err(error @ BackendError::Unsupported { .. }) => Ok(Some(Outcome::Skipped { reason: error.to_string() })),
        Err(error) => Err(unexpected(error)),
        Ok(()) => Err(Failure::Wrong(format!("it compiles what it calls unsupported: {nodes:?}"))),
    }
}

/// Every probe that some node of the model allows.
pub(super) fn all_probes(model: &Model) -> Vec<Probe> {
    let kinds = [Probe::WindowSum, Probe::Input, Probe::Value, Probe::Moments];
    let every = (0..model.graph().nodes().len()).flat_map(|id| kinds.map(|kind| kind(id)));
    every.filter(|probe| probe.shape(model, 1).is_ok()).collect()
}

pub(super) fn reference(model: &Model, probes: &[Probe], batch: &Tensor) -> Result<RunOutput, Failure> {
    let mut session = Reference.compile(model, None, probes).and_then(|program| program.session());
    session.as_mut().map_err(|error| Failure::Wrong(error.to_string()))?.run(batch).map_err(unexpected)
}

/// What the reference answers to a batch.
pub(super) struct Expected<'a> {
    model: &'a Model,
    logits: Tensor,
    /// Every probe's answer.
    answers: HashMap<Probe, Tensor>,
    scales: Scales,
}

impl<'a> Expected<'a> {
    pub(super) fn new(model: &'a Model, batch: &Tensor) -> Result<Self, Failure> {
        let probes = all_probes(model);
        let output = reference(model, &probes, batch)?;
        let scales = Scales::new(model, &probes, &output);
        Ok(Self { model, logits: output.logits, answers: probes.into_iter().zip(output.probes).collect(), scales })
    }

    /// The largest difference of `got`, asked for `probes`, among the logits and all probes.
    pub(super) fn compare(&self, probes: &[Probe], got: &RunOutput, tolerance: Tolerance) -> Result<f32, Failure> {
        if got.probes.len() != probes.len() {
            return Err(Failure::Wrong(format!("{} probes were asked for, {} came", probes.len(), got.probes.len())));
        }
        let (graph, batch) = (self.model.graph(), self.logits.shape()[0]);
        let scales = self.scales.value(graph.output());
        let mut worst = compare(&format!("logits of {batch} images"), &self.logits, &got.logits, scales, tolerance)?;
        for (probe, got) in probes.iter().zip(&got.probes) {
            let (node, count) = (&graph.node(probe.node()).name, probes.len());
            let tensor = format!("{probe:?} (`{node}`) of {batch} images, one of {count} probes,");
            let expected = &self.answers[probe];
            let scales = self.scales.probe(self.model, *probe, expected);
            worst = worst.max(compare(&tensor, expected, got, &scales, observed(*probe, tolerance))?);
        }
        Ok(worst)
    }
}

/// Window sums and moments add up positions, which no case about moving numbers allows for.
fn observed(probe: Probe, tolerance: Tolerance) -> Tolerance {
    match probe {
        Probe::WindowSum(_) | Probe::Moments(_) if tolerance.relative < ONE_SUM.relative => ONE_SUM,
        _ => tolerance,
    }
}
