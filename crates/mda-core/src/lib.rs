//! Backend-agnostic mathematics of model disassembling and assembling.
//!
//! The crate knows no backend, no file format but its own JSON, and no command line. See `ARCHITECTURE.md` for how the
//! parts fit together.

pub mod affine;
pub mod assemble;
pub mod backend;
pub mod budget;
pub mod channels;
pub mod contribution;
pub mod disassemble;
mod extremes;
pub mod formulation;
pub mod gradient;
pub mod graph;
pub mod keep;
pub mod labels;
pub mod measure;
pub mod metrics;
pub mod model;
mod observer;
pub mod op;
pub mod provenance;
pub mod reference;
mod regression;
pub mod relevance;
pub mod repair;
pub mod rescale;
pub mod runner;
pub mod slice;
pub mod source;
pub mod task;
pub mod tensor;
#[cfg(test)]
mod test_graphs;

pub use model::{Model, ModelSize};
pub use source::{Batch, Batches, ImageSource, SourceError};
pub use tensor::{Tensor, TensorError};
