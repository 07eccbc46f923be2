//! The numbers beside the tensors.

use super::GoldenError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What the official code found out about one model.
#[derive(Clone, Debug, Deserialize)]
pub struct Facts {
    /// The model's name.
    pub name: String,
    /// The data set it was trained on.
    pub dataset: String,
    /// Its number of categories.
    pub classes: usize,
    /// Accuracy on the test split, `0.0..=1.0`.
    pub test_accuracy: f64,
    /// How many training images speak for one category.
    pub top_k: usize,
    /// Their positions in the training split: `top_k` a category, category by category, each ascending.
    pub selected_train_indices: Vec<usize>,
    /// Wall time of the official attribution over the selected images, in seconds (2 cores, noisy).
    pub attribution_seconds: f64,
    /// Wall time of the forward pass alone over the same images, in seconds.
    pub forward_only_seconds: f64,
    /// Peak memory of the official attribution, in MiB.
    pub peak_rss_mib: f64,
    /// The layers, the last one first.
    pub layers_from_output: Vec<LayerFacts>,
    /// The official components, by task (`0`, `0-2`, `3-9`).
    #[serde(default)]
    pub tasks: BTreeMap<String, TaskFacts>,
    /// By task, the layers that the official cutting left whole.
    #[serde(default)]
    pub skipped_layers: BTreeMap<String, Vec<String>>,
}

/// How many inputs of one layer each category keeps.
#[derive(Clone, Debug, Deserialize)]
pub struct LayerFacts {
    /// The layer's PyTorch module name.
    pub module: String,
    /// Its kept inputs, by category, for the first 10 categories.
    pub kept_per_class: Vec<usize>,
    /// All its inputs.
    pub inputs: usize,
}

/// The official component of one task; accuracies in percent.
#[derive(Clone, Debug, Deserialize)]
pub struct TaskFacts {
    /// The source's accuracy on the task's test images.
    pub base: f64,
    /// The same with the argmax limited to the task's categories.
    pub base_restricted: f64,
    /// The component's accuracy over all logits.
    pub disassembled_all_logits: f64,
    /// The component's accuracy over the task's logits.
    pub disassembled_restricted: f64,
    /// The shape of every layer's weight in the component.
    pub layers: BTreeMap<String, Vec<usize>>,
    /// The component's parameters.
    pub params: u64,
    /// The source's parameters.
    pub params_source: u64,
    /// The component's multiply-adds for one image.
    pub macs: u64,
    /// The source's multiply-adds for one image.
    pub macs_source: u64,
}

impl Facts {
    pub(super) fn read(path: &Path) -> Result<Self, GoldenError> {
        let text = std::fs::read(path).map_err(|source| GoldenError::Read { path: path.into(), source })?;
        serde_json::from_slice(&text).map_err(|source| GoldenError::Json { path: path.into(), source })
    }

    /// The positions of the training images that speak for `category`, ascending.
    ///
    /// # Panics
    /// Where the model has no such category.
    pub fn selected(&self, category: usize) -> &[usize] {
        &self.selected_train_indices[category * self.top_k..][..self.top_k]
    }
}
