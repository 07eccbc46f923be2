//! The sources of a study, opened once and shared by all of its runs.

use super::identity;
use super::recipe::{ImageCounts, MeasuredOn, Recipe, Source as Entry};
use crate::args::Foreign;
use crate::command::import;
use crate::models;
use anyhow::Context as _;
use mda::Data;
use mda::data::{match_labels, open};
use mda::disassemble::calibration;
use mda_core::Model;
use mda_core::evaluate::LabelMap;
use mda_core::model::task::Task;
use mda_core::run::ImageSource;
use mda_core::run::{LabelledLogits, Runner};
use mda_data::{PartSizes, Parts, Prepared, Split, parts};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// Where accuracies are of held-out train images: of a category at most so many, and this share.
const HELD_OUT: usize = 500;
const HELD_OUT_SHARE: usize = 5;
/// Which ones, whatever the seeds of the study.
const HELD_OUT_SEED: u64 = 0x6d65_6173_7572_6564;

/// A source with its images.
pub(super) struct Source {
    pub(super) model: Model,
    /// The images; accuracies are of those called test images.
    pub(super) data: Data,
    /// What the labels of the train images mean.
    pub(super) labels: LabelMap,
    /// The same of the test images, which may have fewer categories.
    pub(super) test_labels: LabelMap,
    /// What results depend on besides the settings of a run.
    pub(super) identity: String,
    test_logits: OnceLock<LabelledLogits>,
}

/// Opens every source of a recipe; `root` is where its paths begin.
pub(super) fn open_all(recipe: &Recipe, root: &Path) -> anyhow::Result<BTreeMap<String, Source>> {
    let opened = recipe.source.iter().map(|(name, entry)| {
        Ok((name.clone(), Source::open(name, entry, root, recipe).with_context(|| format!("source `{name}`"))?))
    });
    opened.collect()
}

impl Source {
    fn open(name: &str, entry: &Entry, root: &Path, recipe: &Recipe) -> anyhow::Result<Self> {
        let model = read(name, entry, root)?;
        let path = root.join(&entry.data);
        let train = open(&path, Split::Train, model.input_shape())?;
        let (train, test) = match recipe.measure {
            MeasuredOn::Test => (train, open(&path, Split::Test, model.input_shape())?),
            MeasuredOn::HeldOut => held_out(&train)?,
        };
        let labels = match_labels(&train, model.categories())?;
        let test_labels = match_labels(&test, model.categories())?;
        let identity = identity::of_source(name, &model, &path, [&train, &test], (&recipe.images, recipe.measure))?;
        let data = Data::new(Box::new(train), Some(Box::new(test)));
        Ok(Self { model, data, labels, test_labels, identity, test_logits: OnceLock::new() })
    }

    /// The parts of the train images for a task of `categories` categories.
    pub(super) fn parts(&self, counts: &ImageCounts, categories: usize, seed: u64) -> anyhow::Result<Parts> {
        let sizes = PartSizes {
            attribution: (counts.candidates > 0).then_some(counts.candidates),
            calibration: calibration(counts.calibration, categories, self.model.size().macs),
        };
        Ok(Parts::new(self.data.train()?, sizes, seed, &[])?)
    }

    /// The positions of the task's test images.
    pub(super) fn test_positions(&self, task: &Task) -> anyhow::Result<Vec<usize>> {
        let test = self.data.test()?;
        Ok(self.test_labels.positions(test.labels(), task, test.categories(), self.model.categories())?)
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

/// The train images without those that are held out, and those: at most [`HELD_OUT`] of every category, and a part of it.
fn held_out(train: &Prepared) -> anyhow::Result<(Prepared, Prepared)> {
    let mut held_out = Vec::new();
    for label in 0..train.categories().len() {
        let own: Vec<usize> = (0..train.labels().len()).filter(|&i| train.labels()[i] == label).collect();
        let wanted = HELD_OUT.min(own.len() / HELD_OUT_SHARE);
        held_out.extend(parts::draw(own, wanted, HELD_OUT_SEED));
    }
    held_out.sort_unstable();
    let rest: Vec<usize> = (0..train.labels().len()).filter(|i| held_out.binary_search(i).is_err()).collect();
    let part = |positions: Vec<usize>| train.set().subset(&positions).map(|set| set.prepare(train.preparation()));
    Ok((part(rest)?, part(held_out)?))
}

/// A model file, or another program's weights, imported as `mda import` does.
fn read(name: &str, entry: &Entry, root: &Path) -> anyhow::Result<Model> {
    let file = root.join(&entry.model);
    let model = if let Some(preset) = &entry.preset {
        import::model(&Foreign { file, preset: Some(preset.clone()), ..Foreign::default() })?.model
    } else {
        models::read(&file)?
    };
    Ok(model.with_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One grey pixel.
    const PNG: &[u8] =
        b"\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\
        \x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\x00\x00\x00\x0a\x49\x44\x41\x54\x78\x9c\x63\x68\x00\x00\x00\
        \x82\x00\x81\x77\xcd\x72\xb6\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";

    /// A source of the embedded network on a folder of such images, one of every category in `train` and `test`.
    fn source(train: &[&str], test: &[&str], measure: &str) -> anyhow::Result<Source> {
        let folder = tempfile::tempdir()?;
        for (split, categories) in [("train", train), ("test", test)] {
            for category in categories {
                let category = folder.path().join(split).join(category);
                std::fs::create_dir_all(&category)?;
                (0..10).try_for_each(|index| std::fs::write(category.join(format!("{index}.png")), PNG))?;
            }
        }
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../mda-kit/assets/lenet5-mnist.safetensors");
        let recipe = format!("name = 'x'\nmeasure = '{measure}'\n[source.a]\nmodel = '{model}'\ndata = 'd'\n");
        let recipe: Recipe = toml::from_str(&recipe)?;
        let entry = Entry { model: model.into(), preset: None, data: folder.path().into() };
        Source::open("a", &entry, Path::new(""), &recipe)
    }

    #[test]
    fn a_test_split_with_fewer_categories_keeps_their_meaning() {
        let source = source(&["0", "1", "2"], &["1", "2"], "test").unwrap();
        assert_eq!(source.test_positions(&Task::new([1]).unwrap()).unwrap(), (0..10).collect::<Vec<_>>());
        assert!(source.test_positions(&Task::new([0]).unwrap()).unwrap_err().to_string().contains("no category `0`"));
    }

    #[test]
    fn a_fifth_of_every_category_is_held_out() {
        let source = source(&["0", "1"], &[], "held-out").unwrap();
        assert_eq!((source.data.train().unwrap().labels().len(), source.data.test().unwrap().labels().len()), (16, 4));
        assert_eq!(source.test_positions(&Task::new([1]).unwrap()).unwrap(), [2, 3]);
    }
}
