//! Where a component or an assembled model came from, as far as its own file tells.

use crate::method::{Repair, Tuning};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The origin of a model that this toolkit made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Provenance {
    /// A component that was cut out of one source.
    Component(ComponentOrigin),
    /// An assembled model.
    Assembled {
        /// How the components were joined: `parallel` or `block-diagonal`.
        form: String,
        /// How their logits were rescaled.
        rescaling: String,
        /// The images that the rescaling was fitted to, where it reads any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fitted_on: Option<FittedOn>,
        /// How all components were tuned together, where they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tuning: Option<TuningRecord>,
        /// The components, in the order of their logits.
        components: Vec<ComponentRecord>,
    },
}

/// What was cut out of which source, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentOrigin {
    /// The source's name.
    pub source: String,
    /// SHA-256 of the source's file, where it was read from one.
    pub source_sha256: Option<String>,
    /// The categories that the component serves, as the source numbers them.
    pub task: Vec<usize>,
    /// The formulation, written out.
    pub formulation: serde_json::Value,
    /// How many images a category decided.
    pub images_per_category: usize,
    /// Which train images had a part in it; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<PartsRecord>,
    /// What made up for the cut, where anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<RepairRecord>,
    /// How it was tuned, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningRecord>,
    /// The kept source channels of every value that lost some, by node name.
    pub kept: BTreeMap<String, Vec<usize>>,
}

/// All that it takes to find out again which train images had which part in a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartsRecord {
    /// SHA-256 (hexadecimal) of the data's category names and its list of images.
    pub data: String,
    /// What drew the parts.
    pub seed: u64,
    /// How many images of a category may be candidates for attribution; all that are in no other part where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<usize>,
    /// How many images of a category calibrate, at most.
    pub calibration: usize,
    /// How many images of a category the model was tuned with, at most; absent where it was not tuned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<usize>,
    /// The positions of the images that the user listed to speak for their categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<usize>,
}

/// How a component was repaired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepairRecord {
    /// The repair with its options.
    pub repair: Repair,
    /// The calibration images.
    pub fitted_on: FittedOn,
}

/// How a model was tuned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuningRecord {
    /// The tuning with its options.
    pub tuning: Tuning,
    /// The images.
    pub fitted_on: FittedOn,
    /// After which epoch the numbers were taken: the one whose loss on held-out images was least.
    pub epoch: usize,
    /// That loss before the tuning, and after it.
    pub held_out_loss: [f64; 2],
}

/// The train images that something was fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FittedOn {
    /// How many.
    pub images: usize,
    /// The seed that drew them, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// One component of an assembled model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentRecord {
    /// The component's name.
    pub name: String,
    /// Its categories.
    pub categories: Vec<String>,
    /// Its own origin.
    pub origin: Option<Box<Provenance>>,
}
