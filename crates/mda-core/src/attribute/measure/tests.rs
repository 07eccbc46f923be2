//! Every measure on a model small enough to work out by hand.

use super::*;
use crate::attribute::{Selection, attribute, observe};
use crate::graph::Graph;
use crate::method::{Accumulation, Formulation};
use crate::op::{Clamp, Conv2d, Flatten, GlobalAvgPool, Input, Linear};
use crate::run::Runner;
use crate::run::reference::Reference;
use crate::run::{Batch, Batches, ImageSource};
use crate::tensor::Parameters;
use crate::tensor::Uniform;

/// Images of one channel and 2x2 pixels, two categories.
struct Images {
    pixels: Vec<[f32; 4]>,
    labels: Vec<usize>,
    names: Vec<String>,
}

impl ImageSource for Images {
    fn categories(&self) -> &[String] {
        &self.names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        let batch = |part: &[usize]| {
            let data = part.iter().flat_map(|&index| self.pixels[index]).collect();
            let images = Tensor::new([part.len(), 1, 2, 2], data)?;
            Ok(Batch { images, labels: part.iter().map(|&i| self.labels[i]).collect(), indices: part.to_vec() })
        };
        Box::new(indices.chunks(batch_size).map(batch))
    }
}

fn images() -> Images {
    let pixels = vec![[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]];
    Images { pixels, labels: vec![0, 0, 1], names: vec!["a".into(), "b".into()] }
}

/// Filters of weight 2, -1 and 1 over one pixel, ReLU, then two logits over the twelve features: the first is the sum of
/// channel 0 plus half that of channel 2, the second a tenth of channel 2's.
fn model() -> Model {
    let mut graph = Graph::new();
    graph.push("image", Input { channels: 1, height: 2, width: 2 }, &[]);
    graph.push("conv", Conv2d::dense(3, 1, 1, 0, false), &["image"]);
    graph.push("relu", Clamp::relu(), &["conv"]);
    graph.push("flat", Flatten {}, &["relu"]);
    graph.push("fc", Linear { out_features: 2, bias: false }, &["flat"]);
    let row = |weights: [f32; 3]| weights.into_iter().flat_map(|w| [w; 4]).collect::<Vec<f32>>();
    let fc = [row([1.0, 0.0, 0.5]), row([0.0, 0.0, 0.1])].concat();
    let parameters = Parameters::from_iter([
        ("conv.weight", Tensor::new([3, 1, 1, 1], vec![2.0, -1.0, 1.0]).unwrap()),
        ("fc.weight", Tensor::new([2, 12], fc).unwrap()),
    ]);
    Model::new("tiny", graph.validate().unwrap(), parameters, images().names).unwrap()
}

/// What a measure knows of the linear layer from the two images of category 0, summed over each channel's four features.
fn seen(measure: Measure) -> Vec<f64> {
    let (model, images) = (model(), images());
    let formulation = Formulation::layer_alone(measure);
    // One image a batch, so that batches are put together as well.
    let runner = Runner { backend: &Reference, device: None, batch_size: 1 };
    let observations = observe(&runner, &model, &images, &[(0, vec![0, 1])], &formulation).unwrap();
    let fc = model.graph().find("fc").unwrap();
    let observed = observations[&fc].data();
    observed.chunks(4).map(|channel| channel.iter().map(|&x| f64::from(x)).sum()).collect()
}

fn assert_close(got: &[f64], expected: &[f64]) {
    let close = got.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + b.abs()));
    assert!(close && got.len() == expected.len(), "{got:?} against {expected:?}");
}

#[test]
fn mean_activation_is_the_mean() {
    // Pixels sum to 10 and 2 over two images; channel 1 is negative before the ReLU.
    assert_close(&seen(Measure::MeanActivation), &[12.0, 0.0, 6.0]);
}

#[test]
fn l1_and_fpgm_look_at_the_filters() {
    assert_close(&seen(Measure::L1), &[8.0, 4.0, 4.0]);
    // Distances: 2 to -1 is 3, 2 to 1 is 1, -1 to 1 is 2; four features a channel.
    assert_close(&seen(Measure::Fpgm), &[16.0, 20.0, 12.0]);
}

#[test]
fn hrank_of_features_is_how_often_they_are_not_zero() {
    // Four pixels of the first image and two of the second, over two images.
    assert_close(&seen(Measure::Hrank), &[3.0, 0.0, 3.0]);
}

/// Logits of the two images, and p(0) * p(1).
fn slopes() -> [f64; 2] {
    [10.0f64, 2.0].map(|pixels| {
        let difference = 2.0 * pixels + 0.5 * pixels - 0.1 * pixels;
        let p = 1.0 / (1.0 + (-difference).exp());
        p * (-difference).exp() / (1.0 + (-difference).exp())
    })
}

#[test]
fn frat_is_the_positive_slope_of_the_softmax_score() {
    let slope: f64 = slopes().iter().sum();
    // d p / d feature = p (1 - p) (w[0] - w[1]) for each of four features.
    assert_close(&seen(Measure::Frat), &[4.0 * slope, 0.0, 4.0 * 0.4 * slope]);
}

#[test]
fn taylor_is_activation_times_gradient() {
    // d loss / d feature = -(1 - p) (w[0] - w[1]); the activations of channel 2 sum to the pixels.
    let missing = [24.0f64, 4.8].map(|difference| (-difference).exp() / (1.0 + (-difference).exp()));
    let mean = |per_pixel: f64| per_pixel * (10.0 * missing[0] + 2.0 * missing[1]) / 2.0;
    assert_close(&seen(Measure::Taylor), &[mean(2.0), 0.0, mean(0.4)]);
}

#[test]
fn taylor_sums_over_positions_before_it_takes_the_magnitude() {
    // Two channels of two positions each, the pixels themselves; a linear layer behind a 1x1 convolution that passes both on.
    let mut graph = Graph::new();
    graph.push("image", Input { channels: 2, height: 1, width: 2 }, &[]);
    graph.push("conv", Conv2d::dense(2, 1, 1, 0, false), &["image"]);
    graph.push("flat", Flatten {}, &["conv"]);
    graph.push("fc", Linear { out_features: 2, bias: false }, &["flat"]);
    let parameters = Parameters::from_iter([
        ("conv.weight", Tensor::new([2, 2, 1, 1], vec![1.0, 0.0, 0.0, 1.0]).unwrap()),
        ("fc.weight", Tensor::new([2, 4], vec![1.0, -1.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0]).unwrap()),
    ]);
    let model = Model::new("signs", graph.validate().unwrap(), parameters, images().names).unwrap();
    struct Pairs;
    impl ImageSource for Pairs {
        fn categories(&self) -> &[String] {
            &[]
        }
        fn labels(&self) -> &[usize] {
            &[0, 0]
        }
        fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
            // Channel 0 has 3 and 2, channel 1 has 1 and 1; in the second image 1 and 4, 2 and -2.
            let pixels = [[3.0, 2.0, 1.0, 1.0], [1.0, 4.0, 2.0, -2.0]];
            Box::new(indices.chunks(batch_size).map(move |part| {
                let data = part.iter().flat_map(|&index| pixels[index]).collect();
                Ok(Batch {
                    images: Tensor::new([part.len(), 2, 1, 2], data)?,
                    labels: vec![0; part.len()],
                    indices: part.to_vec(),
                })
            }))
        }
    }
    let runner = Runner { backend: &Reference, device: None, batch_size: 2 };
    let formulation = Formulation::layer_alone(Measure::Taylor);
    let observations = observe(&runner, &model, &Pairs, &[(0, vec![0, 1])], &formulation).unwrap();
    // Logits 3 - 2 + 1 + 2 = 4 and 1 - 4 + 2 - 4 = -5 against 0; activation times gradient is -(1 - p) weight * pixel:
    // +3 and -2, +1 and +2 in the first image, +1 and -4, +2 and -4 in the second.
    let missing = [4.0f64, -5.0].map(|logit| 1.0 / (1.0 + logit.exp()));
    let expected = [(1.0 * missing[0] + 3.0 * missing[1]) / 2.0, (3.0 * missing[0] + 2.0 * missing[1]) / 2.0];
    let conv = model.graph().find("conv").unwrap();
    let got: Vec<f64> = observations[&conv].data().iter().map(|&x| f64::from(x)).collect();
    assert_close(&got, &expected);
}

/// Images of one channel and 28x28 pixels, and a network of two convolutions over them.
struct Maps(Tensor, Vec<String>);

impl Maps {
    fn new(count: usize) -> Self {
        let mut uniform = Uniform::new(4);
        let pixels = (0..count * 784).map(|_| uniform.signed()).collect();
        Self(Tensor::new([count, 1, 28, 28], pixels).unwrap(), images().names)
    }

    fn model(&self) -> Model {
        let mut uniform = Uniform::new(5);
        let mut graph = Graph::new();
        graph.push("image", Input { channels: 1, height: 28, width: 28 }, &[]);
        graph.push("first", Conv2d::dense(6, 3, 1, 1, false), &["image"]);
        graph.push("relu", Clamp::relu(), &["first"]);
        graph.push("second", Conv2d::dense(2, 3, 1, 1, false), &["relu"]);
        graph.push("pooled", GlobalAvgPool {}, &["second"]);
        graph.push("flat", Flatten {}, &["pooled"]);
        graph.push("fc", Linear { out_features: 2, bias: false }, &["flat"]);
        let mut tensor = |shape: &[usize]| {
            Tensor::new(shape, (0..shape.iter().product()).map(|_| uniform.signed()).collect()).unwrap()
        };
        let parameters = Parameters::from_iter([
            ("first.weight", tensor(&[6, 1, 3, 3])),
            ("second.weight", tensor(&[2, 6, 3, 3])),
            ("fc.weight", tensor(&[2, 2])),
        ]);
        Model::new("maps", graph.validate().unwrap(), parameters, self.1.clone()).unwrap()
    }

    /// The scores of the first layer's channels.
    fn scores(&self, model: &Model, batch_size: usize) -> Result<Vec<f32>, crate::cut::CutError> {
        let runner = Runner { backend: &Reference, device: None, batch_size };
        let selection = Selection::new(vec![(0, (0..self.0.shape()[0]).collect())]);
        let attribution = attribute(&runner, model, self, &selection, &Formulation::preset("obs").unwrap())?;
        Ok(attribution.categories[0].1.score[model.graph().find("relu").unwrap()].clone())
    }
}

impl ImageSource for Maps {
    fn categories(&self) -> &[String] {
        &self.1
    }

    fn labels(&self) -> &[usize] {
        &[]
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        let batch = |part: &[usize]| {
            Ok(Batch { images: self.0.select(0, part), labels: vec![0; part.len()], indices: part.to_vec() })
        };
        Box::new(indices.chunks(batch_size).map(batch))
    }
}

#[test]
fn obs_scores_do_not_depend_on_the_batch_size_nor_on_threads() {
    let images = Maps::new(40);
    let model = images.model();
    let scores = images.scores(&model, 64).unwrap();
    assert!(scores.iter().all(|score| score.is_finite()) && scores.iter().any(|&score| score != scores[0]));
    for (batch_size, threads) in [(1, 1), (7, 2), (64, 3)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| images.scores(&model, batch_size)).unwrap(), scores);
    }
}

#[test]
fn obs_sees_all_columns_of_a_map() {
    // Every seventh column is bright; strides over whole maps used to miss these.
    let mut images = Maps::new(60);
    for row in images.0.data_mut().chunks_mut(28) {
        row.iter_mut().for_each(|pixel| *pixel = -pixel.abs());
        row.iter_mut().enumerate().filter(|(column, _)| column % 7 == 3).for_each(|(_, pixel)| *pixel = 3.0 - *pixel);
    }
    let mut model = images.model();
    let mut parameters = model.parameters().clone();
    // Channel 0 shines in the bright columns alone; nothing else does.
    let filters: Vec<f32> = [1.0, -1.0, -0.5, -0.4, -0.3, -0.2]
        .into_iter()
        .flat_map(|w| {
            let mut filter = [0.0; 9];
            filter[4] = w;
            filter
        })
        .collect();
    parameters.insert("first.weight", Tensor::new([6, 1, 3, 3], filters).unwrap());
    let mut second = [0.0; 2 * 54];
    (0..12).for_each(|kernel| second[kernel * 9 + 4] = 1.0);
    parameters.insert("second.weight", Tensor::new([2, 6, 3, 3], second.to_vec()).unwrap());
    model = Model::new("maps", model.graph().clone(), parameters, images.1.clone()).unwrap();
    let scores = images.scores(&model, 64).unwrap();
    assert!(scores[1..].iter().all(|&score| score < scores[0]), "{scores:?}");
}

#[test]
fn a_model_that_overflows_is_told_by_its_layer() {
    let images = Maps::new(3);
    let model = images.model();
    let mut parameters = model.parameters().clone();
    parameters.insert("first.weight", Tensor::new([6, 1, 3, 3], vec![3e38; 54]).unwrap());
    let model = Model::new("maps", model.graph().clone(), parameters, images.1.clone()).unwrap();
    let error = images.scores(&model, 2).unwrap_err().to_string();
    assert!(error.contains("`second` is not finite"), "{error}");
}

#[test]
fn dead_and_constant_channels_do_obs_no_harm() {
    let mut images = Maps::new(12);
    images.0.data_mut().fill(0.25);
    let scores = images.scores(&images.model(), 5).unwrap();
    assert!(scores.iter().all(|score| score.is_finite()), "{scores:?}");
    images.0.data_mut().fill(0.0);
    let scores = images.scores(&images.model(), 5).unwrap();
    assert!(scores.iter().all(|score| score.is_finite()) && scores.iter().any(|&score| score > 0.99), "{scores:?}");
}

#[test]
fn random_depends_on_the_seed_alone() {
    let first = seen(Measure::Random { seed: 1 });
    assert_eq!(first, seen(Measure::Random { seed: 1 }));
    assert_ne!(first, seen(Measure::Random { seed: 2 }));
}

#[test]
fn obs_removes_what_others_explain_first() {
    let (model, images) = (model(), images());
    let runner = Runner { backend: &Reference, device: None, batch_size: 2 };
    let selection = Selection::new(vec![(0, vec![0, 1]), (1, vec![2])]);
    let formulation = Formulation::preset("obs").unwrap();
    let attribution = attribute(&runner, &model, &images, &selection, &formulation).unwrap();
    let relu = model.graph().find("relu").unwrap();
    let [(_, first), (_, second)] = attribution.categories.as_slice() else { panic!("two categories") };
    // The dead channel goes first; of the two collinear ones the weaker goes before the stronger.
    let score = &first.score[relu];
    assert!(score[1] < score[2] && score[2] < score[0], "{score:?}");
    assert_eq!(first, second);
}

#[test]
fn obs_looks_at_the_contrast_too() {
    let mut images = images();
    let mut uniform = Uniform::new(0);
    images.pixels.extend((0..20).map(|_| [(); 4].map(|()| -10.0 * uniform.signed().abs())));
    images.labels.extend([1; 20]);
    // The second channel, alive on dark images only, now speaks against category 0.
    let mut parameters = model().parameters().clone();
    let fc = [1.0, -0.2, 0.5, 0.0, 0.0, 0.1].map(|w| [w; 4]).concat();
    parameters.insert("fc.weight", Tensor::new([2, 12], fc).unwrap());
    let model = Model::new("dark", model().graph().clone(), parameters, images.names.clone()).unwrap();
    let runner = Runner { backend: &Reference, device: None, batch_size: 2 };
    let relu = model.graph().find("relu").unwrap();
    let score = |name: &str, contrast: Vec<usize>| {
        let selection = Selection { contrast, ..Selection::new(vec![(0, vec![0, 1])]) };
        let formulation = Formulation::preset(name).unwrap();
        let attribution = attribute(&runner, &model, &images, &selection, &formulation).unwrap();
        attribution.categories[0].1.score[relu].clone()
    };
    let (alone, contrasted) = (score("obs", vec![]), score("obs", (3..23).collect()));
    assert!(alone[1] < alone[2], "{alone:?}");
    assert!(contrasted[1] > contrasted[2], "{contrasted:?}");
    // What speaks for one category at a time hears that category's images alone.
    assert_eq!(score("soft", vec![]), score("soft", (3..23).collect()));
}

#[test]
fn every_preset_attributes_and_cuts() {
    let (model, images) = (model(), images());
    let runner = Runner { backend: &Reference, device: None, batch_size: 2 };
    let selection = Selection::new(vec![(0, vec![0, 1])]);
    for (name, _) in crate::method::presets() {
        let mut formulation = Formulation::preset(name).unwrap();
        let attribution = attribute(&runner, &model, &images, &selection, &formulation).unwrap();
        let relevance = attribution.relevance(model.graph(), &[0]).unwrap();
        let conv = model.graph().find("conv").unwrap();
        assert!(relevance.score[conv].iter().all(|score| score.is_finite()), "{name}");
        assert!(relevance.relevant[conv].contains(&true), "{name}");
        formulation.accumulation = Accumulation::Hard;
        attribute(&runner, &model, &images, &selection, &formulation).unwrap();
    }
}
