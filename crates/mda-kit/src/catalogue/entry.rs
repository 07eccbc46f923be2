//! What a catalogue tells of one component, and the files that it lies in.

use crate::error::Error;
use crate::source::save;
use mda_core::Model;
use mda_core::model::task::Task;
use mda_formats::{atomic, native};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A component of a catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// The categories, as the source numbers them.
    pub task: Vec<usize>,
    /// Their names.
    pub categories: Vec<String>,
    /// The model file within the folder.
    pub file: PathBuf,
    /// SHA-256 of that file.
    pub sha256: String,
    /// Whose channels stayed.
    pub formulation: String,
    /// Parameters of the component, and of the source.
    pub parameters: [u64; 2],
    /// Multiply-adds of an image, likewise.
    pub macs: [u64; 2],
    /// Accuracy within the task on test images, in percent, and that of the source among the same categories; of one category the
    /// areas under the ROC curve.
    pub accuracy: Option<[f64; 2]>,
    /// How long it took to make, by one of the jobs.
    pub seconds: f64,
    /// How it was made.
    pub recipe: Recipe,
}

/// What decides how the components of a catalogue come out, beside their tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub(super) version: String,
    pub(super) source: String,
    pub(super) images: String,
    pub(super) settings: String,
    pub(super) measured: bool,
}

fn files(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    (folder.join(format!("{name}.safetensors")), folder.join(format!("{name}.json")))
}

/// The entry of `task`, where its component is there as it was made, by this recipe.
pub(super) fn read(folder: &Path, name: &str, recipe: &Recipe, task: &Task) -> Option<Entry> {
    let (model, told) = files(folder, name);
    let entry: Entry = serde_json::from_slice(&std::fs::read(told).ok()?).ok()?;
    let same = entry.recipe == *recipe && entry.task == **task && entry.name == name;
    (same && native::sha256(&model).ok()? == entry.sha256).then_some(entry)
}

/// Writes a component, and then what it is.
pub(super) fn write(folder: &Path, component: &Model, entry: &Entry) -> Result<(), Error> {
    let (model, told) = files(folder, &entry.name);
    save(component, &model)?;
    let failed = |source| Error::Write { path: told.clone(), source };
    let sha256 = native::sha256(&model).map_err(|error| failed(std::io::Error::other(error)))?;
    let file = model.file_name().map(PathBuf::from).unwrap_or_default();
    let entry = Entry { sha256, file, ..entry.clone() };
    let text = serde_json::to_string_pretty(&entry).map_err(|error| failed(error.into()))? + "\n";
    atomic::write(&told, |out| out.write_all(text.as_bytes())).map_err(failed)
}
