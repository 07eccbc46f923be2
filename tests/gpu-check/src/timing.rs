//! Forward passes and attribution of a VGG-16, on a GPU and on the CPU backend in turn.

use crate::images::Held;
use anyhow::Context;
use mda_backend_cpu::CpuBackend;
use mda_core::Model;
use mda_core::backend::Backend;
use mda_core::disassemble::{Selection, attribute};
use mda_core::formulation::Formulation;
use mda_core::op::Normalize;
use mda_core::runner::Runner;
use mda_core::source::ImageSource;
use mda_models::random_model;
use std::time::Instant;

const CATEGORIES: usize = 10;
const BATCH: usize = 100;
const ROUNDS: usize = 3;

/// Prints images per second of both backends, medians of alternating rounds, and how far their logits differ.
pub(crate) fn compare(backend: &dyn Backend, device: &str, count: usize) -> anyhow::Result<()> {
    let model = model()?;
    let images = Held::new(&model, count);
    let cpu = CpuBackend::new();
    let runners = [
        Runner { backend: &cpu, device: None, batch_size: BATCH },
        Runner { backend, device: Some(device), batch_size: BATCH },
    ];
    let first: Vec<usize> = (0..BATCH.min(count)).collect();
    // The first batch loads kernels and is not timed.
    let logits = runners.map(|runner| runner.logits(&model, &images, &first).map(|answer| answer.logits));
    let [expected, got] = logits;
    let (expected, got) = (expected?, got?);
    let mut seconds = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for _ in 0..ROUNDS {
        for (runner, [forward, attribution]) in runners.iter().zip(&mut seconds) {
            forward.push(timed(|| runner.logits(&model, &images, &(0..count).collect::<Vec<_>>()).map(drop))?);
            let formulation = Formulation::graph();
            let selection = selection(&images);
            attribution.push(timed(|| attribute(runner, &model, &images, &selection, &formulation).map(drop))?);
        }
    }
    let rates = seconds.map(|kinds| kinds.map(|seconds| count as f64 / median(seconds)));
    println!("VGG-16 with BatchNorm at 32x32, {count} images, batch {BATCH}, images per second");
    println!("{:24} {:>12} {:>12}", "", "forward", "attribution");
    let row = |name: &str, [forward, attribution]: [f64; 2]| println!("{name:24} {forward:12.0} {attribution:12.0}");
    row("cpu", rates[0]);
    row(&format!("{} {device}", backend.id()), rates[1]);
    println!("{:24} {:12.2} {:12.2}", "ratio", rates[1][0] / rates[0][0], rates[1][1] / rates[0][1]);
    let magnitude = expected.data().iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let difference = expected.data().iter().zip(got.data()).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    println!("largest difference of a logit from cpu's, relative to the largest logit: {:.1e}", difference / magnitude);
    Ok(())
}

fn timed<E>(work: impl FnOnce() -> Result<(), E>) -> Result<f64, E> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// All images, every category by itself.
fn selection(images: &Held) -> Selection {
    let of = |category: usize| {
        let indices = images.labels().iter().enumerate().filter(|&(_, &label)| label == category);
        (category, indices.map(|(index, _)| index).collect())
    };
    Selection { categories: (0..CATEGORIES).map(of).collect() }
}

fn model() -> anyhow::Result<Model> {
    let architecture = mda_models::find("vgg16_bn_cifar").context("the zoo has a VGG-16")?;
    let mut config = architecture.published();
    config.categories = CATEGORIES;
    config.normalization = Some(Normalize { mean: vec![0.5; 3], std: vec![0.5; 3] });
    let graph = architecture.build(&config)?;
    Ok(random_model(&graph, (0..CATEGORIES).map(|k| k.to_string()).collect(), 1)?)
}
