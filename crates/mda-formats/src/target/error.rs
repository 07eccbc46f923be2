//! Why something is not written.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a file or folder cannot, or must not, be written.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The system does not let it be written.
    #[error("{} cannot be written: {source}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It would destroy what it is made from.
    #[error("{} is not written to: it is read as the input {}", path.display(), input.display())]
    Input {
        /// What was to be written.
        path: PathBuf,
        /// The input, as it was named.
        input: PathBuf,
    },
    /// A file is there that somebody may want to keep.
    #[error("{} is not replaced: it is {found}, and what is to be written is {expected}", path.display())]
    OtherKind {
        /// What was to be written.
        path: PathBuf,
        /// What is written.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A name that promises another format.
    #[error("{} is named like {promised}, and what is to be written is {expected}", path.display())]
    Name {
        /// What was to be written.
        path: PathBuf,
        /// What files of this name are.
        promised: &'static str,
        /// What is written.
        expected: &'static str,
    },
}
