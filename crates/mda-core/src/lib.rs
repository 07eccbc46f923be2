//! Backend-agnostic mathematics of model disassembling and assembling.
//!
//! The crate knows no backend but its slow reference, no file format but its own JSON, and no command line. One folder is
//! one stage; a stage imports only those above it in this list:
//!
//! | stage | what comes in | what goes out |
//! |---|---|---|
//! | [`tensor`] | numbers and their shapes | tensors, named parameters |
//! | [`op`] | attributes of one operation | its shape, its ties, its cut, its value, its derivative |
//! | [`graph`] | nodes as written | a checked graph, and which channels stay or go together |
//! | [`method`] | names and numbers that people write | values that say how: formulations, measures, repairs |
//! | [`model`] | a graph and parameters | a checked model with names and provenance |
//! | [`run`] | a model, a backend, images | logits and probes |
//! | [`evaluate`] | logits and labels | accuracies |
//! | [`observe`] | probes | contributions, gradients, second moments: what later stages read |
//! | [`attribute`] | a model, images, a formulation | what matters to each category |
//! | [`cut`] | what matters | a plan, and a smaller model |
//! | [`budget`] | rankings of channels, a size | the plan that is worth most |
//! | [`repair`] | a component and its source | the component refitted |
//! | [`tune`] | a model, teachers, images | the model with numbers that answer as theirs |
//! | [`rescale`] | what components compute | what brings their logits to one scale |
//! | [`assemble`] | components | one model |

pub mod assemble;
pub mod attribute;
pub mod budget;
pub mod cut;
pub mod evaluate;
pub mod graph;
pub mod method;
pub mod model;
pub mod observe;
pub mod op;
pub mod repair;
pub mod rescale;
pub mod run;
pub mod tensor;
#[cfg(test)]
mod test_graphs;
pub mod tune;

pub use model::{Model, ModelSize};
pub use run::{Batch, Batches, ImageSource, SourceError};
pub use tensor::{Tensor, TensorError};
