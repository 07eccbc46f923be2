//! Where labelled images come from, as far as the mathematics cares.

use crate::tensor::Tensor;

/// What goes wrong while images are read: the data crate's own error, boxed.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Some labelled images, in the order they were asked for.
#[derive(Clone, Debug)]
pub struct Batch {
    /// `[N, C, H, W]`, f32, row-major, pixel values in `0.0..=1.0` (pixel / 255); normalisation is part of the model.
    pub images: Tensor,
    /// The category of every image, as an index into [`ImageSource::categories`].
    pub labels: Vec<usize>,
    /// The position of every image in its source.
    pub indices: Vec<usize>,
}

/// The batches of one walk over a source.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + 'a>;

/// A set of labelled images of one size.
pub trait ImageSource: Sync {
    /// The names of the categories, by label.
    fn categories(&self) -> &[String];

    /// The label of every image, by position.
    fn labels(&self) -> &[usize];

    /// What the image at `index` is called where it comes from, such as its path; `None` where images have no names.
    fn name(&self, index: usize) -> Option<String> {
        let _ = index;
        None
    }

    /// The images at `indices`, in that order, `batch_size` at a time (the last batch may be smaller).
    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a>;
}
