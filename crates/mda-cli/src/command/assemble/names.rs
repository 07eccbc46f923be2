//! Category names that must not clash.

use crate::args::Assemble;
use anyhow::Context as _;
use mda::Model;
use mda::assemble::Part;

/// The components under the category names that the flags ask for.
pub(crate) fn renamed(components: Vec<Model>, arguments: &Assemble) -> anyhow::Result<Vec<Part>> {
    let mut parts: Vec<Part> = components.into_iter().map(Part::from).collect();
    let mut names: Vec<Vec<String>> = parts.iter().map(|part| part.data_names.clone()).collect();
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
    for (part, mut names) in parts.iter_mut().zip(names) {
        let component = part.model.name().to_owned();
        if arguments.prefix_categories {
            names.iter_mut().for_each(|name| *name = format!("{component}:{name}"));
        }
        let renamed = part.model.clone().with_categories(names);
        part.model = renamed.with_context(|| format!("renaming the categories of {component}"))?;
    }
    Ok(parts)
}

/// Says what a bad `--rename` should look like.
fn bad_rename(text: &str) -> anyhow::Error {
    anyhow::anyhow!("--rename takes K:OLD=NEW with the component's number K from 1, got `{text}`")
}
