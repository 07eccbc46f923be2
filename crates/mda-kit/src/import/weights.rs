//! Files of named weights, whose architecture has to be known.

use super::{Import, ImportError, PixelRange, names, pixels};
use mda_core::Model;
use mda_formats::{Format, StateDict};
use mda_models::{Guess, Hints, guess_with, load};

pub(super) fn read(import: &Import) -> Result<(Model, Vec<String>), ImportError> {
    let path = || import.path().to_owned();
    let state = StateDict::read(import.path())
        .map_err(|source| ImportError::Weights { path: path(), source: Box::new(source) })?;
    let guess = guessed(import, &state)?;
    let mut notes = vec![format!("read as {}", describe_format(state.format)), guess.to_string()];
    let (architecture, mut config) = (guess.architecture, guess.config);
    config.normalization = pixels::for_channels(import, config.input[0])?;
    notes.extend(match (import.range_or_unit(), &config.normalization) {
        (PixelRange::Bytes, _) => Some("pixel values go into the network in the range 0-255, as asked for".into()),
        (PixelRange::Unit, Some(_)) => None,
        (PixelRange::Unit, None) => {
            Some("no normalisation: the network sees pixel/255 (give --preset, or --mean and --std)".into())
        }
    });
    notes.extend(pixels::note(import));
    let graph = architecture.build(&config)?;
    let loaded = load(&graph, state.entries).map_err(|source| ImportError::Load {
        path: path(),
        architecture: architecture.name,
        source: Box::new(source),
    })?;
    if !loaded.ignored.is_empty() {
        notes.push(format!("{} entries that inference does not need were left out", loaded.ignored.len()));
    }
    let count = graph.category_count();
    let given = names::given(import, count)?;
    notes.extend(given.notes);
    let names = given.names.unwrap_or_else(|| (0..count).map(|k| k.to_string()).collect());
    Ok((Model::new(architecture.name, graph, loaded.parameters, names)?, notes))
}

/// The architecture and every size, from the entries' names and shapes and what is said.
fn guessed(import: &Import, state: &StateDict) -> Result<Guess, ImportError> {
    let shapes: Vec<(String, Vec<usize>)> =
        state.names.iter().filter_map(|name| Some((name.clone(), state.entries.get(name)?.shape().to_vec()))).collect();
    let architecture = import.architecture.as_deref().map(mda_models::find).transpose()?;
    let hints = Hints { architecture, extents: import.extents };
    let failed = |source| ImportError::Guess { path: import.path().to_owned(), source: Box::new(source) };
    guess_with(&shapes, hints).map_err(failed)
}

fn describe_format(format: Format) -> &'static str {
    match format {
        Format::PytorchZip => "a PyTorch checkpoint",
        Format::PytorchLegacy => "a PyTorch checkpoint of the time before 1.6",
        Format::Safetensors => "a safetensors state_dict",
    }
}
