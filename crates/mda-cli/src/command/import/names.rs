//! What categories are called.

use crate::args::Foreign;
use anyhow::Context as _;
use mda_data::{DataSet, Preset, Split, names};

/// The names that `--categories` or `--data` lists, and what is to be said about it.
pub(super) fn listed(foreign: &Foreign) -> anyhow::Result<Option<(Vec<String>, Vec<String>)>> {
    if let Some(file) = &foreign.categories {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let names = names::lines(&text).map(|(_, name)| name).filter(|name| !name.is_empty()).map(str::to_owned);
        return Ok(Some((names.collect(), vec![])));
    }
    let Some(path) = &foreign.data else { return Ok(None) };
    let set = DataSet::open(path, Split::Test).with_context(|| format!("opening {}", path.display()))?;
    let notes = set.left_out().iter().map(ToString::to_string).collect();
    Ok(Some((mda::data::named(set, path)?.categories().to_vec(), notes)))
}

/// The names that the flags give to `count` categories, and what is to be said about it.
pub(super) fn given(
    foreign: &Foreign,
    preset: Option<Preset>,
    count: usize,
) -> anyhow::Result<(Option<Vec<String>>, Vec<String>)> {
    if let Some((names, notes)) = listed(foreign)? {
        return Ok((Some(names), notes));
    }
    let Some(preset) = preset else { return Ok((None, vec![])) };
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
