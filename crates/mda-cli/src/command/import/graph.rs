//! ONNX files, which bring their own graph.

use super::{names, pixels};
use crate::args::{Foreign, RangeName};
use crate::failure::Advise;
use anyhow::Context as _;
use mda_core::Model;
use mda_data::Preset;
use mda_formats::OnnxError;
use mda_formats::onnx::{self, ImportOptions, Imported, PixelRange};

pub(super) fn read(foreign: &Foreign, preset: Option<Preset>) -> anyhow::Result<(Model, Vec<String>)> {
    anyhow::ensure!(foreign.arch.is_none(), "an ONNX file brings its own architecture; leave --arch out");
    let (channels, extents) = foreign.input.as_deref().map(images).transpose()?.unwrap_or_default();
    let range = match pixels::range(foreign) {
        RangeName::Unit => PixelRange::Unit,
        RangeName::Bytes => PixelRange::Bytes,
    };
    let normalize = pixels::normalization(foreign, preset)?;
    let options = ImportOptions { extents, channels, categories: None, range, normalize };
    let Imported { model, notes } =
        onnx::import(&foreign.file, &options).advise_on(|error| match innermost(error) {
            OnnxError::Input { .. } if foreign.input.is_none() => {
                Some("--input ROWSxCOLUMNS says how large the images are, --input CHANNELSxROWSxCOLUMNS also how deep")
            }
            OnnxError::Node { op, .. } if op == "Input" => Some(
                "--mean and --std take one number, or one for each channel of the images; a preset of colour images has three",
            ),
            OnnxError::Unsupported(_) => Some("`File formats` in the documentation lists the operators that are known"),
            _ => None,
        })?;
    let (given, others) = names::given(foreign, preset, model.categories().len())?;
    let model = match given {
        Some(names) => model.with_categories(names)?,
        None => model,
    };
    let notes = std::iter::once("read as an ONNX file".to_owned()).chain(notes);
    Ok((model, notes.chain(pixels::note(foreign, preset)).chain(others).collect()))
}

/// What is wrong, without the file that it is wrong with.
fn innermost(error: &OnnxError) -> &OnnxError {
    match error {
        OnnxError::File { problem, .. } => innermost(problem),
        other => other,
    }
}

/// The channels, where they are told, and the rows and columns.
fn images(text: &str) -> anyhow::Result<(Option<usize>, Option<[usize; 2]>)> {
    let parts: Option<Vec<usize>> = text.split('x').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some(&[height, width]) => Ok((None, Some([height, width]))),
        Some(&[channels, height, width]) => Ok((Some(channels), Some([height, width]))),
        _ => None.with_context(|| format!("--input takes ROWSxCOLUMNS as in 32x32, or 3x32x32, got `{text}`")),
    }
}
