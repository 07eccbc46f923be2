//! Which part an image belongs to.

use super::*;
use crate::test_source::Labels;
use proptest::prelude::*;

const SIZES: PartSizes = PartSizes { attribution: Some(1000), calibration: 300 };

fn counts(parts: &Parts, labels: &[usize], label: usize) -> [usize; 6] {
    Role::ALL.map(|role| parts.of(role).iter().filter(|&&index| labels[index] == label).count())
}

fn all(parts: &Parts) -> Vec<usize> {
    sorted(Role::ALL.iter().flat_map(|&role| parts.of(role).to_vec()).collect())
}

#[test]
fn mix_is_splitmix64() {
    // The generator's published first output for state 1234567.
    assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
}

#[test]
fn the_parts_stay_the_same_for_good() {
    let source = Labels::new(&["a", "b"], (0..40).map(|index| index % 2).collect());
    let parts = Parts::new(&source, PartSizes { attribution: Some(2), calibration: 2 }, 7, &[]).unwrap();
    let held = sorted([parts.of(Role::Tuning), parts.of(Role::Choice)].concat());
    assert_eq!(parts.of(Role::Calibration), [7, 22, 30, 35]);
    assert_eq!(parts.of(Role::Tuning), [1, 4, 13, 14, 28, 33]);
    assert!(held.len() > 12, "what nothing looks at helps choosing: {held:?}");
}

#[test]
fn large_categories_fill_every_part() {
    let labels = [vec![0; 2400], vec![1; 2400]].concat();
    let source = Labels::new(&["a", "b"], labels.clone());
    let parts = Parts::new(&source, SIZES, 0, &[]).unwrap();
    assert_eq!(counts(&parts, &labels, 1), [1000, 300, TUNING, CHOICE, 0, 500]);
    let greedy = Parts::new(&source, PartSizes { attribution: None, ..SIZES }, 0, &[]).unwrap();
    assert_eq!(counts(&greedy, &labels, 0), [1900, 300, TUNING, TUNING, 0, 0], "all others may speak");
}

#[test]
fn tuning_takes_what_spoke_and_more_of_what_nothing_looked_at() {
    let labels = vec![0; 2400];
    let source = Labels::new(&["a"], labels.clone());
    let parts = Parts::new(&source, SIZES, 0, &[]).unwrap();
    let tuned = parts.tuned(&source, 1600).unwrap();
    assert_eq!(counts(&tuned, &labels, 0), [1000, 300, TUNING, CHOICE, 300, 200]);
    for role in [Role::Attribution, Role::Calibration, Role::Tuning, Role::Choice] {
        assert_eq!(parts.of(role), tuned.of(role), "{role:?}");
    }
    assert_eq!((all(&tuned), tuned.looked_at().count()), (all(&parts), 1600));
    assert_eq!(Parts::recorded(&source, tuned.record().clone()).unwrap(), tuned);
    assert!(parts.tuned(&source, 900).unwrap().of(Role::Training).is_empty());
}

#[test]
fn a_category_is_parted_by_its_own_images_alone() {
    let many = [vec![0; 120], vec![1; 120]].concat();
    let alone = Parts::new(&Labels::new(&["a", "b"], many.clone()), SIZES, 0, &[]).unwrap();
    let beside = [many.clone(), vec![2; 3]].concat();
    let beside = Parts::new(&Labels::new(&["a", "b", "rare"], beside), SIZES, 0, &[]).unwrap();
    for role in [Role::Calibration, Role::Tuning, Role::Choice] {
        assert_eq!(alone.of(role), beside.of(role), "three images of a rare category change nothing: {role:?}");
    }
}

#[test]
fn four_images_are_enough_and_three_are_named() {
    let source = Labels::new(&["a", "b"], vec![0, 0, 0, 0, 1, 1, 1]);
    let parts = Parts::new(&source, SIZES, 0, &[]).unwrap();
    let needed = [Role::Attribution, Role::Calibration, Role::Tuning, Role::Choice];
    parts.require(&source, &[0], &needed).unwrap();
    parts.require(&source, &[0, 1], &[Role::Attribution]).unwrap();
    let error = parts.require(&source, &[0, 1], &needed).unwrap_err();
    assert!(matches!(&error, PartsError::TooFew { category, found: 3, .. } if category == "b"), "{error}");
}

#[test]
fn listed_images_speak_and_do_nothing_else() {
    let labels = vec![0; 60];
    let source = Labels::new(&["a"], labels.clone());
    let listed: Vec<usize> = (0..50).rev().collect();
    let parts = Parts::new(&source, SIZES, 0, &listed).unwrap();
    assert_eq!(parts.of(Role::Attribution), (0..50).collect::<Vec<_>>());
    assert_eq!(all(&parts), (0..60).collect::<Vec<_>>());
    assert_eq!(Parts::new(&source, SIZES, 0, &[60]).unwrap_err(), PartsError::Listed { index: 60, count: 60 });
}

#[test]
fn a_label_without_a_category_is_an_error() {
    let error = Parts::new(&Labels::new(&["a", "b"], vec![0, 3]), SIZES, 0, &[]).unwrap_err();
    assert_eq!(error, PartsError::Label { index: 1, label: 3, categories: 2 });
}

#[test]
fn huge_wishes_are_no_overflow() {
    let sizes = PartSizes { attribution: Some(usize::MAX), calibration: usize::MAX };
    Parts::new(&Labels::new(&["a"], vec![0; 9]), sizes, 0, &[]).unwrap();
}

#[test]
fn rescaling_prefers_what_nothing_has_seen() {
    let labels = vec![0; 2400];
    let source = Labels::new(&["a"], labels.clone());
    let parts = Parts::new(&source, SIZES, 0, &[]).unwrap();
    let few = parts.for_rescaling(&labels, 50, 0, &HashSet::new());
    assert!(few.iter().all(|index| parts.of(Role::Unseen).contains(index)));
    assert_ne!(few, parts.for_rescaling(&labels, 50, 1, &HashSet::new()), "the seed draws them");
    let many = parts.for_rescaling(&labels, usize::MAX, 0, &HashSet::new());
    assert_eq!(many.len(), 500 + TUNING + CHOICE);
    let taken: HashSet<usize> = many[..10].iter().copied().collect();
    assert_eq!(parts.for_rescaling(&labels, usize::MAX, 0, &taken), many[10..]);
}

proptest! {
    #[test]
    fn every_image_has_one_part(
        labels in prop::collection::vec(0usize..3, 0..120),
        seed: u64,
        attribution in prop::option::of(0usize..40),
        calibration in 0usize..40,
        listed in prop::collection::vec(0usize..120, 0..20),
    ) {
        let source = Labels::new(&["a", "b", "c"], labels.clone());
        let listed: Vec<usize> = listed.into_iter().filter(|&index| index < labels.len()).collect();
        let parts = Parts::new(&source, PartSizes { attribution, calibration }, seed, &listed).unwrap();
        prop_assert_eq!(all(&parts), (0..labels.len()).collect::<Vec<_>>());
        let again = Parts::recorded(&source, parts.record().clone()).unwrap();
        prop_assert_eq!(&again, &parts);
        let free = parts.for_rescaling(&labels, usize::MAX, seed, &HashSet::new());
        let looked_at: Vec<usize> = parts.looked_at().collect();
        prop_assert!(free.iter().all(|index| !looked_at.contains(index)));
    }
}
