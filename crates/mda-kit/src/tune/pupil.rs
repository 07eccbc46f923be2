//! Who learns what from whom: for each component in a model its logits, its images and its source.

use crate::data::{Data, match_labels};
use crate::disassemble::TaskImages;
use crate::error::Error;
use crate::progress::Progress;
use crate::source::Source;
use mda_core::Model;
use mda_core::evaluate::LabelMap;
use mda_core::method::Tuning;
use mda_core::model::provenance::{ComponentOrigin, PartsRecord, Provenance};
use mda_core::model::task::Task;
use mda_core::run::ImageSource;
use mda_core::tune::{Lesson, Teacher};
use mda_data::select::first_per_category;
use mda_data::{PartSizes, Parts, Role, identity};
use std::ops::Range;

/// What a component that does not tell otherwise was made with.
const USUAL: PartSizes = PartSizes { attribution: Some(1000), calibration: 300 };

/// Some logits of a model, with the images that they are about and the source that answers for them.
pub(super) struct Pupil<'a> {
    pub(super) images: &'a dyn ImageSource,
    pub(super) parts: Parts,
    pub(super) train: Vec<usize>,
    pub(super) held_out: Vec<usize>,
    pub(super) source: Option<&'a Source>,
    block: Range<usize>,
    /// For each logit that of the source.
    logits: Vec<usize>,
    labels: LabelMap,
}

impl Pupil<'_> {
    /// What it learns, from `images`, which are its own.
    pub(super) fn lesson<'b>(&'b self, images: &'b dyn ImageSource) -> Lesson<'b> {
        Lesson {
            images,
            train: self.train.clone(),
            held_out: self.held_out.clone(),
            block: self.block.clone(),
            teacher: self.source.map(|source| Teacher { model: source.model(), logits: self.logits.clone() }),
            labels: self.labels.clone(),
        }
    }
}

/// A component in a model: its logits, and how it was cut, where it was.
struct Part<'m> {
    name: &'m str,
    block: Range<usize>,
    names: &'m [String],
    origin: Option<&'m ComponentOrigin>,
}

fn parts_of(model: &Model) -> Vec<Part<'_>> {
    match model.provenance() {
        Some(Provenance::Assembled { components, .. }) => {
            let mut start = 0;
            let part = |record: &'_ mda_core::model::provenance::ComponentRecord| {
                let block = start..start + record.categories.len();
                start = block.end;
                block
            };
            let blocks: Vec<Range<usize>> = components.iter().map(part).collect();
            let parts = components.iter().zip(blocks).map(|(record, block)| Part {
                name: &record.name,
                names: &record.categories,
                block,
                origin: match record.origin.as_deref() {
                    Some(Provenance::Component(origin)) => Some(origin),
                    _ => None,
                },
            });
            parts.collect()
        }
        origin => {
            let origin = match origin {
                Some(Provenance::Component(origin)) => Some(origin),
                _ => None,
            };
            let block = 0..model.categories().len();
            vec![Part { name: model.name(), block, names: model.categories(), origin }]
        }
    }
}

/// All pupils in `model`, with one data set for all of them or one each.
pub(super) fn pupils<'a>(
    model: &Model,
    sources: &[&'a Source],
    data: &[&'a Data],
    tuning: &Tuning,
    progress: &dyn Progress,
) -> Result<Vec<Pupil<'a>>, Error> {
    let parts = parts_of(model);
    let (components, got) = (parts.len(), data.len());
    if got == 0 || (got > 1 && got != components) {
        return Err(Error::DataCount { components, got });
    }
    let each = parts.iter().enumerate();
    each.map(|(index, part)| pupil(part, sources, data[index.min(got - 1)], tuning, progress)).collect()
}

fn pupil<'a>(
    part: &Part<'_>,
    sources: &[&'a Source],
    data: &'a Data,
    tuning: &Tuning,
    progress: &dyn Progress,
) -> Result<Pupil<'a>, Error> {
    let images = data.train()?;
    let source = source_of(part, sources, progress)?;
    let (categories, logits) = match source {
        Some((source, ref logits)) => (source.model().categories(), logits.clone()),
        None => (part.names, (0..part.names.len()).collect()),
    };
    let map = match_labels(images, categories)?;
    let own = |label: usize| map.category(label).and_then(|category| logits.iter().position(|&own| own == category));
    let labels: Vec<Option<usize>> =
        (0..images.categories().len()).map(|label| own(label).map(|logit| part.block.start + logit)).collect();
    // A component that keeps all logits is still for its task.
    let task = match part.origin.filter(|origin| source.is_some() && origin.task.len() < logits.len()) {
        Some(origin) => origin.task.clone(),
        None => logits.clone(),
    };
    let task = Task::new(task).ok_or(Error::NoTask)?;
    map.positions(images.labels(), &task, images.categories(), categories)?;
    let parts = made_of(part, images, tuning)?;
    let of_task = TaskImages { source: images, labels: &map, parts: &parts, task: &task };
    let judging = |role| of_task.of(role, usize::MAX);
    let mut held_out = [judging(Role::Tuning), judging(Role::Choice)].concat();
    held_out.sort_unstable();
    let mut learning: Vec<usize> =
        [Role::Calibration, Role::Training, Role::Attribution].into_iter().flat_map(judging).collect();
    learning = first_per_category(learning, images.labels(), tuning.images);
    learning.sort_unstable();
    Ok(Pupil {
        images,
        train: learning,
        held_out,
        parts,
        source: source.map(|(source, _)| source),
        block: part.block.clone(),
        logits,
        labels: LabelMap::new(labels),
    })
}

/// The parts of the train images: those that the component was made of, where they are of these images.
fn made_of(part: &Part<'_>, images: &dyn ImageSource, tuning: &Tuning) -> Result<Parts, Error> {
    let recorded = part.origin.and_then(|origin| origin.images.as_ref());
    let own = identity(images);
    let parts = match recorded.filter(|record| record.data == own) {
        Some(record) => Parts::recorded(images, PartsRecord { tuned: None, ..record.clone() })?,
        None => Parts::new(images, USUAL, tuning.seed, &[])?,
    };
    Ok(parts.tuned(images, tuning.images)?)
}

/// The source that a component was cut out of, and for each of its logits that of the source.
fn source_of<'a>(
    part: &Part<'_>,
    sources: &[&'a Source],
    progress: &dyn Progress,
) -> Result<Option<(&'a Source, Vec<usize>)>, Error> {
    if sources.is_empty() {
        return Ok(None);
    }
    let recorded = part.origin.and_then(|origin| origin.source_sha256.as_deref());
    let is_same = |source: &Source| recorded.is_some() && source.sha256() == recorded;
    let may_be = |source: &Source| is_same(source) || recorded.is_none() || source.sha256().is_none();
    if let Some(source) = sources.iter().find(|source| is_same(source)).copied()
        && let Some(logits) = logits(part, source, true)
    {
        return Ok(Some((source, logits)));
    }
    let fits = |source: &&'a Source| logits(part, source, may_be(source)).map(|logits| (*source, logits));
    let found = sources.iter().find_map(fits).ok_or_else(|| Error::NoSource { component: part.name.to_owned() })?;
    if recorded.is_some() && found.0.sha256().is_some() {
        progress.warn(format!(
            "{} was cut out of another file than {}; its answers are learned all the same",
            part.name,
            found.0.model().name()
        ));
    }
    Ok(Some(found))
}

/// For each logit of a component that of `source`: by the categories' names, or, in what may be its own source, by the task that it was
/// cut for.
fn logits(part: &Part<'_>, source: &Source, own: bool) -> Option<Vec<usize>> {
    let all = source.model().categories();
    let by_name = |name: &String| all.iter().position(|other| other == name);
    let named: Option<Vec<usize>> = part.names.iter().map(by_name).collect();
    let fits = |task: &&Vec<usize>| task.len() == part.names.len() && task.iter().all(|&category| category < all.len());
    let task = part.origin.filter(|_| own).map(|origin| &origin.task).filter(fits);
    named.or_else(|| task.cloned())
}
