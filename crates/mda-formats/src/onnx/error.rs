//! What can go wrong with ONNX files.

use mda_core::graph::GraphErrors;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why an ONNX file cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
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
    /// Something is wrong with this file.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: Box<OnnxError>,
    },
    /// The file could not be opened or read.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// The bytes are not an ONNX model.
    #[error("not an ONNX model: {0}")]
    NotOnnx(String),
    /// The file would make the reader allocate far more than its own size.
    #[error("refused: its messages and constants would take {numbers} numbers or more, far beyond the file's size")]
    TooMuchMemory {
        /// How many numbers of four bytes were asked for.
        numbers: usize,
    },
    /// An operator set that this crate does not know.
    #[error("operator set {found}, but {first} to {last} are known\nhint: export the model with opset 17")]
    Opset {
        /// The version in the file.
        found: i64,
        /// The oldest that is read.
        first: i64,
        /// The newest that is read.
        last: i64,
    },
    /// Operators that MDA has no operation for, all of them.
    #[error("{} operator(s) that MDA has no operation for:{}", .0.len(), listed(.0))]
    Unsupported(Vec<UnsupportedOperator>),
    /// The images that the file takes are none, or not known well enough.
    #[error("input: expected {expected}, got {got}")]
    Input {
        /// What is needed.
        expected: String,
        /// What the file has.
        got: String,
    },
    /// A constant whose numbers cannot be had.
    #[error("tensor `{tensor}`: {problem}")]
    Tensor {
        /// The tensor's name.
        tensor: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A node with a known operator in a form that MDA has no operation for.
    #[error("node `{node}` ({op}): expected {expected}, got {got}")]
    Node {
        /// The node's name.
        node: String,
        /// Its operator.
        op: String,
        /// What was needed.
        expected: String,
        /// What the file has.
        got: String,
    },
    /// The graph is read, but it is no classifier, or its parameters do not fit.
    #[error(transparent)]
    Graph(#[from] GraphErrors),
}

/// A node whose operator MDA does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedOperator {
    /// The operator, with its domain where that is not ONNX's own.
    pub op: String,
    /// The node's name, or its output's where it has none.
    pub node: String,
}

impl fmt::Display for UnsupportedOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at node `{}`", self.op, self.node)
    }
}

fn listed(operators: &[UnsupportedOperator]) -> String {
    operators.iter().map(|operator| format!("\n  {operator}")).collect()
}

impl OnnxError {
    /// The same problem with the name of its file.
    pub(super) fn in_file(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), problem: Box::new(self) }
    }
}
