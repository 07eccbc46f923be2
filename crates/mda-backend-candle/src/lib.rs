//! The candle backend: every operation lowered to tensors of candle-core, on the CPU and, with the feature `cuda`, on
//! NVIDIA GPUs.
//!
//! Values are kept channels first, `[C, N, H, W]` or `[F, N]`: a convolution is then one matrix product for the whole batch
//! whose result needs no transposing, a Concat is one copy behind another, and a grouped convolution is one batched product.
//! Windows become views of a padded map, one a tap, so that every stride, padding and dilation is the same code.

mod activation;
mod backend;
mod convolution;
mod devices;
mod layer;
mod library;
mod observe;
mod opened;
mod pointwise;
mod pool;
mod sliding;
mod transfer;

pub use backend::CandleBackend;
