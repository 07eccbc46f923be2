//! Image folders in a tar or tar.gz archive: `<split>/<category>/NAME.{jpg,jpeg,png}`.
//!
//! Nothing is unpacked to disk: the encoded images stay in memory. Their order is that of the archive within every
//! category, and the categories are sorted by name. The archive's own order matters: `val_68` may come before `val_611`
//! there, and published indices count in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tar::EntryType;
use thiserror::Error;

use crate::gzip;
use crate::image_folder::is_image_name;
use crate::left_out::{self, LeftOut, Reason};

/// The encoded images of one split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The split's folder name in the archive.
    pub split: String,
    /// The folder name of every category, sorted.
    pub categories: Vec<String>,
    /// The images, category by category.
    pub images: Vec<ArchivedImage>,
    /// The encoded images, one after the other in the archive's order.
    pub bytes: Vec<u8>,
    /// What the split's folder holds that is not used, by reason.
    pub left_out: Vec<LeftOut>,
}

/// Where an encoded image lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedImage {
    /// Its path in the archive.
    pub name: String,
    /// Its category.
    pub label: usize,
    /// Its bytes in [`Archive::bytes`].
    pub range: Range<usize>,
}

/// Why an archive is no image folder.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The file cannot be read, or it is no tar archive, or its gzip stream is broken.
    #[error("{}: {source}", path.display())]
    Io {
        /// The archive.
        path: PathBuf,
        /// What the system, the decompressor or the tar reader said.
        source: io::Error,
    },
    /// An entry's name is no relative path of UTF-8 names.
    #[error("{}: entry {entry:?} is no plain relative path", path.display())]
    UnsafeName {
        /// The archive.
        path: PathBuf,
        /// The entry's name, as far as it can be shown.
        entry: String,
    },
    /// An image that is not two folders deep.
    #[error("{}: image {entry:?} is not at <split>/<category>/<name>", path.display())]
    Layout {
        /// The archive.
        path: PathBuf,
        /// The entry's name.
        entry: String,
    },
    /// An image that is a link or a sparse file.
    #[error("{}: image {entry:?} is no ordinary file; pack with `tar --dereference --hard-dereference`", path.display())]
    NoFile {
        /// The archive.
        path: PathBuf,
        /// The entry's name.
        entry: String,
    },
    /// No image lies under a folder of the split's name.
    #[error("{}: no image under {expected:?}; its top folders are {found:?}", path.display())]
    NoSplit {
        /// The archive.
        path: PathBuf,
        /// The folder names that were looked for.
        expected: Vec<String>,
        /// Some of the names that are there.
        found: Vec<String>,
    },
    /// A category's folder without an image.
    #[error("{}: category {category:?} has no image", path.display())]
    EmptyCategory {
        /// The archive.
        path: PathBuf,
        /// The category's folder name.
        category: String,
    },
}

/// Path and bytes of the images of every category, in the archive's order.
type Categories = BTreeMap<String, Vec<(String, Range<usize>)>>;

/// Reads the images of the first of `splits` that the archive holds, for instance `["test", "val"]`.
///
/// # Errors
/// [`ArchiveError`] where the archive is broken, holds none of the splits, or a category is empty.
pub fn read(path: &Path, splits: &[&str]) -> Result<Archive, ArchiveError> {
    let unpacked = gzip::open(path).map_err(|source| ArchiveError::Io { path: path.to_path_buf(), source })?;
    parse(unpacked.reader, path, splits)
}

/// Reads an unpacked tar archive; see [`read`]. `path` is for the messages.
///
/// # Errors
/// As [`read`].
pub fn parse(reader: impl Read, path: &Path, splits: &[&str]) -> Result<Archive, ArchiveError> {
    let io = |source| ArchiveError::Io { path: path.to_path_buf(), source };
    let mut archive = tar::Archive::new(reader);
    let mut bytes = Vec::new();
    let mut found: Vec<Categories> = splits.iter().map(|_| Categories::new()).collect();
    let mut left_out = vec![Vec::new(); splits.len()];
    let mut top_folders = BTreeSet::new();
    for entry in archive.entries().map_err(io)? {
        let mut entry = entry.map_err(io)?;
        let kind = entry.header().entry_type();
        let name = entry_name(&entry.path_bytes(), path)?;
        let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        let Some((&top, below)) = parts.split_first() else { continue };
        if top_folders.len() < 8 {
            top_folders.insert(top.to_string());
        }
        let split = splits.iter().position(|&split| split == top);
        let file_name = below.last().copied().unwrap_or(top);
        if kind == EntryType::Directory {
            if let (Some(split), &[category]) = (split, below) {
                found[split].entry(category.to_string()).or_default();
            }
        } else if is_image_name(file_name) {
            let &[category, _] = below else {
                return Err(ArchiveError::Layout { path: path.to_path_buf(), entry: name });
            };
            let Some(split) = split else { continue };
            if !kind.is_file() {
                return Err(ArchiveError::NoFile { path: path.to_path_buf(), entry: name });
            }
            let start = bytes.len();
            entry.read_to_end(&mut bytes).map_err(io)?;
            found[split].entry(category.to_string()).or_default().push((name, start..bytes.len()));
        } else if let Some(split) = split.filter(|_| kind.is_file() && !file_name.starts_with('.')) {
            let reason = if below.len() < 2 { Reason::Beside } else { Reason::Format };
            left_out::count(&mut left_out[split], reason, || name);
        }
    }
    // The end of a gzip stream holds its checksum.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(io)?;
    bytes.shrink_to_fit();
    let has_image = |categories: &Categories| categories.values().any(|images| !images.is_empty());
    let Some(split) = found.iter().position(has_image) else {
        let expected = splits.iter().map(|&split| split.to_string()).collect();
        return Err(ArchiveError::NoSplit {
            path: path.to_path_buf(),
            expected,
            found: top_folders.into_iter().collect(),
        });
    };
    let mut images = Vec::new();
    let mut categories = Vec::new();
    for (label, (category, entries)) in found.swap_remove(split).into_iter().enumerate() {
        if entries.is_empty() {
            return Err(ArchiveError::EmptyCategory { path: path.to_path_buf(), category });
        }
        images.extend(entries.into_iter().map(|(name, range)| ArchivedImage { name, label, range }));
        categories.push(category);
    }
    let left_out = left_out.swap_remove(split);
    Ok(Archive { split: splits[split].to_string(), categories, images, bytes, left_out })
}

/// The name of an entry, which must stay inside the archive's own folder.
fn entry_name(bytes: &[u8], path: &Path) -> Result<String, ArchiveError> {
    let is_plain = |name: &str| !name.starts_with('/') && name.split('/').all(|part| part != "..");
    match std::str::from_utf8(bytes) {
        Ok(name) if is_plain(name) => Ok(name.to_string()),
        _ => {
            let entry = String::from_utf8_lossy(bytes).into_owned();
            Err(ArchiveError::UnsafeName { path: path.to_path_buf(), entry })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tar::{Builder, Header};

    use super::*;

    /// A tar archive of these entries; names that end in `/` are folders. The name is written as it is.
    fn tar_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, data) in entries {
            let mut header = Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            header.set_entry_type(if name.ends_with('/') { EntryType::Directory } else { EntryType::Regular });
            header.set_cksum();
            builder.append(&header, *data).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn parsed(tar: &[u8], splits: &[&str]) -> Result<Archive, ArchiveError> {
        parse(tar, Path::new("test.tar"), splits)
    }

    #[test]
    fn categories_are_sorted_and_images_keep_the_order_of_the_archive() {
        let tar = tar_of(&[
            ("./test/dog/b.JPEG", b"bb"),
            ("./test/cat/68.jpg", b"c"),
            ("./test/dog/a.png", b"a"),
            ("./test/cat/611.jpg", b"ccc"),
            ("./test/cat/notes.txt", b"no image"),
            ("./train/cat/1.jpg", b"another split"),
            ("./train/cat/2.gif", b"left out of that"),
        ]);
        let archive = parsed(&tar, &["test"]).unwrap();
        assert_eq!(archive.categories, ["cat", "dog"]);
        let left_out = LeftOut { reason: Reason::Format, count: 1, example: "./test/cat/notes.txt".into() };
        assert_eq!(archive.left_out, [left_out]);
        let seen: Vec<_> =
            archive.images.iter().map(|i| (i.name.as_str(), i.label, &archive.bytes[i.range.clone()])).collect();
        let expected: [(&str, usize, &[u8]); 4] = [
            ("./test/cat/68.jpg", 0, b"c"),
            ("./test/cat/611.jpg", 0, b"ccc"),
            ("./test/dog/b.JPEG", 1, b"bb"),
            ("./test/dog/a.png", 1, b"a"),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_first_split_with_images_wins() {
        let tar = tar_of(&[("val/cat/1.jpg", b"v"), ("test/cat/1.jpg", b"t")]);
        assert_eq!(parsed(&tar, &["test", "val"]).unwrap().split, "test");
        let tar = tar_of(&[("val/cat/1.jpg", b"v")]);
        assert_eq!(parsed(&tar, &["test", "val"]).unwrap().split, "val");
    }

    #[test]
    fn a_missing_split_is_an_error_that_says_what_is_there() {
        let error = parsed(&tar_of(&[("val/cat/1.jpg", b"v")]), &["train"]).unwrap_err();
        let ArchiveError::NoSplit { expected, found, .. } = error else { panic!("{error}") };
        assert_eq!((expected, found), (vec!["train".to_string()], vec!["val".to_string()]));
    }

    #[test]
    fn an_empty_category_is_named() {
        let tar = tar_of(&[("test/cat/1.jpg", b"v"), ("test/emu/", b"")]);
        let error = parsed(&tar, &["test"]).unwrap_err();
        assert!(matches!(&error, ArchiveError::EmptyCategory { category, .. } if category == "emu"), "{error}");
    }

    #[test]
    fn a_path_that_escapes_is_an_error() {
        for name in ["../test/cat/1.jpg", "test/../../cat/1.jpg", "/test/cat/1.jpg"] {
            let error = parsed(&tar_of(&[(name, b"v")]), &["test"]).unwrap_err();
            assert!(matches!(&error, ArchiveError::UnsafeName { entry, .. } if entry == name), "{error}");
        }
    }

    #[test]
    fn an_image_at_the_wrong_depth_is_named() {
        for name in ["1.jpg", "test/1.jpg", "test/cat/more/1.jpg"] {
            let error = parsed(&tar_of(&[(name, b"v")]), &["test"]).unwrap_err();
            assert!(matches!(&error, ArchiveError::Layout { entry, .. } if entry == name), "{error}");
        }
    }

    #[test]
    fn a_link_is_an_error() {
        let mut header = Header::new_ustar();
        header.set_path("test/cat/1.jpg").unwrap();
        header.set_link_name("elsewhere.jpg").unwrap();
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        header.set_cksum();
        let mut builder = Builder::new(Vec::new());
        builder.append(&header, io::empty()).unwrap();
        let error = parsed(&builder.into_inner().unwrap(), &["test"]).unwrap_err();
        assert!(matches!(error, ArchiveError::NoFile { .. }), "{error}");
    }

    #[test]
    fn a_cut_archive_is_an_error() {
        let tar = tar_of(&[("test/cat/1.jpg", &[7; 2000])]);
        for length in [0, 100, 512, 1500] {
            assert!(parsed(&tar[..length], &["test"]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_corrupt_gzip_is_an_error_that_names_the_file() {
        let tar = tar_of(&[("test/cat/1.jpg", &[7; 2000])]);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::copy(&mut tar.as_slice(), &mut encoder).unwrap();
        let mut packed = encoder.finish().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.tar.gz");
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read(&path, &["test"]).unwrap().bytes, [7; 2000]);
        let checksum = packed.len() - 6;
        packed[checksum] ^= 1;
        std::fs::write(&path, &packed).unwrap();
        assert!(read(&path, &["test"]).unwrap_err().to_string().contains("test.tar.gz"));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
            let _ = parsed(&bytes, &["test"]);
        }

        #[test]
        fn damaged_headers_never_panic(
            damage in prop::collection::vec((0usize..512, any::<u8>()), 1..8),
            right_checksum: bool,
        ) {
            let mut tar = tar_of(&[("test/cat/1.jpg", &[7; 700])]);
            for (at, value) in damage {
                tar[at] = value;
            }
            if right_checksum {
                let mut header = Header::new_ustar();
                header.as_mut_bytes().copy_from_slice(&tar[..512]);
                header.set_cksum();
                tar[..512].copy_from_slice(header.as_bytes());
            }
            let _ = parsed(&tar, &["test"]);
        }
    }
}
