//! A model file of MDA's own, which says everything itself.

use super::{Import, ImportError, names};
use crate::error::Error;
use crate::source;
use mda_core::Model;

/// The model as it is in the file, but for names that are given.
pub(super) fn read(import: &Import) -> Result<(Model, Vec<String>), Error> {
    let Import { architecture, channels, extents, range, normalization, .. } = import;
    if architecture.is_some() || channels.is_some() || extents.is_some() || range.is_some() || normalization.is_some() {
        return Err(ImportError::SaysItself { path: import.path().to_owned() }.into());
    }
    let mut model = source::read(import.path())?;
    let mut notes = vec!["read as a model file of MDA, which keeps its normalisation and its origin".to_owned()];
    if let Some(preset) = import.preset {
        notes.push(format!("--preset {preset} changes nothing: the file has its own normalisation and category names"));
    }
    let given = names::listed(import)?;
    if let Some(names) = given.names {
        let flag = if import.categories.is_some() { "--categories" } else { "--data" };
        notes.push(format!("{flag} takes the place of the file's category names"));
        notes.extend(given.notes);
        model = model.with_categories(names)?;
    }
    if let Some(name) = &import.name {
        model = model.with_name(name);
    }
    Ok((model, notes))
}
