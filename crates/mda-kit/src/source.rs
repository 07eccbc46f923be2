//! Sources: trained classifiers, and the files that models lie in.

use crate::error::Error;
use crate::import::Import;
use mda_core::Model;
use mda_formats::{native, onnx};
use std::path::{Path, PathBuf};

/// A trained classifier, and the file that it came from.
#[derive(Clone, Debug)]
pub struct Source {
    model: Model,
    sha256: Option<String>,
}

impl Source {
    /// Reads MDA's own model file.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::of_file(read(path)?, path)
    }

    /// A model of any file that can be imported; [`Import::load`] reads it.
    pub fn open(path: impl Into<PathBuf>) -> Import {
        Import::new(path)
    }

    pub(crate) fn of_file(model: Model, path: &Path) -> Result<Self, Error> {
        let sha256 = native::sha256(path).map_err(|source| failed("reading the model", path, source))?;
        Ok(Self { model, sha256: Some(sha256) })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// SHA-256 of its file, where it was read from one.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }
}

impl From<Model> for Source {
    fn from(model: Model) -> Self {
        Self { model, sha256: None }
    }
}

/// Reads a model file.
///
/// # Errors
/// [`Error::Model`].
pub fn read(path: &Path) -> Result<Model, Error> {
    native::read(path).map_err(|source| failed("reading the model", path, source))
}

/// Writes a model file, whole or not at all.
///
/// # Errors
/// [`Error::Model`].
pub fn save(model: &Model, path: &Path) -> Result<(), Error> {
    native::write(model, path).map_err(|source| failed("writing the model", path, source))
}

/// Writes an ONNX file (opset 17, any batch size, pixel values in 0 to 1 in, logits out), whole or not at all.
///
/// # Errors
/// [`Error::Export`].
pub fn export_onnx(model: &Model, path: &Path) -> Result<(), Error> {
    onnx::export(model, path).map_err(|source| Error::Export { path: path.to_owned(), source: Box::new(source) })
}

fn failed(what: &'static str, path: &Path, source: native::NativeError) -> Error {
    Error::Model { what, path: path.to_owned(), source: Box::new(source) }
}
