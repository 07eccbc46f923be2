//! The measures by name; what they do is in `attribute::measure`, one file each.

use serde::{Deserialize, Serialize};

/// What is measured of an input channel of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The positive part of what the channel adds to an output channel, summed over positions, then over the images of
    /// a category.
    RelativeContribution,
    /// The positive part of the derivative of the category's softmax score, summed over positions and images.
    Frat,
    /// The channel's mean over positions and images.
    MeanActivation,
    /// The L1 norm of the filters that compute the channel.
    L1,
    /// The distance of those filters to the geometric median of their layer's filters.
    Fpgm,
    /// The average rank of the channel's maps.
    Hrank,
    /// The magnitude of activation times gradient of the cross-entropy.
    Taylor,
    /// What the other channels cannot explain: channels go one by one, the rest refitted on the images of the task, and
    /// each is worth the layer's relative error once it has gone.
    Obs,
    /// A number from a seed: the control.
    Random {
        /// The seed.
        seed: u64,
    },
}

impl Measure {
    /// Every measure, by name; the random one with seed 0.
    pub const ALL: [(&'static str, Self); 9] = [
        ("relative-contribution", Self::RelativeContribution),
        ("frat", Self::Frat),
        ("mean-activation", Self::MeanActivation),
        ("l1", Self::L1),
        ("fpgm", Self::Fpgm),
        ("hrank", Self::Hrank),
        ("taylor", Self::Taylor),
        ("obs", Self::Obs),
        ("random", Self::Random { seed: 0 }),
    ];

    /// Its name on a command line and in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::RelativeContribution => "relative-contribution",
            Self::Frat => "frat",
            Self::MeanActivation => "mean-activation",
            Self::L1 => "l1",
            Self::Fpgm => "fpgm",
            Self::Hrank => "hrank",
            Self::Taylor => "taylor",
            Self::Obs => "obs",
            Self::Random { .. } => "random",
        }
    }
}
