//! A reader of the zip archives that `torch.save` writes: entries stored, never compressed.
//!
//! Entries are slices of the file, so nothing is allocated for their content, and no archive can expand.

use std::collections::BTreeMap;

use thiserror::Error;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const END_64_LOCATOR: u32 = 0x0706_4b50;
const END_SIZE: usize = 22;
const END_64_LOCATOR_SIZE: usize = 20;
const LONGEST_COMMENT: usize = u16::MAX as usize;
/// The extra field with the 64-bit sizes and offset of an entry.
const EXTRA_64: u16 = 0x0001;
const ENCRYPTED: u16 = 1;

/// What is wrong with the zip archive of a checkpoint.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// No end-of-central-directory record.
    #[error("the zip archive has no end record: the file is cut short; copy or download it again")]
    NoEnd,
    /// A record lies, wholly or in part, outside the file, or is not what its place says.
    #[error("byte {offset}: expected the zip archive's {record} there; the file is damaged or cut short")]
    Record {
        /// Which record was looked for.
        record: &'static str,
        /// Where it should begin.
        offset: usize,
    },
    /// An entry that is compressed or encrypted.
    #[error(
        "the zip entry `{entry}` is compressed or encrypted (method {method}), but PyTorch stores its entries as they are: \
         unpack the archive and pack it again with `zip -0 -r`"
    )]
    Packed {
        /// The entry's name.
        entry: String,
        /// Its compression method.
        method: u16,
    },
    /// An entry whose content does not have the checksum that the archive says.
    #[error(
        "the zip entry `{entry}` does not have its checksum (expected {expected:08x}, found {found:08x}): the file is \
         damaged, or was saved with `set_crc32_options(False)`; copy or save it again"
    )]
    Checksum {
        /// The entry's name.
        entry: String,
        /// The CRC-32 in the archive's directory.
        expected: u32,
        /// The CRC-32 of the bytes.
        found: u32,
    },
    /// Two entries of one name.
    #[error("the zip archive has two entries named `{entry}`")]
    Duplicate {
        /// The name.
        entry: String,
    },
    /// Entries that together are larger than the file, so some of them overlap.
    #[error("the entries of the zip archive come to more than the file's {file} bytes: they overlap")]
    Overlap {
        /// The size of the file in bytes.
        file: usize,
    },
}

/// The entries of an archive by name, the checksum of every stored one verified.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    entries: BTreeMap<String, Content<'a>>,
}

#[derive(Debug)]
enum Content<'a> {
    Stored(&'a [u8]),
    Packed { method: u16 },
}

impl<'a> Archive<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, ArchiveError> {
        let file = File(file);
        let (count, mut at) = file.directory()?;
        let mut entries = BTreeMap::new();
        let mut room = file.0.len();
        for _ in 0..count {
            let entry = file.central_header(at)?;
            at = entry.next;
            let content = if entry.packed {
                Content::Packed { method: entry.method }
            } else {
                let bytes = file.content(&entry)?;
                room = room.checked_sub(bytes.len()).ok_or(ArchiveError::Overlap { file: file.0.len() })?;
                let (expected, found) = (entry.checksum, crc32fast::hash(bytes));
                if found != expected {
                    return Err(ArchiveError::Checksum { entry: entry.name, expected, found });
                }
                Content::Stored(bytes)
            };
            if entries.insert(entry.name.clone(), content).is_some() {
                return Err(ArchiveError::Duplicate { entry: entry.name });
            }
        }
        Ok(Self { entries })
    }

    /// The content of an entry, or `None` where there is no entry of that name.
    pub(super) fn entry(&self, name: &str) -> Result<Option<&'a [u8]>, ArchiveError> {
        match self.entries.get(name) {
            Some(&Content::Stored(bytes)) => Ok(Some(bytes)),
            Some(&Content::Packed { method }) => Err(ArchiveError::Packed { entry: name.to_owned(), method }),
            None => Ok(None),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

/// One line of the central directory.
struct CentralHeader {
    name: String,
    method: u16,
    /// Whether the content is compressed or encrypted.
    packed: bool,
    checksum: u32,
    size: u64,
    local_header: u64,
    next: usize,
}

/// The bytes of the archive, with reads that know where they are.
struct File<'a>(&'a [u8]);

impl<'a> File<'a> {
    fn slice(&self, offset: usize, length: usize, record: &'static str) -> Result<&'a [u8], ArchiveError> {
        let end = offset.checked_add(length);
        end.and_then(|end| self.0.get(offset..end)).ok_or(ArchiveError::Record { record, offset })
    }

    /// The fixed part of a record that must begin with `signature`.
    fn record(
        &self,
        offset: usize,
        length: usize,
        signature: u32,
        record: &'static str,
    ) -> Result<&'a [u8], ArchiveError> {
        let bytes = self.slice(offset, length, record)?;
        if u32_at(bytes, 0) == signature { Ok(bytes) } else { Err(ArchiveError::Record { record, offset }) }
    }

    /// How many entries the central directory has, and where it begins.
    fn directory(&self) -> Result<(u64, usize), ArchiveError> {
        let end_at = self.end_record().ok_or(ArchiveError::NoEnd)?;
        let end = self.record(end_at, END_SIZE, END, "end record")?;
        let (count, start) = (u16_at(end, 10), u32_at(end, 16));
        if let Some(locator_at) = end_at.checked_sub(END_64_LOCATOR_SIZE)
            && let Ok(locator) = self.record(locator_at, END_64_LOCATOR_SIZE, END_64_LOCATOR, "64-bit locator")
        {
            let end = self.record(to_usize(u64_at(locator, 8)), 56, END_64, "64-bit end record")?;
            return Ok((u64_at(end, 32), to_usize(u64_at(end, 48))));
        }
        Ok((u64::from(count), to_usize(u64::from(start))))
    }

    /// The last end record whose comment reaches exactly to the end of the file.
    fn end_record(&self) -> Option<usize> {
        let last = self.0.len().checked_sub(END_SIZE)?;
        (last.saturating_sub(LONGEST_COMMENT)..=last).rev().find(|&at| {
            let bytes = &self.0[at..];
            u32_at(bytes, 0) == END && usize::from(u16_at(bytes, 20)) == bytes.len() - END_SIZE
        })
    }

    fn central_header(&self, offset: usize) -> Result<CentralHeader, ArchiveError> {
        let record = "directory entry";
        let fixed = self.record(offset, 46, CENTRAL_HEADER, record)?;
        let length = |at| usize::from(u16_at(fixed, at));
        let (name_length, extra_length, comment_length) = (length(28), length(30), length(32));
        let name = self.slice(offset + 46, name_length, record)?;
        let extra = self.slice(offset + 46 + name_length, extra_length, record)?;
        let name = String::from_utf8_lossy(name).into_owned();
        let (flags, method) = (u16_at(fixed, 8), u16_at(fixed, 10));
        let mut wide = wide_fields(extra);
        // The 64-bit field holds only those of the numbers that do not fit the header, in this order.
        let mut widen = |narrow: u32| match narrow {
            u32::MAX => wide.next().ok_or(ArchiveError::Record { record, offset }),
            fits => Ok(u64::from(fits)),
        };
        let size = widen(u32_at(fixed, 24))?;
        let stored_size = widen(u32_at(fixed, 20))?;
        let local_header = widen(u32_at(fixed, 42))?;
        let packed = method != 0 || flags & ENCRYPTED != 0 || size != stored_size;
        let next = offset + 46 + name_length + extra_length + comment_length;
        Ok(CentralHeader { name, method, packed, checksum: u32_at(fixed, 16), size, local_header, next })
    }

    fn content(&self, entry: &CentralHeader) -> Result<&'a [u8], ArchiveError> {
        let offset = to_usize(entry.local_header);
        let fixed = self.record(offset, 30, LOCAL_HEADER, "entry header")?;
        let start = offset + 30 + usize::from(u16_at(fixed, 26)) + usize::from(u16_at(fixed, 28));
        self.slice(start, to_usize(entry.size), "entry content")
    }
}

/// The 64-bit numbers of the extra field that holds them.
fn wide_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut field: &[u8] = &[];
    while extra.len() >= 4 {
        let length = usize::from(u16_at(extra, 2)).min(extra.len() - 4);
        if u16_at(extra, 0) == EXTRA_64 {
            field = &extra[4..4 + length];
            break;
        }
        extra = &extra[4 + length..];
    }
    field.as_chunks::<8>().0.iter().map(|&chunk| u64::from_le_bytes(chunk))
}

/// An offset or size that no file on this machine can reach saturates, and fails at the next read.
fn to_usize(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests;
