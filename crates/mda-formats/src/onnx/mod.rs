//! ONNX files: models written for other runtimes, and other programs' classifiers read.
//!
//! [`export()`] writes opset 17, IR version 8, with images `[N, C, H, W]` in `0.0..=1.0` as `images` and `logits` `[N, K]`;
//! normalisation is part of the graph. [`import()`] reads operator sets 9 to 21 as exporters write them.

mod bounds;
mod error;
mod export;
mod import;
mod proto;

pub use error::{OnnxError, UnsupportedOperator};
pub use export::{export, to_bytes};
pub use import::{ImportOptions, Imported, PixelRange, import, import_bytes};

/// Whether a file that begins with `start` may be an ONNX file: they tell their IR version first, a small number, and then
/// another field of a model.
pub(crate) fn looks_like_onnx(start: &[u8]) -> bool {
    /// The keys of `producer_name` to `opset_import`, and of `metadata_props`.
    const SECOND: [u8; 8] = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72];
    matches!(start, [0x08, 1..=32, second, ..] if SECOND.contains(second))
}
