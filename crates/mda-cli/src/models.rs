//! Model files.

use crate::output::Output;
use anyhow::Context as _;
use mda::import::Imported;
use mda_core::Model;
use mda_formats::{Target, native};
use std::path::Path;

/// Reads a model file into memory of our own: a long command must not stumble over somebody who copies another model over the
/// file meanwhile, which a mapped file would let through.
pub(crate) fn read(path: &Path) -> anyhow::Result<Model> {
    native::read(path).context("reading a model")
}

/// Reads a model file, or another program's file as far as that says everything itself; what was assumed is told.
pub(crate) fn read_any(path: &Path, output: Output) -> anyhow::Result<Model> {
    if native::is_model(path).is_ok_and(|is_model| is_model) {
        return read(path);
    }
    let Imported { model, notes } = mda::Import::new(path).read()?;
    notes.iter().for_each(|note| output.note(note));
    Ok(model)
}

/// Writes a model file, whole or not at all.
pub(crate) fn write(model: &Model, target: &Target) -> anyhow::Result<()> {
    let path = target.path();
    native::write(model, path).with_context(|| format!("writing the model {}", path.display()))
}
