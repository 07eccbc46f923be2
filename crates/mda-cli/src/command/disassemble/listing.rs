//! Train images that the user lists to speak for the categories.

use anyhow::Context as _;
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
#[serde(untagged)]
enum Listing {
    Plain(Vec<usize>),
    Named { selected_train_indices: Vec<usize> },
}

/// The positions that `file` lists.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<usize>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let listing: Listing = serde_json::from_str(&text)
        .with_context(|| format!("{} is no list of train image positions", file.display()))?;
    let (Listing::Plain(indices) | Listing::Named { selected_train_indices: indices }) = listing;
    anyhow::ensure!(!indices.is_empty(), "{} lists no image", file.display());
    Ok(indices)
}
