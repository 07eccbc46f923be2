//! Files of models and weights.
//!
//! [`native`] is the toolkit's own model file, which holds the graph beside the weights.

mod atomic;
pub mod native;
#[cfg(test)]
mod test_models;

pub use native::NativeError;
