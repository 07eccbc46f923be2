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
