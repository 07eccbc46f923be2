//! The LibTorch backend: every operation through PyTorch's C++ library, on the CPU and on NVIDIA GPUs.
//!
//! `cargo xtask setup-libtorch` fetches the library. All sums are f32: TF32 is off, so that a GPU gives what a CPU gives.

mod activation;
mod backend;
mod devices;
mod layer;
mod library;
mod observe;
mod sliding;
mod transfer;

pub use backend::TchBackend;
