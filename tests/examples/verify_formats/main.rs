//! What `cargo xtask verify-formats` asks of the library crates; answers are JSON on stdout.
//!
//! - `names`: the architectures of mda-models.
//! - `check NAME FOLDER`: imports what PyTorch wrote into FOLDER, compares logits, cuts, assembles and exports.
//! - `logits MODEL IO`: the logits of a model file for the images in a safetensors file.

mod check;
mod components;

use anyhow::{Context, bail};
use mda_backend_cpu::CpuBackend;
use mda_core::run::backend::Backend;
use mda_core::{Model, Tensor};
use mda_formats::{StateDict, native};
use serde_json::{Value, json};
use std::path::Path;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match arguments[..] {
        ["names"] => mda_models::all().map(|architecture| architecture.name).collect(),
        ["check", name, folder] => check::run(name, Path::new(folder))?,
        ["logits", model, io] => {
            let model = native::read(Path::new(model))?;
            let logits = rows(&logits(&model, &tensor(Path::new(io), "images")?)?);
            json!({ "logits": logits, "parameters": model.size().parameters })
        }
        _ => bail!("expected `names`, `check NAME FOLDER` or `logits MODEL IO`, got {arguments:?}"),
    };
    println!("{answer}");
    Ok(())
}

/// The tensor called `name` in a safetensors file.
fn tensor(path: &Path, name: &str) -> anyhow::Result<Tensor> {
    let mut entries = StateDict::read(path).with_context(|| path.display().to_string())?.entries;
    entries.remove(name).with_context(|| format!("{} has no tensor `{name}`", path.display()))
}

/// The logits `[N, K]` of a batch on the embedded backend.
fn logits(model: &Model, images: &Tensor) -> anyhow::Result<Tensor> {
    Ok(CpuBackend::new().compile(model, None, &[])?.session()?.run(images)?.logits)
}

fn rows(logits: &Tensor) -> Value {
    (0..logits.shape()[0]).map(|image| logits.row(image)).collect()
}

/// The largest difference, relative to the largest magnitude that is expected.
fn difference(expected: &Tensor, got: &Tensor) -> anyhow::Result<f32> {
    if expected.shape() != got.shape() {
        bail!("expected logits of {:?}, got {:?}", expected.shape(), got.shape());
    }
    let magnitude = expected.data().iter().fold(0.0f32, |most, x| most.max(x.abs()));
    Ok(expected.data().iter().zip(got.data()).fold(0.0, |worst: f32, (a, b)| worst.max((a - b).abs())) / magnitude)
}
