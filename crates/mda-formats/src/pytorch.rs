//! PyTorch checkpoints: what `torch.save(model.state_dict(), path)` writes, in the zip format and in the older stream of
//! pickles.
//!
//! A checkpoint is a pickle, and to unpickle is to run a program. The reader here builds plain data only and refuses
//! whatever else a pickle asks for, by name.

mod archive;
mod checkpoint;
mod error;
mod layout;
mod legacy;
mod pickle;

use std::collections::BTreeMap;

pub use archive::ArchiveError;
pub use error::PytorchError;
pub use layout::LayoutError;
pub use pickle::PickleError;

use crate::state_dict::Contents;
use archive::Archive;
use layout::TensorReader;
use pickle::{Pickle, Value};

/// The bytes of every storage, by key.
type StorageBytes<'a> = BTreeMap<String, &'a [u8]>;

/// Whether `file` begins as a zip archive does.
pub(crate) fn is_zip(file: &[u8]) -> bool {
    file.starts_with(b"PK\x03\x04")
}

/// Whether `file` begins with the magic number of the older format.
pub(crate) fn is_legacy(file: &[u8]) -> bool {
    legacy::has_magic_number(file)
}

/// Whether `file` is a tar archive.
pub(crate) fn is_tar(file: &[u8]) -> bool {
    file.get(257..262) == Some(b"ustar")
}

/// Whether `file` begins as a pickle of protocol 2 or later does.
pub(crate) fn is_pickle(file: &[u8]) -> bool {
    matches!(file, [0x80, 2..=5, ..])
}

/// The state dict of a checkpoint in the zip format.
pub(crate) fn read_zip(file: &[u8]) -> Result<Contents, PytorchError> {
    let archive = Archive::open(file)?;
    let root = archive.names().find_map(|name| name.strip_suffix("/data.pkl").filter(|root| !root.contains('/')));
    let Some(root) = root else {
        return Err(PytorchError::NoPickle { entries: archive.names().take(3).map(str::to_owned).collect() });
    };
    if archive.names().any(|name| name == format!("{root}/constants.pkl")) {
        return Err(PytorchError::TorchScript);
    }
    let entry = |name: &str| archive.entry(&format!("{root}/{name}"));
    if entry("byteorder")?.is_some_and(|order| order != b"little") {
        return Err(PytorchError::BigEndian);
    }
    let pickle = pickle::load(entry("data.pkl")?.unwrap_or_default(), 0, file.len());
    let pickle = pickle.map_err(|source| PytorchError::Pickle { part: "object (data.pkl)", source })?;
    contents(&pickle, file.len(), |key| Ok(entry(&format!("data/{key}"))?))
}

/// The state dict of a checkpoint in the older format.
pub(crate) fn read_legacy(file: &[u8]) -> Result<Contents, PytorchError> {
    let (pickle, storages) = legacy::read(file)?;
    contents(&pickle, file.len(), |key| Ok(storages.get(key).copied()))
}

fn contents<'a>(
    pickle: &Pickle<'_>,
    file_size: usize,
    storage: impl Fn(&str) -> Result<Option<&'a [u8]>, PytorchError>,
) -> Result<Contents, PytorchError> {
    let selection = checkpoint::select(pickle)?;
    let heap = &pickle.heap;
    let mut reader = TensorReader::new(file_size);
    let mut entries = Vec::with_capacity(selection.items.len());
    for &(key, value) in selection.items {
        let view = heap.tensor(value);
        let name = match (key, view) {
            (Value::Text(name), _) => name.to_owned(),
            (_, Some(_)) => return Err(PytorchError::Key { found: heap.kind(key) }),
            (_, None) => continue,
        };
        let tensor = match view {
            Some(view) => match reader.read(view, storage(view.storage.key)?) {
                Ok(tensor) => tensor,
                Err(source) => return Err(PytorchError::Tensor { tensor: name, source }),
            },
            None => None,
        };
        entries.push((name, tensor));
    }
    Ok(Contents { entries, nested_under: selection.path })
}

#[cfg(test)]
mod tests;
