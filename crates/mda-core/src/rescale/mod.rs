//! Rescaling: making the logits of assembled components compete fairly.
//!
//! Assembling is class-incremental learning without training: an image is classified right where its component classifies
//! it right and the other components stay below. A scale and a shift of the logits decide the second part, and so may
//! the features before the last layer.

mod evidence;
mod lbfgs;
mod likelihood;
mod measured;
#[cfg(test)]
mod tests;
mod weight_align;

pub use evidence::{Evidence, last_layer};

use crate::graph::GraphErrors;
use crate::model::Model;
use crate::model::affine::LogitAffine;
use crate::run::LabelledLogits;
use crate::tensor::Tensor;
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
    /// A scale and a shift for every category, pulled towards those of its component as strongly as a left-out
    /// fold of the calibration images asks for.
    ScaleShiftCategory,
    /// The same, and for every component a linear function of the features before its last layer that tells its images
    /// from those of the others, added to all of its logits.
    Evidence,
}

/// What the components compute for images of all their data.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The joint logits `[N, K]`, one component behind another, with joint labels.
    pub logits: LabelledLogits,
    /// For [`Rescaling::Evidence`], what enters the [`last_layer`] of every component, `[N, F]`; else empty.
    pub features: Vec<Tensor>,
}

/// What brings one component to the joint scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// A scale and a shift for each of its logits.
    pub affine: LogitAffine,
    /// What is added to all of them.
    pub evidence: Option<Evidence>,
}

/// One image in so many is left out while the strength of a pull is chosen.
const FOLDS: usize = 4;

/// Why the logits cannot be rescaled.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
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
    #[error("the logits of `{model}` come from {found}; this rescaling needs a linear layer with weights")]
    NoWeights {
        /// The component.
        model: String,
        /// What computes its logits.
        found: String,
    },
    /// Weight aligning without weights, or evidence without features.
    #[error("this rescaling reads more of the components than their logits: fit it between the components")]
    NeedsModels,
}

/// Lists the rescalings once. The compiler says where one is missing.
macro_rules! rescalings {
    ($($rescaling:ident, $name:literal, $about:literal;)*) => {
        impl Rescaling {
            /// Every rescaling, with what it is in a line.
            pub const ALL: &[(Self, &'static str)] = &[$((Self::$rescaling, $about)),*];

            /// What recipes, the command line and provenance call it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$rescaling => $name,)*
                }
            }
        }
    };
}

rescalings! {
    None, "none", "As they are";
    Ratio, "ratio", "By the mean largest logit over correctly classified images, as the released Model-LEGO code does";
    Magnitude, "magnitude", "By the mean magnitude of each logit, as Model LEGO's poster describes";
    WeightAlign, "weight-align", "By the norms of the last layers' weights; needs no images";
    ScaleShiftComponent, "scale-shift-component",
        "By a scale and a shift for every component, fitted to calibration images";
    ScaleShiftCategory, "scale-shift-category",
        "By a scale and a shift for every category, fitted to calibration images";
    Evidence, "evidence", "The same, and by what each component's last features tell about whose image it is";
}

impl Rescaling {
    /// Whether logits become likelihoods, so that [`expect`] means something.
    pub fn is_calibrated(self) -> bool {
        matches!(self, Self::ScaleShiftComponent | Self::ScaleShiftCategory | Self::Evidence)
    }

    /// Whether it reads calibration images at all.
    pub fn reads_images(self) -> bool {
        match self {
            Self::None | Self::WeightAlign => false,
            Self::Ratio | Self::Magnitude | Self::ScaleShiftComponent | Self::ScaleShiftCategory | Self::Evidence => {
                true
            }
        }
    }

    /// Whether it reads [`Answers::features`].
    pub fn reads_features(self) -> bool {
        self == Self::Evidence
    }

    /// What brings each of `components` to one scale.
    ///
    /// [`Rescaling::None`] and [`Rescaling::WeightAlign`] do not read `calibration`.
    ///
    /// # Errors
    /// [`RescaleError`] where the calibration images or the weights do not determine a scale.
    ///
    /// # Panics
    /// Where the features are not those of the components' last layers.
    pub fn fit_between(self, components: &[&Model], calibration: &Answers) -> Result<Vec<Scaling>, RescaleError> {
        let mut blocks: Vec<Range<usize>> = Vec::with_capacity(components.len());
        for component in components {
            let start = blocks.last().map_or(0, |block| block.end);
            blocks.push(start..start + component.categories().len());
        }
        let affine = match self {
            Self::WeightAlign => weight_align::scales(components)?,
            Self::Evidence => Self::ScaleShiftCategory.fit(&blocks, &calibration.logits)?,
            _ => self.fit(&blocks, &calibration.logits)?,
        };
        let evidence = if self == Self::Evidence {
            let counts = components
                .iter()
                .map(|model| last_layer(model).map(|id| model.node_parameters(id).get("weight").shape()[1]));
            let counts = counts.collect::<Result<Vec<usize>, _>>()?;
            let given: Vec<usize> = calibration.features.iter().map(|rows| rows.shape()[1]).collect();
            assert_eq!(given, counts, "the features of every component's last layer");
            evidence::fit(&blocks, calibration, &affine)?.into_iter().map(Some).collect()
        } else {
            vec![None; blocks.len()]
        };
        let scaling = |(block, evidence)| Scaling { affine: affine.slice(block), evidence };
        Ok(blocks.into_iter().zip(evidence).map(scaling).collect())
    }

    /// The scale and shift of every joint logit from logits alone; `blocks` are the joint categories of each component.
    ///
    /// # Errors
    /// As [`Rescaling::fit_between`]; [`RescaleError::NeedsModels`] for [`Rescaling::WeightAlign`] and
    /// [`Rescaling::Evidence`].
    pub fn fit(self, blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<LogitAffine, RescaleError> {
        let count = blocks.last().map_or(0, |block| block.end);
        let scaled = |scale: Vec<f32>| LogitAffine { shift: vec![0.0; count], scale };
        match self {
            Self::None => Ok(LogitAffine::identity(count)),
            Self::Ratio => measured::ratio(blocks, calibration).map(scaled),
            Self::Magnitude => measured::magnitude(count, calibration).map(scaled),
            Self::WeightAlign | Self::Evidence => Err(RescaleError::NeedsModels),
            Self::ScaleShiftComponent => likelihood::by_component(blocks, calibration),
            Self::ScaleShiftCategory => likelihood::by_category(blocks, calibration),
        }
    }
}

/// Makes calibrated `scalings`, which take all categories for equally frequent, expect joint category k as often as
/// `frequencies[k]` says, in any unit: by Bayes' rule its logit rises by the logarithm.
///
/// # Panics
/// Where there is not one frequency above 0 for every joint category.
pub fn expect(scalings: &mut [Scaling], frequencies: &[usize]) {
    let shifts = scalings.iter_mut().flat_map(|scaling| &mut scaling.affine.shift);
    let shifts: Vec<&mut f32> = shifts.collect();
    assert_eq!(shifts.len(), frequencies.len(), "one frequency a joint category");
    assert!(!frequencies.contains(&0), "every category is met");
    let mean = frequencies.iter().sum::<usize>() as f64 / frequencies.len().max(1) as f64;
    for (shift, &frequency) in shifts.into_iter().zip(frequencies) {
        *shift += (frequency as f64 / mean).ln() as f32;
    }
}

impl Scaling {
    /// The component whose logits are rescaled; its graph stays as it was but for a bias of the last layer.
    ///
    /// # Errors
    /// As [`LogitAffine::fold_into`].
    pub fn fold_into(&self, component: &Model) -> Result<Model, GraphErrors> {
        match &self.evidence {
            Some(evidence) => evidence.fold_into(&self.affine, component),
            None => self.affine.fold_into(component),
        }
    }
}

/// The joint logits under `scalings`, as the folded components compute them.
///
/// # Panics
/// Where the answers are not those of as many components.
pub fn rescaled(scalings: &[Scaling], answers: &Answers) -> LabelledLogits {
    let mut joint = answers.logits.clone();
    let count = joint.logits.shape()[1].max(1);
    for (n, row) in joint.logits.data_mut().chunks_mut(count).enumerate() {
        let mut start = 0;
        for (c, Scaling { affine, evidence }) in scalings.iter().enumerate() {
            let told = evidence.as_ref().map_or(0.0, |evidence| evidence.of(answers.features[c].row(n)));
            let own = &mut row[start..start + affine.scale.len()];
            for ((logit, scale), shift) in own.iter_mut().zip(&affine.scale).zip(&affine.shift) {
                *logit = scale * *logit + shift + told;
            }
            start += affine.scale.len();
        }
    }
    joint
}

/// Every [`FOLDS`]-th image of a category is left out: positions to fit to, and those of the fold that is left out.
fn split(labels: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut seen = vec![0usize; labels.iter().max().map_or(0, |most| most + 1)];
    (0..labels.len()).partition(|&image| {
        seen[labels[image]] += 1;
        !seen[labels[image]].is_multiple_of(FOLDS)
    })
}
