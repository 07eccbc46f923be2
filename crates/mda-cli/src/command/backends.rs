//! `mda backends`: what can run models here, where it comes from, and why the rest cannot.

use super::Context;
use crate::backends::{FEATURES, Sources, built_in};
use crate::table::Table;
use mda_core::run::backend::{Backend, Device};
use mda_plugin::host::PluginBackend;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Row {
    backend: String,
    /// Absent where the backend could not be loaded or is not in this build.
    version: Option<String>,
    #[serde(flatten)]
    origin: Origin,
    devices: Vec<Listed>,
    /// Whether it is the one that runs models with these options: the default, or what `--backend` or MDA_BACKEND names.
    selected: bool,
    /// Whether another of its name comes first.
    hidden: bool,
    /// What is missing here, and why.
    unavailable: Option<String>,
}

#[derive(Serialize)]
struct Listed {
    device: String,
    description: String,
}

/// Where a backend comes from.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "from", content = "file")]
enum Origin {
    BuiltIn,
    Plugin(PathBuf),
    Nowhere,
}

pub(crate) fn run(context: &Context) -> anyhow::Result<()> {
    let mut rows = rows(&context.sources)?;
    let wanted = context.backend.as_deref().map(|name| name.split(':').next().unwrap_or(name));
    if let Some(index) = selected(&rows, wanted, context.sources.plugins.len()) {
        rows[index].selected = true;
    }
    if let Some(missing) = context.sources.folders.missing() {
        context.output.note(missing);
    }
    context.output.result(&rows, || describe(&rows))
}

/// The row of the backend that runs, where one does: the first of the `wanted` name, or the first of all. The first `plugins`
/// rows are plugins that the user named; all of them that come before have to work.
fn selected(rows: &[Row], wanted: Option<&str>, plugins: usize) -> Option<usize> {
    let fits = |row: &Row| wanted.is_none_or(|wanted| row.backend == wanted);
    let works = |row: &Row| row.version.is_some();
    let index = rows.iter().position(|row| works(row) && fits(row))?;
    rows.iter().take(plugins.min(index)).all(works).then_some(index)
}

/// All backends in the order in which they are looked for: the first of a name hides the others.
fn rows(sources: &Sources) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = sources.plugins.iter().map(|file| plugin(file, sources.load(file), None)).collect();
    let version = env!("CARGO_PKG_VERSION");
    rows.extend(built_in().iter().map(|backend| row(&**backend, version, Origin::BuiltIn)));
    for (name, file) in sources.folders.plugins()? {
        rows.push(plugin(&file, sources.load_named(&file, &name), Some(name)));
    }
    for name in FEATURES {
        if rows.iter().all(|row| row.backend != name) {
            rows.push(absent(name.into(), Origin::Nowhere, sources.folders.lack(name)));
        }
    }
    for index in 0..rows.len() {
        rows[index].hidden = rows[..index].iter().any(|row| row.backend == rows[index].backend);
    }
    Ok(rows)
}

fn row(backend: &dyn Backend, version: &str, origin: Origin) -> Row {
    let list = |Device { id, description }| Listed { device: id, description };
    Row {
        backend: backend.id().into(),
        version: Some(version.into()),
        origin,
        devices: backend.devices().into_iter().map(list).collect(),
        selected: false,
        hidden: false,
        unavailable: backend.unavailable(),
    }
}

fn plugin(file: &Path, loaded: anyhow::Result<PluginBackend>, name: Option<String>) -> Row {
    match loaded {
        Ok(plugin) => row(&plugin, plugin.version(), Origin::Plugin(file.to_owned())),
        Err(error) => {
            let stem = || file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            absent(name.unwrap_or_else(stem), Origin::Plugin(file.to_owned()), error.to_string())
        }
    }
}

fn absent(backend: String, origin: Origin, reason: String) -> Row {
    let unavailable = Some(reason);
    Row { backend, version: None, origin, devices: Vec::new(), selected: false, hidden: false, unavailable }
}

fn describe(rows: &[Row]) -> String {
    let mut table = Table::new(&["backend", "device", "what", "version", "from"]);
    for row in rows {
        let from = match &row.origin {
            Origin::BuiltIn => "this build".to_owned(),
            Origin::Plugin(file) => file.display().to_string(),
            Origin::Nowhere => "-".to_owned(),
        };
        let hidden = if row.hidden && row.version.is_some() { " (hidden; --plugin selects it)" } else { "" };
        let version = row.version.clone().unwrap_or_else(|| "-".into());
        let mut line = |device: &str, what: &str| {
            table.row([row.backend.clone(), device.into(), what.into(), version.clone(), format!("{from}{hidden}")]);
        };
        row.devices.iter().for_each(|listed| line(&listed.device, &listed.description));
        if row.devices.is_empty() {
            line("-", "not available");
        }
    }
    let missing = rows.iter().filter_map(|row| Some(format!("{}: {}\n", row.backend, row.unavailable.as_ref()?)));
    let missing: String = missing.collect();
    if missing.is_empty() { table.render() } else { format!("{}\nNot available:\n{missing}", table.render()) }
}
