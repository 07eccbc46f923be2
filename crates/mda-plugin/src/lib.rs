//! Backends in libraries of their own, loaded while the program runs.
//!
//! - [`abi`] is what crosses the boundary: C structs and functions, nothing of Rust's own layout.
//! - [`guest`] and [`export_backend!`] turn a [`mda_core::run::backend::Backend`] into such a library.
//! - [`host`] loads one; a [`host::PluginBackend`] is a backend like any other.
//!
//! A plugin is native code and may do whatever its host may do. Load only what you trust.

pub mod abi;
mod foreign;
mod growing;
pub mod guest;
pub mod host;
