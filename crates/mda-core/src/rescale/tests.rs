//! Rescalings of logits whose right scale is known.

use super::*;
use crate::evaluate::Evaluation;
use crate::graph::Graph;
use crate::op::{Flatten, Input, Linear};
use crate::tensor::Parameters;
use crate::tensor::Tensor;

fn labelled(rows: &[[f32; 2]], labels: &[usize]) -> LabelledLogits {
    let data = rows.iter().flatten().copied().collect();
    LabelledLogits { logits: Tensor::new([rows.len(), 2], data).unwrap(), labels: labels.to_vec() }
}

fn likelihood(logits: &LabelledLogits, affine: &LogitAffine) -> f64 {
    let mut scaled = logits.logits.clone();
    affine.apply(&mut scaled);
    let own = |n: usize| {
        let row: Vec<f64> = scaled.row(n).iter().map(|&x| f64::from(x)).collect();
        row[logits.labels[n]] - row.iter().map(|x| x.exp()).sum::<f64>().ln()
    };
    (0..logits.labels.len()).map(own).sum::<f64>() / logits.labels.len() as f64
}

/// Two components of two categories each; the second component's logits are five times too large and seven too high.
fn uneven(images: usize) -> LabelledLogits {
    let noise = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 1009.0 * 4.0 - 2.0;
    let labels: Vec<usize> = (0..images).map(|n| n % 4).collect();
    let logit = |(n, k): (usize, usize)| {
        let fair = noise(n * 4 + k) + if labels[n] == k { 3.0 } else { 0.0 };
        if k < 2 { fair } else { 5.0 * fair + 7.0 }
    };
    let data = (0..images).flat_map(|n| (0..4).map(move |k| (n, k))).map(logit).collect();
    LabelledLogits { logits: Tensor::new([images, 4], data).unwrap(), labels }
}

fn accuracy(logits: &LabelledLogits, affine: &LogitAffine) -> f64 {
    let mut scaled = logits.clone();
    affine.apply(&mut scaled.logits);
    Evaluation::new(scaled).overall().percent()
}

#[test]
fn two_categories_have_a_known_optimum() {
    // Logit differences of +-1, right three times out of four: the likeliest difference is ln 3 in either direction.
    let rows = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]];
    let calibration = labelled(&rows, &[0, 0, 0, 0, 1, 1, 1, 1]);
    let affine = Rescaling::ScaleShiftComponent.fit(&[0..1, 1..2], &calibration).unwrap();
    let mut scaled = calibration.logits.clone();
    affine.apply(&mut scaled);
    let difference = scaled.row(0)[0] - scaled.row(0)[1];
    assert!((difference - 3f32.ln()).abs() < 2e-3, "{difference}");
}

#[test]
fn an_uneven_component_is_brought_back() {
    let (blocks, calibration, fresh) = ([0..2, 2..4], uneven(400), uneven(999));
    let plain = LogitAffine::identity(4);
    let by_component = Rescaling::ScaleShiftComponent.fit(&blocks, &calibration).unwrap();
    let by_category = Rescaling::ScaleShiftCategory.fit(&blocks, &calibration).unwrap();
    assert!((by_component.scale[0] / by_component.scale[2] - 5.0).abs() < 0.5, "{by_component:?}");
    assert_eq!(by_component.scale[2], by_component.scale[3]);
    for affine in [&by_component, &by_category] {
        assert!(accuracy(&fresh, affine) > accuracy(&fresh, &plain) + 20.0);
    }
    let gained = likelihood(&calibration, &by_category) - likelihood(&calibration, &by_component);
    assert!(gained > -1e-9, "more freedom cannot fit worse: {gained}");
}

#[test]
fn the_same_logits_give_the_same_scales() {
    let calibration = uneven(1000);
    let [first, second] = [(); 2].map(|()| Rescaling::ScaleShiftCategory.fit(&[0..2, 2..4], &calibration).unwrap());
    assert_eq!(first, second);
}

#[test]
fn perfectly_told_components_stay_finite() {
    let calibration = labelled(&[[9.0, 0.0], [0.0, 9.0], [9.0, 0.0], [0.0, 9.0]], &[0, 1, 0, 1]);
    let affine = Rescaling::ScaleShiftCategory.fit(&[0..1, 1..2], &calibration).unwrap();
    assert!(affine.scale.iter().chain(&affine.shift).all(|x| x.is_finite() && x.abs() < 1e3), "{affine:?}");
}

#[test]
fn calibration_must_speak_for_every_category() {
    let fit = |labels: &[usize]| {
        let calibration = labelled(&[[1.0, 0.0], [0.0, f32::NAN]], labels);
        Rescaling::ScaleShiftComponent.fit(&[0..1, 1..2], &calibration).unwrap_err()
    };
    assert_eq!(fit(&[0, 0]), RescaleError::NoImages { category: 1 });
    assert_eq!(fit(&[0, 2]), RescaleError::Label { image: 1, label: 2, count: 2 });
    assert_eq!(fit(&[0, 1]), RescaleError::NonFinite { image: 1 });
    let calibration = labelled(&[[1.0, 0.0]], &[0]);
    for rescaling in [Rescaling::WeightAlign, Rescaling::Evidence] {
        assert_eq!(rescaling.fit(&[0..1, 1..2], &calibration), Err(RescaleError::NeedsModels));
    }
}

fn linear(name: &str, factor: f32) -> Model {
    let mut graph = Graph::new();
    let image = graph.push("image", Input { channels: 2, height: 1, width: 1 }, &[]);
    let flat = graph.push("flat", Flatten {}, &[&image]);
    graph.push("fc", Linear { out_features: 2, bias: false }, &[&flat]);
    let weight = Tensor::new([2, 2], [3.0, 4.0, 0.0, 5.0].map(|w| w * factor).to_vec()).unwrap();
    let categories = vec![format!("{name} a"), format!("{name} b")];
    Model::new(name, graph.validate().unwrap(), Parameters::from_iter([("fc.weight", weight)]), categories).unwrap()
}

#[test]
fn weight_aligning_evens_out_the_rows() {
    let (small, large) = (linear("small", 1.0), linear("large", 3.0));
    let calibration = Answers { logits: labelled(&[], &[]), features: Vec::new() };
    let scalings = Rescaling::WeightAlign.fit_between(&[&small, &large], &calibration).unwrap();
    assert_eq!(scalings[0].affine.scale, [2.0, 2.0]);
    assert_eq!(scalings[1].affine.scale, [10.0 / 15.0, 10.0 / 15.0]);
    let zero = linear("zero", 0.0);
    let error = Rescaling::WeightAlign.fit_between(&[&small, &zero], &calibration).unwrap_err();
    assert!(error.to_string().contains("`zero`"), "{error}");
}

/// Logits of two components that cannot tell whose image it is, which the features `[N, 2]` of the first one can.
fn told_by_features(images: usize, seed: usize) -> Answers {
    let noise = |i: usize| {
        let mixed = ((i + seed * 1_000_003) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / 2f32.powi(22) - 2.0
    };
    let labels: Vec<usize> = (0..images).map(|n| n % 4).collect();
    let logits = (0..images * 4).map(|i| noise(i) + if labels[i / 4] % 2 == i % 2 { 5.0 } else { 0.0 }).collect();
    let first = (0..images).flat_map(|n| [noise(n + 50_000) + if labels[n] < 2 { 3.0 } else { 0.0 }, 1.0]).collect();
    let second = (0..images * 2).map(|i| noise(i + 90_000)).collect();
    let tensor = |columns: usize, data: Vec<f32>| Tensor::new([images, columns], data).unwrap();
    Answers {
        logits: LabelledLogits { logits: tensor(4, logits), labels },
        features: vec![tensor(2, first), tensor(2, second)],
    }
}

#[test]
fn features_tell_whose_image_it_is() {
    let components = [&linear("first", 1.0), &linear("second", 1.0)];
    let (calibration, fresh) = (told_by_features(800, 1), told_by_features(399, 2));
    let scalings = Rescaling::Evidence.fit_between(&components, &calibration).unwrap();
    let accuracy = |scalings: &[Scaling]| Evaluation::new(rescaled(scalings, &fresh)).overall().percent();
    let by_logits: Vec<Scaling> =
        scalings.iter().map(|scaling| Scaling { evidence: None, ..scaling.clone() }).collect();
    let (told, untold) = (accuracy(&scalings), accuracy(&by_logits));
    assert!(told > untold + 15.0, "{told} {untold}");
    let useless = &scalings[1].evidence.as_ref().unwrap().weights;
    assert!(useless.iter().all(|w| w.abs() < 0.3), "{useless:?}");
}

#[test]
fn evidence_is_folded_into_the_last_layer() {
    let component = linear("first", 1.0);
    let affine = LogitAffine { scale: vec![2.0, 3.0], shift: vec![1.0, 0.0] };
    let evidence = Some(Evidence { weights: vec![0.5, -1.0], constant: 4.0 });
    let folded = Scaling { affine, evidence }.fold_into(&component).unwrap();
    let layer = last_layer(&folded).unwrap();
    assert_eq!(folded.node_parameters(layer).get("weight").data(), [6.5, 7.0, 0.5, 14.0]);
    assert_eq!(folded.node_parameters(layer).get("bias").data(), [5.0, 4.0]);
}

#[test]
fn a_frequent_category_is_expected_more_often() {
    let mut scalings = vec![
        Scaling { affine: LogitAffine::identity(1), evidence: None },
        Scaling { affine: LogitAffine::identity(2), evidence: None },
    ];
    expect(&mut scalings, &[600, 300, 300]);
    let shifts: Vec<f32> = scalings.iter().flat_map(|scaling| scaling.affine.shift.clone()).collect();
    assert!((shifts[0] - shifts[1] - 2f32.ln()).abs() < 1e-6 && shifts[1] == shifts[2], "{shifts:?}");
    expect(&mut scalings, &[50, 50, 50]);
    assert_eq!(scalings[1].affine.shift, [shifts[1], shifts[2]], "equally frequent ones change nothing");
}
