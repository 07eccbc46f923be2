//! What makes up for a cut, by name; how is in `repair`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a component is repaired.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// As it was cut.
    #[default]
    None,
    /// What the removed inputs of a layer add on average in the source goes into its bias.
    Bias,
    /// Every BatchNorm gets the statistics of the component's own activations.
    BatchNorm,
    /// Every layer is refitted, from the input on, to what the source computes there.
    Ridge(RidgeOptions),
}

/// How the layers of a component are refitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RidgeOptions {
    /// What pulls the weights towards those of the source, as multiples of the mean square of a layer's inputs; every
    /// layer takes the one with the smallest error on the tuning images.
    pub lambdas: Vec<f64>,
    /// Output positions that a layer is fitted on, spread over all calibration images and over their maps; of every
    /// image at least one is read, and never more than it has.
    pub observations: usize,
    /// Whether the last layer of a residual branch is fitted to the source's sum behind the Add, less what the component's own
    /// other summands are, instead of to the branch.
    pub residual: bool,
}

impl Default for RidgeOptions {
    fn default() -> Self {
        Self { lambdas: vec![1e-4, 1e-3, 1e-2, 1e-1], observations: 32_768, residual: true }
    }
}

/// The names of the repairs.
pub const REPAIRS: [&str; 4] = ["none", "bias", "batch-norm", "ridge"];

impl Repair {
    /// The repair called `name`, with its default options.
    ///
    /// # Errors
    /// [`UnknownRepair`], which lists the names.
    pub fn named(name: &str) -> Result<Self, UnknownRepair> {
        match name {
            "none" => Ok(Self::None),
            "bias" => Ok(Self::Bias),
            "batch-norm" => Ok(Self::BatchNorm),
            "ridge" => Ok(Self::Ridge(RidgeOptions::default())),
            _ => Err(UnknownRepair { name: name.into() }),
        }
    }

    /// Whether layers are fitted to what the source computes, so that the logits mean what the source's do.
    pub fn refits(&self) -> bool {
        matches!(self, Self::Ridge(_))
    }

    /// Its name, one of [`REPAIRS`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bias => "bias",
            Self::BatchNorm => "batch-norm",
            Self::Ridge(_) => "ridge",
        }
    }
}

/// No repair of that name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no repair is called `{name}`; there are {}", REPAIRS.join(", "))]
pub struct UnknownRepair {
    /// What was asked for.
    pub name: String,
}
