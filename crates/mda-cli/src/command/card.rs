//! Model cards beside the models that commands write.

use super::Context;
use super::report::command_line;
use anyhow::Context as _;
use mda::accuracy::Accuracies;
pub(crate) use mda::card::Measured;
use mda::{Data, Model};
use mda_formats::target::Kind;
use mda_formats::{Target, native};
use std::path::Path;

/// Where the card of the model at `path` goes: checked now, where one is asked for.
pub(crate) fn target(context: &Context, asked: bool, path: &Path, inputs: &[&Path]) -> anyhow::Result<Option<Target>> {
    asked.then(|| context.target(&path.with_extension("md"), Kind::Card, inputs)).transpose()
}

/// Writes the card of the model that was written to `path`.
pub(crate) fn write(
    context: &Context,
    model: &Model,
    path: &Path,
    measured: Vec<Measured>,
    target: &Target,
) -> anyhow::Result<()> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let card = mda::card(model, file).sha256(native::sha256(path).ok()).command(command_line()).measured(measured);
    let text = card.markdown();
    let place = target.path().display();
    target.write(|out| out.write_all(text.as_bytes())).with_context(|| format!("writing the model card {place}"))?;
    context.output.progress(format!("wrote {place}"));
    Ok(())
}

/// What a data set is called on a card: its folder.
pub(crate) fn data_name(data: &Data) -> String {
    let name = data.path().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "images".to_owned())
}

/// What was measured of a component.
pub(crate) fn of_component(accuracies: Option<&Accuracies>, data: &Data) -> Vec<Measured> {
    let Some(accuracies) = accuracies else { return Vec::new() };
    let (data, images) = (data_name(data), accuracies.images);
    match &accuracies.areas {
        Some(areas) => vec![Measured { data, metric: "roc_auc", percent: areas.component, images }],
        None => vec![Measured { data, metric: "accuracy", percent: accuracies.component, images }],
    }
}
