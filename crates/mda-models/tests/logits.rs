//! Graphs compute what their PyTorch originals compute, on weights that both sides draw from one generator.
//!
//! `fixtures/logits.txt` has the originals' logits (f64, for one image of noise); `fixtures/make.py` wrote it. The
//! reference rounds every value to f32, so the networks with dozens of residual sums differ by about 1e-6 of the largest
//! logit; a wrong stride, pad or eps differs by far more than 1e-4.

#![allow(clippy::unwrap_used)]

use mda_core::run::reference::evaluate;
use mda_models::{Config, Widths, find, random_images, random_model};

const SEED: u64 = 1;

fn check(name: &str) {
    let lines = include_str!("fixtures/logits.txt").lines().map(|line| line.split(' ').collect::<Vec<&str>>());
    let fields = lines.into_iter().find(|fields| fields[0] == name).unwrap();
    let (factor, extent): (f64, usize) = (fields[1].parse().unwrap(), fields[2].parse().unwrap());
    let expected: Vec<f64> = fields[3..].iter().map(|number| number.parse().unwrap()).collect();

    let architecture = find(name).unwrap();
    let input = [3, extent, extent];
    let config = Config { categories: 10, input, widths: Widths::Scaled(factor), ..architecture.published() };
    let categories = (0..10).map(|category| category.to_string()).collect();
    let model = random_model(&architecture.build(&config).unwrap(), categories, SEED).unwrap();
    let images = random_images(model.input_shape(), 1, SEED);
    let logits = &evaluate(&model, &images, |_, _| {})[model.graph().output()];

    let scale = expected.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
    for (got, want) in logits.data().iter().zip(&expected) {
        assert!((f64::from(*got) - want).abs() <= 1e-4 * scale, "{name}: {:?} against {expected:?}", logits.data());
    }
    assert_eq!(logits.data().len(), expected.len());
}

macro_rules! checks {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )* };
}

checks! {
    lenet5 simnet alexnet alexnet_cifar vgg11 vgg16_bn vgg16_bn_cifar simplenet googlenet googlenet_cifar inception_v3 resnet18
    resnet50 resnext50_32x4d resnet18_cifar resnet50_cifar resnet20 densenet121 squeezenet1_0
    squeezenet1_1 mobilenet_v1_cifar mobilenet_v2 mobilenet_v1 efficientnet_lite0
}
