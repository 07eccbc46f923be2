//! Batches of values inside the session's buffers.

use mda_core::tensor::Shape;

/// A batch of values of one shape, read only: image `n` starts at `n * stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maps<'a> {
    data: &'a [f32],
    images: usize,
    stride: usize,
    shape: Shape,
}

/// A batch of values of one shape, to write to.
#[derive(Debug)]
pub(crate) struct MapsMut<'a> {
    data: &'a mut [f32],
    images: usize,
    stride: usize,
    shape: Shape,
    threads: usize,
}

/// The numbers from the first image's first to the last image's last.
fn extent(images: usize, stride: usize, shape: Shape) -> usize {
    (images - 1) * stride + shape.elements()
}

impl<'a> Maps<'a> {
    /// `images` values from the start of `data`.
    pub(crate) fn new(data: &'a [f32], images: usize, stride: usize, shape: Shape) -> Self {
        Self { data: &data[..extent(images, stride, shape)], images, stride, shape }
    }

    pub(crate) fn data(&self) -> &'a [f32] {
        self.data
    }

    pub(crate) fn images(&self) -> usize {
        self.images
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// All numbers of one image.
    pub(crate) fn image(&self, n: usize) -> &'a [f32] {
        &self.data[n * self.stride..][..self.shape.elements()]
    }

    /// All positions of one channel of one image.
    pub(crate) fn plane(&self, n: usize, channel: usize) -> &'a [f32] {
        let positions = self.shape.positions();
        &self.data[n * self.stride + channel * positions..][..positions]
    }
}

impl<'a> MapsMut<'a> {
    /// `images` values from the start of `data`, for `threads` threads to write.
    pub(crate) fn new(data: &'a mut [f32], images: usize, stride: usize, shape: Shape, threads: usize) -> Self {
        Self { data: &mut data[..extent(images, stride, shape)], images, stride, shape, threads }
    }

    /// How many threads may write at once.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn data_mut(&mut self) -> &mut [f32] {
        self.data
    }

    pub(crate) fn images(&self) -> usize {
        self.images
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }
}
