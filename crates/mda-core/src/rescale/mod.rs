//! Rescaling: making the logits of assembled components compete fairly.
//!
//! Assembling is class-incremental learning without training: an image is classified right where its component classifies
//! it right and the other components stay below. A scale and a shift of the logits decide the second part.

mod lbfgs;
mod likelihood;
mod measured;
#[cfg(test)]
mod tests;
mod weight_align;

use crate::affine::LogitAffine;
use crate::model::Model;
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
    /// The rows of all last layers get the same mean norm (Zhao et al., "Maintaining Discrimination and Fairness in
    /// Class Incremental Learning", 2020); reads no images.
    WeightAlign,
    /// A scale and a shift for every component, those under which the calibration labels are likeliest.
    ScaleShiftComponent,
    /// A scale and a shift for every category, pulled towards those of its component as strongly as held-out
    /// calibration images ask for.
    ScaleShiftCategory,
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
    /// A category without a calibration image.
    #[error("category {category} has no calibration image; its scale and shift cannot be fitted")]
    NoImages {
        /// The joint category.
        category: usize,
    },
    /// A label that is no joint category.
    #[error("calibration image {image} has label {label}; there are {count} joint categories")]
    Label {
        /// Its position among the calibration images.
        image: usize,
        /// Its label.
        label: usize,
        /// How many joint categories there are.
        count: usize,
    },
    /// A logit that is NaN or infinite.
    #[error("calibration image {image} has a logit that is not finite")]
    NonFinite {
        /// Its position among the calibration images.
        image: usize,
    },
    /// Logits that no linear layer computes, or one of zeros.
    #[error("the logits of `{model}` come from {found}; weight aligning needs a linear layer with weights")]
    NoWeights {
        /// The component.
        model: String,
        /// What computes its logits.
        found: String,
    },
    /// Weight aligning without weights.
    #[error("weight aligning reads the components' weights, not their logits: fit it between the components")]
    NeedsModels,
}

impl Rescaling {
    /// The scale and shift of every joint logit of `components`, one component behind another.
    ///
    /// `calibration` has the joint logits `[N, K]` of calibration images with joint labels; [`Rescaling::None`] and
    /// [`Rescaling::WeightAlign`] do not read it.
    ///
    /// # Errors
    /// [`RescaleError`] where the calibration images or the weights do not determine a scale.
    pub fn fit_between(self, components: &[&Model], calibration: &LabelledLogits) -> Result<LogitAffine, RescaleError> {
        if self == Self::WeightAlign {
            return weight_align::scales(components);
        }
        let mut blocks: Vec<Range<usize>> = Vec::with_capacity(components.len());
        for component in components {
            let start = blocks.last().map_or(0, |block| block.end);
            blocks.push(start..start + component.categories().len());
        }
        self.fit(&blocks, calibration)
    }

    /// The scale and shift of every joint logit from logits alone; `blocks` are the joint categories of each component.
    ///
    /// # Errors
    /// As [`Rescaling::fit_between`]; [`RescaleError::NeedsModels`] for [`Rescaling::WeightAlign`].
    pub fn fit(self, blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<LogitAffine, RescaleError> {
        let count = blocks.last().map_or(0, |block| block.end);
        let scaled = |scale: Vec<f32>| LogitAffine { shift: vec![0.0; count], scale };
        match self {
            Self::None => Ok(LogitAffine::identity(count)),
            Self::Ratio => measured::ratio(blocks, calibration).map(scaled),
            Self::Magnitude => measured::magnitude(count, calibration).map(scaled),
            Self::WeightAlign => Err(RescaleError::NeedsModels),
            Self::ScaleShiftComponent => likelihood::by_component(blocks, calibration),
            Self::ScaleShiftCategory => likelihood::by_category(blocks, calibration),
        }
    }
}
