//! Random small models: every operation, every kind of connection, reproducible and shrinkable.
//!
//! A model is read off two lists of numbers and a seed. The first list decides the structure (operations, windows,
//! connections), the second the numbers of channels, the seed the weights. proptest shrinks the lists; a fixed seed stands
//! for a model that never changes; and one structure with several second lists is a family of models of one architecture.

mod blocks;
mod builder;
#[cfg(test)]
mod census;
mod features;
mod nonlinear;
mod numbers;
mod windows;

pub use numbers::{random_images, random_parameters, with_random_parameters};

use crate::random::{Choices, Random};
use builder::Builder;
use mda_core::Model;
use proptest::prelude::{Strategy, any};
use std::fmt;
use std::ops::Deref;

/// As many numbers as the largest model reads; longer lists would change nothing.
const NUMBERS: usize = 256;

/// A model whose debug form is its graph, one node a line, without the weights.
#[derive(Clone, PartialEq)]
pub struct RandomModel(pub Model);

impl Deref for RandomModel {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.0
    }
}

impl fmt::Debug for RandomModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        for node in self.graph().nodes() {
            let inputs: Vec<&str> = node.inputs.iter().map(|&id| self.graph().node(id).name.as_str()).collect();
            write!(f, "\n  {} {} <- {inputs:?} {:?}", node.name, node.shape, node.op)?;
        }
        Ok(())
    }
}

/// Random models: images of at most 12x12 and 4 channels, up to 10 blocks, values of few channels, 1 to 6 categories.
pub fn models() -> impl Strategy<Value = RandomModel> {
    let lists = (number_list(), number_list(), any::<u64>());
    lists.prop_map(|(structure, widths, seed)| RandomModel(build("random", &structure, &widths, seed, 1)))
}

/// Lists of `count` models with the same nodes, operations, windows and connections over the same images, but with
/// numbers of channels, categories, normalisations and weights of their own: what block-diagonal assembly joins.
pub fn families(count: usize) -> impl Strategy<Value = Vec<RandomModel>> {
    let members = proptest::collection::vec((number_list(), any::<u64>()), count);
    (number_list(), members).prop_map(|(structure, members)| {
        let member = |(index, (widths, seed)): (usize, (Vec<u32>, u64))| {
            RandomModel(build(&format!("member{index}"), &structure, &widths, seed, 2))
        };
        members.into_iter().enumerate().map(member).collect()
    })
}

/// Two models whose structures come from the same decisions but for one: they differ in one window, one connection, one
/// operation or everything behind it, and sometimes in nothing.
pub fn relatives() -> impl Strategy<Value = [RandomModel; 2]> {
    let changed = (number_list(), 0..NUMBERS, any::<u32>());
    (changed, number_list(), any::<u64>()).prop_map(|((structure, at, number), widths, seed)| {
        let mut other = structure.clone();
        if let Some(decision) = other.get_mut(at) {
            *decision = number;
        }
        let model = |name, structure| RandomModel(build(name, structure, &widths, seed, 2));
        [model("left", &structure), model("right", &other)]
    })
}

/// The model that belongs to `seed`, the same on every machine.
pub fn model_from_seed(seed: u64) -> Model {
    let mut random = Random::new(seed);
    let (structure, widths) = (numbers_from(&mut random), numbers_from(&mut random));
    build(&format!("seed{seed}"), &structure, &widths, random.bits(), 1)
}

fn number_list() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(any::<u32>(), 0..=NUMBERS)
}

fn numbers_from(random: &mut Random) -> Vec<u32> {
    (0..NUMBERS).map(|_| (random.bits() >> 32) as u32).collect()
}

/// Values other than images have at least `least_width` channels. With 1, a depthwise convolution may degenerate into a
/// dense one, which has other rules, so members of a family have at least 2.
fn build(name: &str, structure: &[u32], widths: &[u32], seed: u64, least_width: usize) -> Model {
    let builder = Builder::new(Choices::new(structure), Choices::new(widths), seed, least_width);
    let graph = builder.finish();
    with_random_parameters(name, &graph, seed).expect("the generator builds valid graphs")
}

#[cfg(test)]
mod tests {
    use super::census::{FEATURES, features};
    use super::*;
    use mda_core::run::reference;
    use std::collections::BTreeMap;

    #[test]
    fn every_feature_is_generated() {
        let mut counts: BTreeMap<&str, usize> = FEATURES.iter().map(|&feature| (feature, 0)).collect();
        for seed in 0..400 {
            for feature in features(&model_from_seed(seed)) {
                *counts.get_mut(feature).unwrap_or_else(|| panic!("`{feature}` is not in FEATURES")) += 1;
            }
        }
        let rare: Vec<_> = counts.iter().filter(|&(_, &count)| count < 4).collect();
        assert!(rare.is_empty(), "rarer than 1 in 100: {rare:?}\nall: {counts:?}");
    }

    #[test]
    fn models_stay_small_and_their_logits_sane() {
        for seed in 0..200 {
            let model = model_from_seed(seed);
            let size = model.size();
            assert!(size.macs < 4_000_000 && (1..=6).contains(&model.graph().category_count()), "{seed}: {size:?}");
            let values = reference::evaluate(&model, &random_images(&model, 2, seed), |_, _| {});
            let largest = values.iter().flat_map(|value| value.data()).fold(0.0f32, |m, x| m.max(x.abs()));
            assert!(largest.is_finite() && largest < 300.0, "seed {seed}: {largest}");
        }
    }

    #[test]
    fn a_seed_stands_for_one_model() {
        assert_eq!(model_from_seed(11), model_from_seed(11));
        assert_ne!(model_from_seed(11).graph(), model_from_seed(12).graph());
    }

    #[test]
    fn the_empty_lists_stand_for_the_simplest_model() {
        let model = build("simplest", &[], &[], 0, 1);
        assert!(model.graph().nodes().len() <= 4, "{:?}", RandomModel(model));
    }

    proptest::proptest! {
        #[test]
        fn members_of_a_family_differ_only_in_widths_and_numbers(family in families(3)) {
            for member in &family[1..] {
                let (first, other) = (family[0].graph(), member.graph());
                proptest::prop_assert_eq!(first.nodes().len(), other.nodes().len());
                for (a, b) in first.nodes().iter().zip(other.nodes()) {
                    let same = a.name == b.name && a.op.name() == b.op.name() && a.inputs == b.inputs
                        && a.shape.with_channels(1) == b.shape.with_channels(1);
                    proptest::prop_assert!(same || a.op.name() == "Flatten" || a.op.name() == "Linear", "{a:?} {b:?}");
                }
            }
        }
    }
}
