//! MDA's own model file: a safetensors file that also holds its graph.
//!
//! Tensors are the model's parameters by name, all f32. The metadata has two entries: `mda.format` is the version,
//! [`FORMAT`], and `mda.model` is JSON with the name, the graph, the category names, what images look like, and where the
//! model came from. Any safetensors reader opens the file.

mod description;
mod error;
mod layout;
mod mapped;
#[cfg(test)]
mod tests;

pub use error::NativeError;

use crate::atomic;
use crate::scalar::FloatType;
use mapped::Mapped;
use mda_core::{Model, Tensor};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The version of the file format that this crate reads and writes.
pub const FORMAT: &str = "1";

/// Writes `model` to `path`, which holds either the whole new file afterwards or what it held before.
///
/// # Errors
/// [`NativeError::Write`] where the folder cannot be written to, [`NativeError::Undescribable`] and
/// [`NativeError::HeaderTooLarge`] for models that [`read`] would refuse.
pub fn write(model: &Model, path: &Path) -> Result<(), NativeError> {
    let header = layout::header(model)?;
    let written = atomic::write(path, |mut out| layout::write(model, &header, &mut out));
    written.map_err(|source| NativeError::Write { path: path.to_owned(), source })
}

/// The bytes that [`write()`] puts into a file; equal models give equal bytes.
///
/// # Errors
/// [`NativeError::Undescribable`] and [`NativeError::HeaderTooLarge`] for models that [`from_bytes`] would refuse.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>, NativeError> {
    let header = layout::header(model)?;
    let mut bytes = Vec::new();
    layout::write(model, &header, &mut bytes).map_err(NativeError::Read)?;
    Ok(bytes)
}

/// Reads the model in the file at `path`.
///
/// The file is mapped into memory and its numbers stay there: it must not be written to or cut off while the model or one of
/// its tensors is in use. [`write()`] puts a new file in its place and leaves the old one as it was, where the system allows
/// that: Windows refuses to replace a mapped file.
///
/// # Errors
/// [`NativeError::File`] with the path and what is wrong with the file.
pub fn read(path: &Path) -> Result<Model, NativeError> {
    let open = || -> Result<Model, NativeError> {
        let file = Mapped::open(path).map_err(NativeError::Read)?;
        layout::read(file.bytes(), |shape, range| file.tensor(shape, range))
    };
    open().map_err(|problem| problem.in_file(path))
}

/// The model in the bytes of a file.
///
/// # Errors
/// Every [`NativeError`] but those of writing: no MDA model, an unknown version, a broken description, a graph or
/// parameters that do not fit.
pub fn from_bytes(bytes: &[u8]) -> Result<Model, NativeError> {
    layout::read(bytes, |shape, range| Tensor::new(shape, FloatType::F32.decode(&bytes[range])))
}

/// Whether the file at `path` begins as a model file of MDA does, of any version; it may be damaged behind that.
pub fn is_model(path: &Path) -> bool {
    let begin = || -> io::Result<Vec<u8>> {
        let mut size = [0; 8];
        let mut file = File::open(path)?;
        file.read_exact(&mut size)?;
        let mut begin = size.to_vec();
        file.take(layout::MAX_HEADER.min(u64::from_le_bytes(size))).read_to_end(&mut begin)?;
        Ok(begin)
    };
    begin().is_ok_and(|begin| layout::has_model(&begin))
}

/// The SHA-256 of the file at `path` in lowercase hexadecimal digits: how provenance names a source.
///
/// # Errors
/// [`NativeError::File`] where the file cannot be read.
pub fn sha256(path: &Path) -> Result<String, NativeError> {
    let digest = || -> io::Result<_> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hasher.finalize()),
                count => hasher.update(&buffer[..count]),
            }
        }
    };
    let digest = digest().map_err(|source| NativeError::Read(source).in_file(path))?;
    let mut digits = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Ok(digits)
}
