//! Some images of a source, as a source of their own.

use crate::data::Images;
use mda_core::run::{Batch, Batches, ImageSource};
use std::sync::Arc;

/// The images at some positions of a source.
pub(super) struct Subset {
    images: Arc<Images>,
    positions: Vec<usize>,
    labels: Vec<usize>,
}

impl Subset {
    pub(super) fn new(images: Arc<Images>, positions: Vec<usize>) -> Self {
        let labels = positions.iter().map(|&position| images.labels()[position]).collect();
        Self { images, positions, labels }
    }

    /// The images at `indices` in one batch.
    fn batch(&self, indices: &[usize]) -> Option<Result<Batch, mda_core::run::SourceError>> {
        let positions: Vec<usize> = indices.iter().map(|&index| self.positions[index]).collect();
        let batch = self.images.batches(&positions, positions.len()).next()?;
        Some(batch.map(|batch| Batch { indices: indices.to_vec(), ..batch }))
    }
}

impl ImageSource for Subset {
    fn categories(&self) -> &[String] {
        self.images.categories()
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn name(&self, index: usize) -> Option<String> {
        self.images.name(*self.positions.get(index)?)
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        Box::new(indices.chunks(batch_size.max(1)).filter_map(|chunk| self.batch(chunk)))
    }
}
