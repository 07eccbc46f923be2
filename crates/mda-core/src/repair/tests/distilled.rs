//! The source's answers, distilled into the last layer.

use super::*;
use crate::method::RidgeOptions;

/// The mean cross-entropy of a model's answers to those of the source, on some images.
fn loss(model: &Model, source: &Model, images: &Images, at: std::ops::Range<usize>) -> f64 {
    let softmax = |model: &Model| -> Vec<[f64; 2]> {
        let logits = logits(model, images);
        let of_row = |n: usize| {
            let [a, b] = [f64::from(logits.row(n)[0]), f64::from(logits.row(n)[1])];
            let first = 1.0 / (1.0 + (b - a).exp());
            [first, 1.0 - first]
        };
        (0..images.labels.len()).map(of_row).collect()
    };
    let (wanted, got) = (softmax(source), softmax(model));
    let of_image = |n: usize| -> f64 { wanted[n].iter().zip(got[n]).map(|(p, q)| -p * q.ln()).sum() };
    at.clone().map(of_image).sum::<f64>() / at.len() as f64
}

#[test]
fn the_last_layer_comes_nearer_to_what_the_source_answers() {
    let (source, images) = (chain(), Images::new(400, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let options = RidgeOptions { lambdas: vec![1e-3], observations: 10_000 };
    let ridge = run(&source, &component, &images, &Repair::Ridge(options.clone()));
    let distilled = run(&source, &component, &images, &Repair::RidgeDistilled(options));
    let tuning = 300..400;
    let of = |model: &Model| loss(model, &source, &images, tuning.clone());
    assert!(of(&distilled.model) < of(&ridge.model), "{} against {}", of(&distilled.model), of(&ridge.model));
    let same = |name: &str| distilled.model.parameters().get(name) == ridge.model.parameters().get(name);
    assert!(same("conv2.weight") && !same("fc.weight"), "the last layer alone is another one");
    let fc = ridge.layers.iter().zip(&distilled.layers).last().unwrap();
    assert_eq!(fc.0.lambda, fc.1.lambda);
}

#[test]
fn what_is_right_already_stays() {
    let (source, images) = (chain(), Images::new(80, 2, 6));
    // A twin is missed by nothing: the ridge gives the source's own answers.
    let component = cut(&source, &[("conv1", 2)]);
    let options = RidgeOptions { lambdas: vec![1e-6], observations: 10_000 };
    let model = run(&source, &component, &images, &Repair::RidgeDistilled(options)).model;
    assert!(largest_difference(&logits(&model, &images), &logits(&source, &images)) < 0.05);
}

#[test]
fn it_needs_tuning_images() {
    let (source, images) = (chain(), Images::new(80, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let options = RidgeOptions { lambdas: vec![1e-3], observations: 10_000 };
    let fitted: Vec<usize> = (0..60).collect();
    let error = repair(&runner(), &source, &component, &images, &fitted, &[], &Repair::RidgeDistilled(options));
    assert!(error.unwrap_err().to_string().contains("needs tuning images"));
}
