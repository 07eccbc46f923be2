//! The images of a data set, as a model takes them.

use crate::error::Error;
use mda_core::Model;
use mda_core::evaluate::LabelMap;
use mda_core::run::ImageSource;
use mda_core::tensor::Shape;
use mda_data::{DataSet, Preparation, Prepared, Preset, Split};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Images that any thread may read.
pub type Images = Box<dyn ImageSource + Send>;

/// A data set's two splits: train images decide, test images measure. Each is opened when it is first asked for.
pub struct Data {
    from: Option<(PathBuf, Shape)>,
    train: OnceLock<Opened>,
    test: OnceLock<Opened>,
}

/// The images of one split.
struct Opened {
    images: Images,
    /// The files that are no part of it, a sentence for each reason.
    left_out: Vec<String>,
}

impl Data {
    /// The data set at `path` (IDX files, image folders, or image folders in a tar archive), brought to the size and the
    /// channels of `model`'s images. What is wrong with its files is told when a split is opened.
    ///
    /// An IDX folder knows no names; one that is called like a known data set gets that set's names.
    ///
    /// # Errors
    /// [`Error::Preparation`] where images cannot be brought to what the model takes.
    pub fn open(path: impl Into<PathBuf>, model: &Model) -> Result<Self, Error> {
        let path = path.into();
        preparation(&path, model.input_shape())?;
        Ok(Self { from: Some((path, model.input_shape())), train: OnceLock::new(), test: OnceLock::new() })
    }

    /// Images of your own. Without test images nothing can be measured.
    pub fn new(train: Images, test: Option<Images>) -> Self {
        let opened = |images| OnceLock::from(Opened { images, left_out: Vec::new() });
        Self { from: None, train: opened(train), test: test.map_or_else(OnceLock::new, opened) }
    }

    /// Train images alone, and the files that are no part of them.
    pub(crate) fn of_train(train: Images, left_out: Vec<String>) -> Self {
        Self { from: None, train: OnceLock::from(Opened { images: train, left_out }), test: OnceLock::new() }
    }

    /// Where the data lies, where it was opened by its path.
    pub fn path(&self) -> Option<&Path> {
        self.from.as_ref().map(|(path, _)| path.as_path())
    }

    /// The train images.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn train(&self) -> Result<&dyn ImageSource, Error> {
        self.split(Split::Train)
    }

    /// The train images, for themselves.
    pub(crate) fn into_train(self) -> Result<Images, Error> {
        self.train()?;
        Ok(self.train.into_inner().expect("the images were just opened").images)
    }

    /// The test images.
    ///
    /// # Errors
    /// As [`Data::train`]; [`Error::NoTest`] for images of one's own without any.
    pub fn test(&self) -> Result<&dyn ImageSource, Error> {
        self.split(Split::Test)
    }

    /// The images of one split.
    ///
    /// # Errors
    /// As [`Data::test`].
    pub fn split(&self, split: Split) -> Result<&dyn ImageSource, Error> {
        Ok(&*self.opened(split)?.images)
    }

    /// The files of a split that are no images, or of formats that are not read: a sentence for each reason.
    ///
    /// # Errors
    /// As [`Data::test`].
    pub fn left_out(&self, split: Split) -> Result<&[String], Error> {
        Ok(&self.opened(split)?.left_out)
    }

    /// What of the train images a model with the categories of `labels` does not look at, in sentences.
    ///
    /// # Errors
    /// As [`Data::train`].
    pub(crate) fn notes(&self, labels: &LabelMap) -> Result<Vec<String>, Error> {
        let own = self.opened(Split::Train)?;
        let place = self.path().map(|path| format!("{}: ", path.display())).unwrap_or_default();
        let notes = own.left_out.iter().cloned().chain(unknown_labels(&*own.images, labels));
        Ok(notes.map(|note| format!("{place}{note}")).collect())
    }

    fn opened(&self, split: Split) -> Result<&Opened, Error> {
        let cell = match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        };
        if cell.get().is_none() {
            let (path, shape) = self.from.as_ref().ok_or(Error::NoTest)?;
            let images = open(path, split, *shape)?;
            let left_out = images.set().left_out().iter().map(ToString::to_string).collect();
            // Two threads may open the same images at once; the first to arrive stay.
            let _ = cell.set(Opened { images: Box::new(images), left_out });
        }
        Ok(cell.get().expect("the images were just set"))
    }
}

/// The images of one split of the data set at `path`, brought to `shape`.
///
/// # Errors
/// [`Error::Data`] and [`Error::Preparation`].
pub fn open(path: &Path, split: Split, shape: Shape) -> Result<Prepared, Error> {
    let failed = |source| Error::Data { path: path.to_owned(), split, source: Box::new(source) };
    let set = named(DataSet::open(path, split).map_err(failed)?, path).map_err(failed)?;
    Ok(set.prepare(preparation(path, shape)?))
}

pub(crate) fn preparation(path: &Path, shape: Shape) -> Result<Preparation, Error> {
    let [height, width] = shape.spatial();
    Preparation::new(shape.channels(), height, width).map_err(|source| Error::Preparation {
        path: path.to_owned(),
        shape,
        source,
    })
}

/// `set` under the names of a known data set, where the folder is called like it and the set has none.
///
/// # Errors
/// [`mda_data::DataError`], in theory.
pub fn named(set: DataSet, path: &Path) -> Result<DataSet, mda_data::DataError> {
    let unnamed = set.categories().iter().enumerate().all(|(label, name)| *name == label.to_string());
    let preset = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<Preset>().ok());
    match preset.map(Preset::categories) {
        Some(names) if unnamed && names.len() == set.categories().len() => set.with_categories(names),
        _ => Ok(set),
    }
}

/// What the labels of `images` mean to a model with these categories.
///
/// # Errors
/// [`Error::Labels`] where no name is in both.
pub fn match_labels(images: &dyn ImageSource, categories: &[String]) -> Result<LabelMap, Error> {
    Ok(LabelMap::by_name(images.categories(), categories)?)
}

/// The images that `labels` knows no category of the model for, in a sentence.
pub fn unknown_labels(images: &dyn ImageSource, labels: &LabelMap) -> Option<String> {
    let unknown = |label: &usize| labels.category(*label).is_none();
    let lost: Vec<usize> = images.labels().iter().copied().filter(unknown).collect();
    let categories: BTreeSet<usize> = lost.iter().copied().collect();
    categories.first().map(|&first| {
        let (images_lost, count, name) = (lost.len(), categories.len(), &images.categories()[first]);
        let ending = if count == 1 { "y" } else { "ies" };
        format!("{images_lost} images of {count} categor{ending} that the model lacks left out, such as `{name}`")
    })
}
