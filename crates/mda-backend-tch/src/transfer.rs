//! Numbers from the host to a device and back.

use mda_core::Tensor as Numbers;
use std::ops::Deref;
use tch::{Device, Kind, TchError, Tensor};

/// What LibTorch answers.
pub(crate) type Result<T> = std::result::Result<T, TchError>;

/// A tensor whose clones are references to the same numbers. LibTorch counts references, so they may go to other threads,
/// but no two threads may use one of them.
#[derive(Debug)]
pub(crate) struct Shared(Tensor);

impl From<Tensor> for Shared {
    fn from(tensor: Tensor) -> Self {
        Self(tensor)
    }
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        Self(self.0.shallow_clone())
    }
}

impl Deref for Shared {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.0
    }
}

/// Extents as LibTorch counts them.
pub(crate) fn extents(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&extent| extent as i64).collect()
}

/// `numbers` on `device`, in their own shape.
pub(crate) fn upload(numbers: &Numbers, device: Device) -> Result<Shared> {
    Tensor::f_from_slice(numbers.data())?.f_reshape(extents(numbers.shape()))?.f_to(device).map(Shared)
}

/// A vector of one number a channel, shaped to be broadcast over values of `rank` axes `[N, C, ...]`.
pub(crate) fn per_channel(numbers: &[f32], rank: usize, device: Device) -> Result<Shared> {
    let mut shape = vec![1; rank];
    shape[1] = numbers.len() as i64;
    Tensor::f_from_slice(numbers)?.f_reshape(shape)?.f_to(device).map(Shared)
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
