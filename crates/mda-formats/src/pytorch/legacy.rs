//! The stream that `torch.save` wrote before PyTorch 1.6, and still writes with
//! `_use_new_zipfile_serialization=False`.
//!
//! Five pickles, one after another: a magic number, the protocol version, facts about the machine, the object, and the
//! list of storage keys. Then every storage in the order of that list: its number of elements (8 bytes) and its data.

use std::collections::BTreeMap;

use super::pickle::{self, Pickle, Value};
use super::{PytorchError, StorageBytes};

/// The magic number 0x1950a86a20f9469cfc6c as binary pickles (protocol 2 on) hold it.
const MAGIC: &[u8] = &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// The same in the decimal digits of protocols 0 and 1.
const MAGIC_DECIMAL: &[u8] = b"119547037146038801333356L";
/// The magic number stands within this many bytes of the start.
const MAGIC_WITHIN: usize = 40;
const PROTOCOL_VERSION: i64 = 1001;

/// Whether `file` begins with the pickled magic number.
pub(super) fn has_magic_number(file: &[u8]) -> bool {
    let start = &file[..file.len().min(MAGIC_WITHIN)];
    [MAGIC, MAGIC_DECIMAL].iter().any(|magic| start.windows(magic.len()).any(|window| window == *magic))
}

/// The object of a checkpoint and the bytes of its storages.
pub(super) fn read(file: &[u8]) -> Result<(Pickle<'_>, StorageBytes<'_>), PytorchError> {
    let load = |part: &'static str, start: usize| {
        pickle::load(file, start, file.len()).map_err(|source| PytorchError::Pickle { part, source })
    };
    let magic = load("magic number", 0)?;
    let version = load("protocol version", magic.end)?;
    match version.root {
        Value::Int(PROTOCOL_VERSION) => {}
        Value::Int(found) => return Err(PytorchError::Protocol { found, expected: PROTOCOL_VERSION }),
        other => return Err(header("protocol version", "an integer", &version, other)),
    }
    let machine = load("machine", version.end)?;
    let facts = machine.heap.dict(machine.root);
    let facts = facts.ok_or_else(|| header("machine", "a dict", &machine, machine.root))?;
    if facts.contains(&(Value::Text("little_endian"), Value::Bool(false))) {
        return Err(PytorchError::BigEndian);
    }
    let object = load("object", machine.end)?;
    let keys = load("list of storages", object.end)?;
    let storages = storages(file, &object, &keys)?;
    Ok((object, storages))
}

fn header<'a>(part: &'static str, expected: &'static str, pickle: &Pickle<'a>, found: Value<'a>) -> PytorchError {
    PytorchError::Header { part, expected, found: pickle.heap.kind(found) }
}

fn storages<'a>(file: &'a [u8], object: &Pickle<'a>, keys: &Pickle<'a>) -> Result<StorageBytes<'a>, PytorchError> {
    let mut sizes = BTreeMap::new();
    for storage in object.heap.storages() {
        let size = storage.scalar.size();
        if *sizes.entry(storage.key).or_insert(size) != size {
            return Err(PytorchError::StorageTypes { key: storage.key.to_owned() });
        }
    }
    let list = keys.heap.sequence(keys.root);
    let list = list.ok_or_else(|| header("list of storages", "a list", keys, keys.root))?;
    let mut at = keys.end;
    let mut storages = StorageBytes::new();
    for &item in list {
        let Value::Text(key) = item else {
            return Err(header("list of storages", "a text", keys, item));
        };
        let &size = sizes.get(key).ok_or_else(|| PytorchError::UnknownStorage { key: key.to_owned() })?;
        let bytes =
            storage_at(file, at, size).ok_or_else(|| PytorchError::StorageCut { key: key.to_owned(), offset: at })?;
        at += COUNT_SIZE + bytes.len();
        storages.insert(key.to_owned(), bytes);
    }
    Ok(storages)
}

const COUNT_SIZE: usize = size_of::<u64>();

/// The data of the storage whose count stands at `offset`.
fn storage_at(file: &[u8], offset: usize, number_size: usize) -> Option<&[u8]> {
    let (count, data) = file.get(offset..)?.split_first_chunk::<COUNT_SIZE>()?;
    let length = usize::try_from(u64::from_le_bytes(*count)).ok()?.checked_mul(number_size)?;
    data.get(..length)
}
