//! Rescaling: making the logits of assembled components compete fairly.

use crate::affine::LogitAffine;
use crate::metrics::arg_max;
use crate::runner::LabelledLogits;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use thiserror::Error;

/// How the logits of components are brought to one scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rescaling {
    /// As they are.
    #[default]
    None,
    /// The released Model-LEGO code: every category's logit is divided by the mean of the largest logit over its
    /// correctly classified images.
    Ratio,
    /// Model LEGO's poster: every filter is scaled by the mean magnitude over its own, `e_j` the mean over images of the
    /// filter's summed absolute output. Applied to the last layer, whose filters are the logits.
    Magnitude,
}

/// Why the logits cannot be rescaled.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RescaleError {
    /// A category without a correctly classified calibration image, or whose largest logits are not positive.
    #[error(
        "logit {category} cannot be rescaled by its ratio: over {correct} correctly classified calibration images \
         the mean largest logit is not positive"
    )]
    NoRatio {
        /// The joint category.
        category: usize,
        /// Its correctly classified images.
        correct: usize,
    },
    /// A logit that is always zero.
    #[error("logit {category} is zero on all calibration images; its magnitude cannot be rescaled")]
    NoMagnitude {
        /// The joint category.
        category: usize,
    },
}

impl Rescaling {
    /// The scale and shift of every joint logit.
    ///
    /// `blocks` are the joint categories of each component. `calibration` has the joint logits `[N, K]` of calibration
    /// images with joint labels; it is not read for [`Rescaling::None`].
    ///
    /// # Errors
    /// [`RescaleError`] where the calibration images do not determine a category's scale.
    pub fn fit(self, blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<LogitAffine, RescaleError> {
        let count = blocks.last().map_or(0, |block| block.end);
        let scale = match self {
            Self::None => vec![1.0; count],
            Self::Ratio => ratio(blocks, calibration)?,
            Self::Magnitude => magnitude(count, calibration)?,
        };
        Ok(LogitAffine { shift: vec![0.0; count], scale })
    }
}

fn ratio(blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<Vec<f32>, RescaleError> {
    let mut scale = Vec::new();
    for block in blocks {
        let mut sums = vec![(0.0f64, 0usize); block.len()];
        for (n, &label) in calibration.labels.iter().enumerate().filter(|(_, label)| block.contains(label)) {
            let own = &calibration.logits.row(n)[block.clone()];
            if arg_max(own, None) == Some(label - block.start) {
                let (sum, correct) = &mut sums[label - block.start];
                *sum += f64::from(own[label - block.start]);
                *correct += 1;
            }
        }
        for (offset, (sum, correct)) in sums.into_iter().enumerate() {
            if correct == 0 || sum <= 0.0 {
                return Err(RescaleError::NoRatio { category: block.start + offset, correct });
            }
            scale.push((correct as f64 / sum) as f32);
        }
    }
    Ok(scale)
}

fn magnitude(count: usize, calibration: &LabelledLogits) -> Result<Vec<f32>, RescaleError> {
    let mut magnitudes = vec![0.0f64; count];
    for row in calibration.logits.data().chunks(count.max(1)) {
        magnitudes.iter_mut().zip(row).for_each(|(sum, logit)| *sum += f64::from(logit.abs()));
    }
    if let Some(category) = magnitudes.iter().position(|&m| m <= 0.0) {
        return Err(RescaleError::NoMagnitude { category });
    }
    let mean = magnitudes.iter().sum::<f64>() / count as f64;
    Ok(magnitudes.iter().map(|m| (mean / m) as f32).collect())
}
