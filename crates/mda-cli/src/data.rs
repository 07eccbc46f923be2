//! Data sets as models see them, and who may look at which images.

use crate::failure::Advise;
use anyhow::Context as _;
use mda_core::Model;
use mda_core::graph::Shape;
use mda_core::labels::LabelMap;
use mda_core::source::ImageSource;
use mda_data::{DataSet, Preparation, Prepared, Preset, Split};
use std::collections::BTreeSet;
use std::path::Path;

/// Images of one split, brought to the size and channels of `shape`.
///
/// An IDX folder knows no names; one that is called like a known data set gets that set's names.
pub(crate) fn open(path: &Path, split: Split, shape: Shape) -> anyhow::Result<Prepared> {
    let set =
        DataSet::open(path, split).with_context(|| format!("opening the {split} images of {}", path.display()))?;
    let set = name_categories(set, path)?;
    let [height, width] = shape.spatial();
    let preparation = Preparation::new(shape.channels(), height, width)
        .with_context(|| format!("preparing the images of {} for a model of {shape}", path.display()))?;
    Ok(set.prepare(preparation))
}

/// The names of a known data set, where the folder is called like it and the set has none.
pub(crate) fn name_categories(set: DataSet, path: &Path) -> anyhow::Result<DataSet> {
    let unnamed = set.categories().iter().enumerate().all(|(label, name)| *name == label.to_string());
    let preset = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<Preset>().ok());
    match preset.map(Preset::categories) {
        Some(names) if unnamed && names.len() == set.categories().len() => Ok(set.with_categories(names)?),
        _ => Ok(set),
    }
}

/// The files that the data set leaves out, a sentence for each reason.
pub(crate) fn unused_files(images: &Prepared) -> Vec<String> {
    images.set().left_out().iter().map(ToString::to_string).collect()
}

/// The images that `labels` knows no category of the model for, in a sentence.
pub(crate) fn unknown_labels(images: &Prepared, labels: &LabelMap) -> Option<String> {
    let unknown = |label: &usize| labels.category(*label).is_none();
    let lost: Vec<usize> = images.labels().iter().copied().filter(unknown).collect();
    let categories: BTreeSet<usize> = lost.iter().copied().collect();
    categories.first().map(|&first| {
        let (images_lost, count, name) = (lost.len(), categories.len(), &images.categories()[first]);
        let ending = if count == 1 { "y" } else { "ies" };
        format!("{images_lost} images of {count} categor{ending} that the model lacks left out, such as `{name}`")
    })
}

/// Matches the labels of `images` with the categories of `model` by name.
pub(crate) fn match_labels(images: &dyn ImageSource, model: &Model) -> anyhow::Result<LabelMap> {
    match_names(images.categories(), model.categories())
}

/// Matches two lists of category names.
pub(crate) fn match_names(data: &[String], model: &[String]) -> anyhow::Result<LabelMap> {
    LabelMap::by_name(data, model).advise(
        "categories meet by name: name a model's when it is imported (`mda import --preset`, `--categories` or `--data`), \
         and an IDX folder's in its `categories.txt`",
    )
}
