//! What categories are called.

use super::{Import, ImportError};
use crate::data::named;
use mda_data::{DataSet, Split};

/// The names that are given outright or that a data set has, and what is to be said about it.
pub(super) fn listed(import: &Import) -> Result<Option<(Vec<String>, Vec<String>)>, ImportError> {
    if let Some(names) = &import.categories {
        return Ok(Some((names.clone(), vec![])));
    }
    let Some(path) = &import.data else { return Ok(None) };
    let failed = |source| ImportError::Names { path: path.clone(), source: Box::new(source) };
    let set = DataSet::open(path, Split::Test).map_err(failed)?;
    let notes = set.left_out().iter().map(ToString::to_string).collect();
    Ok(Some((named(set, path).map_err(failed)?.categories().to_vec(), notes)))
}

/// The names that are given to `count` categories, and what is to be said about it.
pub(super) fn given(import: &Import, count: usize) -> Result<(Option<Vec<String>>, Vec<String>), ImportError> {
    if let Some((names, notes)) = listed(import)? {
        return Ok((Some(names), notes));
    }
    let Some(preset) = import.preset else { return Ok((None, vec![])) };
    let names = preset.categories();
    if names.len() == count {
        return Ok((Some(names.iter().map(|&name| name.to_owned()).collect()), vec![]));
    }
    let note = format!(
        "{preset} names {} categories, the model has {count}: --preset names none of them, --categories or --data would",
        names.len()
    );
    Ok((None, vec![note]))
}
