//! The sources of a study, opened once and shared by all of its runs.

use super::identity;
use super::recipe::{ImageCounts, MeasuredOn, Recipe, Source as Entry};
use super::subset::Subset;
use crate::data::{Data, match_labels, open};
use crate::disassemble::calibration;
use crate::error::Error;
use crate::import::{Import, ImportError};
use crate::progress::{Progress, Stoppable};
use mda_core::Model;
use mda_core::evaluate::LabelMap;
use mda_core::model::task::Task;
use mda_core::run::ImageSource;
use mda_core::run::{LabelledLogits, Runner};
use mda_data::{PartSizes, Parts, Preset, Split, parts};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// So many train images of a category, at most, and this share of them are validation images.
const VALIDATION: usize = 500;
const VALIDATION_SHARE: usize = 5;
/// Which ones, whatever the seeds of the study.
const VALIDATION_SEED: u64 = 0x6d65_6173_7572_6564;

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

impl Source {
    /// A source of a recipe, whose paths begin at `root`.
    pub(super) fn open(name: &str, entry: &Entry, root: &Path, recipe: &Recipe) -> Result<Self, Error> {
        let model = read(entry, root)?;
        let path = root.join(&entry.data);
        let train = open(&path, Split::Train, model.input_shape())?;
        let (train, test) = match recipe.measure {
            MeasuredOn::Test => (train, open(&path, Split::Test, model.input_shape())?),
            MeasuredOn::Validation => {
                let failed = |source| Error::Data { path: path.clone(), split: Split::Train, source: Box::new(source) };
                let part = |positions: Vec<usize>| {
                    train.set().subset(&positions).map(|set| set.prepare(train.preparation())).map_err(failed)
                };
                let (rest, validation) = validation(&train);
                (part(rest)?, part(validation)?)
            }
        };
        Self::new(name, model, Data::new(Box::new(train), Some(Box::new(test))), Some(&path), recipe)
    }

    /// A source that is given by value.
    pub(super) fn given(name: &str, model: Model, data: Data, recipe: &Recipe) -> Result<Self, Error> {
        let path = data.path().map(Path::to_owned);
        let data = match recipe.measure {
            MeasuredOn::Test => data,
            MeasuredOn::Validation => {
                let train = Arc::new(data.into_train()?);
                let (rest, validation) = validation(&**train);
                let part = |positions| Box::new(Subset::new(Arc::clone(&train), positions));
                Data::new(part(rest), Some(part(validation)))
            }
        };
        Self::new(name, model, data, path.as_deref(), recipe)
    }

    fn new(name: &str, model: Model, data: Data, path: Option<&Path>, recipe: &Recipe) -> Result<Self, Error> {
        let model = model.with_name(name);
        let (train, test) = (data.train()?, data.test()?);
        let labels = match_labels(train, model.categories())?;
        let test_labels = match_labels(test, model.categories())?;
        let identity = identity::of_source(name, &model, path, [train, test], (&recipe.images, recipe.measure))?;
        Ok(Self { model, data, labels, test_labels, identity, test_logits: OnceLock::new() })
    }

    /// The train images, until the study is to stop.
    pub(super) fn train<'a>(&'a self, progress: &'a dyn Progress) -> Result<Stoppable<'a>, Error> {
        Ok(Stoppable { images: self.data.train()?, progress })
    }

    /// The test images, until the study is to stop.
    pub(super) fn test<'a>(&'a self, progress: &'a dyn Progress) -> Result<Stoppable<'a>, Error> {
        Ok(Stoppable { images: self.data.test()?, progress })
    }

    /// The parts of the train images for a task of `categories` categories.
    pub(super) fn parts(&self, counts: &ImageCounts, categories: usize, seed: u64) -> Result<Parts, Error> {
        let sizes = PartSizes {
            attribution: (counts.candidates > 0).then_some(counts.candidates),
            calibration: calibration(counts.calibration, categories, self.model.size().macs),
        };
        Ok(Parts::new(self.data.train()?, sizes, seed, &[])?)
    }

    /// The positions of the task's test images.
    pub(super) fn test_positions(&self, task: &Task) -> Result<Vec<usize>, Error> {
        let test = self.data.test()?;
        Ok(self.test_labels.positions(test.labels(), task, test.categories(), self.model.categories())?)
    }

    /// The uncut source's logits for all test images.
    pub(super) fn test_logits(&self, runner: &Runner<'_>, progress: &dyn Progress) -> Result<&LabelledLogits, Error> {
        if let Some(logits) = self.test_logits.get() {
            return Ok(logits);
        }
        let test = self.test(progress)?;
        let all: Vec<usize> = (0..test.labels().len()).collect();
        let logits = runner.logits(&self.model, &test, &all)?;
        // Two runs may compute the same numbers at once; the first to arrive stay.
        Ok(self.test_logits.get_or_init(|| logits))
    }
}

/// The positions of the train images that are no validation images, and of those that are: at most [`VALIDATION`] of every
/// category, and a part of it.
fn validation(train: &dyn ImageSource) -> (Vec<usize>, Vec<usize>) {
    let mut validation = Vec::new();
    for label in 0..train.categories().len() {
        let own: Vec<usize> = (0..train.labels().len()).filter(|&i| train.labels()[i] == label).collect();
        let wanted = VALIDATION.min(own.len() / VALIDATION_SHARE);
        validation.extend(parts::draw(own, wanted, VALIDATION_SEED));
    }
    validation.sort_unstable();
    let rest = (0..train.labels().len()).filter(|i| validation.binary_search(i).is_err()).collect();
    (rest, validation)
}

/// A model file, or another program's weights, imported as [`Import`] does.
fn read(entry: &Entry, root: &Path) -> Result<Model, Error> {
    let file = root.join(&entry.model);
    match &entry.preset {
        Some(preset) => {
            let preset: Preset = preset.parse().map_err(ImportError::from)?;
            Ok(Import::new(file).preset(preset).read()?.model)
        }
        None => crate::source::read(&file),
    }
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
    fn source(train: &[&str], test: &[&str], measure: &str) -> Result<Source, Error> {
        let folder = tempfile::tempdir().unwrap();
        for (split, categories) in [("train", train), ("test", test)] {
            for category in categories {
                let category = folder.path().join(split).join(category);
                std::fs::create_dir_all(&category).unwrap();
                (0..10).for_each(|index| std::fs::write(category.join(format!("{index}.png")), PNG).unwrap());
            }
        }
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/lenet5-mnist.safetensors");
        let recipe = format!("name = 'x'\nmeasure = '{measure}'\n[source.a]\nmodel = '{model}'\ndata = 'd'\n");
        let recipe: Recipe = toml::from_str(&recipe).unwrap();
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
    fn a_fifth_of_every_category_validates() {
        let source = source(&["0", "1"], &[], "validation").unwrap();
        assert_eq!((source.data.train().unwrap().labels().len(), source.data.test().unwrap().labels().len()), (16, 4));
        assert_eq!(source.test_positions(&Task::new([1]).unwrap()).unwrap(), [2, 3]);
    }

    #[test]
    fn older_recipes_call_validation_images_held_out() {
        let sources = ["held-out", "validation"].map(|measure| source(&["0", "1"], &[], measure).unwrap());
        assert_eq!(sources[0].identity, sources[1].identity);
    }
}
