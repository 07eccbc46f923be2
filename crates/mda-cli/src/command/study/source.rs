//! The sources of a study, opened once and shared by all of its runs.

use super::recipe::{ImageCounts, Recipe, Source as Entry};
use crate::args::Foreign;
use crate::command::import;
use crate::pipeline::{PartSizes, Parts};
use crate::{data, models};
use anyhow::Context as _;
use mda_core::Model;
use mda_core::labels::LabelMap;
use mda_core::runner::{LabelledLogits, Runner};
use mda_core::source::ImageSource;
use mda_data::{Prepared, Split};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// More calibration images than this, over all categories, cost time and gain nothing.
const CALIBRATION_IMAGES: usize = 6000;

/// A source with its images.
pub(super) struct Source {
    pub(super) model: Model,
    pub(super) data: PathBuf,
    pub(super) train: Prepared,
    pub(super) test: Prepared,
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
        let data = root.join(&entry.data);
        let train = data::open(&data, Split::Train, model.input_shape())?;
        let test = data::open(&data, Split::Test, model.input_shape())?;
        let labels = data::match_labels(&train, &model)?;
        Ok(Self { model, data, train, test, labels, test_logits: OnceLock::new() })
    }

    /// The parts of the train images for a task of `categories` categories.
    pub(super) fn parts(&self, counts: &ImageCounts, categories: usize, seed: u64) -> anyhow::Result<Parts> {
        let sizes = PartSizes {
            attribution: counts.candidates,
            calibration: counts.calibration.min(CALIBRATION_IMAGES / categories.max(1)).max(1),
        };
        Ok(Parts::new(&self.train, sizes, seed)?)
    }

    /// The positions of the task's test images.
    pub(super) fn test_positions(&self, task: &[usize]) -> anyhow::Result<Vec<usize>> {
        Ok(self.labels.positions(self.test.labels(), task, self.test.categories(), self.model.categories())?)
    }

    /// The uncut source's logits for all test images.
    pub(super) fn test_logits(&self, runner: &Runner<'_>) -> anyhow::Result<&LabelledLogits> {
        if self.test_logits.get().is_none() {
            let all: Vec<usize> = (0..self.test.labels().len()).collect();
            // Two runs may compute the same numbers at once; the first to arrive stay.
            let _ = self.test_logits.set(runner.logits(&self.model, &self.test, &all)?);
        }
        self.test_logits.get().context("the source's logits were just computed")
    }
}

/// A model file, or another program's weights, imported as `mda import` does.
fn read(name: &str, entry: &Entry, root: &Path) -> anyhow::Result<Model> {
    let file = root.join(&entry.model);
    let model = if let Some(preset) = &entry.preset {
        import::model(&Foreign { file, preset: Some(preset.clone()), ..Foreign::default() })?.0
    } else {
        models::read(&file)?
    };
    Ok(model.with_name(name))
}
