//! Predicting: what images show, with probabilities.

use crate::error::Error;
use crate::runtime::Runtime;
use mda_core::Model;
use mda_core::run::backend::Session;
use mda_core::tensor::Tensor;
use mda_data::decode::{DecodeError, decode};
use mda_data::{Pixels, Preparation};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use thiserror::Error as ThisError;

/// What an image shows.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// The file.
    pub image: PathBuf,
    /// Categories of the model and their probabilities, the likeliest first. A model of one category has nothing to compare
    /// it with: its number is the logit itself.
    pub categories: Vec<(usize, f64)>,
}

/// Why an image cannot be looked at.
#[derive(Debug, ThisError)]
pub enum ImageError {
    /// It cannot be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is no image.
    #[error("{}: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
}

/// A model that is ready to look at images, which are brought to its channels and size as those of a data set are.
pub struct Predictor<'a> {
    model: &'a Model,
    preparation: Preparation,
    session: Box<dyn Session>,
    batch_size: usize,
    /// How long the model has computed.
    computed: Duration,
}

impl<'a> Predictor<'a> {
    /// `model` compiled for `runtime`.
    ///
    /// # Errors
    /// [`Error::Preparation`] where images cannot be brought to what the model takes, and [`Error::Run`].
    pub fn new(model: &'a Model, runtime: &Runtime) -> Result<Self, Error> {
        let shape = model.input_shape();
        let [height, width] = shape.spatial();
        let preparation = Preparation::new(shape.channels(), height, width).map_err(|source| Error::Preparation {
            path: PathBuf::from("images"),
            shape,
            source,
        })?;
        let runner = runtime.runner();
        let session = runner.backend.compile(model, runner.device, &[])?.session()?;
        Ok(Self { model, preparation, session, batch_size: runner.batch_size, computed: Duration::ZERO })
    }

    /// What the images in `files` show, in their order; `failed` hears of those that cannot be looked at.
    ///
    /// # Errors
    /// [`Error::Run`].
    pub fn predict(&mut self, files: &[PathBuf], mut failed: impl FnMut(ImageError)) -> Result<Vec<Prediction>, Error> {
        let [channels, height, width] = self.preparation.shape();
        let mut predictions = Vec::with_capacity(files.len());
        for files in files.chunks(self.batch_size.max(1)) {
            let (mut numbers, mut read) = (Vec::new(), Vec::new());
            for file in files {
                match pixels(file) {
                    Ok(pixels) => {
                        let start = numbers.len();
                        numbers.resize(start + channels * height * width, 0.0);
                        self.preparation.apply(pixels).write_planes(&mut numbers[start..]);
                        read.push(file);
                    }
                    Err(error) => failed(error),
                }
            }
            if read.is_empty() {
                continue;
            }
            let batch = Tensor::new([read.len(), channels, height, width], numbers).expect("images of one size");
            let start = Instant::now();
            let logits = self.session.run(&batch)?.logits;
            self.computed += start.elapsed();
            let prediction = |(row, file): (usize, &PathBuf)| Prediction {
                image: file.clone(),
                categories: ordered(logits.row(row)),
            };
            predictions.extend(read.into_iter().enumerate().map(prediction));
        }
        Ok(predictions)
    }

    /// How long the model has computed so far; reading images is not in it.
    pub fn computed(&self) -> Duration {
        self.computed
    }

    /// The model.
    pub fn model(&self) -> &Model {
        self.model
    }
}

fn pixels(path: &Path) -> Result<Pixels, ImageError> {
    let bytes = std::fs::read(path).map_err(|source| ImageError::Read { path: path.to_owned(), source })?;
    decode(&bytes).map_err(|source| ImageError::Decode { path: path.to_owned(), source })
}

/// The categories by their softmax, the likeliest first; the logit of the only one.
fn ordered(logits: &[f32]) -> Vec<(usize, f64)> {
    if let [only] = logits {
        return vec![(0, f64::from(*only))];
    }
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits.iter().map(|&logit| f64::from(logit - max).exp()).collect();
    let total: f64 = exponentials.iter().sum();
    let mut categories: Vec<(usize, f64)> = exponentials.into_iter().map(|own| own / total).enumerate().collect();
    categories.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    categories
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn the_likeliest_comes_first() {
        let found = ordered(&[0.0, 3f32.ln(), 0.0]);
        assert_eq!(found.iter().map(|(category, _)| *category).collect::<Vec<_>>(), [1, 0, 2]);
        assert!((found[0].1 - 0.6).abs() < 1e-6);
        assert_eq!(ordered(&[-2.0]), [(0, -2.0)]);
    }
}
