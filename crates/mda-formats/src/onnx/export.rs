//! Models to ONNX.

mod activation;
mod nodes;
mod pool;
#[cfg(test)]
mod tests;

use super::OnnxError;
use super::proto::{self, Dimension, Extent, StringEntry};
use crate::atomic;
use mda_core::Model;
use mda_core::tensor::Shape;
use prost::Message;
use std::path::Path;

/// The operator set that is written: the first with every operator in its present form that runtimes of 2022 know.
pub(super) const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// What the graph's input and output are called.
const IMAGES: &str = "images";
const LOGITS: &str = "logits";

/// Protobuf's limit on one message.
const MAX_BYTES: usize = i32::MAX as usize;

/// Writes `model` as an ONNX file, whole or not at all.
///
/// Every node keeps its name and every parameter its name. The metadata has the category names as a JSON list
/// (`categories`) and, for components and assembled models, their origin as JSON (`mda.provenance`).
///
/// # Errors
/// [`OnnxError::Write`], and [`OnnxError::TooLarge`] above 2 GiB.
pub fn export(model: &Model, path: &Path) -> Result<(), OnnxError> {
    let bytes = to_bytes(model)?;
    atomic::write(path, |out| out.write_all(&bytes))
        .map_err(|source| OnnxError::Write { path: path.to_owned(), source })
}

/// The bytes that [`export`] writes.
///
/// # Errors
/// [`OnnxError::TooLarge`] above 2 GiB.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>, OnnxError> {
    let message = message(model);
    let size = message.encoded_len();
    if size > MAX_BYTES {
        return Err(OnnxError::TooLarge { size, limit: MAX_BYTES });
    }
    Ok(message.encode_to_vec())
}

fn message(model: &Model) -> proto::Model {
    let nodes::Written { node, initializer } = nodes::write(model);
    let logits = model.graph().node(model.graph().output()).shape;
    let graph = proto::Graph {
        node,
        name: model.name().to_owned(),
        initializer,
        input: vec![value_info(IMAGES, model.input_shape())],
        output: vec![value_info(LOGITS, logits)],
    };
    proto::Model {
        ir_version: IR_VERSION,
        producer_name: "mda".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(graph),
        opset_import: vec![proto::OperatorSetId { domain: String::new(), version: OPSET }],
        metadata_props: metadata(model),
    }
}

fn metadata(model: &Model) -> Vec<StringEntry> {
    let categories = serde_json::Value::from(model.categories()).to_string();
    let mut entries = vec![StringEntry { key: "categories".into(), value: categories }];
    if let Some(Ok(value)) = model.provenance().map(serde_json::to_string) {
        entries.push(StringEntry { key: "mda.provenance".into(), value });
    }
    entries
}

fn value_info(name: &str, shape: Shape) -> proto::ValueInfo {
    let dimension = |extent| Dimension { extent: Some(extent) };
    let batch = dimension(Extent::Parameter("N".into()));
    // The batch of one is replaced by the symbol.
    let rest = shape.batched(1).into_iter().skip(1).map(|extent| dimension(Extent::Value(extent as i64)));
    let shape = proto::TensorShape { dim: std::iter::once(batch).chain(rest).collect() };
    let tensor = proto::TensorType { elem_type: proto::data_type::FLOAT, shape: Some(shape) };
    proto::ValueInfo { name: name.into(), kind: Some(proto::Type { tensor: Some(tensor) }) }
}
