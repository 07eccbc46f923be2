//! Category names that must not clash.

use super::{bad_rename, with_names};
use crate::args::Assemble;
use mda_core::Model;

/// The components under the category names that the flags ask for.
pub(crate) fn rename(components: Vec<Model>, arguments: &Assemble) -> anyhow::Result<Vec<Model>> {
    let mut names: Vec<Vec<String>> = components.iter().map(|component| component.categories().to_vec()).collect();
    for text in &arguments.rename {
        let (number, renaming) = text.split_once(':').ok_or_else(|| bad_rename(text))?;
        let (old, new) = renaming.split_once('=').ok_or_else(|| bad_rename(text))?;
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let own = index.and_then(|index| names.get_mut(index)).ok_or_else(|| bad_rename(text))?;
        let Some(name) = own.iter_mut().find(|name| *name == old) else {
            anyhow::bail!("component {number} has no category `{old}`; it has {}", own.join(", "));
        };
        *name = new.to_owned();
    }
    if arguments.prefix_categories {
        for (names, component) in names.iter_mut().zip(&components) {
            names.iter_mut().for_each(|name| *name = format!("{}:{name}", component.name()));
        }
    }
    components.into_iter().zip(names).map(|(component, names)| with_names(component, names)).collect()
}
