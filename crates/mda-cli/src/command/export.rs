//! `mda export`: a model in another program's format.

use super::Context;
use crate::args::Export;
use crate::{models, printer};
use anyhow::Context as _;
use mda_formats::onnx;
use mda_formats::target::Kind;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Report {
    model: String,
    onnx: PathBuf,
    bytes: usize,
}

pub(crate) fn run(context: &Context, arguments: &Export) -> anyhow::Result<()> {
    let target = context.target(&arguments.onnx, Kind::Onnx, &[&arguments.model])?;
    let model = models::read(&arguments.model)?;
    let file = onnx::to_bytes(&model)?;
    let written = target.write(|out| out.write_all(&file));
    written.with_context(|| format!("writing {}", arguments.onnx.display()))?;
    let bytes = file.len();
    let report = Report { model: model.name().into(), onnx: arguments.onnx.clone(), bytes };
    context.output.result(&report, || {
        let image = model.input_shape();
        let (model, onnx) = (printer::name(&report.model), printer::name(&report.onnx.display().to_string()));
        format!("{model} -> {onnx} ({bytes} bytes; images {image} in, logits out)\n")
    })
}
