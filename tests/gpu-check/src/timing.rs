//! A table of images per second: the CPU backend and plugins, in turn.

use crate::network::network;
use crate::plugin::Plugin;
use crate::rate::{BATCH, Rate};
use clap::Args;
use mda_backend_cpu::CpuBackend;
use mda_core::run::Runner;
use mda_core::{Model, Tensor};
use mda_models::random_images;
use std::path::PathBuf;

/// What is timed.
#[derive(Debug, Args)]
pub(crate) struct Timing {
    /// The plugins' libraries, with the device behind each: FILE or FILE=DEVICE.
    plugins: Vec<String>,
    /// A native model file, as `mda import` writes it [default: a VGG-16 with random weights].
    #[arg(long)]
    model: Option<PathBuf>,
    /// How many times everything is timed; medians are printed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long one forward pass should take; it decides how many images a backend gets.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// The most images a pass.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
}

/// Prints the table.
pub(crate) fn run(timing: &Timing) -> anyhow::Result<()> {
    let model = network(timing.model.as_deref())?;
    let plugins = timing.plugins.iter().map(|text| Plugin::load(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let cpu = CpuBackend::new();
    let mut runners = vec![Runner { backend: &cpu, device: None, batch_size: BATCH }];
    for Plugin { backend, device, .. } in &plugins {
        runners.push(Runner { backend, device: Some(device), batch_size: BATCH });
    }
    let rate = |runner| Rate::new(runner, &model, timing.seconds, timing.images as usize);
    let mut rates = runners.into_iter().map(rate).collect::<anyhow::Result<Vec<_>>>()?;
    for _ in 0..timing.rounds {
        rates.iter_mut().try_for_each(|rate| rate.round(&model))?;
    }
    plugins.iter().for_each(|plugin| println!("{plugin}"));
    let (name, shape, rounds) = (model.name(), model.input_shape(), timing.rounds);
    println!("`{name}`, images {shape}, batches of {BATCH}, images per second, medians of {rounds} rounds\n");
    print_table(&model, &rates)
}

fn print_table(model: &Model, rates: &[Rate<'_>]) -> anyhow::Result<()> {
    println!("| backend | images | forward | attribution | forward, ratio | attribution, ratio | logits differ by |");
    println!("|---|---|---|---|---|---|---|");
    let logits = rates.iter().map(|rate| logits(model, &rate.runner)).collect::<anyhow::Result<Vec<_>>>()?;
    let first = rates[0].medians();
    for (rate, logits_of_it) in rates.iter().zip(&logits) {
        let Runner { backend, device, .. } = rate.runner;
        let name = match device {
            Some(device) => format!("`{}:{device}`", backend.id()),
            None => format!("`{}`, embedded", backend.id()),
        };
        let [forward, attribution] = rate.medians();
        println!(
            "| {name} | {} | {forward:.1} | {attribution:.1} | {:.2} | {:.2} | {:.1e} |",
            rate.images(),
            forward / first[0],
            attribution / first[1],
            difference(&logits[0], logits_of_it),
        );
    }
    Ok(())
}

/// The logits of one batch.
fn logits(model: &Model, runner: &Runner<'_>) -> anyhow::Result<Tensor> {
    let program = runner.backend.compile(model, runner.device, &[])?;
    Ok(program.session()?.run(&random_images(model.input_shape(), BATCH, 3))?.logits)
}

/// The largest difference, relative to the largest logit.
fn difference(expected: &Tensor, got: &Tensor) -> f32 {
    let magnitude = expected.data().iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let pairs = expected.data().iter().zip(got.data());
    pairs.fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / magnitude
}
