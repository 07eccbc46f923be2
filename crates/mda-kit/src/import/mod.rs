//! Importing: trained classifiers out of other programs' files, and what those do not say themselves.

mod error;
mod graph;
mod names;
mod own;
mod pixels;
mod weights;

pub use error::ImportError;
pub use mda_formats::onnx::PixelRange;

use crate::error::Error;
use crate::source::Source;
use mda_core::Model;
use mda_core::op::Normalize;
use mda_data::Preset;
use mda_formats::native;
use std::path::{Path, PathBuf};

/// A file that is about to be read: a PyTorch checkpoint, a safetensors state_dict, an ONNX file, or MDA's own model file.
#[derive(Clone, Debug)]
pub struct Import {
    file: PathBuf,
    architecture: Option<String>,
    preset: Option<Preset>,
    categories: Option<Vec<String>>,
    data: Option<PathBuf>,
    channels: Option<usize>,
    extents: Option<[usize; 2]>,
    range: Option<PixelRange>,
    normalization: Option<Normalize>,
    name: Option<String>,
}

/// A model, and how it was found.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// How the architecture was found, what was assumed and what was left out.
    pub notes: Vec<String>,
}

impl Import {
    /// The file at `path`; its kind is told by its content, and by `.onnx` for ONNX files.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            file: path.into(),
            architecture: None,
            preset: None,
            categories: None,
            data: None,
            channels: None,
            extents: None,
            range: None,
            normalization: None,
            name: None,
        }
    }

    /// The architecture of named weights; guessed from their names and shapes where nothing is said.
    #[must_use]
    pub fn architecture(mut self, name: impl Into<String>) -> Self {
        self.architecture = Some(name.into());
        self
    }

    /// A known data set, which gives the category names and the normalisation.
    #[must_use]
    pub fn preset(mut self, preset: Preset) -> Self {
        self.preset = Some(preset);
        self
    }

    /// The names of the categories, in the order of the logits.
    #[must_use]
    pub fn categories(mut self, names: Vec<String>) -> Self {
        self.categories = Some(names);
        self
    }

    /// A data set whose category names are taken.
    #[must_use]
    pub fn categories_of(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// Rows and columns of the images; where nothing is said, a usual size that the weights fit.
    #[must_use]
    pub fn input(mut self, extents: [usize; 2]) -> Self {
        self.extents = Some(extents);
        self
    }

    /// Channels of the images, where an ONNX file does not tell them.
    #[must_use]
    pub fn channels(mut self, channels: usize) -> Self {
        self.channels = Some(channels);
        self
    }

    /// The pixel values that the network was trained on, black to white; 0 to 1 where nothing is said.
    #[must_use]
    pub fn range(mut self, range: PixelRange) -> Self {
        self.range = Some(range);
        self
    }

    /// What is subtracted from the pixel values in that range and what they are divided by then: one number each, or one a
    /// channel.
    #[must_use]
    pub fn normalized(mut self, mean: Vec<f32>, std: Vec<f32>) -> Self {
        self.normalization = Some(Normalize { mean, std });
        self
    }

    /// What the model is called; the file's stem where nothing is said.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Import`] and, for MDA's own files, [`Error::Model`].
    pub fn read(&self) -> Result<Imported, Error> {
        let is_onnx = self.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
        let (model, notes) = if is_onnx {
            graph::read(self)?
        } else if native::is_model(&self.file).is_ok_and(|is_model| is_model) {
            let (model, notes) = own::read(self)?;
            return Ok(Imported { model, notes });
        } else {
            weights::read(self)?
        };
        let stem = self.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("model");
        Ok(Imported { model: model.with_name(self.name.clone().unwrap_or_else(|| stem.to_owned())), notes })
    }

    /// Reads the file as a source to disassemble.
    ///
    /// # Errors
    /// As [`Import::read`].
    pub fn load(&self) -> Result<Source, Error> {
        Source::of_file(self.read()?.model, &self.file)
    }

    fn range_or_unit(&self) -> PixelRange {
        self.range.unwrap_or(PixelRange::Unit)
    }

    fn path(&self) -> &Path {
        &self.file
    }
}
