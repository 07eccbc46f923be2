//! What several crates test with: random models, the suite that every backend has to pass, and golden data.
//!
//! - [`generate`] builds random valid models that use every operation, for property tests.
//! - [`conformance`] runs a backend against the reference evaluation, case by case.
//! - [`cdylib`] builds libraries for tests that load them.
//! - [`allocation`] measures how much memory a reader takes.
//! - [`labelled`] holds images in memory.
//! - [`golden`] reads what the official Model-LEGO code and PyTorch computed on real models.

pub mod allocation;
pub mod cdylib;
pub mod conformance;
pub mod generate;
pub mod golden;
pub mod labelled;
mod random;

pub use random::Random;
