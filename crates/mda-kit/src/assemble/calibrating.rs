//! Which train images calibrate an assembled model: none that spoke in a component or that one was repaired by, since a
//! repaired component is surer of the images that it was fitted to than of others.

use super::{Calibration, Part};
use crate::data::match_labels;
use crate::error::Error;
use crate::progress::Progress;
use mda_core::model::provenance::{PartsRecord, Provenance};
use mda_core::run::ImageSource;
use mda_data::{PartSizes, Parts, identity};
use std::collections::{HashMap, HashSet};

/// The positions that calibrate, for the train images of each component.
pub(super) fn calibrating(
    trains: &[&dyn ImageSource],
    parts: &[Part],
    calibration: Calibration,
    progress: &dyn Progress,
) -> Result<Vec<Vec<usize>>, Error> {
    let identities: Vec<String> = trains.iter().map(|&images| identity(images)).collect();
    let mut records = Vec::new();
    for (part, own) in parts.iter().zip(&identities) {
        records.push(looked_at(part, own, &identities, progress));
    }
    let taken = taken(trains, &identities, records.iter().flatten().copied())?;
    let mut positions = Vec::new();
    for (((&images, part), own), records) in trains.iter().zip(parts).zip(&identities).zip(&records) {
        let made_of = match records.iter().find(|record| record.data == *own) {
            Some(&record) => Parts::recorded(images, record.clone())?,
            None => Parts::new(images, PartSizes { attribution: Some(0), calibration: 0 }, calibration.seed, &[])?,
        };
        let none = HashSet::new();
        let taken = taken.get(own.as_str()).unwrap_or(&none);
        let chosen = made_of.for_rescaling(images.labels(), calibration.per_category, calibration.seed, taken);
        warn_of_few(images, part, &chosen, calibration, progress)?;
        positions.push(chosen);
    }
    Ok(positions)
}

/// How to find the images again that made `part`, or the components that it was assembled of; none for a source, which no
/// image made. Warns where they are not known.
fn looked_at<'p>(part: &'p Part, own: &str, all: &[String], progress: &dyn Progress) -> Vec<&'p PartsRecord> {
    let mut components = Vec::new();
    part.model.provenance().into_iter().for_each(|provenance| add_components(provenance, &mut components));
    let name = part.model.name();
    if components.iter().any(Option::is_none) {
        progress.warn(format!(
            "{name} does not tell which images it was made of (it is older than that record); some that repaired it may \
             calibrate"
        ));
    }
    let records: Vec<&PartsRecord> = components.into_iter().flatten().collect();
    if records.iter().any(|record| record.data != own && !all.contains(&record.data)) {
        progress.warn(format!(
            "{name} was made of other images than those given here, or of the same in another order, so which of these it \
             looked at is not known; all of them may calibrate"
        ));
    }
    records
}

/// The components in a model of this origin, each with what it recorded of its images.
fn add_components<'p>(provenance: &'p Provenance, found: &mut Vec<Option<&'p PartsRecord>>) {
    match provenance {
        Provenance::Component(origin) => found.push(origin.images.as_ref()),
        Provenance::Assembled { components, .. } => {
            let origins = components.iter().filter_map(|component| component.origin.as_deref());
            origins.for_each(|origin| add_components(origin, found));
        }
    }
}

/// For every list of images those that any component looked at.
fn taken<'a, 'p>(
    trains: &[&dyn ImageSource],
    identities: &'a [String],
    records: impl Iterator<Item = &'p PartsRecord>,
) -> Result<HashMap<&'a str, HashSet<usize>>, Error> {
    let mut taken: HashMap<&str, HashSet<usize>> = HashMap::new();
    for record in records {
        let Some(index) = identities.iter().position(|identity| *identity == record.data) else { continue };
        let parts = Parts::recorded(trains[index], record.clone())?;
        taken.entry(&identities[index]).or_default().extend(parts.looked_at());
    }
    Ok(taken)
}

/// Tells where a category has fewer images left than were asked for.
fn warn_of_few(
    images: &dyn ImageSource,
    part: &Part,
    chosen: &[usize],
    calibration: Calibration,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let map = match_labels(images, &part.data_names)?;
    let mut counts = vec![0usize; part.data_names.len()];
    chosen.iter().filter_map(|&i| map.category(images.labels()[i])).for_each(|category| counts[category] += 1);
    let least = counts.iter().copied().enumerate().min_by_key(|&(_, count)| count);
    if let Some((category, count)) = least.filter(|&(_, count)| count < calibration.per_category)
        && calibration.per_category < usize::MAX
    {
        progress.note(format!(
            "{} images of `{}` calibrate ({} were asked for): no more were neither attributed nor repaired by in {}",
            count,
            part.model.categories()[category],
            calibration.per_category,
            part.model.name()
        ));
    }
    Ok(())
}
