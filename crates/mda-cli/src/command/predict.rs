//! `mda predict`: what images show.

mod files;

use super::Context;
use crate::args::Predict;
use crate::models;
use crate::progress::Live;
use crate::table::Table;
use mda::predict::{Prediction, Predictor};
use mda::{Headway, Model};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Report {
    model: String,
    images: Vec<Row>,
    /// Images a second, reading them included.
    images_a_second: f64,
    /// Milliseconds an image in the model alone.
    milliseconds_in_model: f64,
}

#[derive(Serialize)]
struct Row {
    image: PathBuf,
    /// The likeliest categories with their probabilities; of a model of one category its logit.
    categories: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit: Option<f64>,
}

pub(crate) fn run(context: &Context, arguments: &Predict) -> anyhow::Result<()> {
    let model = models::read_any(&arguments.model, context.output)?;
    let model = &model;
    let files = files::listed(&arguments.images)?;
    let runtime = context.runtime()?;
    let mut predictor = Predictor::new(model, &runtime)?;
    let start = std::time::Instant::now();
    let mut failed = 0;
    let (live, headway) = (Live::new(context.output), Headway::of(files.len() as u64));
    live.begins("looking at images", &headway);
    let mut predictions = Vec::with_capacity(files.len());
    for files in files.chunks(context.batch_size) {
        predictions.extend(predictor.predict(files, |error| {
            failed += 1;
            context.output.warning(error.to_string());
        })?);
        headway.add(files.len() as u64);
    }
    drop(live);
    let seconds = start.elapsed().as_secs_f64();
    let count = predictions.len();
    anyhow::ensure!(count > 0, "none of {} files is an image that can be read", files.len());
    let top = arguments.top as usize;
    let report = Report {
        model: model.name().into(),
        images: predictions.into_iter().map(|prediction| row(model, prediction, top)).collect(),
        images_a_second: count as f64 / seconds.max(1e-9),
        milliseconds_in_model: 1000.0 * predictor.computed().as_secs_f64() / count as f64,
    };
    context.output.result(&report, || describe(&report))?;
    context.output.progress(format!(
        "{count} images in {seconds:.2} s: {:.0} a second, of which {:.2} ms an image in the model",
        report.images_a_second, report.milliseconds_in_model
    ));
    anyhow::ensure!(failed == 0, "{failed} of {} files could not be read as images", files.len());
    Ok(())
}

fn row(model: &Model, prediction: Prediction, top: usize) -> Row {
    let is_only = model.categories().len() == 1;
    let answer = |(category, number): (usize, f64)| Answer {
        category: model.categories()[category].clone(),
        probability: (!is_only).then_some(number),
        logit: is_only.then_some(number),
    };
    Row { image: prediction.image, categories: prediction.categories.into_iter().take(top).map(answer).collect() }
}

fn describe(report: &Report) -> String {
    let is_only = report.images.iter().flat_map(|row| &row.categories).any(|answer| answer.logit.is_some());
    let most = report.images.iter().map(|row| row.categories.len()).max().unwrap_or(0);
    let mut heads = vec!["image", "category", if is_only { "logit" } else { "%" }];
    heads.extend((1..most).flat_map(|_| ["or", "%"]));
    let mut table = Table::new(&heads);
    for Row { image, categories } in &report.images {
        let number = |answer: &Answer| match (answer.probability, answer.logit) {
            (Some(probability), _) => format!("{:.1}", 100.0 * probability),
            (None, logit) => logit.map(|logit| format!("{logit:.2}")).unwrap_or_default(),
        };
        let answers = categories.iter().flat_map(|answer| [answer.category.clone(), number(answer)]);
        table.row(std::iter::once(image.display().to_string()).chain(answers));
    }
    table.render()
}
