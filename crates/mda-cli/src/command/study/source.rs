//! The sources of a study, opened once and shared by all of its runs.

use super::recipe::{ImageCounts, Recipe, Source as Entry};
use crate::args::Foreign;
use crate::command::import;
use crate::models;
use anyhow::Context as _;
use mda::Data;
use mda::data::match_labels;
use mda::disassemble::calibration;
use mda_core::Model;
use mda_core::labels::LabelMap;
use mda_core::runner::{LabelledLogits, Runner};
use mda_data::{PartSizes, Parts, Preset};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A source with its images.
pub(super) struct Source {
    pub(super) model: Model,
    pub(super) path: PathBuf,
    pub(super) data: Data,
    pub(super) labels: LabelMap,
    test_logits: OnceLock<LabelledLogits>,
}

/// Opens every source of a recipe; `root` is where its paths begin.
pub(super) fn open_all(recipe: &Recipe, root: &Path) -> anyhow::Result<BTreeMap<String, Source>> {
    let opened = recipe.source.iter().map(|(name, entry)| {
        Ok((name.clone(), Source::open(name, entry, root).with_context(|| format!("source `{name}`"))?))
    });
    opened.collect()
}

impl Source {
    fn open(name: &str, entry: &Entry, root: &Path) -> anyhow::Result<Self> {
        let model = read(name, entry, root)?;
        let path = root.join(&entry.data);
        let data = Data::open(&path, &model)?;
        let labels = match_labels(data.train()?, model.categories())?;
        data.test()?;
        Ok(Self { model, path, data, labels, test_logits: OnceLock::new() })
    }

    /// The parts of the train images for a task of `categories` categories.
    pub(super) fn parts(&self, counts: &ImageCounts, categories: usize, seed: u64) -> anyhow::Result<Parts> {
        let calibration = calibration(counts.calibration, categories);
        let sizes = PartSizes { attribution: Some(counts.candidates), calibration };
        Ok(Parts::new(self.data.train()?, sizes, seed, &[])?)
    }

    /// The positions of the task's test images.
    pub(super) fn test_positions(&self, task: &[usize]) -> anyhow::Result<Vec<usize>> {
        let test = self.data.test()?;
        Ok(self.labels.positions(test.labels(), task, test.categories(), self.model.categories())?)
    }

    /// The uncut source's logits for all test images.
    pub(super) fn test_logits(&self, runner: &Runner<'_>) -> anyhow::Result<&LabelledLogits> {
        if self.test_logits.get().is_none() {
            let test = self.data.test()?;
            let all: Vec<usize> = (0..test.labels().len()).collect();
            // Two runs may compute the same numbers at once; the first to arrive stay.
            let _ = self.test_logits.set(runner.logits(&self.model, test, &all)?);
        }
        self.test_logits.get().context("the source's logits were just computed")
    }
}

/// A model file, or another program's weights, imported as `mda import` does; where the preset names no categories, the data
/// set does.
fn read(name: &str, entry: &Entry, root: &Path) -> anyhow::Result<Model> {
    let file = root.join(&entry.model);
    let model = if let Some(preset) = &entry.preset {
        let unnamed = preset.parse::<Preset>()?.categories().is_none();
        let data = unnamed.then(|| root.join(&entry.data));
        import::model(&Foreign { file, preset: Some(preset.clone()), data, ..Foreign::default() })?.0
    } else {
        models::read(&file)?
    };
    Ok(model.with_name(name))
}
