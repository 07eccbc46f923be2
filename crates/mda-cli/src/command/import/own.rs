//! A model file of MDA's own, which says everything itself.

use super::names;
use crate::args::Foreign;
use crate::models;
use mda_core::Model;
use mda_data::Preset;

/// The model as it is in the file, but for names that the flags give.
pub(super) fn read(foreign: &Foreign, preset: Option<Preset>) -> anyhow::Result<(Model, Vec<String>)> {
    let Foreign { arch, input, mean, std, range, .. } = foreign;
    anyhow::ensure!(
        arch.is_none() && input.is_none() && mean.is_none() && std.is_none() && range.is_none(),
        "{} is a model file of MDA, which has its architecture, its image size and its normalisation: leave out --arch, \
         --input, --range, --mean and --std",
        foreign.file.display()
    );
    let mut model = models::read(&foreign.file)?;
    let mut notes = vec!["read as a model file of MDA, which keeps its normalisation and its origin".to_owned()];
    if let Some(preset) = preset {
        notes.push(format!("--preset {preset} changes nothing: the file has its own normalisation and category names"));
    }
    if let Some((names, others)) = names::listed(foreign)? {
        let flag = if foreign.categories.is_some() { "--categories" } else { "--data" };
        notes.push(format!("{flag} takes the place of the file's category names"));
        notes.extend(others);
        model = model.with_categories(names)?;
    }
    if let Some(name) = &foreign.name {
        model = model.with_name(name);
    }
    Ok((model, notes))
}
