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

/// Lists the measures once. The compiler says where one is missing.
macro_rules! measures {
    ($($measure:pat => $value:expr, $name:literal, $preset:expr;)*) => {
        impl Measure {
            /// Every measure, by name; the random one with seed 0.
            pub const ALL: &[(&'static str, Self)] = &[$(($name, $value)),*];

            /// Its name on a command line and in a file.
            pub fn name(self) -> &'static str {
                match self {
                    $($measure => $name,)*
                }
            }

            /// What the preset of its name is; `None` where presets of other names have it.
            pub(super) fn preset(self) -> Option<&'static str> {
                match self {
                    $($measure => $preset,)*
                }
            }
        }
    };
}

measures! {
    Self::RelativeContribution => Self::RelativeContribution, "relative-contribution", None;
    Self::Frat => Self::Frat, "frat", Some("positive part of the derivative of the category's softmax score");
    Self::MeanActivation => Self::MeanActivation, "mean-activation", Some("mean of the channel");
    Self::L1 => Self::L1, "l1", Some("L1 norm of the filters that compute the channel");
    Self::Fpgm => Self::Fpgm, "fpgm", Some("distance of those filters to the geometric median");
    Self::Hrank => Self::Hrank, "hrank", Some("average rank of the channel's maps");
    Self::Taylor => Self::Taylor, "taylor", Some("activation times gradient");
    Self::Obs => Self::Obs, "obs", None;
    Self::Random { .. } => Self::Random { seed: 0 }, "random",
        Some("random numbers: the control; `random,seed=1` for other ones");
}
