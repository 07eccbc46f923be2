//! Files of models and weights.
//!
//! [`native`] is the toolkit's own model file, which holds the graph beside the weights. [`onnx`] writes models for other
//! runtimes and reads other programs' classifiers. [`StateDict::read`] takes the weights of PyTorch checkpoints and
//! safetensors files, told apart by their content, and runs nothing they contain. [`Target`] is where a result goes.

pub mod atomic;
pub mod native;
pub mod onnx;
pub mod pytorch;
pub mod safetensors;
mod scalar;
pub mod state_dict;
pub mod target;
#[cfg(test)]
mod test_models;

pub use native::NativeError;
pub use onnx::OnnxError;
pub use pytorch::PytorchError;
pub use safetensors::SafetensorsError;
pub use state_dict::{Format, StateDict, StateDictError};
pub use target::{Target, TargetError};
