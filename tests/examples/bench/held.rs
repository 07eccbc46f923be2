//! Images held in memory, so that nothing but computing is timed.

use mda_core::disassemble::Selection;
use mda_core::source::{Batch, Batches, ImageSource};
use mda_core::{Model, Tensor};

/// Random images of all categories of a model, as many of each.
pub(crate) struct Held {
    images: Tensor,
    labels: Vec<usize>,
    names: Vec<String>,
}

impl Held {
    /// Labels `images` with the categories of `model`, one range after the other.
    pub(crate) fn new(model: &Model, images: Tensor) -> Self {
        let (count, names) = (images.shape()[0], model.categories().to_vec());
        Self { images, labels: (0..count).map(|n| n * names.len() / count).collect(), names }
    }

    /// All images speak for their category.
    pub(crate) fn selection(&self) -> Selection {
        let of = |category: usize| (0..self.labels.len()).filter(|&n| self.labels[n] == category).collect::<Vec<_>>();
        let categories = (0..self.names.len()).map(|category| (category, of(category)));
        Selection { categories: categories.filter(|(_, images)| !images.is_empty()).collect() }
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
