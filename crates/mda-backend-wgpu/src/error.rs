//! Errors in this backend's name.

use mda_core::run::backend::{BackendError, Unsupported};

/// The backend's name.
pub(crate) const ID: &str = "wgpu";

/// Something that went wrong, in words.
pub(crate) fn failed(message: impl Into<String>) -> BackendError {
    BackendError::Failed { backend: ID.into(), message: message.into() }
}

/// A node that cannot run.
pub(crate) fn unsupported(node: &str, reason: impl Into<String>) -> BackendError {
    BackendError::Unsupported {
        backend: ID.into(),
        nodes: vec![Unsupported { node: node.into(), reason: reason.into() }],
    }
}
