//! Images as a model takes them: channels and size.

use mda_core::run::{Batches, ImageSource};
use thiserror::Error;

use crate::data_set::DataSet;
use crate::error::DataError;
use crate::pixels::Pixels;
use crate::resize::resize;

/// The longest side that images are brought to, in pixels.
const LONGEST_SIDE: usize = 16_384;

/// What a model takes: channels and size. Normalisation is part of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Preparation {
    channels: usize,
    height: usize,
    width: usize,
}

/// A shape that images cannot be brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "images cannot be prepared as [C, H, W] = [{channels}, {height}, {width}]: C is 1 or 3, H and W are 1 to {LONGEST_SIDE}"
)]
pub struct PreparationError {
    /// C.
    pub channels: usize,
    /// H, in pixels.
    pub height: usize,
    /// W, in pixels.
    pub width: usize,
}

impl Preparation {
    /// Images of 1 channel (grey) or 3 (colour), `height` by `width` pixels.
    ///
    /// # Errors
    /// [`PreparationError`] where there are other than 1 or 3 channels, or an extent is 0 or very large.
    pub fn new(channels: usize, height: usize, width: usize) -> Result<Self, PreparationError> {
        let side = 1..=LONGEST_SIDE;
        if [1, 3].contains(&channels) && side.contains(&height) && side.contains(&width) {
            Ok(Self { channels, height, width })
        } else {
            Err(PreparationError { channels, height, width })
        }
    }

    /// `[C, H, W]`.
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// The image in these channels and this size: colour becomes grey before it is resized ([`Pixels::into_grey`]), grey
    /// becomes colour after ([`Pixels::into_colour`]), and the size comes from [`resize`].
    pub fn apply(&self, pixels: Pixels) -> Pixels {
        let pixels = if self.channels == 1 { pixels.into_grey() } else { pixels };
        let pixels = if (pixels.height, pixels.width) == (self.height, self.width) {
            pixels
        } else {
            resize(&pixels, self.height, self.width)
        };
        if self.channels == 3 { pixels.into_colour() } else { pixels }
    }
}

/// A data set whose images all come in the shape of one [`Preparation`].
#[derive(Clone, Debug)]
pub struct Prepared {
    set: DataSet,
    preparation: Preparation,
}

impl Prepared {
    pub(crate) fn new(set: DataSet, preparation: Preparation) -> Self {
        Self { set, preparation }
    }

    /// The images as they are stored.
    pub fn set(&self) -> &DataSet {
        &self.set
    }

    /// The shape of the images.
    pub fn preparation(&self) -> Preparation {
        self.preparation
    }

    /// One image, prepared.
    ///
    /// # Errors
    /// [`DataError`] where `index` is too large or the image cannot be read.
    pub fn pixels(&self, index: usize) -> Result<Pixels, DataError> {
        Ok(self.preparation.apply(self.set.pixels(index)?))
    }
}

impl ImageSource for Prepared {
    fn categories(&self) -> &[String] {
        self.set.categories()
    }

    fn labels(&self) -> &[usize] {
        self.set.labels()
    }

    fn name(&self, index: usize) -> Option<String> {
        self.set.name(index)
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        self.set.walk(indices, batch_size, Some(self.preparation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_refused() {
        for (channels, height, width) in [(2, 8, 8), (0, 8, 8), (3, 0, 8), (3, 8, 0), (1, LONGEST_SIDE + 1, 1)] {
            let error = Preparation::new(channels, height, width).unwrap_err();
            assert_eq!(error, PreparationError { channels, height, width });
        }
    }

    #[test]
    fn channels_and_size_follow_the_preparation() {
        let grey = Pixels { channels: 1, height: 2, width: 2, data: vec![0, 100, 100, 200] };
        let colour = Preparation::new(3, 1, 1).unwrap().apply(grey.clone());
        assert_eq!(colour, Pixels { channels: 3, height: 1, width: 1, data: vec![100; 3] });
        let back = Preparation::new(1, 2, 1).unwrap().apply(grey.into_colour());
        assert_eq!(back, Pixels { channels: 1, height: 2, width: 1, data: vec![50, 150] });
    }
}
