//! Data sets that are known by name: what their categories are called, and how models see them.

mod tiny_imagenet;

use std::fmt;
use std::str::FromStr;

use mda_core::op::Normalize;
use thiserror::Error;

/// A known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// MNIST: handwritten digits, 28x28 grey.
    Mnist,
    /// Fashion-MNIST: articles of clothing, 28x28 grey.
    FashionMnist,
    /// CIFAR-10: 32x32 colour, ten categories.
    Cifar10,
    /// Tiny-ImageNet reduced to 32x32 colour, 200 categories.
    TinyImageNet32,
}

/// A name that no known data set has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no known data set is called {found:?}; known are mnist, fashion-mnist, cifar10, tiny-imagenet-32")]
pub struct UnknownPreset {
    /// The name.
    pub found: String,
}

impl Preset {
    /// Every known data set.
    pub const ALL: [Self; 4] = [Self::Mnist, Self::FashionMnist, Self::Cifar10, Self::TinyImageNet32];

    /// Its name, which [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar10",
            Self::TinyImageNet32 => "tiny-imagenet-32",
        }
    }

    /// The name of every category, by label; for an image folder those of the folders.
    pub fn categories(self) -> &'static [&'static str] {
        match self {
            Self::Mnist => &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            Self::FashionMnist => &[
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ],
            Self::Cifar10 => {
                &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
            }
            Self::TinyImageNet32 => &tiny_imagenet::NAMES,
        }
    }

    /// Whether its images are grey: a network of any number of channels then sees the same numbers in each.
    pub fn is_grey(self) -> bool {
        matches!(self, Self::Mnist | Self::FashionMnist)
    }

    /// How the project's checkpoints were trained to see pixel values in 0 to 1: with one mean and one standard deviation where
    /// the images are grey, else with one a channel.
    pub fn normalize(self) -> Normalize {
        let of = |mean: &[f32], std: &[f32]| Normalize { mean: mean.to_vec(), std: std.to_vec() };
        match self {
            Self::Mnist | Self::FashionMnist => of(&[0.5], &[0.5]),
            Self::Cifar10 => {
                of(&[0.491_399_68, 0.482_158_27, 0.446_531_24], &[0.247_032_33, 0.243_485_05, 0.261_587_68])
            }
            Self::TinyImageNet32 => of(&[0.4802, 0.4481, 0.3975], &[0.2770, 0.2691, 0.2821]),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        let preset = Self::ALL.into_iter().find(|preset| preset.name() == name);
        preset.ok_or_else(|| UnknownPreset { found: name.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for preset in Preset::ALL {
            assert_eq!(preset.to_string().parse(), Ok(preset));
        }
        let error = "imagenet".parse::<Preset>().unwrap_err();
        assert!(Preset::ALL.iter().all(|preset| error.to_string().contains(preset.name())), "{error}");
    }

    #[test]
    fn folder_names_are_in_their_sorted_order() {
        for preset in [Preset::Cifar10, Preset::TinyImageNet32] {
            assert!(preset.categories().is_sorted_by(|a, b| a < b), "{preset}");
        }
        assert_eq!(Preset::TinyImageNet32.categories()[0], "n01443537");
    }

    #[test]
    fn grey_images_have_one_mean_and_colour_three() {
        for preset in Preset::ALL {
            let Normalize { mean, std } = preset.normalize();
            let channels = if preset.is_grey() { 1 } else { 3 };
            assert_eq!([mean.len(), std.len()], [channels; 2], "{preset}");
        }
    }
}
