//! How much memory a file's messages would take, counted before any is allocated.
//!
//! An empty message takes two bytes of the file and hundreds in memory, so a decoder alone can be made to allocate
//! hundreds of times the file. Here the file is walked once, without allocation, and refused where that would happen.

use super::OnnxError;
use super::proto;

/// What memory files of any size may take.
const BASE: usize = 64 << 20;
/// Bytes of memory for every byte of a file; real files stay at two or three.
const PER_BYTE: usize = 16;

/// The messages that are walked into.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
    Opset,
    Entry,
}

/// What one field takes in memory.
enum Field {
    Message(Kind),
    Bytes,
    /// Numbers of as many bytes in memory as in the file, 8 at most.
    Fixed,
    /// Numbers of variable length, of this many bytes each in memory.
    Varints(usize),
    Skipped,
}

impl Kind {
    fn size(self) -> usize {
        match self {
            Self::Model => size_of::<proto::Model>(),
            Self::Graph => size_of::<proto::Graph>(),
            Self::Node => size_of::<proto::Node>(),
            Self::Attribute => size_of::<proto::Attribute>(),
            Self::Tensor => size_of::<proto::Tensor>(),
            Self::ValueInfo => size_of::<proto::ValueInfo>(),
            Self::Type => size_of::<proto::Type>(),
            Self::TensorType => size_of::<proto::TensorType>(),
            Self::Shape => size_of::<proto::TensorShape>(),
            Self::Dimension => size_of::<proto::Dimension>(),
            Self::Opset => size_of::<proto::OperatorSetId>(),
            Self::Entry => size_of::<proto::StringEntry>(),
        }
    }

    fn field(self, number: u64) -> Field {
        use Field::{Bytes, Fixed, Message, Skipped, Varints};
        match (self, number) {
            (Self::Model, 7) => Message(Self::Graph),
            (Self::Model, 8) => Message(Self::Opset),
            (Self::Model, 14) => Message(Self::Entry),
            (Self::Graph, 1) => Message(Self::Node),
            (Self::Graph, 5) => Message(Self::Tensor),
            (Self::Graph, 11 | 12) => Message(Self::ValueInfo),
            (Self::Node, 5) => Message(Self::Attribute),
            (Self::Attribute, 5) => Message(Self::Tensor),
            (Self::Attribute, 7) | (Self::Tensor, 4 | 10) => Fixed,
            (Self::Attribute, 8) | (Self::Tensor, 1 | 7) => Varints(8),
            (Self::Tensor, 5) => Varints(4),
            (Self::Tensor, 13) => Message(Self::Entry),
            (Self::ValueInfo, 2) => Message(Self::Type),
            (Self::Type, 1) => Message(Self::TensorType),
            (Self::TensorType, 2) => Message(Self::Shape),
            (Self::Shape, 1) => Message(Self::Dimension),
            (Self::Model, 2 | 3)
            | (Self::Graph, 2)
            | (Self::Node, 1..=4 | 7)
            | (Self::Attribute, 1 | 4)
            | (Self::Tensor, 8 | 9)
            | (Self::ValueInfo, 1)
            | (Self::Dimension, 2)
            | (Self::Opset, 1)
            | (Self::Entry, 1 | 2) => Bytes,
            _ => Skipped,
        }
    }
}

/// Fails where `file` is not a sequence of protobuf fields, or decoding it would take far more memory than it has bytes.
pub(super) fn check(file: &[u8]) -> Result<(), OnnxError> {
    let limit = file.len().saturating_mul(PER_BYTE).saturating_add(BASE);
    let mut walk = Walk { file, limit, taken: 0 };
    walk.message(Kind::Model, 0, file.len())
}

struct Walk<'a> {
    file: &'a [u8],
    limit: usize,
    taken: usize,
}

impl Walk<'_> {
    fn take(&mut self, bytes: usize) -> Result<(), OnnxError> {
        // Growing vectors have up to twice the capacity that they need.
        self.taken = self.taken.saturating_add(bytes.saturating_mul(2));
        if self.taken <= self.limit { Ok(()) } else { Err(OnnxError::TooMuchMemory { numbers: self.taken / 4 }) }
    }

    fn message(&mut self, kind: Kind, mut at: usize, end: usize) -> Result<(), OnnxError> {
        self.take(kind.size())?;
        while at < end {
            let key;
            let start = at;
            (key, at) = self.varint(at, end)?;
            let field = kind.field(key >> 3);
            match key & 7 {
                0 => {
                    (_, at) = self.varint(at, end)?;
                    self.number(&field)?;
                }
                1 => {
                    at = self.skip(at, 8, end)?;
                    self.number(&field)?;
                }
                5 => {
                    at = self.skip(at, 4, end)?;
                    self.number(&field)?;
                }
                2 => {
                    let length;
                    (length, at) = self.varint(at, end)?;
                    let content = at;
                    at = self.skip(at, length, end)?;
                    self.content(&field, content, at)?;
                }
                wire => return Err(broken(start, format!("wire type {wire}"))),
            }
        }
        Ok(())
    }

    fn number(&mut self, field: &Field) -> Result<(), OnnxError> {
        if let Field::Fixed | Field::Varints(_) = field { self.take(8) } else { Ok(()) }
    }

    fn content(&mut self, field: &Field, at: usize, end: usize) -> Result<(), OnnxError> {
        match field {
            Field::Message(kind) => self.message(*kind, at, end),
            Field::Bytes => self.take(size_of::<Vec<u8>>() + (end - at) / 2),
            Field::Fixed => self.take(end - at),
            Field::Varints(size) => {
                let last_bytes = self.file[at..end].iter().filter(|&&byte| byte & 0x80 == 0).count();
                self.take(last_bytes.saturating_mul(*size))
            }
            Field::Skipped => Ok(()),
        }
    }

    fn skip(&self, at: usize, length: u64, end: usize) -> Result<usize, OnnxError> {
        let next = usize::try_from(length).ok().and_then(|length| at.checked_add(length)).filter(|&next| next <= end);
        next.ok_or_else(|| {
            broken(at, format!("{length} bytes announced, {} left: the file is cut off or damaged", end - at))
        })
    }

    fn varint(&self, at: usize, end: usize) -> Result<(u64, usize), OnnxError> {
        let mut value = 0u64;
        for (count, byte) in self.file[at..end].iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * count);
            if byte & 0x80 == 0 {
                return Ok((value, at + count + 1));
            }
        }
        Err(broken(at, "a number without end"))
    }
}

fn broken(at: usize, problem: impl Into<String>) -> OnnxError {
    OnnxError::NotOnnx(format!("at byte {at}: {}", problem.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::to_bytes;
    use crate::test_models::every_operation;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut length = content.len();
        let mut bytes = vec![number << 3 | 2];
        while length >= 0x80 {
            bytes.push(length as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(content);
        bytes
    }

    #[test]
    fn real_files_pass() {
        check(&to_bytes(&every_operation()).unwrap()).unwrap();
    }

    #[test]
    fn a_file_of_empty_nodes_is_refused_before_it_is_decoded() {
        let nodes = field(7, &field(1, &[]).repeat(1 << 20));
        assert!(matches!(check(&nodes), Err(OnnxError::TooMuchMemory { .. })));
        let attributes = field(7, &field(1, &field(5, &[]).repeat(1 << 20)));
        assert!(matches!(check(&attributes), Err(OnnxError::TooMuchMemory { .. })));
        check(&field(7, &field(1, &[]).repeat(1000))).unwrap();
    }

    #[test]
    fn broken_bytes_are_told_with_their_place() {
        let told = |bytes: &[u8]| check(bytes).unwrap_err().to_string();
        assert!(
            told(b"\x3a\xff\xff\xff\xff\x0f")
                .contains("at byte 6: 4294967295 bytes announced, 0 left: the file is cut off")
        );
        assert!(told(b"\x08\x01\x3b").contains("at byte 2: wire type 3"));
        assert!(told(&[0x80; 20]).contains("at byte 0: a number without end"));
        assert!(told(b"PK\x03\x04").contains("at byte"));
    }
}
