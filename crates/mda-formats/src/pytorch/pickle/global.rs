//! The only functions and classes that a pickle may ask for.

use crate::scalar::{FloatType, ScalarType};

/// A listed function or class, by what calling it means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`: a dict.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2` and its older form: a view of a storage.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`, and the class `Parameter` itself before PyTorch 0.4: the tensor it wraps.
    RebuildParameter,
    /// `torch.Size`: the tuple it wraps.
    Size,
    /// `torch.FloatStorage` and the like: only ever part of a storage's name.
    Storage(ScalarType),
    /// What training scripts keep beside the weights: calling it gives an object that nobody looks into.
    Opaque,
}

impl Global {
    /// The meaning of `module.name`, or `None` where it is not on the list.
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        let float = |float| Some(Self::Storage(ScalarType::Float(float)));
        let integer = |size| Some(Self::Storage(ScalarType::Integer(size)));
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Some(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::RebuildParameter),
            ("torch.nn.parameter", "Parameter") => Some(Self::RebuildParameter),
            ("torch", "Size") => Some(Self::Size),
            ("torch", "HalfStorage") => float(FloatType::F16),
            ("torch", "BFloat16Storage") => float(FloatType::Bf16),
            ("torch", "FloatStorage") => float(FloatType::F32),
            ("torch", "DoubleStorage") => float(FloatType::F64),
            ("torch", "LongStorage") => integer(8),
            ("torch", "IntStorage") => integer(4),
            ("torch", "ShortStorage") => integer(2),
            ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => integer(1),
            ("torch", "device") | ("torch.serialization", "_get_layout") => Some(Self::Opaque),
            ("torch", "float16" | "bfloat16" | "float32" | "float64") => Some(Self::Opaque),
            ("torch", "uint8" | "int8" | "int16" | "int32" | "int64" | "bool") => Some(Self::Opaque),
            ("collections", "Counter" | "defaultdict") => Some(Self::Opaque),
            ("builtins" | "__builtin__", "set" | "frozenset" | "complex" | "bytearray") => Some(Self::Opaque),
            // Only as the factory of a defaultdict; calling one gives nothing that is looked into either.
            ("builtins" | "__builtin__", "dict" | "list" | "int" | "float") => Some(Self::Opaque),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Some(Self::Opaque),
            ("numpy", "dtype") | ("_codecs", "encode") => Some(Self::Opaque),
            _ => None,
        }
    }
}
