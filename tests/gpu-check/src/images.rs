//! Random images held in memory, so that nothing but computing is timed.

use mda_core::source::{Batch, Batches, ImageSource};
use mda_core::{Model, Tensor};
use mda_models::random_images;

/// Images with labels in blocks, one block a category.
pub(crate) struct Held {
    images: Tensor,
    labels: Vec<usize>,
    names: Vec<String>,
}

impl Held {
    /// `count` images that `model` takes.
    pub(crate) fn new(model: &Model, count: usize) -> Self {
        let names = model.categories().to_vec();
        Self {
            images: random_images(model.input_shape(), count, 2),
            labels: (0..count).map(|n| n * names.len() / count).collect(),
            names,
        }
    }
}

impl ImageSource for Held {
    fn categories(&self) -> &[String] {
        &self.names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        Box::new(indices.chunks(batch_size).map(|indices| {
            let labels = indices.iter().map(|&index| self.labels[index]).collect();
            Ok(Batch { images: self.images.select(0, indices), labels, indices: indices.to_vec() })
        }))
    }
}
