//! The one formulation whose values are the methods of the field (RCM, section "unified paradigm"; see docs/src/method.md).
//!
//! A method measures how much each input channel of a layer adds to each output channel, normalises that over the
//! inputs, compares it with `alpha`, allocates it to the inputs over the outputs that matter, normalises again, and
//! compares with `beta`. What remains is relevant, and the walk goes on one layer further back.

mod competition;
mod presets;
mod text;

pub use competition::{Competition, ENOUGH_IMAGES};
pub use presets::presets;

use super::extremes::extremes;
use super::measure::Measure;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How numbers over the inputs of one output (or over all inputs) are made comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalization {
    /// `(x - min) / (max - min + eps)`, eps = 1e-5.
    MinMax,
    /// `x / (max + eps)`.
    Max,
    /// Unchanged.
    None,
}

/// What an output that matters allocates to its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accumulation {
    /// One for every input above `alpha`.
    Hard,
    /// The normalised measure of every input above `alpha`.
    Soft,
    /// As soft, over all outputs of the layer whether they matter or not: each layer alone.
    None,
}

/// How relevance passes operations that change the number of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Propagation {
    /// Along the real graph.
    Graph,
    /// As the released Model-LEGO code does: wherever the number of channels changes (behind a Flatten, at a Concat),
    /// everything before counts as relevant. Kept only for comparison.
    Reset,
}

/// The two thresholds of a layer; a number is above where it is strictly greater.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// For the normalised measure of an input towards one output.
    pub alpha: f32,
    /// For the normalised sum that an input is allocated.
    pub beta: f32,
}

/// A method: one value of the paradigm. Written as a preset's name with changes behind it,
/// `graph,accumulation=soft,conv.alpha=0.2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formulation {
    /// What is measured.
    pub measure: Measure,
    /// How it is made comparable.
    pub normalization: Normalization,
    /// What outputs allocate to inputs.
    pub accumulation: Accumulation,
    /// How relevance passes a change of channels.
    pub propagation: Propagation,
    /// Thresholds of convolutions.
    pub conv: Threshold,
    /// Thresholds of linear layers.
    pub linear: Threshold,
}

/// A formulation that cannot be used.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FormulationError {
    /// No preset of that name.
    #[error("no formulation is called `{name}`; there are {}", presets::names())]
    UnknownPreset {
        /// What was asked for.
        name: String,
    },
    /// A change that is not written `key=value`.
    #[error("expected key=value behind the preset, got `{text}`")]
    NotAChange {
        /// What was written.
        text: String,
    },
    /// A key that a formulation does not have.
    #[error("a formulation has no `{key}`; it has {}", text::KEYS.join(", "))]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A value that its key does not take.
    #[error("`{key}` takes {expected}, got `{value}`")]
    Value {
        /// The key.
        key: String,
        /// What it takes.
        expected: String,
        /// What was written.
        value: String,
    },
    /// A threshold outside `0.0..1.0`.
    #[error("{which} must lie in 0.0..1.0, got {value}")]
    Threshold {
        /// Which one.
        which: String,
        /// Its value.
        value: f32,
    },
}

impl Formulation {
    /// Checks the thresholds.
    ///
    /// # Errors
    /// [`FormulationError::Threshold`] where one is not in `0.0..1.0`.
    pub fn check(&self) -> Result<(), FormulationError> {
        let thresholds = [
            ("the alpha of convolutions", self.conv.alpha),
            ("the beta of convolutions", self.conv.beta),
            ("the alpha of linear layers", self.linear.alpha),
            ("the beta of linear layers", self.linear.beta),
        ];
        match thresholds.into_iter().find(|(_, value)| !(0.0..1.0).contains(value)) {
            None => Ok(()),
            Some((which, value)) => Err(FormulationError::Threshold { which: which.into(), value }),
        }
    }
}

impl Normalization {
    /// Normalises in place, in f32 as the released code does, so that thresholds fall alike.
    pub fn apply(self, numbers: &mut [f32]) {
        const EPS: f32 = 1e-5;
        let (low, high) = match self {
            Self::MinMax => extremes(numbers),
            Self::Max => (0.0, extremes(numbers).1.max(0.0)),
            Self::None => return,
        };
        let range = high - low + EPS;
        numbers.iter_mut().for_each(|x| *x = (*x - low) / range);
    }
}
