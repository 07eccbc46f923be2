//! What can go wrong with ONNX files.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why an ONNX file cannot be written or read.
#[derive(Debug, Error)]
pub enum OnnxError {
    /// The file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A model that does not fit into one protobuf message.
    #[error("the model takes {size} bytes, an ONNX file at most {limit}")]
    TooLarge {
        /// Bytes of the file.
        size: usize,
        /// The most that readers accept.
        limit: usize,
    },
}
