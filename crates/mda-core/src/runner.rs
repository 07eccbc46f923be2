//! Running a model over labelled images.

use crate::backend::{Backend, BackendError, Probe};
use crate::model::Model;
use crate::source::{ImageSource, SourceError};
use crate::tensor::Tensor;
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

impl Runner<'_> {
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
        mut each: impl FnMut(std::ops::Range<usize>, Vec<Tensor>),
    ) -> Result<LabelledLogits, RunError> {
        let program = self.backend.compile(model, self.device, probes)?;
        let mut session = program.session()?;
        let mut logits = Vec::with_capacity(indices.len() * model.categories().len());
        let mut labels = Vec::with_capacity(indices.len());
        for batch in source.batches(indices, self.batch_size) {
            let batch = batch.map_err(RunError::Source)?;
            let output = session.run(&batch.images)?;
            logits.extend_from_slice(output.logits.data());
            let start = labels.len();
            labels.extend(batch.labels);
            each(start..labels.len(), output.probes);
        }
        let logits = Tensor::new([labels.len(), model.categories().len()], logits).map_err(|error| {
            let backend = self.backend.id().to_owned();
            BackendError::Failed { backend, message: format!("logits of the wrong count: {error}") }
        })?;
        Ok(LabelledLogits { logits, labels })
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
