//! Files of named weights, whose architecture has to be known.

use super::{names, pixels};
use crate::args::{Foreign, RangeName};
use crate::failure::Advise;
use anyhow::Context as _;
use mda_core::Model;
use mda_data::Preset;
use mda_formats::{Format, StateDict};
use mda_models::{Guess, Hints, guess_with, load};

pub(super) fn read(foreign: &Foreign, preset: Option<Preset>) -> anyhow::Result<(Model, Vec<String>)> {
    let state = StateDict::read(&foreign.file)
        .with_context(|| format!("importing {}", foreign.file.display()))
        .advise("PyTorch checkpoints, safetensors state_dicts and files called `.onnx` can be imported")?;
    let guess = guessed(foreign, &state)?;
    let mut notes = vec![format!("read as {}", describe_format(state.format)), guess.to_string()];
    let (architecture, mut config) = (guess.architecture, guess.config);
    config.normalization = pixels::for_channels(foreign, preset, config.input[0])?;
    notes.extend(match (pixels::range(foreign), &config.normalization) {
        (RangeName::Bytes, _) => Some("pixel values go into the network in the range 0-255, as asked for".into()),
        (RangeName::Unit, Some(_)) => None,
        (RangeName::Unit, None) => {
            Some("no normalisation: the network sees pixel/255 (give --preset, or --mean and --std)".into())
        }
    });
    notes.extend(pixels::note(foreign, preset));
    let graph = architecture.build(&config)?;
    let loaded = load(&graph, state.entries)
        .with_context(|| format!("loading {} into {}", foreign.file.display(), architecture.name))?;
    if !loaded.ignored.is_empty() {
        notes.push(format!("{} entries that inference does not need were left out", loaded.ignored.len()));
    }
    let count = graph.category_count();
    let (given, others) = names::given(foreign, preset, count)?;
    notes.extend(others);
    let names = given.unwrap_or_else(|| (0..count).map(|k| k.to_string()).collect());
    Ok((Model::new(architecture.name, graph, loaded.parameters, names)?, notes))
}

/// The architecture and every size, from the entries' names and shapes and what the flags say.
fn guessed(foreign: &Foreign, state: &StateDict) -> anyhow::Result<Guess> {
    let shapes: Vec<(String, Vec<usize>)> =
        state.names.iter().filter_map(|name| Some((name.clone(), state.entries.get(name)?.shape().to_vec()))).collect();
    let extents = foreign.input.as_deref().map(extents).transpose()?;
    let hints = Hints { architecture: foreign.arch.as_deref().map(mda_models::find).transpose()?, extents };
    guess_with(&shapes, hints)
        .with_context(|| format!("importing {}", foreign.file.display()))
        .advise("--arch NAME says which architecture it is, --input ROWSxCOLUMNS how large the images are")
}

fn extents(text: &str) -> anyhow::Result<[usize; 2]> {
    let parts: Option<Vec<usize>> = text.split('x').map(|part| part.parse().ok()).collect();
    let parts = parts.and_then(|parts| <[usize; 2]>::try_from(parts).ok());
    parts.with_context(|| {
        format!("--input takes ROWSxCOLUMNS as in 32x32 for weights, which tell the channels, got `{text}`")
    })
}

fn describe_format(format: Format) -> &'static str {
    match format {
        Format::PytorchZip => "a PyTorch checkpoint",
        Format::PytorchLegacy => "a PyTorch checkpoint of the time before 1.6",
        Format::Safetensors => "a safetensors state_dict",
    }
}
