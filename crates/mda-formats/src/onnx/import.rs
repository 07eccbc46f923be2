//! Other programs' classifiers, read from ONNX.

mod array;
mod budget;
mod builder;
mod call;
mod constant;
mod external;
mod fault;
mod idioms;
mod importer;
mod outputs;
mod plain;
mod range;
mod rules;
mod signature;
#[cfg(test)]
mod tests;
mod value;
mod view;

use super::proto;
use super::{OnnxError, bounds};
use external::Folder;
use importer::Importer;
use mda_core::Model;
use mda_core::model::provenance::Provenance;
use mda_core::op::Normalize;
use prost::Message;
use std::fs;
use std::path::Path;

/// What the file itself may not tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportOptions {
    /// Height and width of the images, needed where the file leaves them open.
    pub extents: Option<[usize; 2]>,
    /// Channels of the images, needed where neither the input nor the first layer tells.
    pub channels: Option<usize>,
    /// The category names; otherwise those in the file's metadata (`categories`, a JSON list), otherwise `0`, `1`, ...
    pub categories: Option<Vec<String>>,
    /// The pixel values that the file takes.
    pub range: PixelRange,
    /// What brings pixel values in `range` to what the file's graph takes, where training normalised them outside the graph;
    /// one mean and standard deviation stand for every channel.
    pub normalize: Option<Normalize>,
}

/// The pixel values, black to white, that a file takes. The model's own are always in 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PixelRange {
    /// 0 to 1, as PyTorch's loaders have it.
    #[default]
    Unit,
    /// 0 to 255, as Keras's applications have it. The model multiplies its images by 255 first.
    Bytes,
}

/// An imported model.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// What was left out, assumed or is worth a look, a sentence each.
    pub notes: Vec<String>,
}

/// Reads the ONNX file at `path`. Constants in files beside it are read where they lie in its folder.
///
/// Operator sets 9 to 21 are known, of them what convolutional classifiers consist of. A node is named after its weight
/// (`features.0` where that is `features.0.weight`), otherwise as in the file. The model is named after the file, except
/// where MDA wrote it.
///
/// # Errors
/// [`OnnxError::File`] with the path and what is wrong; every unsupported operator at once.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Imported, OnnxError> {
    let read = || {
        let file = fs::read(path).map_err(OnnxError::Read)?;
        let bytes = file.len();
        let message = decode(&file)?;
        // Large models are held once as a message and once as parameters; the file itself would be a third time.
        drop(file);
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        convert(message, bytes, Folder::of(path), name, options)
    };
    read().map_err(|problem| problem.in_file(path))
}

/// Reads an ONNX model from the bytes of a file, which must hold all its constants.
///
/// # Errors
/// Every [`OnnxError`] but those of files.
pub fn import_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Imported, OnnxError> {
    convert(decode(bytes)?, bytes.len(), Folder::default(), None, options)
}

fn decode(file: &[u8]) -> Result<proto::Model, OnnxError> {
    bounds::check(file)?;
    proto::Model::decode(file).map_err(|error| OnnxError::NotOnnx(error.to_string()))
}

fn convert(
    mut message: proto::Model,
    bytes: usize,
    folder: Folder,
    file_name: Option<String>,
    options: &ImportOptions,
) -> Result<Imported, OnnxError> {
    let opset = importer::opset(&message)?;
    message.graph.iter_mut().for_each(idioms::contract);
    message.graph.iter_mut().for_each(outputs::take_apart);
    let graph = message.graph.as_ref().ok_or_else(|| OnnxError::NotOnnx("it has no graph".into()))?;
    let written_here = message.producer_name == "mda" && !graph.name.is_empty();
    let name = file_name.filter(|_| !written_here).unwrap_or_else(|| graph.name.clone());
    let name = if name.is_empty() { "imported".into() } else { name };
    let importer = Importer::new(graph, opset, folder, bytes);
    let (mut graph, parameters, mut notes) = importer.run(options)?;
    if options.range == PixelRange::Bytes {
        range::stretch(&mut graph);
    }
    // What MDA wrote takes 0 to 1, which needs no mention.
    if !written_here || options.range != PixelRange::Unit {
        notes.extend(range::notes(&graph, &parameters, options.range));
    }
    let graph = graph.validate()?;
    let categories = categories(&message, graph.category_count(), options, &mut notes);
    let mut model = Model::new(name, graph, parameters, categories)?;
    if let Some(origin) = metadata(&message, "mda.provenance") {
        match serde_json::from_str::<Provenance>(origin) {
            Ok(origin) => model = model.with_provenance(origin),
            Err(error) => notes.push(format!("the origin in `mda.provenance` is left out: {error}")),
        }
    }
    Ok(Imported { model, notes })
}

fn metadata<'a>(message: &'a proto::Model, key: &str) -> Option<&'a str> {
    message.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

fn categories(message: &proto::Model, count: usize, options: &ImportOptions, notes: &mut Vec<String>) -> Vec<String> {
    if let Some(categories) = &options.categories {
        return categories.clone();
    }
    if let Some(list) = metadata(message, "categories") {
        match serde_json::from_str::<Vec<String>>(list) {
            Ok(categories) if categories.len() == count => return categories,
            Ok(categories) => {
                notes.push(format!("the file names {} categories, the model has {count}: numbered", categories.len()));
            }
            Err(error) => notes.push(format!("the categories in the metadata are no JSON list of names: {error}")),
        }
    }
    (0..count).map(|category| category.to_string()).collect()
}
