//! The training images that decided the official masks, as a source of labelled images.

use super::GoldenError;
use super::tensors::TensorFile;
use mda_core::{Batch, Batches, ImageSource, Tensor};

/// The selected training images of a fixture; position `n` is the `n`-th of the selection, not of the training split.
#[derive(Clone, Debug)]
pub struct SelectedImages {
    /// Grey, `[N, 1, H, W]`; the three channels that the models take are equal.
    images: Tensor,
    labels: Vec<usize>,
    indices: Vec<usize>,
    categories: Vec<String>,
}

/// The channels that the models take.
const CHANNELS: usize = 3;

impl SelectedImages {
    pub(super) fn read(file: &TensorFile) -> Result<Self, GoldenError> {
        let (images, labels, indices) = (file.pixels("images")?, file.indices("labels")?, file.indices("train_index")?);
        match images.shape() {
            &[count, 1, _, _] if count == labels.len() && count == indices.len() => {}
            shape => {
                let found = format!("{shape:?} for {} labels and {} indices", labels.len(), indices.len());
                return Err(file.error("images", "one grey image a label", found));
            }
        }
        let count = labels.iter().max().map_or(0, |largest| largest + 1);
        Ok(Self { images, labels, indices, categories: (0..count).map(|label| label.to_string()).collect() })
    }

    /// The positions of the images in the training split.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// The positions in this source of the images of `category`, ascending.
    pub fn of_category(&self, category: usize) -> Vec<usize> {
        let labels = self.labels.iter().enumerate();
        labels.filter(|&(_, &label)| label == category).map(|(position, _)| position).collect()
    }

    fn batch(&self, indices: &[usize]) -> Batch {
        let mut shape = self.images.shape().to_vec();
        (shape[0], shape[1]) = (indices.len(), CHANNELS);
        let data = indices.iter().flat_map(|&index| self.images.row(index).repeat(CHANNELS)).collect();
        let images = Tensor::new(shape, data).expect("three planes an image");
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        Batch { images, labels, indices: indices.to_vec() }
    }
}

impl ImageSource for SelectedImages {
    fn categories(&self) -> &[String] {
        &self.categories
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        Box::new(indices.chunks(batch_size.max(1)).map(|indices| Ok(self.batch(indices))))
    }
}
