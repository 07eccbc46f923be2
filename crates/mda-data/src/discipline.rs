//! Who may look at which images.
//!
//! A number is only worth something on images that had no part in making it. So:
//!
//! - *attribution* images, from the train split, say which channels matter to a category;
//! - *calibration* images, from the train split, fit what is fitted after cutting: means, scales, repairs;
//! - *held-out* images, from the train split, choose between thresholds, formulations and other settings;
//! - *test* images, from the test split, judge the result, once. [`train_split`] never sees them.
//!
//! The three parts of the train split are disjoint. Which image goes where depends on nothing but the seed and the
//! image's index, so it is the same on every machine, and asking for more held-out images keeps those already chosen.

use thiserror::Error;

/// Disjoint parts of a train split; every list is sorted and holds indices into the split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainSplit {
    /// Everything that is in no other part: candidates for attribution.
    pub attribution: Vec<usize>,
    /// The same number from every category.
    pub calibration: Vec<usize>,
    /// The same number from every category.
    pub held_out: Vec<usize>,
}

/// Why a train split cannot be parted as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrainSplitError {
    /// A category with too few images.
    #[error(
        "category {label} ({category:?}) has {found} images; {calibration} for calibration, {held_out} held out \
         and at least 1 for attribution are needed"
    )]
    TooFew {
        /// The category's number.
        label: usize,
        /// Its name.
        category: String,
        /// How many images it has.
        found: usize,
        /// How many are wanted for calibration.
        calibration: usize,
        /// How many are to be held out.
        held_out: usize,
    },
    /// A label without a category.
    #[error("image {index} has label {label}, but there are {categories} categories")]
    Label {
        /// The image's index.
        index: usize,
        /// Its label.
        label: usize,
        /// How many categories there are.
        categories: usize,
    },
}

/// Parts a train split: from every category `heldout_per_category` images are held out, `calibration_per_category` are for
/// calibration, and the rest are candidates for attribution.
///
/// # Errors
/// [`TrainSplitError`] where a category would have no image left for attribution, or a label has no category.
pub fn train_split(
    labels: &[usize],
    categories: &[String],
    seed: u64,
    calibration_per_category: usize,
    heldout_per_category: usize,
) -> Result<TrainSplit, TrainSplitError> {
    let mut members = vec![Vec::new(); categories.len()];
    for (index, &label) in labels.iter().enumerate() {
        let Some(members) = members.get_mut(label) else {
            return Err(TrainSplitError::Label { index, label, categories: categories.len() });
        };
        members.push(index);
    }
    let taken = calibration_per_category.saturating_add(heldout_per_category);
    let mut split = TrainSplit { attribution: vec![], calibration: vec![], held_out: vec![] };
    for (label, mut members) in members.into_iter().enumerate() {
        if members.len() <= taken {
            return Err(TrainSplitError::TooFew {
                label,
                category: categories[label].clone(),
                found: members.len(),
                calibration: calibration_per_category,
                held_out: heldout_per_category,
            });
        }
        members.sort_by_cached_key(|&index| (hash(seed, index), index));
        let (held_out, rest) = members.split_at(heldout_per_category);
        let (calibration, attribution) = rest.split_at(calibration_per_category);
        split.held_out.extend(held_out);
        split.calibration.extend(calibration);
        split.attribution.extend(attribution);
    }
    for part in [&mut split.attribution, &mut split.calibration, &mut split.held_out] {
        part.sort_unstable();
    }
    Ok(split)
}

/// The first output of SplitMix64 (Steele, Lea and Flood 2014) after its state was mixed with the index.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|label| format!("category-{label}")).collect()
    }

    #[test]
    fn mix_is_splitmix64() {
        // The generator's published first output for state 1234567.
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn the_parts_stay_the_same_for_good() {
        let labels: Vec<usize> = (0..40).map(|index| index % 2).collect();
        let split = train_split(&labels, &names(2), 7, 2, 3).unwrap();
        assert_eq!(split.held_out, [4, 13, 17, 28, 34, 39]);
        assert_eq!(split.calibration, [1, 11, 14, 26]);
    }

    #[test]
    fn a_category_with_too_few_images_is_named() {
        let error = train_split(&[0, 0, 0, 1, 1], &names(2), 0, 1, 1).unwrap_err();
        assert!(error.to_string().contains("category-1"), "{error}");
        assert!(matches!(error, TrainSplitError::TooFew { label: 1, found: 2, .. }));
    }

    #[test]
    fn a_label_without_a_category_is_an_error() {
        let error = train_split(&[0, 3], &names(2), 0, 0, 0).unwrap_err();
        assert_eq!(error, TrainSplitError::Label { index: 1, label: 3, categories: 2 });
    }

    #[test]
    fn huge_wishes_are_an_error() {
        assert!(train_split(&[0], &names(1), 0, usize::MAX, usize::MAX).is_err());
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_complete_and_even(
            labels in prop::collection::vec(0usize..3, 60..120),
            seed: u64,
            calibration in 0usize..4,
            held_out in 0usize..4,
        ) {
            let Ok(split) = train_split(&labels, &names(3), seed, calibration, held_out) else { return Ok(()) };
            let mut all = [&split.attribution[..], &split.calibration, &split.held_out].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            for label in 0..3 {
                let count = |part: &[usize]| part.iter().filter(|&&index| labels[index] == label).count();
                prop_assert_eq!((count(&split.calibration), count(&split.held_out)), (calibration, held_out));
            }
            let more = train_split(&labels, &names(3), seed, calibration, held_out + 1);
            if let Ok(more) = more {
                prop_assert!(split.held_out.iter().all(|index| more.held_out.contains(index)));
            }
        }
    }
}
