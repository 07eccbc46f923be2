//! Who may look at which train images.
//!
//! A number is only worth something on images that had no part in making it. So every train image is in exactly one of
//! six parts:
//!
//! - *attribution* images say which channels matter to a category;
//! - *calibration* images fit what a repair fits;
//! - *tuning* images choose settings of that fitting, such as a ridge's strength;
//! - *choice* images choose between whole components;
//! - *training* images are what a component is tuned with, beside those of attribution and calibration;
//! - *unseen* images had no part in the component at all: they may fit what is done with it later, such as the scale of
//!   its logits among others.
//!
//! Test images are in none. Which image is in which part depends on the seed, the sizes and the positions of its own
//! category's images, and on nothing else: it is the same on every machine and whatever other categories the data has. A
//! [`PartsRecord`] says all that it takes to make the same parts again.

use crate::identity::identity;
use crate::select::first_per_category;
use mda_core::model::provenance::PartsRecord;
use mda_core::run::ImageSource;
use std::collections::HashSet;
use thiserror::Error;

/// How many images of a category the parts get, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartSizes {
    /// Candidates for attribution; `None` for all that are in no other part.
    pub attribution: Option<usize>,
    /// For calibration, and never more than a third of the category.
    pub calibration: usize,
}

/// What an image may be looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// To say which channels matter.
    Attribution,
    /// To fit a repair to.
    Calibration,
    /// To choose settings of the fitting by.
    Tuning,
    /// To choose between components by.
    Choice,
    /// To tune with, beside those that say what matters and that calibrate.
    Training,
    /// For nothing that made the component.
    Unseen,
}

/// Disjoint parts of the train images, which together are all of them; every list is sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    record: PartsRecord,
    of: [Vec<usize>; 6],
}

/// Why train images cannot be parted as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PartsError {
    /// A category without an image for a role.
    #[error(
        "category {category:?} has {found} train images and none of them is left for {role}; no image may have two parts in \
         a component, so {NEEDED} images of a category are the least"
    )]
    TooFew {
        /// The category.
        category: String,
        /// How many images it has.
        found: usize,
        /// What there is no image for.
        role: &'static str,
    },
    /// A label without a category.
    #[error("image {index} has label {label}, but there are {categories} categories")]
    Label {
        /// The image's position.
        index: usize,
        /// Its label.
        label: usize,
        /// How many categories there are.
        categories: usize,
    },
    /// A listed image that is not there.
    #[error("image {index} is listed, but the train split has {count} images")]
    Listed {
        /// The position.
        index: usize,
        /// How many images there are.
        count: usize,
    },
}

/// With so many images of a category every role has one.
const NEEDED: usize = 4;
/// Images a category for tuning, and at first as many for choosing, at most.
const TUNING: usize = 100;
/// Images a category for choosing, at most, where there are images that nothing else looks at.
pub const CHOICE: usize = 500;

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Attribution, Self::Calibration, Self::Tuning, Self::Choice, Self::Training, Self::Unseen];

    /// What images of this role are for, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attribution => "attribution",
            Self::Calibration => "calibration",
            Self::Tuning => "tuning",
            Self::Choice => "choice",
            Self::Training => "training",
            Self::Unseen => "anything later",
        }
    }
}

impl Parts {
    /// Parts the train images of `source`. The `listed` images speak for their categories in place of all candidates
    /// there, and have no other part.
    ///
    /// # Errors
    /// [`PartsError`] where a label has no category or a listed image is not there. A category with too few images gets
    /// empty parts: [`Parts::require`] tells whether that matters.
    pub fn new(source: &dyn ImageSource, sizes: PartSizes, seed: u64, listed: &[usize]) -> Result<Self, PartsError> {
        let PartSizes { attribution, calibration } = sizes;
        let listed: Vec<usize> = sorted(listed.iter().copied().collect::<HashSet<usize>>().into_iter().collect());
        let record = PartsRecord { data: identity(source), seed, attribution, calibration, tuned: None, listed };
        Self::recorded(source, record)
    }

    /// The parts that `record` tells of, which was made of the same data.
    ///
    /// # Errors
    /// As [`Parts::new`].
    pub fn recorded(source: &dyn ImageSource, record: PartsRecord) -> Result<Self, PartsError> {
        let (labels, categories) = (source.labels(), source.categories().len());
        if let Some(&index) = record.listed.iter().find(|&&index| index >= labels.len()) {
            return Err(PartsError::Listed { index, count: labels.len() });
        }
        let listed: HashSet<usize> = record.listed.iter().copied().collect();
        let mut members = vec![Vec::new(); categories];
        let mut spoken_for = vec![Vec::new(); categories];
        for (index, &label) in labels.iter().enumerate() {
            if label >= categories {
                return Err(PartsError::Label { index, label, categories });
            }
            let side = if listed.contains(&index) { &mut spoken_for } else { &mut members };
            side[label].push(index);
        }
        let mut of: [Vec<usize>; 6] = Default::default();
        for (members, listed) in members.into_iter().zip(spoken_for) {
            let own = category(members, listed, &record);
            of.iter_mut().zip(own).for_each(|(part, own)| part.extend(own));
        }
        Ok(Self { record, of: of.map(sorted) })
    }

    /// The same parts where up to `images` images of a category tune the component: those that spoke and that calibrated, and as many more
    /// of those that nothing looked at.
    ///
    /// # Errors
    /// As [`Parts::new`].
    pub fn tuned(&self, source: &dyn ImageSource, images: usize) -> Result<Self, PartsError> {
        Self::recorded(source, PartsRecord { tuned: Some(images), ..self.record.clone() })
    }

    /// How to make them again.
    pub fn record(&self) -> &PartsRecord {
        &self.record
    }

    /// The positions of the images that may be looked at in this role, ascending.
    pub fn of(&self, role: Role) -> &[usize] {
        &self.of[role as usize]
    }

    /// Checks that every label of `wanted` has an image in each of `roles`.
    ///
    /// # Errors
    /// [`PartsError::TooFew`].
    pub fn require(&self, source: &dyn ImageSource, wanted: &[usize], roles: &[Role]) -> Result<(), PartsError> {
        let labels = source.labels();
        for &role in roles {
            let there: HashSet<usize> = self.of(role).iter().map(|&index| labels[index]).collect();
            if let Some(&label) = wanted.iter().find(|label| !there.contains(label)) {
                return Err(PartsError::TooFew {
                    category: source.categories()[label].clone(),
                    found: labels.iter().filter(|&&other| other == label).count(),
                    role: role.name(),
                });
            }
        }
        Ok(())
    }

    /// Up to `limit` images of every category to which nothing was fitted and of which none spoke: unseen ones, drawn by
    /// `seed`; where they are too few, those that only chose between components or settings. None of `taken`.
    pub fn for_rescaling(&self, labels: &[usize], limit: usize, seed: u64, taken: &HashSet<usize>) -> Vec<usize> {
        let free = |&index: &usize| !taken.contains(&index);
        let mut unseen: Vec<usize> = self.of(Role::Unseen).iter().copied().filter(free).collect();
        unseen.sort_by_cached_key(|&index| (hash(seed, index), index));
        let judged = sorted([self.of(Role::Tuning), self.of(Role::Choice)].concat());
        unseen.extend(judged.into_iter().filter(free));
        sorted(first_per_category(unseen, labels, limit))
    }

    /// The images that spoke or that something was fitted to.
    pub fn looked_at(&self) -> impl Iterator<Item = usize> + '_ {
        [Role::Attribution, Role::Calibration, Role::Training]
            .into_iter()
            .flat_map(|role| self.of(role).iter().copied())
    }
}

/// The parts of one category: those of its images that are `listed`, and the others.
fn category(mut members: Vec<usize>, listed: Vec<usize>, record: &PartsRecord) -> [Vec<usize>; 6] {
    let count = members.len();
    members.sort_by_cached_key(|&index| (hash(record.seed, index), index));
    let (each, calibration) = match count {
        0..NEEDED => (0, 0),
        _ => (TUNING.min((count / 6).max(1)), record.calibration.min((count / 3).max(1))),
    };
    let (held, rest) = members.split_at(2 * each);
    let (calibration, rest) = rest.split_at(calibration);
    let (tuning, mut choice) = alternately(sorted(held.to_vec()));
    let mut rest = sorted(rest.to_vec());
    let attribution = if listed.is_empty() {
        let speaking = record.attribution.unwrap_or(usize::MAX).min(rest.len());
        let unseen = rest.split_off(speaking);
        std::mem::replace(&mut rest, unseen)
    } else {
        listed
    };
    let mut unseen = rest.split_off(rest.len().min(CHOICE - TUNING));
    choice.extend(rest);
    let looked_at = attribution.len() + calibration.len();
    let more = record.tuned.map_or(0, |images| images.saturating_sub(looked_at));
    let training = draw(unseen.clone(), more, record.seed);
    let drawn: HashSet<usize> = training.iter().copied().collect();
    unseen.retain(|index| !drawn.contains(index));
    [attribution, calibration.to_vec(), tuning, choice, training, unseen]
}

/// The first, third, fifth ... and the others.
fn alternately(positions: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
    let (even, odd): (Vec<_>, Vec<_>) = positions.into_iter().enumerate().partition(|(turn, _)| turn % 2 == 0);
    let positions = |side: Vec<(usize, usize)>| side.into_iter().map(|(_, position)| position).collect();
    (positions(even), positions(odd))
}

fn sorted(mut positions: Vec<usize>) -> Vec<usize> {
    positions.sort_unstable();
    positions
}

/// `count` of the positions, drawn by `seed`; all where there are no more.
pub fn draw(mut positions: Vec<usize>, count: usize, seed: u64) -> Vec<usize> {
    positions.sort_by_cached_key(|&position| (hash(seed, position), position));
    positions.truncate(count);
    positions
}

/// The first output of SplitMix64 (Steele, Lea and Flood 2014) after its state was mixed with the position.
fn hash(seed: u64, index: usize) -> u64 {
    mix(mix(seed).wrapping_add(index as u64))
}

/// One step of SplitMix64.
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
