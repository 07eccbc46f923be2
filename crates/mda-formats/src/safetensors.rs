//! State dicts in safetensors files.

use mda_core::Tensor;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use thiserror::Error;

use crate::scalar::FloatType;
use crate::state_dict::Contents;

/// What is wrong with a safetensors file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SafetensorsError {
    /// The header, or its agreement with the data.
    #[error("the safetensors file is damaged or cut short")]
    Malformed(#[source] SafeTensorError),
    /// A tensor whose numbers cannot be read as weights.
    #[error(
        "tensor `{tensor}` is of type {dtype}; weights are read from F64, F32, F16 and BF16: convert it before saving"
    )]
    Dtype {
        /// Its name.
        tensor: String,
        /// Its type, as the header has it.
        dtype: Dtype,
    },
    /// A tensor whose data does not fit its shape.
    #[error("tensor `{tensor}`")]
    Shape {
        /// Its name.
        tensor: String,
        /// The shape, and the number of elements.
        #[source]
        source: mda_core::TensorError,
    },
}

/// The largest header that the format allows, in bytes.
const LARGEST_HEADER: u64 = 100_000_000;

/// Whether `file` begins with a length and the brace of a header, as a safetensors file does.
pub(crate) fn is_safetensors(file: &[u8]) -> bool {
    match file.split_first_chunk::<8>() {
        Some((length, [b'{', ..])) => u64::from_le_bytes(*length) <= LARGEST_HEADER,
        _ => false,
    }
}

/// The tensors of a safetensors file, in the order of their data.
pub(crate) fn read(file: &[u8]) -> Result<Contents, SafetensorsError> {
    let (_, metadata) = SafeTensors::read_metadata(file).map_err(SafetensorsError::Malformed)?;
    let tensors = SafeTensors::deserialize(file).map_err(SafetensorsError::Malformed)?;
    let mut entries = Vec::with_capacity(tensors.len());
    for name in metadata.offset_keys() {
        let view = tensors.tensor(&name).map_err(SafetensorsError::Malformed)?;
        let tensor = match number_type(view.dtype()) {
            NumberType::Float(float) => {
                let tensor = Tensor::new(view.shape(), float.decode(view.data()));
                Some(tensor.map_err(|source| SafetensorsError::Shape { tensor: name.clone(), source })?)
            }
            NumberType::Integer => None,
            NumberType::Other => return Err(SafetensorsError::Dtype { tensor: name, dtype: view.dtype() }),
        };
        entries.push((name, tensor));
    }
    Ok(Contents { entries, nested_under: vec![] })
}

enum NumberType {
    Float(FloatType),
    Integer,
    Other,
}

fn number_type(dtype: Dtype) -> NumberType {
    match dtype {
        Dtype::F64 => NumberType::Float(FloatType::F64),
        Dtype::F32 => NumberType::Float(FloatType::F32),
        Dtype::F16 => NumberType::Float(FloatType::F16),
        Dtype::BF16 => NumberType::Float(FloatType::Bf16),
        Dtype::BOOL | Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 => NumberType::Integer,
        Dtype::U32 | Dtype::I32 | Dtype::U64 | Dtype::I64 => NumberType::Integer,
        _ => NumberType::Other,
    }
}
