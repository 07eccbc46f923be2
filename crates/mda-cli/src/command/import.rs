//! `mda import`: weights of other tools become a model file.

use super::Context;
use crate::args::{Foreign, Import};
use crate::data;
use crate::failure::Advise;
use crate::models;
use crate::printer;
use crate::table::thousands;
use anyhow::Context as _;
use mda_core::op::{Normalize, Op};
use mda_core::{Model, ModelSize};
use mda_data::{DataSet, Preset, Split};
use mda_formats::onnx::{self, ImportOptions, Imported};
use mda_formats::target::Kind;
use mda_formats::{Format, OnnxError, StateDict};
use mda_models::{Guess, Hints, guess_with, load};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Report {
    name: String,
    file: String,
    /// How the architecture was found and what was left out.
    notes: Vec<String>,
    categories: Vec<String>,
    size: ModelSize,
}

pub(crate) fn run(context: &Context, arguments: &Import) -> anyhow::Result<()> {
    let foreign = &arguments.foreign;
    let inputs = std::iter::once(&foreign.file).chain(&foreign.categories).chain(&foreign.data);
    let target = context.target(&arguments.output, Kind::Model, &inputs.map(PathBuf::as_path).collect::<Vec<_>>())?;
    let (model, notes) = model(foreign)?;
    models::write(&model, &target)?;
    let report = Report {
        name: model.name().into(),
        file: arguments.output.display().to_string(),
        notes,
        categories: model.categories().to_vec(),
        size: model.size(),
    };
    context.output.result(&report, || describe(&report))
}

/// The model in another program's file, and how it was found.
pub(crate) fn model(foreign: &Foreign) -> anyhow::Result<(Model, Vec<String>)> {
    let preset = foreign.preset.as_deref().map(str::parse::<Preset>).transpose()?;
    let is_onnx = foreign.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    let (model, mut notes) = if is_onnx { graph_file(foreign, preset)? } else { weights_file(foreign, preset)? };
    let stem = foreign.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("model");
    let model = model.with_name(foreign.name.clone().unwrap_or_else(|| stem.to_owned()));
    // The importer of ONNX files says so itself.
    if !is_onnx && !model.graph().nodes().iter().any(|node| matches!(node.op, Op::Normalize(_))) {
        notes.push("no normalisation: the network sees pixel/255 (give --preset, or --mean and --std)".into());
    }
    Ok((model, notes))
}

/// A file that brings its own graph.
fn graph_file(foreign: &Foreign, preset: Option<Preset>) -> anyhow::Result<(Model, Vec<String>)> {
    anyhow::ensure!(foreign.arch.is_none(), "an ONNX file brings its own architecture; leave --arch out");
    let input = foreign.input.as_deref().map(extents).transpose()?.map(|[height, width]| [3, height, width]);
    let options = ImportOptions { input, categories: None, normalize: normalization(foreign, preset)? };
    let Imported { model, notes } =
        onnx::import(&foreign.file, &options).advise_on(|error| match innermost(error) {
            OnnxError::Input { .. } if foreign.input.is_none() => {
                Some("--input ROWSxCOLUMNS says how large the images are")
            }
            OnnxError::Node { op, .. } if op == "Input" => {
                Some("--mean and --std take one number for each channel of the images")
            }
            OnnxError::Unsupported(_) => Some("`File formats` in the documentation lists the operators that are known"),
            _ => None,
        })?;
    let model = match categories(foreign, preset, model.categories().len())? {
        Some(names) => model.with_categories(names)?,
        None => model,
    };
    Ok((model, std::iter::once("read as an ONNX file".to_owned()).chain(notes).collect()))
}

/// What is wrong, without the file that it is wrong with.
fn innermost(error: &OnnxError) -> &OnnxError {
    match error {
        OnnxError::File { problem, .. } => innermost(problem),
        other => other,
    }
}

/// A file of named weights, whose architecture has to be known.
fn weights_file(foreign: &Foreign, preset: Option<Preset>) -> anyhow::Result<(Model, Vec<String>)> {
    let state = StateDict::read(&foreign.file)
        .with_context(|| format!("importing {}", foreign.file.display()))
        .advise("PyTorch checkpoints, safetensors state_dicts and files called `.onnx` can be imported")?;
    let guess = guessed(foreign, &state)?;
    let mut notes = vec![format!("read as {}", describe_format(state.format)), guess.to_string()];
    let (architecture, mut config) = (guess.architecture, guess.config);
    config.normalization = normalization(foreign, preset)?;
    let graph = architecture.build(&config)?;
    let loaded = load(&graph, state.entries)
        .with_context(|| format!("loading {} into {}", foreign.file.display(), architecture.name))?;
    if !loaded.ignored.is_empty() {
        notes.push(format!("{} entries that inference does not need were left out", loaded.ignored.len()));
    }
    let count = graph.category_count();
    let names = categories(foreign, preset, count)?;
    let names = names.unwrap_or_else(|| (0..count).map(|k| k.to_string()).collect());
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

fn normalization(foreign: &Foreign, preset: Option<Preset>) -> anyhow::Result<Option<Normalize>> {
    let numbers = |flag: &str, text: &str| -> anyhow::Result<Vec<f32>> {
        let number = |part: &str| part.trim().parse().with_context(|| format!("{flag} takes numbers, got `{part}`"));
        text.split(',').map(number).collect()
    };
    Ok(match (&foreign.mean, &foreign.std, preset) {
        (Some(mean), Some(std), _) => Some(Normalize { mean: numbers("--mean", mean)?, std: numbers("--std", std)? }),
        (_, _, Some(preset)) => {
            let known = preset.normalisation();
            Some(Normalize { mean: known.mean.to_vec(), std: known.std.to_vec() })
        }
        _ => None,
    })
}

fn extents(text: &str) -> anyhow::Result<[usize; 2]> {
    let parts: Option<Vec<usize>> = text.split('x').map(|part| part.parse().ok()).collect();
    let parts = parts.and_then(|parts| <[usize; 2]>::try_from(parts).ok());
    parts.with_context(|| format!("--input takes ROWSxCOLUMNS as in 32x32, got `{text}`"))
}

/// The names that the flags give to `count` categories.
fn categories(foreign: &Foreign, preset: Option<Preset>, count: usize) -> anyhow::Result<Option<Vec<String>>> {
    if let Some(file) = &foreign.categories {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        return Ok(Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()));
    }
    if let Some(path) = &foreign.data {
        let set = DataSet::open(path, Split::Test).with_context(|| format!("opening {}", path.display()))?;
        return Ok(Some(data::name_categories(set, path)?.categories().to_vec()));
    }
    let names = preset.and_then(Preset::categories).filter(|names| names.len() == count);
    Ok(names.map(|names| names.iter().map(|&name| name.to_owned()).collect()))
}

fn describe_format(format: Format) -> &'static str {
    match format {
        Format::PytorchZip => "a PyTorch checkpoint",
        Format::PytorchLegacy => "a PyTorch checkpoint of the time before 1.6",
        Format::Safetensors => "a safetensors state_dict",
    }
}

fn describe(report: &Report) -> String {
    let notes: String = report.notes.iter().map(|note| format!("  {note}\n")).collect();
    format!(
        "{} -> {}\n{notes}  {} categories: {}\n  {} parameters, {} multiply-adds an image\n",
        printer::name(&report.name),
        printer::name(&report.file),
        report.categories.len(),
        printer::names(report.categories.iter().take(12)),
        thousands(report.size.parameters),
        thousands(report.size.macs)
    )
}
