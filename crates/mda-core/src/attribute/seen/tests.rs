//! What was seen once against looking anew, and parts against the whole.

use super::*;
use crate::attribute::{Selection, attribute, select_confident};
use crate::method::Formulation;
use crate::run::reference::Reference;
use crate::tensor::Uniform;
use crate::test_graphs::{Images, random_batch, random_model};

const MEASURES: [Measure; 3] = [Measure::Obs, Measure::RelativeContribution, Measure::Taylor];
const RUNNER: Runner<'static> = Runner { backend: &Reference, device: None, batch_size: 4 };

fn candidates() -> Vec<(usize, Vec<usize>)> {
    vec![(0, (0..7).collect()), (1, (7..13).collect()), (2, (13..20).collect())]
}

fn world() -> (Model, Images) {
    let mut uniform = Uniform::new(4);
    let model = random_model(&mut uniform);
    let images = Images::new(random_batch(&model, 20, &mut uniform));
    (model, images)
}

fn seen(model: &Model, images: &Images, candidates: &[(usize, Vec<usize>)]) -> Seen {
    Seen::look(&RUNNER, model, images, candidates, &MEASURES, Extent::new(3)).unwrap()
}

#[test]
fn what_was_seen_tells_what_looking_anew_tells() {
    let (model, images) = world();
    let seen = seen(&model, &images, &candidates());
    for task in [vec![0, 2], vec![1], vec![0, 1, 2]] {
        let own: Vec<_> = candidates().into_iter().filter(|(category, _)| task.contains(category)).collect();
        let selection = seen.selection(&model, &task, 3).unwrap();
        let anew = select_confident(&RUNNER, &model, &images, &own, 3).unwrap();
        assert_eq!(selection.categories, anew.categories);
        assert_eq!(selection.contrast.len(), if task.len() == 1 { 6 } else { 0 }, "all that there are of others");
        for formulation in [Formulation::obs(), Formulation::graph(), Formulation::preset("taylor").unwrap()] {
            let told = seen.attribute(&model, &task, &formulation, 3, usize::MAX).unwrap();
            // Taylor's first selection has nothing to do with the contrast; that of OBS comes behind the task's own images.
            let anew = attribute(&RUNNER, &model, &images, &selection, &formulation).unwrap();
            for ((category, told), (_, anew)) in told.categories.iter().zip(&anew.categories) {
                let numbers = |relevance: &crate::attribute::Relevance| relevance.score.concat();
                for (a, b) in numbers(told).iter().zip(numbers(anew)) {
                    assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{formulation} {category}: {a} against {b}");
                }
            }
        }
    }
}

#[test]
fn parts_are_together_the_whole() {
    let (model, images) = world();
    let whole = seen(&model, &images, &candidates());
    let share = |turn: usize| -> Vec<(usize, Vec<usize>)> {
        let of = |images: Vec<usize>| images.into_iter().skip(turn).step_by(2).collect();
        candidates().into_iter().map(|(category, images)| (category, of(images))).collect()
    };
    let [even, odd] = [0, 1].map(|turn| seen(&model, &images, &share(turn)));
    assert_eq!(even.merged(&odd, 3).unwrap(), whole, "by images");
    assert_eq!(whole.merged(&even, 3).unwrap(), whole, "what is there already adds nothing");
    let [first, rest] = [&candidates()[..1], &candidates()[1..]].map(|own| seen(&model, &images, own));
    assert_eq!(rest.merged(&first, 3).unwrap(), whole, "by categories");
    let other = Seen::look(&RUNNER, &model, &images, &candidates(), &MEASURES[..1], Extent::new(3)).unwrap();
    assert!(whole.merged(&other, 3).unwrap_err().contains("other measures"));
}

#[test]
fn what_was_not_seen_is_named() {
    let (model, images) = world();
    let seen = Seen::look(&RUNNER, &model, &images, &candidates()[..2], &MEASURES[..1], Extent::new(3)).unwrap();
    let error = seen.attribute(&model, &[2], &Formulation::obs(), 3, usize::MAX).unwrap_err();
    assert!(error.to_string().contains("no image of the category"), "{error}");
    let error = seen.attribute(&model, &[0], &Formulation::graph(), 3, usize::MAX).unwrap_err();
    assert!(error.to_string().contains("`relative-contribution`; they hold obs"), "{error}");
    seen.attribute(&model, &[0], &Formulation::preset("l1").unwrap(), 3, usize::MAX).unwrap();
    let Selection { categories, .. } = seen.selection(&model, &[1], 0).unwrap();
    assert_eq!(categories.len(), 1);
}

#[test]
fn fewer_rows_are_taken_where_so_few_are_wanted() {
    let (model, images) = world();
    let seen = seen(&model, &images, &candidates());
    let all = seen.attribute(&model, &[0, 1], &Formulation::obs(), 3, usize::MAX).unwrap();
    let few = seen.attribute(&model, &[0, 1], &Formulation::obs(), 3, 6).unwrap();
    assert_ne!(all.categories[0].1, few.categories[0].1);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let (model, images) = world();
    let seen = seen(&model, &images, &candidates());
    let of = |images: Vec<Speaking>, looks| Seen::of_parts(&model, images, looks);
    assert_eq!(of(seen.images().to_vec(), seen.looks().clone()).unwrap(), seen);
    let reversed: Vec<Speaking> = seen.images().iter().rev().copied().collect();
    assert!(of(reversed, seen.looks().clone()).unwrap_err().contains("ascending"));
    assert!(of(seen.images()[1..].to_vec(), seen.looks().clone()).unwrap_err().contains("images of it are not"));
    let unknown = [("unknown".to_owned(), seen.looks()["obs"].clone())].into();
    assert!(of(seen.images().to_vec(), unknown).is_err());
    let mut lacking = seen.looks().clone();
    let (layer, _) = lacking.get_mut("obs").unwrap().pop_first().unwrap();
    let told = of(seen.images().to_vec(), lacking).unwrap_err();
    assert_eq!(told, format!("obs keeps nothing of `{}`", model.graph().node(layer).name));
    let mut out = seen.images().to_vec();
    out[8].category = 1000;
    assert!(of(out, seen.looks().clone()).unwrap_err().contains("below"));
}
