//! The bytes of a safetensors file with entries of our own: eight for the header's length, the header, the tensors.

use super::NativeError;
use super::digest::Digest;
use mda_core::{Tensor, TensorError};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::ops::Range;

pub(super) const DIGEST_KEY: &str = "mda.tensors_sha256";

/// Far above the headers of real models, and a bound on what a hostile one makes the reader allocate.
pub(super) const MAX_HEADER: u64 = 32 << 20;

/// Numbers are turned into bytes in blocks of this many.
const BLOCK: usize = 1 << 14;

/// What is written to find damage by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// The digest of the tensors.
    Digest,
    None,
}

/// What is checked beyond what a reader needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// The digest of the tensors, where the file has one.
    Digest,
    Nothing,
}

/// A tensor and its name.
pub(super) type Named<'t> = (&'t str, &'t Tensor);

/// The header over `tensors` with the entries of `metadata`, padded to a multiple of eight bytes.
///
/// It is written here and not by the safetensors crate, which gives the metadata's entries in a random order.
pub(super) fn header(mut metadata: Value, tensors: &[Named<'_>], guard: Guard) -> Result<Vec<u8>, NativeError> {
    if guard == Guard::Digest {
        metadata[DIGEST_KEY] = digest(tensors).into();
    }
    let mut entries = Map::new();
    entries.insert("__metadata__".into(), metadata);
    let mut start = 0;
    for (name, tensor) in tensors {
        let end = start + tensor.len() * size_of::<f32>();
        entries.insert(
            (*name).to_owned(),
            json!(TensorInfo { dtype: Dtype::F32, shape: tensor.shape().to_vec(), data_offsets: (start, end) }),
        );
        start = end;
    }
    let mut header = Value::Object(entries).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    check_size(header.len() as u64)?;
    Ok(header)
}

fn check_size(size: u64) -> Result<(), NativeError> {
    if size <= MAX_HEADER { Ok(()) } else { Err(NativeError::HeaderTooLarge { size, limit: MAX_HEADER }) }
}

/// Writes the file of `tensors`, whose header is `header`.
pub(super) fn write(tensors: &[Named<'_>], header: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header)?;
    blocks(tensors, |bytes| out.write_all(bytes))
}

/// The digest of the tensors as they are written.
fn digest(tensors: &[Named<'_>]) -> String {
    let mut digest = Digest::default();
    let Ok(()) = blocks(tensors, |bytes| {
        digest.update(bytes);
        Ok::<(), Infallible>(())
    });
    digest.finish()
}

/// Hands over the bytes of all tensors, block by block.
fn blocks<E>(tensors: &[Named<'_>], mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut bytes = Vec::with_capacity(BLOCK * size_of::<f32>());
    for (_, tensor) in tensors {
        for block in tensor.data().chunks(BLOCK) {
            bytes.clear();
            bytes.extend(block.iter().flat_map(|number| number.to_le_bytes()));
            take(&bytes)?;
        }
    }
    Ok(())
}

/// The header, and how many bytes of the file it and its length take.
pub(super) fn read_header(bytes: &[u8]) -> Result<(Metadata, usize), NativeError> {
    let no = |reason: String| NativeError::NotSafetensors(reason);
    let Some((size, rest)) = bytes.split_first_chunk() else {
        return Err(no(format!("{} bytes, the header's length alone takes 8", bytes.len())));
    };
    let size = u64::from_le_bytes(*size);
    if size > rest.len() as u64 {
        return Err(no(format!("its first 8 bytes announce a header of {size} bytes, {} follow", rest.len())));
    }
    check_size(size)?;
    let header = &rest[..size as usize];
    let metadata = serde_json::from_slice(header).map_err(|error| no(format!("header, from byte 8 on: {error}")))?;
    Ok((metadata, 8 + header.len()))
}

/// An entry of ours.
pub(super) fn entry<'m>(metadata: &'m Metadata, key: &str) -> Option<&'m String> {
    metadata.metadata().as_ref()?.get(key)
}

/// Checks that the file holds the tensors that its header tells of and that are told from damaged ones, and hands each over with its
/// name, its shape and its range of the file's bytes, whose header ends at `start`.
pub(super) fn tensors(
    bytes: &[u8],
    metadata: &Metadata,
    start: usize,
    check: Check,
    tensor: impl Fn(Vec<usize>, Range<usize>) -> Result<Tensor, TensorError>,
) -> Result<Vec<(String, Tensor)>, NativeError> {
    let (expected, found) = (metadata.data_len() as u64, (bytes.len() - start) as u64);
    if expected != found {
        return Err(NativeError::Length { expected, found });
    }
    if check == Check::Digest
        && let Some(expected) = entry(metadata, DIGEST_KEY)
    {
        check_digest(&bytes[start..], expected)?;
    }
    let mut all = Vec::new();
    // They lie behind one another in the order of their offsets, without gaps: `Metadata` has checked that.
    for name in metadata.offset_keys() {
        let Some(TensorInfo { dtype, shape, data_offsets: (first, end) }) = metadata.info(&name) else { continue };
        if *dtype != Dtype::F32 {
            return Err(NativeError::Dtype { tensor: name, found: format!("{dtype:?}") });
        }
        let tensor = tensor(shape.clone(), start + first..start + end);
        let tensor = tensor.map_err(|error| NativeError::NotSafetensors(format!("tensor `{name}`: {error}")))?;
        all.push((name, tensor));
    }
    Ok(all)
}

fn check_digest(tensors: &[u8], expected: &str) -> Result<(), NativeError> {
    let mut digest = Digest::default();
    digest.update(tensors);
    let found = digest.finish();
    if found == expected { Ok(()) } else { Err(NativeError::Digest { expected: expected.to_owned(), found }) }
}

/// Whether `file` begins with the header of a safetensors file that has an entry `key` of ours.
pub(super) fn has(mut file: impl Read, key: &str) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start)?;
    let Some(size) = start.first_chunk().copied().map(u64::from_le_bytes).filter(|&size| size <= MAX_HEADER) else {
        return Ok(false);
    };
    file.take(size).read_to_end(&mut start)?;
    Ok(read_header(&start).is_ok_and(|(metadata, _)| entry(&metadata, key).is_some()))
}
