//! What attribution costs beside the forward pass alone: time and peak memory, on a VGG-16 at 32x32.
//!
//! `cargo run --release -p mda-tests --example attribution_cost [-- WIDTH [IMAGES]]` (WIDTH scales all layers, 0.375 where
//! absent). Every figure comes from a process of its own, forward and attribution in turn; ratios are of medians.

use mda_backend_cpu::CpuBackend;
use mda_core::disassemble::{Selection, attribute};
use mda_core::formulation::Formulation;
use mda_core::op::Normalize;
use mda_core::runner::Runner;
use mda_core::source::{Batch, Batches, ImageSource};
use mda_core::{Model, Tensor};
use mda_models::{Widths, random_images, random_model};
use std::process::Command;
use std::time::Instant;

const CATEGORIES: usize = 10;
const BATCH: usize = 50;
const ROUNDS: usize = 5;

/// Random images held in memory, so that nothing but computing is timed.
struct Held {
    images: Tensor,
    labels: Vec<usize>,
    names: Vec<String>,
}

impl ImageSource for Held {
    fn categories(&self) -> &[String] {
        &self.names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        Box::new(indices.chunks(batch_size).map(|indices| {
            let labels = indices.iter().map(|&index| self.labels[index]).collect();
            Ok(Batch { images: self.images.select(0, indices), labels, indices: indices.to_vec() })
        }))
    }
}

fn model(width: f64) -> Model {
    let architecture = mda_models::find("vgg16_bn_cifar").expect("an architecture of the zoo");
    let mut config = architecture.published();
    config.categories = CATEGORIES;
    config.widths = Widths::Scaled(width);
    config.normalization = Some(Normalize { mean: vec![0.5; 3], std: vec![0.5; 3] });
    let graph = architecture.build(&config).expect("a network at its own image size");
    random_model(&graph, (0..CATEGORIES).map(|k| k.to_string()).collect(), 1).expect("random weights fit")
}

/// Seconds and peak memory in MiB of one kind of pass, measured in this process.
fn measure(kind: &str, width: f64, images: usize) {
    let model = model(width);
    let source = Held {
        images: random_images(model.input_shape(), images, 2),
        labels: (0..images).map(|n| n * CATEGORIES / images).collect(),
        names: model.categories().to_vec(),
    };
    let backend = CpuBackend::new();
    let runner = Runner { backend: &backend, device: None, batch_size: BATCH };
    let all: Vec<usize> = (0..images).collect();
    let of = |category: usize| (category, all.iter().copied().filter(|&n| source.labels[n] == category).collect());
    let selection = Selection { categories: (0..CATEGORIES).map(of).collect() };
    runner.logits(&model, &source, &all[..BATCH.min(images)]).expect("the CPU runs a VGG");
    let start = Instant::now();
    if kind == "forward" {
        runner.logits(&model, &source, &all).expect("the CPU runs a VGG");
    } else {
        attribute(&runner, &model, &source, &selection, &Formulation::graph()).expect("every category has images");
    }
    println!("{} {}", start.elapsed().as_secs_f64(), peak_mib().unwrap_or(f64::NAN));
}

/// The largest resident set of this process so far, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

fn in_a_process(kind: &str, width: f64, images: usize) -> [f64; 2] {
    let program = std::env::current_exe().expect("a running program has a file");
    let output = Command::new(program).args([kind, &width.to_string(), &images.to_string()]).output();
    let text = String::from_utf8(output.expect("this program runs").stdout).expect("it prints numbers");
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().expect("it prints seconds and MiB")
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: f64| arguments.get(index).and_then(|n| n.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        Some(kind @ ("forward" | "attribution")) => measure(kind, number(1, 0.375), number(2, 500.0) as usize),
        _ => compare(number(0, 0.375), number(1, 500.0) as usize),
    }
}

fn compare(width: f64, images: usize) {
    let mut figures = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (kind, figures) in ["forward", "attribution"].into_iter().zip(&mut figures) {
            figures.push(in_a_process(kind, width, images));
        }
    }
    let of = |kind: usize, figure: usize| median(figures[kind].iter().map(|both| both[figure]).collect());
    println!(
        "VGG-16 with BatchNorm at 32x32, widths x {width}, {images} images of {CATEGORIES} categories, batch {BATCH}"
    );
    for (kind, name) in ["forward", "attribution"].into_iter().enumerate() {
        println!("{name:12} {:8.3} s {:8.0} MiB peak", of(kind, 0), of(kind, 1));
    }
    println!("attribution / forward: {:.3} in time, {:.3} in peak memory", of(1, 0) / of(0, 0), of(1, 1) / of(0, 1));
}
