//! Labelled images held in memory.

use mda_core::Tensor;
use mda_core::attribute::Selection;
use mda_core::run::{Batch, Batches, ImageSource};

/// Images whose labels come in blocks, one block of about the same length a category.
pub struct LabelledImages {
    images: Tensor,
    labels: Vec<usize>,
    categories: Vec<String>,
}

impl LabelledImages {
    /// The images `[N, C, H, W]`, shared out among `categories` in their order.
    pub fn new(images: Tensor, categories: &[String]) -> Self {
        let count = images.shape()[0];
        let labels = (0..count).map(|n| n * categories.len() / count).collect();
        Self { images, labels, categories: categories.to_vec() }
    }

    /// Every category with all its images.
    pub fn selection(&self) -> Selection {
        let positions = |category: usize| {
            let of_it = self.labels.iter().enumerate().filter(move |&(_, &label)| label == category);
            of_it.map(|(position, _)| position).collect()
        };
        Selection::new((0..self.categories.len()).map(|category| (category, positions(category))).collect())
    }
}

impl ImageSource for LabelledImages {
    fn categories(&self) -> &[String] {
        &self.categories
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_speaks_for_one_category() {
        let source = LabelledImages::new(Tensor::zeros([5, 1, 1, 1]), &["a".into(), "b".into()]);
        assert_eq!(source.labels(), [0, 0, 0, 1, 1]);
        assert_eq!(source.selection().categories, [(0, vec![0, 1, 2]), (1, vec![3, 4])]);
    }
}
