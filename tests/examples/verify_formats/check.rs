//! One architecture: what PyTorch wrote comes in, components and assembled models go out.

use crate::components::{cut_at_random, cut_by_attribution, masked};
use crate::{difference, logits, rows, tensor};
use anyhow::{Context, ensure};
use mda_core::assemble::{AssembleError, Form, assemble};
use mda_core::cut::slice;
use mda_core::model::task::Task;
use mda_core::{Model, Tensor};
use mda_formats::StateDict;
use mda_formats::onnx::{self, ImportOptions};
use mda_models::{Hints, find, guess_with, load};
use serde_json::{Map, Value, json};
use std::path::Path;

/// What the checks found: numbers for the table, and everything that is wrong.
#[derive(Default)]
struct Findings {
    /// The largest relative difference of logits, by what was compared.
    differences: Map<String, Value>,
    /// Our logits of every ONNX file that was written.
    exported: Map<String, Value>,
    /// Why block-diagonal assembly is refused; empty where it is not.
    refused: String,
    problems: Vec<String>,
}

impl Findings {
    fn compare(&mut self, what: &str, expected: &Tensor, got: anyhow::Result<Tensor>) {
        match got.and_then(|got| difference(expected, &got)) {
            Ok(difference) => drop(self.differences.insert(what.into(), difference.into())),
            Err(error) => self.problems.push(format!("{what}: {error:#}")),
        }
    }

    /// Writes `model` as `FOLDER/WHAT.onnx` and notes its logits, which ONNX Runtime is to give as well.
    fn export(&mut self, what: &str, model: &Model, logits: &Tensor, folder: &Path) {
        let file = format!("{what}.onnx");
        match onnx::export(model, &folder.join(&file)) {
            Ok(()) => drop(self.exported.insert(file, rows(logits))),
            Err(error) => self.problems.push(format!("exporting {file}: {error}")),
        }
    }
}

/// Checks architecture `name` with the files in `folder`.
pub(crate) fn run(name: &str, folder: &Path) -> anyhow::Result<Value> {
    let io = folder.join("io.safetensors");
    let (images, expected) = (tensor(&io, "images")?, tensor(&io, "logits")?);
    let mut findings = Findings::default();
    let source = from_checkpoint(name, &folder.join(format!("{name}.pth")), &images);
    findings.compare(
        "pth",
        &expected,
        source.as_ref().map_err(|error| anyhow::anyhow!("{error:#}")).and_then(|source| logits(source, &images)),
    );
    for exporter in ["script", "dynamo"] {
        let imported = onnx::import(&folder.join(format!("{name}.{exporter}.onnx")), &ImportOptions::default());
        findings.compare(exporter, &expected, imported.map_err(Into::into).and_then(|it| logits(&it.model, &images)));
    }
    if let Ok(source) = &source
        && let Err(error) = components(source, &images, folder, &mut findings)
    {
        findings.problems.push(format!("{error:#}"));
    }
    let architecture = find(name)?;
    let published =
        mda_models::random_model(&architecture.build(&architecture.published())?, numbers(architecture.categories), 0)?;
    let Findings { differences, exported, refused, problems } = findings;
    Ok(json!({
        "parameters": published.size().parameters, "macs": published.size().macs, "differences": differences,
        "exported": exported, "refused": refused, "problems": problems,
    }))
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|category| category.to_string()).collect()
}

/// The model in a checkpoint, found as `mda import` finds it.
fn from_checkpoint(name: &str, path: &Path, images: &Tensor) -> anyhow::Result<Model> {
    let state = StateDict::read(path)?;
    let shapes: Vec<_> = state.entries.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect();
    let hints = Hints { extents: Some([images.shape()[2], images.shape()[3]]), ..Hints::default() };
    let guess = guess_with(&shapes, hints)?;
    ensure!(guess.architecture.name == name, "taken for `{}`", guess.architecture.name);
    let graph = guess.architecture.build(&guess.config)?;
    let parameters = load(&graph, state.entries)?.parameters;
    let categories = numbers(graph.category_count());
    Ok(Model::new(name, graph, parameters, categories)?)
}

/// A component by random relevance and one by attribution, each exported, then both forms of their assembly.
fn components(source: &Model, images: &Tensor, folder: &Path, findings: &mut Findings) -> anyhow::Result<()> {
    let first_task = [0, 1];
    let second_task = Task::new([2, 4]).context("a task of two")?;
    let plan = cut_at_random(source, &first_task);
    let random = slice(source, &plan).context("random relevance")?.with_name("random");
    let of_random = logits(&random, images)?;
    findings.compare("slice", &logits(&masked(source, &plan)?, images)?, Ok(of_random.clone()));
    findings.export("random", &random, &of_random, folder);

    let real = cut_by_attribution(source, images, &second_task).context("attribution")?.with_name("attributed");
    let of_real = logits(&real, images)?;
    findings.export("attributed", &real, &of_real, folder);

    let parallel = assemble("parallel", &[&random, &real], Form::Parallel)?;
    let joined = logits(&parallel, images)?;
    let rows = (0..joined.shape()[0]).flat_map(|image| [of_random.row(image), of_real.row(image)].concat()).collect();
    findings.compare("parallel", &Tensor::new(joined.shape(), rows)?, Ok(joined.clone()));
    findings.export("parallel", &parallel, &joined, folder);
    match assemble("merged", &[&random, &real], Form::BlockDiagonal) {
        Ok(merged) => {
            let of_merged = logits(&merged, images)?;
            findings.compare("block-diagonal", &joined, Ok(of_merged.clone()));
            findings.export("merged", &merged, &of_merged, folder);
        }
        Err(error @ (AssembleError::ArchitectureMismatch { .. } | AssembleError::Rewrite { .. })) => {
            findings.refused = error.to_string();
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
