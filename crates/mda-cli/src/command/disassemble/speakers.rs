//! Train images that the user lists to speak for the categories.

use anyhow::Context as _;
use mda_core::disassemble::Selection;
use mda_core::labels::LabelMap;
use mda_core::source::ImageSource;
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    Plain(Vec<usize>),
    Named { selected_train_indices: Vec<usize> },
}

/// The images that `file` lists, by their own category; images of other categories are left out.
pub(crate) fn listed(
    file: &Path,
    train: &dyn ImageSource,
    labels: &LabelMap,
    task: &[usize],
) -> anyhow::Result<Selection> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let listing: Listing = serde_json::from_str(&text)
        .with_context(|| format!("{} is no list of train image positions", file.display()))?;
    let (Listing::Plain(indices) | Listing::Named { selected_train_indices: indices }) = listing;
    let count = train.labels().len();
    if let Some(index) = indices.iter().find(|&&index| index >= count) {
        anyhow::bail!("{} lists image {index}, but the train split has {count} images", file.display());
    }
    let of = |&category: &usize| {
        let own = indices.iter().copied().filter(|&i| labels.category(train.labels()[i]) == Some(category));
        (category, own.collect())
    };
    Ok(Selection::new(task.iter().map(of).collect()))
}
