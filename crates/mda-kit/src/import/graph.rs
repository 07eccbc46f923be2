//! ONNX files, which bring their own graph.

use super::{Import, ImportError, names, pixels};
use mda_core::Model;
use mda_formats::onnx::{self, ImportOptions, Imported};

pub(super) fn read(import: &Import) -> Result<(Model, Vec<String>), ImportError> {
    if import.architecture.is_some() {
        return Err(ImportError::OwnArchitecture);
    }
    let options = ImportOptions {
        extents: import.extents,
        channels: import.channels,
        categories: None,
        range: import.range_or_unit(),
        normalize: pixels::normalization(import),
    };
    let Imported { model, notes } = onnx::import(import.path(), &options)?;
    let given = names::given(import, model.categories().len())?;
    let model = match given.names {
        Some(names) => model.with_categories(names)?,
        None => model,
    };
    let notes = std::iter::once("read as an ONNX file".to_owned()).chain(notes);
    Ok((model, notes.chain(pixels::note(import)).chain(given.notes).collect()))
}
