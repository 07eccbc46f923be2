//! What a model file has beyond its tensors.

use super::container::{self, Check, Guard, Named, entry, read_header};
use super::description::{Description, InputContract};
use super::{FORMAT, NativeError};
use mda_core::tensor::Parameters;
use mda_core::{Model, Tensor, TensorError};
use safetensors::tensor::Metadata;
use serde_json::json;
use std::io::{self, Read, Write};
use std::ops::Range;

const FORMAT_KEY: &str = "mda.format";
const MODEL_KEY: &str = "mda.model";

fn tensors(model: &Model) -> Vec<Named<'_>> {
    model.parameters().iter().map(|(name, tensor)| (name, &**tensor)).collect()
}

/// The header for `model`.
pub(super) fn header(model: &Model, guard: Guard) -> Result<Vec<u8>, NativeError> {
    let metadata = json!({ FORMAT_KEY: FORMAT, MODEL_KEY: Description::json(model)? });
    container::header(metadata, &tensors(model), guard)
}

/// Writes the file of `model`, whose header is `header`.
pub(super) fn write(model: &Model, header: &[u8], out: &mut impl Write) -> io::Result<()> {
    container::write(&tensors(model), header, out)
}

/// The model in the bytes of a file; `tensor` gives the numbers of a range of them a shape.
pub(super) fn read(
    bytes: &[u8],
    check: Check,
    tensor: impl Fn(Vec<usize>, Range<usize>) -> Result<Tensor, TensorError>,
) -> Result<Model, NativeError> {
    let (metadata, start) = read_header(bytes)?;
    let description = describe(&metadata)?;
    let parameters = Parameters::from_iter(container::tensors(bytes, &metadata, start, check, tensor)?);
    let model = Model::new(description.name, description.graph.validate()?, parameters, description.categories)?;
    let expected = InputContract::of(model.input_shape());
    if description.input != expected {
        let (expected, found) = (expected.to_string(), description.input.to_string());
        return Err(NativeError::Contract { expected, found });
    }
    Ok(match description.provenance {
        Some(provenance) => model.with_provenance(provenance),
        None => model,
    })
}

fn describe(metadata: &Metadata) -> Result<Description, NativeError> {
    let needed = |key| entry(metadata, key).ok_or(NativeError::NoModel(key));
    let found = needed(FORMAT_KEY)?;
    if found != FORMAT {
        return Err(NativeError::Version { found: found.clone() });
    }
    Description::parse(needed(MODEL_KEY)?)
}

/// Whether `file` begins as a model file does: with the header of a safetensors file that names a version.
pub(super) fn is_model(file: impl Read) -> io::Result<bool> {
    container::has(file, FORMAT_KEY)
}
