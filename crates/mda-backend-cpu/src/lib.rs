//! The embedded CPU backend: every operation in Rust, nothing to install.
//!
//! A model is compiled once into a plan: weights packed for the processor at hand, BatchNorm, bias, residual sums,
//! clamps and activations fused into the layer before them, values placed in few buffers that a session keeps between runs. Convolutions
//! read their input as it lies, or are matrix products over the positions of the whole batch; dense 3x3 convolutions of stride 1 use Winograd's minimal
//! filtering. Probes are read off a value as soon as it is complete.
//!
//! The instruction set is picked at run time, the threads are those of rayon's current pool.

mod backend;
mod buffer;
mod kernel;
mod layer;
mod maps;
mod observe;
mod parallel;
mod plan;
mod run;
mod stretches;
mod sums;
mod train;
mod window_sums;

pub use backend::CpuBackend;
