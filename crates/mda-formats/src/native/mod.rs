//! MDA's own model file: a safetensors file that also holds its graph.
//!
//! Tensors are the model's parameters by name, all f32. The metadata has three entries: `mda.format` is the version,
//! [`FORMAT`]; `mda.model` is JSON with the name, the graph, the category names, what images look like, and where the model
//! came from; `mda.tensors_sha256` is the SHA-256 of all bytes behind the header, so that a damaged weight is found. Files of
//! older versions lack the last. Any safetensors reader opens the file.

mod container;
mod description;
mod digest;
mod error;
mod layout;
mod shared;
pub mod statistics;
#[cfg(test)]
mod tests;

pub use digest::sha256;
pub use error::NativeError;

use crate::atomic;
use crate::scalar::FloatType;
use container::{Check, Guard};
use mda_core::{Model, Tensor};
use shared::Shared;
use std::fs::File;
use std::io;
use std::path::Path;

/// The version of the file format that this crate reads and writes.
pub const FORMAT: &str = "1";

/// Writes `model` to `path`, which holds either the whole new file afterwards or what it held before.
///
/// # Errors
/// [`NativeError::Write`] where the folder cannot be written to, [`NativeError::Undescribable`] and
/// [`NativeError::HeaderTooLarge`] for models that [`read`] would refuse.
pub fn write(model: &Model, path: &Path) -> Result<(), NativeError> {
    let header = layout::header(model, Guard::Digest)?;
    let written = atomic::write(path, |mut out| layout::write(model, &header, &mut out));
    written.map_err(|source| NativeError::Write { path: path.to_owned(), source })
}

/// The model as bytes for another reader in memory: what [`write()`] puts into a file, without the digest that guards files.
/// Equal models give equal bytes.
///
/// # Errors
/// [`NativeError::Undescribable`] and [`NativeError::HeaderTooLarge`] for models that [`from_bytes`] would refuse.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>, NativeError> {
    let header = layout::header(model, Guard::None)?;
    let mut bytes = Vec::new();
    layout::write(model, &header, &mut bytes).map_err(NativeError::Read)?;
    Ok(bytes)
}

/// Reads the model in the file at `path`, and checks its tensors against their digest where the file has one.
///
/// # Errors
/// [`NativeError::File`] with the path and what is wrong with the file.
pub fn read(path: &Path) -> Result<Model, NativeError> {
    let open = || -> Result<Model, NativeError> {
        let file = Shared::read(path).map_err(NativeError::Read)?;
        layout::read(file.bytes(), Check::Digest, |shape, range| file.tensor(shape, range))
    };
    open().map_err(|problem| problem.in_file(path))
}

/// Reads the model in the file at `path`, which is mapped into memory: its numbers stay there, programs that map one file
/// share them, and the digest of its tensors is not computed.
///
/// # Safety
/// Nobody may write to the file or cut it off while the model or one of its tensors is in use, which may be longer than the
/// caller looks at: clones share the mapping, and so do models that are cut out of this one. [`write()`] keeps to that, it puts
/// a new file in the old one's place and leaves that as it was; other programs may not, `cp` over the file among them. Windows
/// refuses to replace a mapped file.
///
/// # Errors
/// [`NativeError::File`] with the path and what is wrong with the file.
pub unsafe fn read_mapped(path: &Path) -> Result<Model, NativeError> {
    let open = || -> Result<Model, NativeError> {
        // SAFETY: the caller's promise is the one that is asked for.
        let file = unsafe { Shared::map(path) }.map_err(NativeError::Read)?;
        layout::read(file.bytes(), Check::Nothing, |shape, range| file.tensor(shape, range))
    };
    open().map_err(|problem| problem.in_file(path))
}

/// The model in the bytes of a file, or in those of [`to_bytes`]; checked against their digest where they have one.
///
/// # Errors
/// Every [`NativeError`] but those of writing: no MDA model, an unknown version, a broken description, damaged tensors, a
/// graph or parameters that do not fit.
pub fn from_bytes(bytes: &[u8]) -> Result<Model, NativeError> {
    layout::read(bytes, Check::Digest, |shape, range| Tensor::new(shape, FloatType::F32.decode(&bytes[range])))
}

/// Whether the file at `path` is a model file of MDA, of whatever version; only its header is looked at.
///
/// # Errors
/// [`NativeError::File`] where the file cannot be read.
pub fn is_model(path: &Path) -> Result<bool, NativeError> {
    let look = || -> io::Result<bool> { layout::is_model(File::open(path)?) };
    look().map_err(|source| NativeError::Read(source).in_file(path))
}
