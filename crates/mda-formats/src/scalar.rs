//! The number types of weight files, and their way to `f32`.

use half::{bf16, f16};

/// A little-endian floating-point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatType {
    F16,
    Bf16,
    F32,
    F64,
}

/// What the numbers of a tensor or storage are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarType {
    Float(FloatType),
    /// Integers and truth values of this many bytes: counted in a file's layout, never read.
    Integer(usize),
}

impl ScalarType {
    /// Bytes per number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Float(float) => float.size(),
            Self::Integer(size) => size,
        }
    }
}

impl FloatType {
    /// Bytes per number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The packed numbers of `bytes`. An f64 beyond the range of f32 becomes infinite; trailing bytes that make no whole
    /// number are left out.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Self::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
        }
    }

    /// The number at `index` of the packed numbers of `bytes`, as [`FloatType::decode`] has it.
    ///
    /// # Panics
    /// Where `bytes` has no such number.
    pub(crate) fn decode_one(self, bytes: &[u8], index: usize) -> f32 {
        match self {
            Self::F16 => f16::from_le_bytes(bytes.as_chunks().0[index]).to_f32(),
            Self::Bf16 => bf16::from_le_bytes(bytes.as_chunks().0[index]).to_f32(),
            Self::F32 => f32::from_le_bytes(bytes.as_chunks().0[index]),
            Self::F64 => f64::from_le_bytes(bytes.as_chunks().0[index]) as f32,
        }
    }
}

fn each<const SIZE: usize>(bytes: &[u8], decode: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<SIZE>().0.iter().map(|&chunk| decode(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_type_decodes_to_f32() {
        let cases: [(FloatType, &[u8]); 4] = [
            (FloatType::F16, &[0x00, 0x3c, 0x00, 0xb8]),
            (FloatType::Bf16, &[0x80, 0x3f, 0x00, 0xbf]),
            (FloatType::F32, &[0, 0, 0x80, 0x3f, 0, 0, 0x00, 0xbf]),
            (FloatType::F64, &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0xe0, 0xbf]),
        ];
        for (float, bytes) in cases {
            assert_eq!(float.decode(bytes), [1.0, -0.5], "{float:?}");
            assert_eq!([0, 1].map(|index| float.decode_one(bytes, index)), [1.0, -0.5], "{float:?}");
            assert_eq!(float.size() * 2, bytes.len());
        }
    }

    #[test]
    fn an_f64_beyond_f32_becomes_infinite() {
        assert_eq!(FloatType::F64.decode(&1e300f64.to_le_bytes()), [f32::INFINITY]);
    }
}
