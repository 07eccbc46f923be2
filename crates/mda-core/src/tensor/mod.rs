//! Dense `f32` tensors: the only numeric container that crosses a crate boundary.

mod parameters;
mod shape;
mod uniform;

pub use parameters::{NodeParameters, ParameterSpec, Parameters};
pub use shape::Shape;
pub(crate) use uniform::Uniform;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use thiserror::Error;

/// A dense, row-major `f32` tensor.
///
/// Images and maps are `[N, C, H, W]`, features `[N, F]`, convolution kernels `[Q, P/groups, KH, KW]`,
/// linear weights `[Q, P]`, per-channel parameters `[C]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Numbers,
}

/// Where the numbers of a tensor are.
#[derive(Clone)]
enum Numbers {
    Owned(Vec<f32>),
    /// Somebody else's, for instance in a mapped file; copied before they are written to.
    Shared(Arc<dyn AsRef<[f32]> + Send + Sync>),
}

impl Deref for Numbers {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Owned(numbers) => numbers,
            Self::Shared(numbers) => (**numbers).as_ref(),
        }
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// A tensor whose number of elements does not fit its shape.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("shape {shape:?} needs {expected} numbers, found {found}")]
pub struct TensorError {
    /// The shape that was asked for.
    pub shape: Vec<usize>,
    /// The product of the shape (`usize::MAX` where it overflows).
    pub expected: usize,
    /// How many numbers were given.
    pub found: usize,
}

impl Tensor {
    /// A tensor of `shape` over `data` in row-major order.
    ///
    /// # Errors
    /// [`TensorError`] where the product of `shape` is not `data.len()`.
    pub fn new(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Result<Self, TensorError> {
        Self::over(shape.into(), Numbers::Owned(data))
    }

    /// A tensor of `shape` over numbers that somebody else holds, in row-major order. Nothing is copied until the tensor
    /// is written to.
    ///
    /// # Errors
    /// [`TensorError`] where the product of `shape` is not how many numbers there are.
    pub fn shared(
        shape: impl Into<Vec<usize>>,
        data: Arc<dyn AsRef<[f32]> + Send + Sync>,
    ) -> Result<Self, TensorError> {
        Self::over(shape.into(), Numbers::Shared(data))
    }

    fn over(shape: Vec<usize>, data: Numbers) -> Result<Self, TensorError> {
        let expected = element_count(&shape).unwrap_or(usize::MAX);
        if expected == data.len() {
            Ok(Self { shape, data })
        } else {
            Err(TensorError { shape, expected, found: data.len() })
        }
    }

    /// A tensor of zeros.
    ///
    /// # Panics
    /// Where the product of `shape` overflows `usize`; shapes from outside go through [`Tensor::new`].
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let count = element_count(&shape).expect("the product of a tensor's shape fits usize");
        Self { shape, data: Numbers::Owned(vec![0.0; count]) }
    }

    /// A one-dimensional tensor over `data`.
    pub fn vector(data: Vec<f32>) -> Self {
        Self { shape: vec![data.len()], data: Numbers::Owned(data) }
    }

    /// The extent of every axis, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers, row-major.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// The numbers, row-major, to write to.
    pub fn data_mut(&mut self) -> &mut [f32] {
        if let Numbers::Shared(numbers) = &self.data {
            self.data = Numbers::Owned((**numbers).as_ref().to_vec());
        }
        match &mut self.data {
            Numbers::Owned(numbers) => numbers,
            Numbers::Shared(_) => unreachable!("shared numbers have just been copied"),
        }
    }

    /// The numbers, row-major, without the shape.
    pub fn into_data(self) -> Vec<f32> {
        match self.data {
            Numbers::Owned(numbers) => numbers,
            Numbers::Shared(numbers) => (*numbers).as_ref().to_vec(),
        }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no number at all (an axis of extent 0).
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The slab at `index` of the outermost axis: one sample of a batch, one filter of a kernel.
    ///
    /// # Panics
    /// Where the tensor has no axis or `index` is out of range.
    pub fn row(&self, index: usize) -> &[f32] {
        let stride = self.data.len() / self.shape[0].max(1);
        &self.data[index * stride..(index + 1) * stride]
    }

    /// The same numbers under another shape.
    ///
    /// # Errors
    /// [`TensorError`] where the product differs.
    pub fn reshape(self, shape: impl Into<Vec<usize>>) -> Result<Self, TensorError> {
        Self::over(shape.into(), self.data)
    }

    /// The slabs `indices` of `axis`, in that order: how every slicing pass cuts a parameter.
    ///
    /// # Panics
    /// Where `axis` or an index is out of range; callers validate against the graph first.
    pub fn select(&self, axis: usize, indices: &[usize]) -> Self {
        let outer: usize = self.shape[..axis].iter().product();
        let inner: usize = self.shape[axis + 1..].iter().product();
        let extent = self.shape[axis];
        let mut data = Vec::with_capacity(outer * indices.len() * inner);
        for o in 0..outer {
            for &index in indices {
                assert!(index < extent, "index {index} on axis {axis} of extent {extent}");
                let start = (o * extent + index) * inner;
                data.extend_from_slice(&self.data[start..start + inner]);
            }
        }
        let mut shape = self.shape.clone();
        shape[axis] = indices.len();
        Self { shape, data: Numbers::Owned(data) }
    }

    /// The position of the first number that is NaN or infinite.
    pub fn first_non_finite(&self) -> Option<usize> {
        /// The bits of infinity; those of NaN are larger, those of all other numbers smaller.
        const INFINITY: u32 = f32::INFINITY.to_bits();
        /// Numbers that are looked at together, without a branch for each.
        const BLOCK: usize = 1024;
        let magnitude = |x: &f32| x.abs().to_bits();
        let suspect = |block: &[f32]| block.iter().map(magnitude).fold(0, u32::max) >= INFINITY;
        let block = self.data.chunks(BLOCK).position(suspect)? * BLOCK;
        self.data[block..].iter().position(|x| !x.is_finite()).map(|inside| block + inside)
    }
}

/// The product of a shape, or `None` where it overflows.
pub fn element_count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_refuses_a_wrong_count() {
        let error = Tensor::new([2, 3], vec![0.0; 5]).unwrap_err();
        assert_eq!((error.expected, error.found), (6, 5));
    }

    #[test]
    fn an_overflowing_shape_is_an_error() {
        assert!(Tensor::new([usize::MAX, 2], vec![]).is_err());
    }

    #[test]
    fn shared_numbers_are_copied_when_they_are_written_to() {
        let numbers: Arc<dyn AsRef<[f32]> + Send + Sync> = Arc::new(vec![1.0f32, 2.0]);
        let mut tensor = Tensor::shared([2], Arc::clone(&numbers)).unwrap();
        assert!(std::ptr::eq(tensor.data(), (*numbers).as_ref()));
        assert_eq!(tensor, Tensor::vector(vec![1.0, 2.0]));
        tensor.data_mut()[0] = 3.0;
        assert_eq!((tensor.into_data(), (*numbers).as_ref()), (vec![3.0, 2.0], &[1.0f32, 2.0][..]));
        assert!(Tensor::shared([3], numbers).is_err());
    }

    #[test]
    fn the_first_number_that_is_none_is_found() {
        for wrong in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 1023, 1024, 2999] {
                let mut tensor = Tensor::vector(vec![f32::MIN; 3000]);
                assert_eq!(tensor.first_non_finite(), None);
                tensor.data_mut()[2999] = f32::NAN;
                tensor.data_mut()[at] = wrong;
                assert_eq!(tensor.first_non_finite(), Some(at));
            }
        }
    }

    #[test]
    fn select_picks_slabs_in_order() {
        let t = Tensor::new([2, 3, 2], (0u8..12).map(f32::from).collect()).unwrap();
        let picked = t.select(1, &[2, 0]);
        assert_eq!(picked.shape(), [2, 2, 2]);
        assert_eq!(picked.data(), [4.0, 5.0, 0.0, 1.0, 10.0, 11.0, 6.0, 7.0]);
    }
}
