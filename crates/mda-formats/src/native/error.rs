//! What can be wrong with a model file.

use super::FORMAT;
use mda_core::graph::GraphErrors;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a model file cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NativeError {
    /// Something is wrong with this file.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: Box<NativeError>,
    },
    /// The file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file could not be opened or read.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The bytes are not a safetensors file.
    #[error("not a model file of MDA, nor any safetensors file: {0}\nhint: `mda import` reads PyTorch and ONNX files")]
    NotSafetensors(String),
    /// The header is longer than any model needs.
    #[error("the header takes {size} bytes, at most {limit} are allowed")]
    HeaderTooLarge {
        /// Its length in bytes.
        size: u64,
        /// The most that is read and written.
        limit: u64,
    },
    /// The file has fewer or more bytes than its header tells.
    #[error("the header tells of {expected} bytes of tensors, the file has {found}: it is cut off or damaged")]
    Length {
        /// Bytes of all tensors together.
        expected: u64,
        /// Bytes behind the header.
        found: u64,
    },
    /// The tensors are not those that were written.
    #[error(
        "the tensors have the SHA-256 {found}, but {expected} when they were written: the file is damaged\nhint: take a copy \
         of it, or make it again"
    )]
    Digest {
        /// The digest in the file.
        expected: String,
        /// The digest of its tensors.
        found: String,
    },
    /// A safetensors file without a graph.
    #[error(
        "a safetensors file without `{0}` in its metadata, so not a model file of MDA\nhint: `mda import` reads it"
    )]
    NoModel(&'static str),
    /// A file without statistics.
    #[error("no statistics of MDA\nhint: `mda observe` makes them")]
    NoStatistics,
    /// Statistics that are broken or of another model.
    #[error("the statistics are damaged or do not fit: {0}")]
    Statistics(String),
    /// A version that this crate does not know.
    #[error("format version `{found}`, but only `{FORMAT}` is known; it was written by another version of mda")]
    Version {
        /// The version in the file.
        found: String,
    },
    /// The JSON in `mda.model` is broken.
    #[error("`mda.model` is not the description of a model: {0}")]
    Description(#[source] serde_json::Error),
    /// A description that could not be read again, such as origins nested without end.
    #[error("the model cannot be described so that it can be read again: {0}")]
    Undescribable(#[source] serde_json::Error),
    /// The description promises other images than the graph takes.
    #[error("the description has images of {found}, the graph takes {expected}")]
    Contract {
        /// What the graph takes.
        expected: String,
        /// What the description tells.
        found: String,
    },
    /// A tensor of another number type.
    #[error("tensor `{tensor}` is {found}, a model file holds F32 only\nhint: `mda import` reads files of other types")]
    Dtype {
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
    },
    /// The graph or the parameters do not fit.
    #[error(transparent)]
    Graph(#[from] GraphErrors),
}

impl NativeError {
    /// The same problem with the name of its file.
    pub(super) fn in_file(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), problem: Box::new(self) }
    }
}
