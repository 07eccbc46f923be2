//! Numbers from the host to a device and back, between `[N, C, ...]` and the backend's `[C, N, ...]`.

use candle_core::{Device, Result, Tensor};
use mda_core::Tensor as Numbers;

/// `numbers` on `device`, in its own shape.
pub(crate) fn upload(numbers: &Numbers, device: &Device) -> Result<Tensor> {
    Tensor::from_slice(numbers.data(), numbers.shape(), device)
}

/// A vector of one number a channel, shaped to be broadcast over values of `rank` axes.
pub(crate) fn per_channel(numbers: &[f32], rank: usize, device: &Device) -> Result<Tensor> {
    let mut shape = vec![1; rank];
    shape[0] = numbers.len();
    Tensor::from_slice(numbers, shape, device)
}

/// A batch `[N, C, H, W]` as the value `[C, N, H, W]`.
pub(crate) fn enter(batch: &Numbers, device: &Device) -> Result<Tensor> {
    upload(batch, device)?.transpose(0, 1)?.contiguous()
}

/// A value `[C, N, ...]` as `[N, C, ...]` on the host.
pub(crate) fn leave(value: &Tensor) -> Result<Numbers> {
    let value = value.transpose(0, 1)?.contiguous()?;
    let shape = value.dims().to_vec();
    let data = value.flatten_all()?.to_vec1()?;
    Numbers::new(shape, data).map_err(candle_core::Error::wrap)
}
