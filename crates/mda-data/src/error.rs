//! What goes wrong while a data set is opened or walked.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::Split;
use crate::archive::ArchiveError;
use crate::decode::DecodeError;
use crate::idx_folder::IdxFolderError;
use crate::image_folder::ImageFolderError;

/// Why a data set cannot be opened, or an image of it not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is no data set of a known kind.
    #[error("no {split} split at {}: looked for {}", path.display(), looked_for.join(", "))]
    NotFound {
        /// The path that was given.
        path: PathBuf,
        /// The split that was asked for.
        split: Split,
        /// Every file and folder that would have done.
        looked_for: Vec<String>,
    },
    /// A file that is no archive by its name.
    #[error("{}: a data set is a folder, or a .tar, .tar.gz or .tgz file; for IDX files give their folder", path.display())]
    NoArchive {
        /// The file.
        path: PathBuf,
    },
    /// The IDX files are malformed.
    #[error(transparent)]
    IdxFolder(#[from] IdxFolderError),
    /// The archive is malformed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The image folder is malformed.
    #[error(transparent)]
    ImageFolder(#[from] ImageFolderError),
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line of the category descriptions has no tab.
    #[error("{}: line {line}: expected <folder><tab><description>, found {text:?}", path.display())]
    Description {
        /// The file of the descriptions.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A category without an image.
    #[error("category {label} ({category:?}) has no image in {from}")]
    EmptyCategory {
        /// Its number.
        label: usize,
        /// Its name.
        category: String,
        /// The file of the images.
        from: String,
    },
    /// Another number of names than of categories.
    #[error("{expected} categories need as many names, found {found}")]
    CategoryCount {
        /// How many categories there are.
        expected: usize,
        /// How many names were given.
        found: usize,
    },
    /// A category number that is too large.
    #[error("there is no category {label}: the data set has {count} (0 to {})", count.saturating_sub(1))]
    NoCategory {
        /// The number.
        label: usize,
        /// How many categories there are.
        count: usize,
    },
    /// An image number that is too large.
    #[error("there is no image {index}: the data set has {count}")]
    NoImage {
        /// The number.
        index: usize,
        /// How many images there are.
        count: usize,
    },
    /// An image cannot be decoded.
    #[error("{name}: {source}")]
    Decode {
        /// The image's path.
        name: String,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// An image of another size than the first one.
    #[error("{name}: {}x{} pixels, but the first image has {}x{}; prepare the data set for one size", found.0, found.1, expected.0, expected.1)]
    MixedSizes {
        /// The image's path.
        name: String,
        /// Height and width of the first image.
        expected: (usize, usize),
        /// Height and width of this one.
        found: (usize, usize),
    },
    /// Batches of no image.
    #[error("a batch size of 0 was asked for; the least is 1")]
    EmptyBatches,
    /// A batch that does not fit into memory.
    #[error("{images} images of {values} values each are too large for one batch")]
    BatchTooLarge {
        /// How many images a batch has.
        images: usize,
        /// How many values an image has.
        values: usize,
    },
    /// The threads that decode cannot be started.
    #[error("the threads that decode images cannot be started: {0}")]
    Threads(String),
    /// The thread that makes the batches ended early: a defect in a decoder.
    #[error("the thread that decodes images panicked; the message is on the standard error stream")]
    Panicked,
}
