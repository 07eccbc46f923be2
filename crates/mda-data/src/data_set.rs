//! A split of a labelled data set, and views of it.

use std::fmt;
use std::sync::Arc;

use mda_core::run::{Batches, ImageSource};

use crate::batches::{self, Work};
use crate::error::DataError;
use crate::left_out::LeftOut;
use crate::pixels::Pixels;
use crate::prepare::{Preparation, Prepared};
use crate::select;
use crate::store::Store;

/// Which part of a data set: to learn from, or to be judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// What models were trained on; attribution, calibration and choices belong here.
    Train,
    /// What nothing may be learnt or chosen from.
    Test,
}

impl Split {
    /// The folder names that stand for the split, the preferred one first.
    pub fn folder_names(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train"],
            Self::Test => &["test", "val"],
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.folder_names()[0])
    }
}

/// Labelled images of one split, or a view of some of them. Copies share the images.
///
/// As an [`ImageSource`] it gives the images in their own size, `[N, 1, H, W]` for IDX and `[N, 3, H, W]` for JPEG and
/// PNG, and fails on an image that has another size than the first; [`DataSet::prepare`] gives them as a model takes them.
#[derive(Clone, Debug)]
pub struct DataSet {
    store: Arc<Store>,
    /// The position in the store of every image.
    positions: Vec<usize>,
    labels: Vec<usize>,
    categories: Vec<String>,
    descriptions: Vec<Option<String>>,
    left_out: Vec<LeftOut>,
    /// Channels, height and width of the store's first image.
    shape: [usize; 3],
}

impl DataSet {
    /// All images of `store`. `from` is what to call it in a message.
    pub(crate) fn new(
        store: Store,
        labels: Vec<usize>,
        categories: Vec<String>,
        descriptions: Vec<Option<String>>,
        left_out: Vec<LeftOut>,
        from: &str,
    ) -> Result<Self, DataError> {
        let counts = select::count_per_category(&labels, categories.len());
        if let Some(label) = counts.iter().position(|&count| count == 0) {
            let category = categories[label].clone();
            return Err(DataError::EmptyCategory { label, category, from: from.to_string() });
        }
        let Pixels { channels, height, width, .. } = store.pixels(0)?;
        let positions = (0..labels.len()).collect();
        let shape = [channels, height, width];
        Ok(Self { store: Arc::new(store), positions, labels, categories, descriptions, left_out, shape })
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The name of every category, by label: folder names, or the names that belong to an IDX folder.
    pub fn categories(&self) -> &[String] {
        &self.categories
    }

    /// The label of every image.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// `[C, H, W]` of the first image of the split, before any preparation.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// What lies in the folder or archive of the split and is not used, by reason; views answer the same.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// What `classes.tsv` says about a category, for instance `"goldfish, Carassius auratus"`.
    pub fn description(&self, label: usize) -> Option<&str> {
        self.descriptions.get(label)?.as_deref()
    }

    /// A name for people: the description up to its first comma, or else the category's name; `None` where there is no
    /// such category.
    pub fn display_name(&self, label: usize) -> Option<&str> {
        let description = self.description(label).and_then(|text| text.split(',').next()).map(str::trim);
        description.filter(|text| !text.is_empty()).or_else(|| self.categories.get(label).map(String::as_str))
    }

    /// The same images under other category names, for instance those of a [`Preset`](crate::Preset).
    ///
    /// # Errors
    /// [`DataError::CategoryCount`] where there are more or fewer names than categories.
    pub fn with_categories<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, DataError> {
        if names.len() != self.categories.len() {
            return Err(DataError::CategoryCount { expected: self.categories.len(), found: names.len() });
        }
        self.categories = names.iter().map(|name| name.as_ref().to_string()).collect();
        Ok(self)
    }

    /// The same images, all of one category, `image`.
    pub(crate) fn without_labels(self) -> Self {
        let labels = vec![0; self.len()];
        Self { labels, categories: vec!["image".into()], descriptions: vec![], ..self }
    }

    /// The images at `indices`, in that order. Labels and categories keep their numbers.
    ///
    /// # Errors
    /// [`DataError::NoImage`] where an index is too large.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, DataError> {
        if let Some(&index) = indices.iter().find(|&&index| index >= self.len()) {
            return Err(DataError::NoImage { index, count: self.len() });
        }
        let pick = |values: &[usize]| indices.iter().map(|&index| values[index]).collect();
        Ok(Self { positions: pick(&self.positions), labels: pick(&self.labels), ..self.clone() })
    }

    /// The images of these categories, in the order of the set. Labels and categories keep their numbers.
    ///
    /// # Errors
    /// [`DataError::NoCategory`] where a label is too large.
    pub fn of_categories(&self, labels: &[usize]) -> Result<Self, DataError> {
        if let Some(&label) = labels.iter().find(|&&label| label >= self.categories.len()) {
            return Err(DataError::NoCategory { label, count: self.categories.len() });
        }
        self.subset(&select::of_categories(&self.labels, labels))
    }

    /// The first `limit` images of every category, in the order of the set.
    pub fn limit_per_category(&self, limit: usize) -> Self {
        let indices = select::first_per_category(0..self.len(), &self.labels, limit);
        let pick = |values: &[usize]| indices.iter().map(|&index| values[index]).collect();
        Self { positions: pick(&self.positions), labels: pick(&self.labels), ..self.clone() }
    }

    /// What to call an image in a message or a report: its path.
    ///
    /// # Errors
    /// [`DataError::NoImage`] where `index` is too large.
    pub fn image_name(&self, index: usize) -> Result<String, DataError> {
        Ok(self.store.name(self.position(index)?))
    }

    /// An image as it is stored, decoded.
    ///
    /// # Errors
    /// [`DataError`] where `index` is too large or the image cannot be read.
    pub fn pixels(&self, index: usize) -> Result<Pixels, DataError> {
        self.store.pixels(self.position(index)?)
    }

    /// The images as a model takes them.
    pub fn prepare(self, preparation: Preparation) -> Prepared {
        Prepared::new(self, preparation)
    }

    fn position(&self, index: usize) -> Result<usize, DataError> {
        self.positions.get(index).copied().ok_or(DataError::NoImage { index, count: self.len() })
    }

    /// The batches of a walk, under `preparation` where there is one.
    pub(crate) fn walk(
        &self,
        indices: &[usize],
        batch_size: usize,
        preparation: Option<Preparation>,
    ) -> Batches<'static> {
        let items = indices.iter().map(|&index| Ok((index, self.position(index)?, self.labels[index])));
        let work = items.collect::<Result<Vec<_>, _>>().map(|items| Work {
            store: Arc::clone(&self.store),
            items,
            batch_size,
            preparation,
            shape: preparation.map_or(self.shape, |preparation| preparation.shape()),
        });
        batches::start(work)
    }
}

impl ImageSource for DataSet {
    fn categories(&self) -> &[String] {
        &self.categories
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn name(&self, index: usize) -> Option<String> {
        self.store.listed(*self.positions.get(index)?)
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        self.walk(indices, batch_size, None)
    }
}
