//! Why a node cannot be taken over, before its name is put to it.

use super::super::OnnxError;
use mda_core::graph::GraphErrors;

/// A problem of one node.
#[derive(Debug)]
pub(super) enum Fault {
    /// The node has another form than MDA has an operation for.
    Mismatch { expected: String, got: String },
    /// A problem that names its own place.
    Whole(OnnxError),
}

impl Fault {
    pub(super) fn new(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Mismatch { expected: expected.into(), got: got.into() }
    }

    /// The error for the node `node` with operator `op`.
    pub(super) fn at(self, node: &str, op: &str) -> OnnxError {
        match self {
            Self::Mismatch { expected, got } => OnnxError::Node { node: node.into(), op: op.into(), expected, got },
            Self::Whole(error) => error,
        }
    }
}

impl From<OnnxError> for Fault {
    fn from(error: OnnxError) -> Self {
        Self::Whole(error)
    }
}

/// A graph of one operation has one problem.
impl From<GraphErrors> for Fault {
    fn from(errors: GraphErrors) -> Self {
        match errors.0.into_iter().next() {
            Some(problem) => Self::new(problem.expected, problem.got),
            None => Self::new("an operation that fits its input", "another"),
        }
    }
}
