//! IDX, the format of MNIST: two zero bytes, a type code, the number of axes, big-endian extents, then the numbers.
//!
//! Only unsigned bytes are read, which is what every published set uses. Files may be plain or gzip.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::gzip;

/// The type code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// An array of unsigned bytes, row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The extent of every axis, outermost first: `[N, H, W]` for images, `[N]` for labels.
    pub extents: Vec<usize>,
    /// The numbers, u8, row-major.
    pub data: Vec<u8>,
}

/// Why a file is not the IDX array that was expected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdxError {
    /// The file cannot be read, or its gzip stream is broken.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system or the decompressor said.
        source: io::Error,
    },
    /// The header ends early.
    #[error("{}: an IDX header of {expected} bytes was expected, the file ends after {found}", path.display())]
    ShortHeader {
        /// The file.
        path: PathBuf,
        /// The length of the header.
        expected: usize,
        /// How many bytes there were.
        found: usize,
    },
    /// The file does not begin with two zero bytes.
    #[error("{}: an IDX file begins with bytes 00 00, found {:02x} {:02x}", path.display(), found[0], found[1])]
    Magic {
        /// The file.
        path: PathBuf,
        /// The first two bytes.
        found: [u8; 2],
    },
    /// The numbers are not unsigned bytes.
    #[error("{}: byte 2 should be 0x08 (unsigned bytes), found {found:#04x}", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The type code.
        found: u8,
    },
    /// Another number of axes than images (3) or labels (1) have.
    #[error("{}: byte 3 should be {expected} (axes), found {found}; are images and labels swapped?", path.display())]
    Axes {
        /// The file.
        path: PathBuf,
        /// How many axes were asked for.
        expected: usize,
        /// How many the header says.
        found: usize,
    },
    /// The extents promise more than a file of this length can hold.
    #[error("{}: extents {extents:?} promise more than the {bound} bytes that this file can hold", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The extents in the header.
        extents: Vec<usize>,
        /// The most bytes that are read from this file.
        bound: u64,
    },
    /// An axis is empty.
    #[error("{}: extents {extents:?} hold nothing", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The extents in the header.
        extents: Vec<usize>,
    },
    /// The numbers end early.
    #[error("{}: extents {extents:?} need {expected} bytes, found {found}: is the file cut off?", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The extents in the header.
        extents: Vec<usize>,
        /// How many bytes they need.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// Bytes follow the last number.
    #[error("{}: extents {extents:?} need {expected} bytes, but more follow", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The extents in the header.
        extents: Vec<usize>,
        /// How many bytes they need.
        expected: usize,
    },
}

/// Reads the IDX array of `axes` axes in `path`, plain or gzip.
///
/// # Errors
/// [`IdxError`] where the file is not exactly such an array.
pub fn read(path: &Path, axes: usize) -> Result<Idx, IdxError> {
    let unpacked = gzip::open(path).map_err(|source| IdxError::Io { path: path.to_path_buf(), source })?;
    parse(unpacked.reader, unpacked.bound, path, axes)
}

/// Reads the IDX array of `axes` axes that `reader` gives, which is known to give no more than `bound` bytes.
///
/// Reads one byte more than the header promises, to see whether the file ends there. `path` is for the messages.
///
/// # Errors
/// [`IdxError`] where the bytes are not exactly such an array.
pub fn parse(mut reader: impl Read, bound: u64, path: &Path, axes: usize) -> Result<Idx, IdxError> {
    let path = || path.to_path_buf();
    let io = |source| IdxError::Io { path: path(), source };
    let header = take(&mut reader, 4).map_err(io)?;
    let &[zero, also_zero, code, found] = header.as_slice() else {
        return Err(IdxError::ShortHeader { path: path(), expected: 4, found: header.len() });
    };
    if [zero, also_zero] != [0, 0] {
        return Err(IdxError::Magic { path: path(), found: [zero, also_zero] });
    }
    if code != UNSIGNED_BYTE {
        return Err(IdxError::Type { path: path(), found: code });
    }
    if usize::from(found) != axes {
        return Err(IdxError::Axes { path: path(), expected: axes, found: found.into() });
    }
    let header = take(&mut reader, 4 * axes).map_err(io)?;
    if header.len() < 4 * axes {
        return Err(IdxError::ShortHeader { path: path(), expected: 4 + 4 * axes, found: 4 + header.len() });
    }
    let extents: Vec<usize> =
        header.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();
    let expected = extents.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
    let expected = match expected {
        Some(0) => return Err(IdxError::Empty { path: path(), extents }),
        Some(expected) if expected as u64 <= bound => expected,
        _ => return Err(IdxError::TooLarge { path: path(), extents, bound }),
    };
    let mut data = take(&mut reader, expected).map_err(io)?;
    if data.len() < expected {
        return Err(IdxError::Truncated { path: path(), extents, expected, found: data.len() });
    }
    if !take(&mut reader, 1).map_err(io)?.is_empty() {
        return Err(IdxError::TooLong { path: path(), extents, expected });
    }
    data.shrink_to_fit();
    Ok(Idx { extents, data })
}

/// Up to `count` bytes; memory grows with what really comes.
fn take(reader: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn header(extents: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0, 0, UNSIGNED_BYTE, extents.len() as u8];
        bytes.extend(extents.iter().flat_map(|extent| extent.to_be_bytes()));
        bytes
    }

    fn parsed(bytes: &[u8], axes: usize) -> Result<Idx, IdxError> {
        parse(bytes, bytes.len() as u64, Path::new("test"), axes)
    }

    #[test]
    fn reads_images() {
        let mut bytes = header(&[2, 1, 3]);
        bytes.extend([1, 2, 3, 4, 5, 6]);
        let idx = parsed(&bytes, 3).unwrap();
        assert_eq!(idx, Idx { extents: vec![2, 1, 3], data: vec![1, 2, 3, 4, 5, 6] });
    }

    #[test]
    fn a_wrong_magic_is_an_error() {
        let error = parsed(&[0, 1, 8, 1, 0, 0, 0, 1, 9], 1).unwrap_err();
        assert!(matches!(error, IdxError::Magic { found: [0, 1], .. }), "{error}");
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        let error = parsed(&[0, 0, 0x0d, 1, 0, 0, 0, 1, 0, 0, 0, 0], 1).unwrap_err();
        assert!(matches!(error, IdxError::Type { found: 0x0d, .. }), "{error}");
    }

    #[test]
    fn swapped_images_and_labels_are_an_error() {
        let error = parsed(&header(&[2]), 3).unwrap_err();
        assert!(matches!(error, IdxError::Axes { expected: 3, found: 1, .. }), "{error}");
    }

    #[test]
    fn a_cut_header_is_an_error() {
        for (length, needed) in [(0, 4), (3, 4), (9, 16)] {
            let error = parsed(&header(&[2, 1, 3])[..length], 3).unwrap_err();
            let IdxError::ShortHeader { expected, found, .. } = error else { panic!("{error}") };
            assert_eq!((expected, found), (needed, length));
        }
    }

    #[test]
    fn a_cut_payload_is_an_error() {
        let mut bytes = header(&[8]);
        bytes.extend([1, 2, 3]);
        let error = parsed(&bytes, 1).unwrap_err();
        assert!(matches!(error, IdxError::Truncated { expected: 8, found: 3, .. }), "{error}");
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        let mut bytes = header(&[2]);
        bytes.extend([1, 2, 3]);
        let error = parsed(&bytes, 1).unwrap_err();
        assert!(matches!(error, IdxError::TooLong { expected: 2, .. }), "{error}");
    }

    #[test]
    fn impossible_extents_are_an_error_before_anything_is_allocated() {
        let error = parsed(&header(&[u32::MAX, u32::MAX, u32::MAX]), 3).unwrap_err();
        assert!(matches!(error, IdxError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn an_empty_axis_is_an_error() {
        let error = parsed(&header(&[4, 0, 4]), 3).unwrap_err();
        assert!(matches!(error, IdxError::Empty { .. }), "{error}");
    }

    #[test]
    fn a_corrupt_gzip_is_an_error_that_names_the_file() {
        let mut bytes = header(&[400]);
        bytes.extend((0..400u32).map(|i| (i * i % 251) as u8));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.gz");
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read(&path, 1).unwrap().data.len(), 400);
        // The checksum sits in the last eight bytes; the payload before it.
        for at in [packed.len() - 6, packed.len() / 2] {
            let mut broken = packed.clone();
            broken[at] ^= 0x55;
            std::fs::write(&path, &broken).unwrap();
            assert!(read(&path, 1).unwrap_err().to_string().contains("labels.gz"));
        }
        std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
        assert!(matches!(read(&path, 1).unwrap_err(), IdxError::Io { .. }));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), axes in 0usize..5) {
            let _ = parsed(&bytes, axes);
        }

        #[test]
        fn random_bytes_behind_a_good_start_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let all: Vec<u8> = [0, 0, UNSIGNED_BYTE, 3].into_iter().chain(bytes).collect();
            let _ = parsed(&all, 3);
        }
    }
}
