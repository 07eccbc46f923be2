//! The network that is timed.

use anyhow::Context;
use mda_core::Model;
use mda_core::op::Normalize;
use mda_models::random_model;
use std::path::Path;

/// The model in `file`, or a VGG-16 with random weights.
pub(crate) fn network(file: Option<&Path>) -> anyhow::Result<Model> {
    match file {
        Some(file) => Ok(mda_formats::native::read(file)?),
        None => random_vgg(),
    }
}

fn random_vgg() -> anyhow::Result<Model> {
    const CATEGORIES: usize = 10;
    let architecture = mda_models::find("vgg16_bn_cifar").context("the zoo has a VGG-16")?;
    let mut config = architecture.published();
    config.categories = CATEGORIES;
    config.normalization = Some(Normalize { mean: vec![0.5; 3], std: vec![0.5; 3] });
    let graph = architecture.build(&config)?;
    Ok(random_model(&graph, (0..CATEGORIES).map(|k| k.to_string()).collect(), 1)?)
}
