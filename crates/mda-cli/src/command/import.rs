//! `mda import`: weights of other tools become a model file.

use super::{Context, card};
use crate::args::{Foreign, Import, RangeName};
use crate::models;
use crate::printer;
use crate::table::thousands;
use anyhow::Context as _;
use mda::core::ModelSize;
use mda::import::{Imported, PixelRange};
use mda_data::{Preset, names};
use mda_formats::target::Kind;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Report {
    name: String,
    file: String,
    /// How the architecture was found, what was assumed and what was left out.
    notes: Vec<String>,
    categories: Vec<String>,
    size: ModelSize,
}

pub(crate) fn run(context: &Context, arguments: &Import) -> anyhow::Result<()> {
    let foreign = &arguments.foreign;
    let inputs = std::iter::once(&foreign.file).chain(&foreign.categories).chain(&foreign.data);
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
    let target = context.target(&arguments.output, Kind::Model, &inputs)?;
    let card = card::target(context, arguments.card, &arguments.output, &inputs)?;
    let Imported { model, notes } = model(foreign)?;
    models::write(&model, &target)?;
    if let Some(card) = &card {
        card::write(context, &model, &arguments.output, Vec::new(), card)?;
    }
    let report = Report {
        name: model.name().into(),
        file: arguments.output.display().to_string(),
        notes,
        categories: model.categories().to_vec(),
        size: model.size(),
    };
    context.output.result(&report, || describe(&report))
}

/// The model in a file, and how it was found.
pub(crate) fn model(foreign: &Foreign) -> anyhow::Result<Imported> {
    let mut import = mda::Import::new(&foreign.file);
    if let Some(name) = &foreign.arch {
        import = import.architecture(name);
    }
    if let Some(preset) = &foreign.preset {
        import = import.preset(preset.parse::<Preset>()?);
    }
    if let Some(file) = &foreign.categories {
        import = import.categories(listed(file)?);
    }
    if let Some(path) = &foreign.data {
        import = import.categories_of(path);
    }
    if let Some(text) = &foreign.input {
        let (channels, extents) = images(text)?;
        import = import.input(extents);
        if let Some(channels) = channels {
            import = import.channels(channels);
        }
    }
    if let Some(range) = foreign.range {
        import = import.range(match range {
            RangeName::Unit => PixelRange::Unit,
            RangeName::Bytes => PixelRange::Bytes,
        });
    }
    if let (Some(mean), Some(std)) = (&foreign.mean, &foreign.std) {
        import = import.normalized(numbers("--mean", mean)?, numbers("--std", std)?);
    }
    if let Some(name) = &foreign.name {
        import = import.named(name);
    }
    Ok(import.read()?)
}

/// The names in a text file, one a line.
fn listed(file: &Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(names::lines(&text).map(|(_, name)| name).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn numbers(flag: &str, text: &str) -> anyhow::Result<Vec<f32>> {
    let number = |part: &str| part.trim().parse().with_context(|| format!("{flag} takes numbers, got `{part}`"));
    text.split(',').map(number).collect()
}

/// The channels, where they are told, and the rows and columns.
fn images(text: &str) -> anyhow::Result<(Option<usize>, [usize; 2])> {
    let parts: Option<Vec<usize>> = text.split('x').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some(&[height, width]) => Ok((None, [height, width])),
        Some(&[channels, height, width]) => Ok((Some(channels), [height, width])),
        _ => anyhow::bail!("--input takes ROWSxCOLUMNS as in 32x32, or 3x32x32, got `{text}`"),
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
