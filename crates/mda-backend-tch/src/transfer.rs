//! Numbers from the host to a device and back.

use mda_core::Tensor as Numbers;
use tch::{Device, Kind, TchError, Tensor};

/// What LibTorch answers.
pub(crate) type Result<T> = std::result::Result<T, TchError>;

/// Extents as LibTorch counts them.
pub(crate) fn extents(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&extent| extent as i64).collect()
}

/// `numbers` on `device`, in their own shape.
pub(crate) fn upload(numbers: &Numbers, device: Device) -> Result<Tensor> {
    Tensor::f_from_slice(numbers.data())?.f_reshape(extents(numbers.shape()))?.f_to(device)
}

/// A vector of one number a channel, shaped to be broadcast over values of `rank` axes `[N, C, ...]`.
pub(crate) fn per_channel(numbers: &[f32], rank: usize, device: Device) -> Result<Tensor> {
    let mut shape = vec![1; rank];
    shape[1] = numbers.len() as i64;
    Tensor::f_from_slice(numbers)?.f_reshape(shape)?.f_to(device)
}

/// A value on the host.
pub(crate) fn leave(value: &Tensor) -> Result<Numbers> {
    let value = value.f_to(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let shape: Vec<usize> = value.size().into_iter().map(|extent| extent as usize).collect();
    let mut numbers = Numbers::zeros(shape);
    let count = numbers.len();
    value.f_copy_data(numbers.data_mut(), count)?;
    Ok(numbers)
}
