//! Where the encoded images of a data set are kept, and how one becomes pixels.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::Archive;
use crate::decode::decode;
use crate::error::DataError;
use crate::pixels::Pixels;

/// The images of one split as they were found; shared by every view of it.
#[derive(Debug)]
pub(crate) enum Store {
    /// Grey images side by side, `[N, H, W]`.
    Raw { path: PathBuf, data: Vec<u8>, height: usize, width: usize },
    /// JPEG and PNG in memory.
    Archive(Archive),
    /// JPEG and PNG on disk.
    Files(Vec<PathBuf>),
}

impl Store {
    /// What to call image `position` in messages.
    pub(crate) fn name(&self, position: usize) -> String {
        match self {
            Self::Raw { path, .. } => format!("{}, image {position}", path.display()),
            Self::Archive(archive) => archive.images[position].name.clone(),
            Self::Files(paths) => paths[position].display().to_string(),
        }
    }

    /// The last two parts of the path of image `position`, its folder and its file: what stays the same wherever the data
    /// lies. Raw images have no names.
    pub(crate) fn listed(&self, position: usize) -> Option<String> {
        let path = match self {
            Self::Raw { .. } => return None,
            Self::Archive(archive) => Path::new(&archive.images[position].name),
            Self::Files(paths) => paths[position].as_path(),
        };
        let mut parts: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy().into_owned()).collect();
        parts.reverse();
        Some(parts.join("/"))
    }

    /// Image `position`, which must exist. Encoded images come out in colour, as all common loaders of image folders
    /// have it: sets of colour pictures hold some grey ones.
    pub(crate) fn pixels(&self, position: usize) -> Result<Pixels, DataError> {
        let encoded = match self {
            Self::Raw { data, height, width, .. } => {
                let length = height * width;
                let data = data[position * length..(position + 1) * length].to_vec();
                return Ok(Pixels { channels: 1, height: *height, width: *width, data });
            }
            Self::Archive(archive) => Cow::Borrowed(&archive.bytes[archive.images[position].range.clone()]),
            Self::Files(paths) => {
                let path = &paths[position];
                Cow::Owned(fs::read(path).map_err(|source| DataError::Io { path: path.clone(), source })?)
            }
        };
        match decode(&encoded) {
            Ok(pixels) => Ok(pixels.into_colour()),
            Err(source) => Err(DataError::Decode { name: self.name(position), source }),
        }
    }
}
