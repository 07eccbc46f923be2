//! Model files.

use anyhow::Context as _;
use mda_core::Model;
use mda_formats::{Target, native};
use std::path::Path;

/// Reads a model file into memory of our own: a long command must not stumble over somebody who copies another model over the
/// file meanwhile, which a mapped file would let through.
pub(crate) fn read(path: &Path) -> anyhow::Result<Model> {
    native::read(path).context("reading a model")
}

/// Writes a model file, whole or not at all.
pub(crate) fn write(model: &Model, target: &Target) -> anyhow::Result<()> {
    let path = target.path();
    native::write(model, path).with_context(|| format!("writing the model {}", path.display()))
}
