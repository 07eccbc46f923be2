//! Running a model over labelled images.

use crate::graph::{NodeId, ValidGraph};
use crate::model::Model;
use crate::run::backend::{Backend, BackendError, Probe, Session};
use crate::run::{ImageSource, SourceError};
use crate::tensor::{Tensor, TensorError};
use thiserror::Error;

/// A backend, a device of it, and how many images run at a time.
#[derive(Clone, Copy)]
pub struct Runner<'a> {
    /// Where models run.
    pub backend: &'a dyn Backend,
    /// The device, or the backend's default.
    pub device: Option<&'a str>,
    /// Images a batch.
    pub batch_size: usize,
}

/// Why a model could not be run over images.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The backend's refusal.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The images could not be read.
    #[error("reading images: {0}")]
    Source(SourceError),
}

/// Logits beside the labels of the images that they were computed from.
#[derive(Clone, Debug)]
pub struct LabelledLogits {
    /// `[N, K]`, f32.
    pub logits: Tensor,
    /// The label of every image as its source numbers them.
    pub labels: Vec<usize>,
}

impl LabelledLogits {
    /// All of `parts`, one behind the other.
    ///
    /// # Errors
    /// [`TensorError`] where they are not of one number of categories.
    pub fn joined(parts: Vec<Self>) -> Result<Self, TensorError> {
        let categories = parts.first().map_or(0, |part| part.logits.shape()[1]);
        let labels: Vec<usize> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
        let numbers = parts.into_iter().flat_map(|part| part.logits.into_data()).collect();
        Ok(Self { logits: Tensor::new([labels.len(), categories], numbers)?, labels })
    }
}

/// A model compiled for repeated runs, with one session.
pub struct Running<'a> {
    runner: Runner<'a>,
    session: Box<dyn Session>,
    categories: usize,
}

/// Batches are made smaller where their largest values and what is probed of them would take more bytes than this.
const MOST_BYTES_A_BATCH: usize = 1 << 28;

impl<'a> Runner<'a> {
    /// The same with as many images a batch as fit into a quarter of a GiB: counted are the two largest values of a model and
    /// what is probed.
    pub(crate) fn within_memory(&self, graph: &ValidGraph, probes: &[Probe]) -> Self {
        let elements = |id: NodeId| graph.node(id).shape.elements();
        let probed = |probe: &Probe| match *probe {
            Probe::Value(id) => elements(id),
            Probe::Input(id) => elements(graph.node(id).inputs[0]),
            // A few numbers a channel.
            Probe::Moments(_) | Probe::WindowSum(_) => 0,
        };
        let largest = (0..graph.nodes().len()).map(elements).max().unwrap_or(0);
        let numbers = probes.iter().map(probed).fold(largest.saturating_mul(2), usize::saturating_add);
        let fit = MOST_BYTES_A_BATCH / numbers.saturating_mul(size_of::<f32>()).max(1);
        Self { batch_size: self.batch_size.min(fit.max(1)), ..*self }
    }

    /// Compiles `model` once for many runs. Where an image takes much memory, fewer run at a time than were asked for.
    ///
    /// # Errors
    /// [`BackendError`] where the backend refuses the model, the device or a probe.
    pub fn start(&self, model: &Model, probes: &[Probe]) -> Result<Running<'a>, BackendError> {
        let session = self.backend.compile(model, self.device, probes)?.session()?;
        let runner = self.within_memory(model.graph(), probes);
        Ok(Running { runner, session, categories: model.categories().len() })
    }

    /// Runs `model` over the images at `indices` and hands every batch's probes to `each` with the positions that the
    /// batch has in `indices`; answers the logits of all images.
    ///
    /// # Errors
    /// [`RunError`] from the backend or the images.
    pub fn run(
        &self,
        model: &Model,
        probes: &[Probe],
        source: &dyn ImageSource,
        indices: &[usize],
        each: impl FnMut(std::ops::Range<usize>, Vec<Tensor>),
    ) -> Result<LabelledLogits, RunError> {
        self.start(model, probes)?.run(source, indices, each)
    }

    /// The logits of `model` for the images at `indices`.
    ///
    /// # Errors
    /// [`RunError`] from the backend or the images.
    pub fn logits(
        &self,
        model: &Model,
        source: &dyn ImageSource,
        indices: &[usize],
    ) -> Result<LabelledLogits, RunError> {
        self.run(model, &[], source, indices, |_, _| {})
    }
}

impl Running<'_> {
    /// As [`Runner::run`], with the model and the probes that it was started with.
    ///
    /// # Errors
    /// [`RunError`] from the backend or the images.
    pub fn run(
        &mut self,
        source: &dyn ImageSource,
        indices: &[usize],
        mut each: impl FnMut(std::ops::Range<usize>, Vec<Tensor>),
    ) -> Result<LabelledLogits, RunError> {
        let mut logits = Vec::with_capacity(indices.len() * self.categories);
        let mut labels = Vec::with_capacity(indices.len());
        for batch in source.batches(indices, self.runner.batch_size) {
            let batch = batch.map_err(RunError::Source)?;
            let output = self.session.run(&batch.images)?;
            logits.extend_from_slice(output.logits.data());
            let start = labels.len();
            labels.extend(batch.labels);
            each(start..labels.len(), output.probes);
        }
        let logits = Tensor::new([labels.len(), self.categories], logits).map_err(|error| {
            let backend = self.runner.backend.id().to_owned();
            BackendError::Failed { backend, message: format!("logits of the wrong count: {error}") }
        })?;
        Ok(LabelledLogits { logits, labels })
    }
}
