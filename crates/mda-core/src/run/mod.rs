//! Running: in come a model, a backend and labelled images; out go logits and what is observed on the way.

pub mod backend;
mod images;
pub mod reference;
pub(crate) mod reverse;
mod runner;

pub use images::{Batch, Batches, ImageSource, SourceError};
pub use runner::{LabelledLogits, RunError, Runner, Running};
