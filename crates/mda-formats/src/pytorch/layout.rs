//! From a strided view of a stored run of numbers to a dense tensor.

use mda_core::Tensor;
use mda_core::tensor::element_count;
use thiserror::Error;

use super::pickle::TensorRef;
use crate::scalar::{FloatType, ScalarType};

/// However small the file, its tensors may come to this many numbers.
const FREE_NUMBERS: usize = 1 << 16;
/// Tensors that share storages come to more numbers than the file holds; beyond two numbers for each of its bytes (eight
/// times an f32 file) nobody shared them for a model's sake.
const NUMBERS_PER_BYTE: usize = 2;

/// What is wrong with the place of one tensor in its file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The file has no such storage.
    #[error("its storage `{key}` is not in the file; the file is damaged or incomplete")]
    MissingStorage {
        /// The storage's name in the file.
        key: String,
    },
    /// The storage has another size than the pickle says.
    #[error("its storage `{key}` should have {expected} bytes, found {found}; the file is damaged")]
    StorageSize {
        /// The storage's name in the file.
        key: String,
        /// The size in bytes by the pickle (`usize::MAX` where it overflows).
        expected: usize,
        /// The size in bytes in the file.
        found: usize,
    },
    /// The view reaches beyond its storage.
    #[error(
        "shape {shape:?} with strides {strides:?} from number {offset} on reaches beyond the {length} numbers of its storage \
         `{key}`; the file is damaged"
    )]
    Outside {
        /// The storage's name in the file.
        key: String,
        /// The extents of the tensor.
        shape: Vec<usize>,
        /// The steps of each axis, in numbers.
        strides: Vec<usize>,
        /// Its first number.
        offset: usize,
        /// How many numbers the storage has.
        length: usize,
    },
    /// The tensors together are far larger than the file.
    #[error(
        "with shape {shape:?} the tensors come to more than {limit} numbers, too many for a file of this size: save \
         expanded tensors after `.contiguous()`"
    )]
    Oversized {
        /// The extents of the tensor that went over.
        shape: Vec<usize>,
        /// The most numbers that the file's tensors may have together.
        limit: usize,
    },
}

/// Makes the tensors of one file, and keeps count of their size.
pub(super) struct TensorReader {
    limit: usize,
    left: usize,
}

impl TensorReader {
    pub(super) fn new(file_size: usize) -> Self {
        let limit = file_size.saturating_mul(NUMBERS_PER_BYTE).saturating_add(FREE_NUMBERS);
        Self { limit, left: limit }
    }

    /// The tensor that `view` describes, dense and row-major, or `None` where its numbers are integers. `bytes` is the
    /// content of its storage, if the file has it.
    pub(super) fn read(&mut self, view: &TensorRef<'_>, bytes: Option<&[u8]>) -> Result<Option<Tensor>, LayoutError> {
        let storage = &view.storage;
        let ScalarType::Float(float) = storage.scalar else { return Ok(None) };
        let key = || storage.key.to_owned();
        let bytes = bytes.ok_or_else(|| LayoutError::MissingStorage { key: key() })?;
        let expected = storage.total.saturating_mul(float.size());
        if bytes.len() != expected {
            return Err(LayoutError::StorageSize { key: key(), expected, found: bytes.len() });
        }
        let oversized = || LayoutError::Oversized { shape: view.shape.clone(), limit: self.limit };
        let count = element_count(&view.shape).ok_or_else(oversized)?;
        self.left = self.left.checked_sub(count).ok_or_else(oversized)?;
        let data = match reach(view) {
            _ if count == 0 => Vec::new(),
            Some(end) if end <= storage.length => {
                let start = (storage.first + view.offset) * float.size();
                let reached = &bytes[start..(storage.first + end) * float.size()];
                if is_dense(view) { float.decode(reached) } else { gather(view, count, reached, float) }
            }
            _ => {
                let (shape, strides) = (view.shape.clone(), view.strides.clone());
                let (offset, length) = (view.offset, storage.length);
                return Err(LayoutError::Outside { key: key(), shape, strides, offset, length });
            }
        };
        // `data` has the shape's product of numbers, which is all that `Tensor::new` asks.
        Tensor::new(view.shape.clone(), data).map(Some).map_err(|_| oversized())
    }
}

/// The number after the last one that a view with no empty axis reaches, or `None` where it overflows.
fn reach(view: &TensorRef<'_>) -> Option<usize> {
    let last = view.shape.iter().zip(&view.strides).try_fold(view.offset, |last, (&extent, &stride)| {
        last.checked_add(extent.saturating_sub(1).checked_mul(stride)?)
    });
    last?.checked_add(1)
}

/// Whether the view is row-major without gaps.
fn is_dense(view: &TensorRef<'_>) -> bool {
    let mut expected = 1;
    view.shape.iter().zip(&view.strides).rev().all(|(&extent, &stride)| {
        let fits = extent == 1 || stride == expected;
        expected *= extent;
        fits
    })
}

/// The `count` numbers of a view in row-major order; `bytes` are those of its storage from its offset to its reach.
fn gather(view: &TensorRef<'_>, count: usize, bytes: &[u8], float: FloatType) -> Vec<f32> {
    // An axis of extent 1 has a stride that means nothing and may be of any size.
    let axes: Vec<(usize, usize)> =
        view.shape.iter().copied().zip(view.strides.iter().copied()).filter(|&(extent, _)| extent > 1).collect();
    let mut index = vec![0; axes.len()];
    let mut at = 0;
    let mut data = Vec::with_capacity(count);
    for _ in 0..count {
        data.push(float.decode_one(bytes, at));
        for (position, &(extent, stride)) in index.iter_mut().zip(&axes).rev() {
            *position += 1;
            at += stride;
            if *position < extent {
                break;
            }
            at -= stride * extent;
            *position = 0;
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::super::pickle::StorageRef;
    use super::*;

    fn view<'a>(length: usize, offset: usize, shape: &[usize], strides: &[usize]) -> TensorRef<'a> {
        let scalar = ScalarType::Float(FloatType::F32);
        let storage = StorageRef { key: "0", scalar, total: length, first: 0, length };
        TensorRef { storage, offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    fn read(view: &TensorRef<'_>) -> Result<Option<Tensor>, LayoutError> {
        let numbers = 0..u16::try_from(view.storage.total).unwrap();
        let bytes: Vec<u8> = numbers.flat_map(|number| f32::from(number).to_le_bytes()).collect();
        TensorReader::new(bytes.len()).read(view, Some(&bytes))
    }

    fn numbers(view: &TensorRef<'_>) -> Vec<f32> {
        read(view).unwrap().unwrap().into_data()
    }

    #[test]
    fn strides_and_offsets_pick_the_right_numbers() {
        assert_eq!(numbers(&view(6, 0, &[2, 3], &[3, 1])), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(numbers(&view(6, 0, &[3, 2], &[1, 3])), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(numbers(&view(9, 2, &[3], &[3])), [2.0, 5.0, 8.0]);
        assert_eq!(numbers(&view(2, 1, &[2, 2], &[0, 0])), [1.0; 4]);
    }

    #[test]
    fn scalars_empty_tensors_and_meaningless_strides_are_read() {
        assert_eq!(read(&view(3, 2, &[], &[])).unwrap(), Some(Tensor::new([], vec![2.0]).unwrap()));
        assert_eq!(read(&view(0, 7, &[0, 3], &[9, 9])).unwrap().unwrap().shape(), [0, 3]);
        assert_eq!(numbers(&view(3, 1, &[1, 2], &[usize::MAX, 1])), [1.0, 2.0]);
        assert_eq!(numbers(&view(4, 0, &[2, 1], &[2, usize::MAX])), [0.0, 2.0]);
    }

    #[test]
    fn a_view_beyond_its_storage_is_an_error() {
        assert!(matches!(read(&view(6, 1, &[2, 3], &[3, 1])), Err(LayoutError::Outside { .. })));
        assert!(matches!(read(&view(6, usize::MAX, &[1], &[1])), Err(LayoutError::Outside { .. })));
        assert!(matches!(read(&view(6, 0, &[3, 2], &[usize::MAX, 1])), Err(LayoutError::Outside { .. })));
        assert!(matches!(read(&view(0, 0, &[], &[])), Err(LayoutError::Outside { .. })));
    }

    #[test]
    fn tensors_far_larger_than_their_file_are_an_error() {
        let huge = view(1, 0, &[1 << 20, 1 << 20], &[0, 0]);
        assert!(matches!(read(&huge), Err(LayoutError::Oversized { .. })));
        assert!(matches!(read(&view(1, 0, &[usize::MAX, 2], &[0, 0])), Err(LayoutError::Oversized { .. })));
        let mut reader = TensorReader::new(4);
        let half = view(1, 0, &[40_000], &[0]);
        assert!(reader.read(&half, Some(&[0; 4])).is_ok());
        assert!(matches!(reader.read(&half, Some(&[0; 4])), Err(LayoutError::Oversized { .. })));
    }

    #[test]
    fn a_storage_must_be_there_with_its_size() {
        let view = view(2, 0, &[2], &[1]);
        let mut reader = TensorReader::new(8);
        assert!(matches!(reader.read(&view, None), Err(LayoutError::MissingStorage { .. })));
        let short = reader.read(&view, Some(&[0; 7]));
        assert!(matches!(short, Err(LayoutError::StorageSize { expected: 8, found: 7, .. })));
    }
}
