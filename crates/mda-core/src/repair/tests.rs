//! Repairs of tiny models whose right answer is known.

mod degenerate;
mod residual;

use super::*;
use crate::cut::KeepPlan;
use crate::cut::slice;
use crate::graph::Graph;
use crate::method::{REPAIRS, RidgeOptions};
use crate::op::{Add, BatchNorm, Clamp, Conv2d, Flatten, GlobalAvgPool, Input, Linear, MaxPool, Window};
use crate::run::reference::{Reference, evaluate};
use crate::tensor::Parameters;
use crate::tensor::Tensor;
use crate::test_graphs::Images;

const BACKEND: Reference = Reference;

fn runner() -> Runner<'static> {
    Runner { backend: &BACKEND, device: None, batch_size: 5 }
}

/// Numbers in -1..1 that look random and are the same everywhere.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32) / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| draw()).collect()
}

fn images(count: usize, channels: usize, extent: usize) -> Images {
    Images::new(tensor(&[count, channels, extent, extent], 7))
}

fn model(graph: Graph, tensors: Vec<(&str, Tensor)>) -> Model {
    let categories = (0..2).map(|k| format!("category {k}")).collect();
    Model::new("tiny", graph.validate().unwrap(), Parameters::from_iter(tensors), categories).unwrap()
}

fn tensor(shape: &[usize], seed: u64) -> Tensor {
    Tensor::new(shape, numbers(shape.iter().product(), seed)).unwrap()
}

/// The component that lacks `removed` (a node and one of its channels), and whatever is tied to them.
fn cut(model: &Model, removed: &[(&str, usize)]) -> Component {
    let graph = model.graph();
    let classes = crate::graph::ChannelClasses::of(graph);
    let gone: Vec<crate::graph::ChannelClass> =
        removed.iter().map(|(name, c)| classes.class(graph.find(name).unwrap(), *c)).collect();
    let wanted: Vec<Vec<bool>> = (0..graph.nodes().len())
        .map(|id| classes.of_value(id).iter().map(|class| !gone.contains(class)).collect())
        .collect();
    let score: Vec<Vec<f32>> = wanted.iter().map(|flags| vec![0.0; flags.len()]).collect();
    let plan = KeepPlan::new(graph, &wanted, &score, &(0..model.categories().len()).collect::<Vec<_>>());
    Component { model: slice(model, &plan).unwrap(), plan }
}

fn logits(model: &Model, images: &Images) -> Tensor {
    evaluate(model, &images.pixels, |_, _| {})[model.graph().output()].clone()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
    a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn run(source: &Model, component: &Component, images: &Images, how: &Repair) -> Repaired {
    let all: Vec<usize> = (0..images.labels.len()).collect();
    let (calibration, tuning) = all.split_at(all.len() * 3 / 4);
    repair(&runner(), source, component, images, calibration, tuning, how).unwrap()
}

fn ridge(lambda: f64) -> Repair {
    Repair::Ridge(RidgeOptions { lambdas: vec![lambda], observations: 10_000, ..RidgeOptions::default() })
}

/// Copies filter `from` over filter `to` in an outermost axis.
fn duplicate(mut tensor: Tensor, from: usize, to: usize) -> Tensor {
    let row = tensor.row(from).to_vec();
    let stride = row.len();
    tensor.data_mut()[to * stride..(to + 1) * stride].copy_from_slice(&row);
    tensor
}

/// conv (3 filters, the last a copy of the second) - ReLU - pool - conv without bias - BatchNorm - ReLU - linear.
fn chain() -> Model {
    let mut g = Graph::new();
    let image = g.push("image", Input { channels: 2, height: 6, width: 6 }, &[]);
    let conv1 = g.push("conv1", Conv2d::dense(3, 3, 1, 1, true), &[&image]);
    let relu1 = g.push("relu1", Clamp::relu(), &[&conv1]);
    let pool = MaxPool { window: Window::square(2, 2, 0), ceil_mode: false };
    let pool = g.push("pool", pool, &[&relu1]);
    let conv2 = g.push("conv2", Conv2d::dense(3, 3, 1, 1, false), &[&pool]);
    let norm = g.push("norm", BatchNorm { eps: 1e-5 }, &[&conv2]);
    let relu2 = g.push("relu2", Clamp::relu(), &[&norm]);
    let flat = g.push("flat", Flatten {}, &[&relu2]);
    g.push("fc", Linear { out_features: 2, bias: true }, &[&flat]);
    model(
        g,
        vec![
            ("conv1.weight", duplicate(tensor(&[3, 2, 3, 3], 1), 1, 2)),
            ("conv1.bias", Tensor::vector(vec![0.1, 0.2, 0.2])),
            ("conv2.weight", tensor(&[3, 3, 3, 3], 2)),
            ("norm.weight", Tensor::vector(vec![1.0, 0.8, 1.2])),
            ("norm.bias", Tensor::vector(vec![0.1, 0.3, 0.2])),
            ("norm.running_mean", Tensor::vector(vec![0.0, 0.1, -0.1])),
            ("norm.running_var", Tensor::vector(vec![1.0, 0.9, 1.1])),
            ("fc.weight", tensor(&[2, 27], 3)),
            ("fc.bias", tensor(&[2], 4)),
        ],
    )
}

#[test]
fn ridge_restores_what_a_twin_can_say() {
    let (source, images) = (chain(), images(200, 2, 6));
    let component = cut(&source, &[("conv1", 2)]);
    let wanted = logits(&source, &images);
    let repaired = run(&source, &component, &images, &ridge(1e-6));
    assert!(largest_difference(&logits(&component.model, &images), &wanted) > 0.1, "the cut must hurt");
    assert!(largest_difference(&logits(&repaired.model, &images), &wanted) < 2e-3);
    let conv2 = &repaired.layers[1];
    assert_eq!((conv2.layer.as_str(), conv2.lambda), ("conv2", Some(1e-6)));
    assert!(conv2.before > 1e-2 && conv2.after < 1e-6, "{conv2:?}");
}

#[test]
fn a_bias_that_batch_norm_would_undo_goes_into_its_mean() {
    let (source, images) = (chain(), images(200, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let repaired = run(&source, &component, &images, &ridge(1e-3)).model;
    assert_eq!(repaired.size(), component.model.size());
    assert!(repaired.parameters().get("conv2.bias").is_none());
    let mean = |model: &Model| model.parameters().get("norm.running_mean").unwrap().data().to_vec();
    assert_ne!(mean(&repaired), mean(&component.model));
}

#[test]
fn ridge_sees_through_a_residual_sum() {
    let mut g = Graph::new();
    let image = g.push("image", Input { channels: 2, height: 5, width: 5 }, &[]);
    let stem = g.push("stem", Conv2d::dense(3, 3, 1, 1, true), &[&image]);
    let relu = g.push("relu", Clamp::relu(), &[&stem]);
    let branch = g.push("branch", Conv2d::dense(3, 3, 1, 1, true), &[&relu]);
    let sum = g.push("sum", Add {}, &[&relu, &branch]);
    let out = g.push("out", Conv2d::dense(4, 1, 1, 0, false), &[&sum]);
    let pooled = g.push("pooled", GlobalAvgPool {}, &[&out]);
    let flat = g.push("flat", Flatten {}, &[&pooled]);
    g.push("fc", Linear { out_features: 2, bias: false }, &[&flat]);
    let source = model(
        g,
        vec![
            ("stem.weight", duplicate(tensor(&[3, 2, 3, 3], 11), 0, 2)),
            ("stem.bias", Tensor::vector(vec![0.3, 0.2, 0.3])),
            ("branch.weight", duplicate(tensor(&[3, 3, 3, 3], 12), 0, 2)),
            ("branch.bias", Tensor::vector(vec![0.1, 0.2, 0.1])),
            ("out.weight", tensor(&[4, 3, 1, 1], 13)),
            ("fc.weight", tensor(&[2, 4], 14)),
        ],
    );
    let images = images(200, 2, 5);
    let component = cut(&source, &[("sum", 2)]);
    let repaired = run(&source, &component, &images, &ridge(1e-6));
    let wanted = logits(&source, &images);
    assert!(largest_difference(&logits(&component.model, &images), &wanted) > 0.1, "the cut must hurt");
    assert!(largest_difference(&logits(&repaired.model, &images), &wanted) < 2e-3);
}

#[test]
fn groups_are_refitted_one_by_one() {
    let mut g = Graph::new();
    let image = g.push("image", Input { channels: 2, height: 5, width: 5 }, &[]);
    let stem = g.push("stem", Conv2d::dense(4, 3, 1, 1, true), &[&image]);
    let pair = Conv2d { out_channels: 4, window: Window::square(3, 1, 1), groups: 2, bias: true };
    let pair = g.push("pair", pair, &[&stem]);
    let relu = g.push("relu", Clamp::relu(), &[&pair]);
    let depthwise = Conv2d { out_channels: 4, window: Window::square(3, 1, 1), groups: 4, bias: true };
    let depthwise = g.push("depthwise", depthwise, &[&relu]);
    let flat = g.push("flat", Flatten {}, &[&depthwise]);
    g.push("fc", Linear { out_features: 2, bias: true }, &[&flat]);
    let stem = duplicate(duplicate(tensor(&[4, 2, 3, 3], 21), 0, 1), 2, 3);
    let source = model(
        g,
        vec![
            ("stem.weight", stem),
            ("stem.bias", Tensor::vector(vec![0.3, 0.3, 0.1, 0.1])),
            ("pair.weight", tensor(&[4, 2, 3, 3], 22)),
            ("pair.bias", tensor(&[4], 23)),
            ("depthwise.weight", tensor(&[4, 1, 3, 3], 24)),
            ("depthwise.bias", tensor(&[4], 25)),
            ("fc.weight", tensor(&[2, 100], 26)),
            ("fc.bias", tensor(&[2], 27)),
        ],
    );
    let images = images(200, 2, 5);
    let component = cut(&source, &[("stem", 1), ("stem", 3)]);
    let repaired = run(&source, &component, &images, &ridge(1e-6));
    let wanted = logits(&source, &images);
    assert!(largest_difference(&logits(&component.model, &images), &wanted) > 0.1, "the cut must hurt");
    assert!(largest_difference(&logits(&repaired.model, &images), &wanted) < 2e-3);
}

#[test]
fn the_mean_of_a_constant_channel_is_all_of_it() {
    let mut source = chain();
    let mut weight = source.parameters().get("conv1.weight").unwrap().as_ref().clone();
    weight.data_mut()[18..36].fill(0.0);
    let mut parameters = source.parameters().clone();
    parameters.insert("conv1.weight", weight);
    // Without padding no border sees less of the constant than the middle.
    let mut graph = source.graph().to_graph();
    graph.nodes[4].op = Conv2d::dense(3, 3, 1, 0, false).into();
    parameters.insert("fc.weight", tensor(&[2, 3], 3));
    source = Model::new("tiny", graph.validate().unwrap(), parameters, source.categories().to_vec()).unwrap();
    let images = images(12, 2, 6);
    let component = cut(&source, &[("conv1", 1)]);
    let repaired = run(&source, &component, &images, &Repair::Bias);
    let wanted = logits(&source, &images);
    assert!(largest_difference(&logits(&component.model, &images), &wanted) > 0.05, "the cut must hurt");
    assert!(largest_difference(&logits(&repaired.model, &images), &wanted) < 1e-4);
}

#[test]
fn batch_norm_gets_the_statistics_of_the_component() {
    let (source, images) = (chain(), images(16, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let all: Vec<usize> = (0..16).collect();
    let repaired = repair(&runner(), &source, &component, &images, &all, &[], &Repair::BatchNorm).unwrap();
    assert!(repaired.layers.is_empty(), "no tuning images to measure with");
    let graph = component.model.graph();
    let seen = &evaluate(&component.model, &images.pixels, |_, _| {})[graph.find("conv2").unwrap()];
    let first: Vec<f64> = (0..16).flat_map(|n| seen.row(n)[..9].iter().map(|&x| f64::from(x))).collect();
    let mean = first.iter().sum::<f64>() / first.len() as f64;
    let var = first.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (first.len() - 1) as f64;
    let got = |name: &str| f64::from(repaired.model.parameters().get(name).unwrap().data()[0]);
    assert!((got("norm.running_mean") - mean).abs() < 1e-5);
    assert!((got("norm.running_var") - var).abs() < 1e-5);
}

#[test]
fn tuning_images_choose_the_lambda() {
    let (source, images) = (chain(), images(200, 2, 6));
    let component = cut(&source, &[("conv1", 2)]);
    let options = RidgeOptions { lambdas: vec![1e3, 1e-6], observations: 10_000, ..RidgeOptions::default() };
    let repaired = run(&source, &component, &images, &Repair::Ridge(options));
    assert_eq!(repaired.layers[1].lambda, Some(1e-6));
}

#[test]
fn the_same_images_give_the_same_numbers() {
    let (source, images) = (chain(), images(40, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let how = Repair::Ridge(RidgeOptions { observations: 150, ..RidgeOptions::default() });
    let [first, second] = [(); 2].map(|()| run(&source, &component, &images, &how));
    assert_eq!(first.model, second.model);
    assert_eq!(first.layers, second.layers);
}

#[test]
fn one_lambda_needs_no_tuning_images() {
    let (source, images) = (chain(), images(80, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let fitted: Vec<usize> = (0..60).collect();
    let with = run(&source, &component, &images, &ridge(1e-3));
    let without = repair(&runner(), &source, &component, &images, &fitted, &[], &ridge(1e-3)).unwrap();
    assert_eq!(without.model, with.model);
    assert!(without.layers.is_empty() && !with.layers.is_empty());
    let several = Repair::Ridge(RidgeOptions::default());
    let error = repair(&runner(), &source, &component, &images, &fitted, &[], &several).unwrap_err();
    assert!(error.to_string().contains("needs tuning images"), "{error}");
}

#[test]
fn what_cannot_be_repaired_says_why() {
    let (source, images) = (chain(), images(8, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let fail = |component: &Component, calibration: &[usize], how: &Repair| {
        let error = repair(&runner(), &source, component, &images, calibration, &[7], how).unwrap_err();
        error.to_string()
    };
    assert!(fail(&component, &[], &ridge(1e-3)).contains("needs calibration images"));
    assert!(fail(&component, &[0], &ridge(f64::NAN)).contains("finite lambdas"));
    let nothing = Repair::Ridge(RidgeOptions { observations: 0, ..RidgeOptions::default() });
    assert!(fail(&component, &[0], &nothing).contains("at least 1 observation"));
    let other = Component { model: component.model.clone(), plan: KeepPlan::everything(source.graph()) };
    assert!(fail(&other, &[0, 1], &ridge(1e-3)).contains("`conv1` has 2 channels, the plan keeps 3"));
    assert!(Repair::named("rigde").unwrap_err().to_string().contains("batch-norm"));
}

#[test]
fn a_layer_with_more_regressors_than_fit_squared_is_refitted_by_its_rows() {
    let mut g = Graph::new();
    let image = g.push("image", Input { channels: 2, height: 60, width: 60 }, &[]);
    let stem = g.push("stem", Conv2d::dense(3, 1, 1, 0, true), &[&image]);
    let flat = g.push("flat", Flatten {}, &[&stem]);
    g.push("fc", Linear { out_features: 2, bias: true }, &[&flat]);
    let source = model(
        g,
        vec![
            ("stem.weight", duplicate(tensor(&[3, 2, 1, 1], 21), 0, 2)),
            ("stem.bias", Tensor::vector(vec![0.3, 0.2, 0.3])),
            ("fc.weight", tensor(&[2, 10_800], 22)),
            ("fc.bias", tensor(&[2], 23)),
        ],
    );
    let (component, images) = (cut(&source, &[("stem", 2)]), images(40, 2, 60));
    let repaired = run(&source, &component, &images, &ridge(1e-3));
    let fc = &repaired.layers[1];
    assert_eq!((fc.layer.as_str(), fc.lambda), ("fc", Some(1e-3)));
    // The images that it was fitted on come out as they were.
    let fitted: Vec<usize> = (0..30).collect();
    let seen = Images::new(images.pixels.select(0, &fitted));
    let wanted = logits(&source, &seen);
    let before = largest_difference(&logits(&component.model, &seen), &wanted);
    let after = largest_difference(&logits(&repaired.model, &seen), &wanted);
    assert!(after < 0.05 * before, "{after} against {before}");
}

#[test]
fn the_batch_size_changes_no_bit() {
    let (source, images) = (chain(), images(40, 2, 6));
    let component = cut(&source, &[("conv1", 0)]);
    let how = Repair::Ridge(RidgeOptions { observations: 150, ..RidgeOptions::default() });
    let all: Vec<usize> = (0..40).collect();
    let [one, many] = [1, 64].map(|batch_size| {
        let runner = Runner { backend: &BACKEND, device: None, batch_size };
        repair(&runner, &source, &component, &images, &all[..30], &all[30..], &how).unwrap().model
    });
    assert_eq!(one, many);
}

#[test]
fn repairs_have_names_and_a_written_form() {
    for name in REPAIRS {
        assert_eq!(Repair::named(name).unwrap().name(), name);
    }
    let written: Repair = serde_json::from_str(r#"{"ridge": {"observations": 4}}"#).unwrap();
    assert_eq!(written, Repair::Ridge(RidgeOptions { observations: 4, ..RidgeOptions::default() }));
}
