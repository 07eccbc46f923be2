//! A folder of IDX files under the four official names of MNIST: read, and written as a small sample.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::idx::{self, IdxError};
use crate::{Split, names};

/// The optional file of category names, one a line, in the order of the labels.
pub const CATEGORY_FILE: &str = "categories.txt";

/// Grey images of one size and their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxFolder {
    /// The file of the images.
    pub path: PathBuf,
    /// Pixels, u8, `[N, H, W]` row-major.
    pub images: Vec<u8>,
    /// H, in pixels.
    pub height: usize,
    /// W, in pixels.
    pub width: usize,
    /// The category of every image.
    pub labels: Vec<usize>,
    /// The name of every category: [`CATEGORY_FILE`], or else `"0"` to `"9"`.
    pub categories: Vec<String>,
}

/// Why a folder of IDX files cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdxFolderError {
    /// One of the files is malformed.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are images but no labels, or labels but no images.
    #[error("{} is there, but neither {missing}.gz nor {missing} beside it", found.display())]
    Half {
        /// The file that is there.
        found: PathBuf,
        /// The name of the file that is not.
        missing: String,
    },
    /// Images and labels do not belong together.
    #[error("{}: {images} images, but {}: {labels} labels", image_path.display(), label_path.display())]
    Count {
        /// The file of the images.
        image_path: PathBuf,
        /// How many images it holds.
        images: usize,
        /// The file of the labels.
        label_path: PathBuf,
        /// How many labels it holds.
        labels: usize,
    },
    /// A label without a category.
    #[error(
        "{}: label {label} of image {index}, but there are {categories} categories; name them all in {CATEGORY_FILE}",
        path.display()
    )]
    Label {
        /// The file of the labels.
        path: PathBuf,
        /// The position of the image.
        index: usize,
        /// Its label.
        label: usize,
        /// How many categories there are.
        categories: usize,
    },
    /// A category name that is empty or appears twice.
    #[error("{}: line {line}: category name {name:?} is empty or was there before", path.display())]
    Category {
        /// The file of the names.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// What was to be written does not fit together.
    #[error("{labels} labels of {height}x{width} images need {expected:?} bytes of pixels, found {found}")]
    Pixels {
        /// How many labels were given.
        labels: usize,
        /// H, in pixels.
        height: usize,
        /// W, in pixels.
        width: usize,
        /// The product, where it fits and is not zero.
        expected: Option<usize>,
        /// How many bytes were given.
        found: usize,
    },
}

/// The official names of a split's images and labels, without `.gz`.
pub fn file_names(split: Split) -> [String; 2] {
    let stem = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    [format!("{stem}-images-idx3-ubyte"), format!("{stem}-labels-idx1-ubyte")]
}

/// Reads a split of `folder`, or `None` where neither of its files is there. `.gz` goes before a plain file.
///
/// # Errors
/// [`IdxFolderError`] where a file is malformed or missing, or images, labels and categories do not fit together.
pub fn read(folder: &Path, split: Split) -> Result<Option<IdxFolder>, IdxFolderError> {
    let [image_name, label_name] = file_names(split);
    let (path, label_path) = match (existing(folder, &image_name), existing(folder, &label_name)) {
        (None, None) => return Ok(None),
        (Some(found), None) => return Err(IdxFolderError::Half { found, missing: label_name }),
        (None, Some(found)) => return Err(IdxFolderError::Half { found, missing: image_name }),
        (Some(images), Some(labels)) => (images, labels),
    };
    let images = idx::read(&path, 3)?;
    let labels = idx::read(&label_path, 1)?;
    let (count, height, width) = (images.extents[0], images.extents[1], images.extents[2]);
    if count != labels.data.len() {
        return Err(IdxFolderError::Count { image_path: path, images: count, label_path, labels: labels.data.len() });
    }
    let categories = read_categories(folder)?.unwrap_or_else(|| (0..10).map(|digit| digit.to_string()).collect());
    let labels: Vec<usize> = labels.data.into_iter().map(usize::from).collect();
    if let Some(index) = labels.iter().position(|&label| label >= categories.len()) {
        let (label, categories) = (labels[index], categories.len());
        return Err(IdxFolderError::Label { path: label_path, index, label, categories });
    }
    Ok(Some(IdxFolder { path, images: images.data, height, width, labels, categories }))
}

/// Writes images and labels under the official names (gzip) into `folder`, which is made where it is missing.
///
/// `images` is u8, `[N, H, W]` row-major, and `labels` `[N]`. Every file is complete before it gets its name.
///
/// # Errors
/// [`IdxFolderError`] where the counts do not fit together or a file cannot be written.
pub fn write_idx(
    folder: &Path,
    split: Split,
    images: &[u8],
    height: usize,
    width: usize,
    labels: &[u8],
) -> Result<(), IdxFolderError> {
    let expected = labels.len().checked_mul(height).and_then(|n| n.checked_mul(width)).filter(|&n| n > 0);
    let extents: Option<Vec<u32>> =
        [labels.len(), height, width].into_iter().map(|extent| u32::try_from(extent).ok()).collect();
    let (Some(extents), true) = (extents, expected == Some(images.len())) else {
        return Err(IdxFolderError::Pixels { labels: labels.len(), height, width, expected, found: images.len() });
    };
    let [image_name, label_name] = file_names(split);
    write_file(folder, &format!("{image_name}.gz"), |file| write_array(file, &extents, images))?;
    write_file(folder, &format!("{label_name}.gz"), |file| write_array(file, &extents[..1], labels))
}

/// Writes [`CATEGORY_FILE`] into `folder`.
///
/// # Errors
/// [`IdxFolderError`] where a name is empty, has a line break, appears twice, or the file cannot be written.
pub fn write_categories(folder: &Path, names: &[&str]) -> Result<(), IdxFolderError> {
    let text: String = names.iter().flat_map(|name| [name, "\n"]).collect();
    let read_back = parse_categories(&text, &folder.join(CATEGORY_FILE))?;
    if let Some(line) = (0..names.len()).find(|&line| read_back.get(line).is_none_or(|name| name != names[line])) {
        let (path, name) = (folder.join(CATEGORY_FILE), names[line].to_string());
        return Err(IdxFolderError::Category { path, line: line + 1, name });
    }
    write_file(folder, CATEGORY_FILE, |file| file.write_all(text.as_bytes()))
}

fn existing(folder: &Path, name: &str) -> Option<PathBuf> {
    [format!("{name}.gz"), name.to_string()].iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

fn read_categories(folder: &Path) -> Result<Option<Vec<String>>, IdxFolderError> {
    let path = folder.join(CATEGORY_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => parse_categories(&text, &path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdxFolderError::Io { path, source }),
    }
}

fn parse_categories(text: &str, path: &Path) -> Result<Vec<String>, IdxFolderError> {
    let mut names: Vec<String> = Vec::new();
    for (line, name) in names::lines(text) {
        let name = name.to_string();
        if name.is_empty() || names.contains(&name) {
            return Err(IdxFolderError::Category { path: path.to_path_buf(), line, name });
        }
        names.push(name);
    }
    Ok(names)
}

fn write_array(file: &mut NamedTempFile, extents: &[u32], data: &[u8]) -> io::Result<()> {
    let mut encoder = GzEncoder::new(file, Compression::best());
    encoder.write_all(&[0, 0, 0x08, extents.len() as u8])?;
    for extent in extents {
        encoder.write_all(&extent.to_be_bytes())?;
    }
    encoder.write_all(data)?;
    encoder.finish().map(drop)
}

fn write_file(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> Result<(), IdxFolderError> {
    let path = folder.join(name);
    let result = (|| {
        fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        write(&mut file)?;
        file.persist(&path)?;
        Ok(())
    })();
    result.map_err(|source| IdxFolderError::Io { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(folder: &Path) {
        let images: Vec<u8> = (0..24).collect();
        write_idx(folder, Split::Test, &images, 2, 3, &[0, 9, 1, 5]).unwrap();
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path());
        let read_back = read(dir.path(), Split::Test).unwrap().unwrap();
        assert_eq!((read_back.height, read_back.width), (2, 3));
        assert_eq!(read_back.images, (0..24).collect::<Vec<u8>>());
        assert_eq!(read_back.labels, [0, 9, 1, 5]);
        assert_eq!(read_back.categories[9], "9");
        assert!(read(dir.path(), Split::Train).unwrap().is_none());
    }

    #[test]
    fn category_names_come_from_their_file() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path());
        let names = ["T-shirt/top", "b", "c", "d", "e", "f", "g", "h", "i", "Ankle boot"];
        write_categories(dir.path(), &names).unwrap();
        assert_eq!(read(dir.path(), Split::Test).unwrap().unwrap().categories, names);
    }

    #[test]
    fn category_names_are_read_as_other_systems_save_them() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path());
        let names: Vec<String> = (0..10).map(|digit| format!("number {digit}")).collect();
        fs::write(dir.path().join(CATEGORY_FILE), format!("\u{feff}{}\r\n", names.join("\r\n"))).unwrap();
        assert_eq!(read(dir.path(), Split::Test).unwrap().unwrap().categories, names);
    }

    #[test]
    fn category_names_that_would_not_survive_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for names in [&["a", ""][..], &["a", "a"], &["a\nb", "c"], &[" a"], &["\u{feff}a"]] {
            assert!(matches!(write_categories(dir.path(), names), Err(IdxFolderError::Category { .. })), "{names:?}");
        }
    }

    #[test]
    fn a_label_without_a_category_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path());
        write_categories(dir.path(), &["only", "two"]).unwrap();
        let error = read(dir.path(), Split::Test).unwrap_err();
        assert!(matches!(error, IdxFolderError::Label { index: 1, label: 9, categories: 2, .. }), "{error}");
    }

    #[test]
    fn different_counts_are_an_error_that_names_both_files() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path());
        let other = tempfile::tempdir().unwrap();
        write_idx(other.path(), Split::Test, &[7], 1, 1, &[0]).unwrap();
        let name = "t10k-labels-idx1-ubyte.gz";
        fs::copy(other.path().join(name), dir.path().join(name)).unwrap();
        let error = read(dir.path(), Split::Test).unwrap_err();
        assert!(matches!(error, IdxFolderError::Count { images: 4, labels: 1, .. }), "{error}");
    }

    #[test]
    fn images_without_labels_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path());
        fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte.gz")).unwrap();
        let error = read(dir.path(), Split::Test).unwrap_err();
        assert!(error.to_string().contains("t10k-labels-idx1-ubyte"), "{error}");
    }

    #[test]
    fn pixels_that_do_not_fit_are_not_written() {
        let dir = tempfile::tempdir().unwrap();
        for (images, height, width, labels) in
            [(&[0u8; 5][..], 2, 3, &[0u8][..]), (&[], 2, 3, &[]), (&[], 0, 3, &[1]), (&[0], usize::MAX, 2, &[1, 2])]
        {
            let error = write_idx(dir.path(), Split::Train, images, height, width, labels).unwrap_err();
            assert!(matches!(error, IdxFolderError::Pixels { .. }), "{error}");
        }
        assert!(read(dir.path(), Split::Train).unwrap().is_none());
    }
}
