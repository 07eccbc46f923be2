//! Models on GPUs: WGSL compute shaders through wgpu, on Vulkan, Metal and Direct3D 12.
//!
//! A model is compiled once into dispatches: BatchNorm, bias, residual sums, clamps and activations are fused into the layer
//! before them, weights are packed and uploaded, values share few buffers that a session keeps between runs. Convolutions and
//! linear layers are matrix products whose columns are gathered tile by tile. Probes are reduced on the device. All sums
//! are taken in f32, in an order that depends on neither batch nor device.

mod adapters;
mod backend;
mod command;
mod error;
mod gpu;
mod kernel;
mod layers;
mod limits;
mod memory;
mod observe;
mod params;
mod plan;
mod session;
#[cfg(test)]
mod tests;

pub use backend::WgpuBackend;
