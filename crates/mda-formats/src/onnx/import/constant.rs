//! Constants as ONNX stores them.

use super::array::Array;
use super::budget::Budget;
use super::external::Folder;
use super::fault::Fault;
use super::value::{Floats, Value};
use super::view::Dim;
use crate::onnx::OnnxError;
use crate::onnx::proto::{self, data_type};
use crate::scalar::FloatType;
use half::{bf16, f16};
use std::borrow::Cow;
use std::rc::Rc;

/// `TensorProto.DataLocation.EXTERNAL`.
const EXTERNAL: i32 = 1;

/// The number types that constants may have.
enum Kind {
    Float(FloatType),
    Int64,
    Int32,
    Bool,
}

impl Kind {
    fn of(data_type: i32) -> Option<Self> {
        Some(match data_type {
            data_type::FLOAT => Self::Float(FloatType::F32),
            data_type::FLOAT16 => Self::Float(FloatType::F16),
            data_type::BFLOAT16 => Self::Float(FloatType::Bf16),
            data_type::DOUBLE => Self::Float(FloatType::F64),
            data_type::INT64 => Self::Int64,
            data_type::INT32 => Self::Int32,
            data_type::BOOL => Self::Bool,
            _ => return None,
        })
    }

    fn size(&self) -> usize {
        match self {
            Self::Float(float) => float.size(),
            Self::Int64 => 8,
            Self::Int32 => 4,
            Self::Bool => 1,
        }
    }
}

/// Whether values of this type count as numbers with a fraction.
pub(super) fn is_float(data_type: i64) -> bool {
    let kind = i32::try_from(data_type).ok().and_then(Kind::of);
    matches!(kind, Some(Kind::Float(_)))
}

/// Whether values of this type are integers that shapes are computed with.
pub(super) fn is_int(data_type: i64) -> bool {
    let kind = i32::try_from(data_type).ok().and_then(Kind::of);
    matches!(kind, Some(Kind::Int64 | Kind::Int32))
}

/// The numbers of `tensor`, with half and double precision as f32.
pub(super) fn decode<'a>(tensor: &proto::Tensor, folder: &mut Folder, budget: &mut Budget) -> Result<Value<'a>, Fault> {
    let wrong = |problem: String| Fault::from(OnnxError::Tensor { tensor: tensor.name.clone(), problem });
    let kind = Kind::of(tensor.data_type);
    let kind = kind.ok_or_else(|| wrong(format!("data type {} is not floating-point or integer", tensor.data_type)))?;
    let shape: Option<Vec<usize>> = tensor.dims.iter().map(|&extent| usize::try_from(extent).ok()).collect();
    let count = shape.as_deref().and_then(mda_core::tensor::element_count);
    let (Some(shape), Some(count)) = (shape, count) else {
        return Err(wrong(format!("extents {:?}", tensor.dims)));
    };
    let raw = raw_bytes(tensor, count.checked_mul(kind.size()), folder, budget)?;
    let found = raw.as_ref().map_or_else(|| typed_count(tensor, &kind), |raw| raw.len() / kind.size());
    if found != count || raw.as_ref().is_some_and(|raw| raw.len() % kind.size() != 0) {
        return Err(wrong(format!("extents {shape:?} need {count} numbers, found {found}")));
    }
    budget.take(count)?;
    let refused = || wrong(format!("extents {shape:?}"));
    Ok(match kind {
        Kind::Float(float) => {
            let numbers = raw.map_or_else(|| typed_floats(tensor, float), |raw| float.decode(&raw));
            let array = Array::new(shape.clone(), numbers).ok_or_else(refused)?;
            let name = (!tensor.name.is_empty()).then(|| tensor.name.clone());
            Value::Floats(Floats { array: Rc::new(array), name })
        }
        kind => {
            let numbers = raw.map_or_else(|| typed_ints(tensor, &kind), |raw| raw_ints(&raw, &kind));
            Value::ints(Array::new(shape.clone(), numbers).ok_or_else(refused)?)
        }
    })
}

/// The little-endian bytes of the numbers, where the tensor has them in one piece.
fn raw_bytes<'t>(
    tensor: &'t proto::Tensor,
    size: Option<usize>,
    folder: &mut Folder,
    budget: &mut Budget,
) -> Result<Option<Cow<'t, [u8]>>, Fault> {
    if tensor.data_location == EXTERNAL {
        return folder.read(tensor, size, budget).map(|bytes| Some(Cow::Owned(bytes)));
    }
    Ok(tensor.raw_data.as_deref().map(Cow::Borrowed))
}

fn typed_count(tensor: &proto::Tensor, kind: &Kind) -> usize {
    match kind {
        Kind::Float(FloatType::F32) => tensor.float_data.len(),
        Kind::Float(FloatType::F64) => tensor.double_data.len(),
        Kind::Float(FloatType::F16 | FloatType::Bf16) | Kind::Int32 | Kind::Bool => tensor.int32_data.len(),
        Kind::Int64 => tensor.int64_data.len(),
    }
}

/// Half precision lies in the low bits of 32-bit integers.
fn typed_floats(tensor: &proto::Tensor, float: FloatType) -> Vec<f32> {
    let halves = tensor.int32_data.iter().map(|&bits| bits as u16);
    match float {
        FloatType::F32 => tensor.float_data.clone(),
        FloatType::F64 => tensor.double_data.iter().map(|&number| number as f32).collect(),
        FloatType::F16 => halves.map(|bits| f16::from_bits(bits).to_f32()).collect(),
        FloatType::Bf16 => halves.map(|bits| bf16::from_bits(bits).to_f32()).collect(),
    }
}

fn typed_ints(tensor: &proto::Tensor, kind: &Kind) -> Vec<Dim> {
    match kind {
        Kind::Int64 => tensor.int64_data.iter().map(|&number| Dim::known(number)).collect(),
        _ => tensor.int32_data.iter().map(|&number| Dim::known(number.into())).collect(),
    }
}

fn raw_ints(raw: &[u8], kind: &Kind) -> Vec<Dim> {
    match kind {
        Kind::Int64 => raw.as_chunks().0.iter().map(|&bytes| Dim::known(i64::from_le_bytes(bytes))).collect(),
        Kind::Int32 => raw.as_chunks().0.iter().map(|&bytes| Dim::known(i32::from_le_bytes(bytes).into())).collect(),
        _ => raw.iter().map(|&byte| Dim::known(byte.into())).collect(),
    }
}
