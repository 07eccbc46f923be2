//! The images of a data set, as a model takes them.

use crate::error::Error;
use mda_core::Model;
use mda_core::graph::Shape;
use mda_core::labels::LabelMap;
use mda_core::source::ImageSource;
use mda_data::{DataSet, Preparation, Prepared, Preset, Split};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Images that any thread may read.
pub type Images = Box<dyn ImageSource + Send>;

/// A data set's two splits: train images decide, test images measure. Each is opened when it is first asked for.
pub struct Data {
    from: Option<(PathBuf, Shape)>,
    train: OnceLock<Images>,
    test: OnceLock<Images>,
}

impl Data {
    /// The data set at `path` (IDX files, image folders, or image folders in a tar archive), brought to the size and the
    /// channels of `model`'s images.
    ///
    /// An IDX folder knows no names; one that is called like a known data set gets that set's names.
    ///
    /// # Errors
    /// [`Error::Data`] where there is nothing to read; what is wrong within a split is told when it is opened.
    pub fn open(path: impl Into<PathBuf>, model: &Model) -> Result<Self, Error> {
        let path = path.into();
        std::fs::metadata(&path).map_err(|source| Error::Missing { path: path.clone(), source })?;
        Ok(Self { from: Some((path, model.input_shape())), train: OnceLock::new(), test: OnceLock::new() })
    }

    /// Images of your own. Without test images nothing can be measured.
    pub fn new(train: Images, test: Option<Images>) -> Self {
        let test = test.map_or_else(OnceLock::new, OnceLock::from);
        Self { from: None, train: OnceLock::from(train), test }
    }

    /// Where the data lies, where it was opened by its path.
    pub fn path(&self) -> Option<&Path> {
        self.from.as_ref().map(|(path, _)| path.as_path())
    }

    /// The train images.
    ///
    /// # Errors
    /// [`Error::Data`] and [`Error::Preparation`].
    pub fn train(&self) -> Result<&dyn ImageSource, Error> {
        self.split(Split::Train)
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
        let cell = match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        };
        if cell.get().is_none() {
            let (path, shape) = self.from.as_ref().ok_or(Error::NoTest)?;
            // Two threads may open the same images at once; the first to arrive stay.
            let _ = cell.set(Box::new(open(path, split, *shape)?));
        }
        let images = cell.get().expect("the images were just set");
        Ok(&**images)
    }
}

/// The images of one split of the data set at `path`, brought to `shape`.
///
/// # Errors
/// [`Error::Data`] and [`Error::Preparation`].
pub fn open(path: &Path, split: Split, shape: Shape) -> Result<Prepared, Error> {
    let failed = |source| Error::Data { path: path.to_owned(), split, source: Box::new(source) };
    let set = named(DataSet::open(path, split).map_err(failed)?, path).map_err(failed)?;
    let [height, width] = shape.spatial();
    let preparation = Preparation::new(shape.channels(), height, width).map_err(|source| Error::Preparation {
        path: path.to_owned(),
        shape,
        source,
    })?;
    Ok(set.prepare(preparation))
}

/// `set` under the names of a known data set, where the folder is called like it and the set has none.
///
/// # Errors
/// [`mda_data::DataError`], in theory.
pub fn named(set: DataSet, path: &Path) -> Result<DataSet, mda_data::DataError> {
    let unnamed = set.categories().iter().enumerate().all(|(label, name)| *name == label.to_string());
    let preset = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<Preset>().ok());
    match preset.and_then(Preset::categories) {
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
