//! What categories are called.

use super::{Import, ImportError};
use crate::data::named;
use mda_data::{DataSet, Split};

/// The names that are given, where any are, and what is to be said about it.
#[derive(Default)]
pub(super) struct Given {
    pub(super) names: Option<Vec<String>>,
    pub(super) notes: Vec<String>,
}

/// The names that are given outright or that a data set has.
pub(super) fn listed(import: &Import) -> Result<Given, ImportError> {
    if let Some(names) = &import.categories {
        return Ok(Given { names: Some(names.clone()), notes: Vec::new() });
    }
    let Some(path) = &import.data else { return Ok(Given::default()) };
    let failed = |source| ImportError::Names { path: path.clone(), source: Box::new(source) };
    let set = DataSet::open(path, Split::Test).map_err(failed)?;
    let notes = set.left_out().iter().map(ToString::to_string).collect();
    let names = named(set, path).map_err(failed)?.categories().to_vec();
    Ok(Given { names: Some(names), notes })
}

/// The names that are given to `count` categories, those of a preset among them.
pub(super) fn given(import: &Import, count: usize) -> Result<Given, ImportError> {
    let listed = listed(import)?;
    let Some(preset) = import.preset.filter(|_| listed.names.is_none()) else { return Ok(listed) };
    let names = preset.categories();
    if names.len() == count {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        return Ok(Given { names: Some(names), notes: Vec::new() });
    }
    let note = format!(
        "{preset} names {} categories, the model has {count}: --preset names none of them, --categories or --data would",
        names.len()
    );
    Ok(Given { names: None, notes: vec![note] })
}
