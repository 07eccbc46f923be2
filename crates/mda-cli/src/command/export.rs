//! `mda export`: a model in another program's format.

use super::Context;
use crate::args::Export;
use crate::models;
use mda_formats::onnx;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Report {
    model: String,
    onnx: PathBuf,
    bytes: u64,
}

pub(crate) fn run(context: &Context, arguments: &Export) -> anyhow::Result<()> {
    let model = models::read(&arguments.model)?;
    onnx::export(&model, &arguments.onnx)?;
    let bytes = std::fs::metadata(&arguments.onnx)?.len();
    let report = Report { model: model.name().into(), onnx: arguments.onnx.clone(), bytes };
    context.output.result(&report, || {
        let image = model.input_shape();
        format!("{} -> {} ({bytes} bytes; images {image} in, logits out)\n", report.model, report.onnx.display())
    })
}
