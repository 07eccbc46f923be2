//! `mda evaluate`: the accuracy of a model on labelled images.

use super::Context;
use crate::args::{Evaluate, SplitName};
use crate::printer;
use crate::table::Table;
use crate::timing::Timings;
use crate::{data, models};
use mda_core::labels::LabelMap;
use mda_core::metrics::{Accuracy, Evaluation, auroc};
use mda_core::runner::LabelledLogits;
use mda_core::source::ImageSource;
use mda_core::task::{describe_task, parse_task};
use mda_core::{Model, Tensor};
use mda_data::{Prepared, Split};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Report {
    model: String,
    split: String,
    task: String,
    images: usize,
    /// The largest of all logits is right.
    accuracy: f64,
    /// The mean of the categories' own accuracies.
    accuracy_over_categories: f64,
    /// The largest of the task's logits is right.
    accuracy_within_task: f64,
    /// For a model of one category: the area under the ROC curve of its logit over all images of the data, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<f64>,
    categories: Vec<Row>,
    confusion: Option<Vec<Vec<usize>>>,
    timings: Timings,
}

#[derive(Serialize)]
struct Row {
    category: String,
    images: usize,
    accuracy: f64,
}

pub(crate) fn run(context: &Context, arguments: &Evaluate) -> anyhow::Result<()> {
    let model = models::read(&arguments.model)?;
    let task = match &arguments.task {
        Some(task) => parse_task(task, model.categories())?,
        None => (0..model.categories().len()).collect(),
    };
    let split = match arguments.split {
        SplitName::Train => Split::Train,
        SplitName::Test => Split::Test,
    };
    let mut timings = Timings::default();
    let mut parts = Vec::new();
    for spec in &arguments.data {
        parts.push(timings.step(context.output, "evaluating", || logits(context, &model, spec, split, &task))?);
    }
    let evaluation = Evaluation::new(joined(parts, model.categories().len())?);
    let seen: Vec<usize> = task.iter().copied().filter(|&category| evaluation.among(&[category]).total > 0).collect();
    let within: Accuracy = evaluation.within(&task);
    let row = |&category: &usize| {
        let accuracy = evaluation.among(&[category]);
        let category = model.categories()[category].clone();
        Row { category, images: accuracy.total, accuracy: accuracy.percent() }
    };
    let report = Report {
        model: model.name().into(),
        split: split.to_string(),
        task: describe_task(&task),
        images: within.total,
        accuracy: evaluation.among(&task).percent(),
        accuracy_over_categories: evaluation.balanced(),
        accuracy_within_task: within.percent(),
        area: match model.categories() {
            [_] => area(context, &model, &arguments.data, split)?,
            _ => None,
        },
        categories: seen.iter().map(row).collect(),
        confusion: arguments.confusion.then(|| evaluation.confusion()),
        timings,
    };
    context.output.result(&report, || describe(&report, &model))
}

/// The logits for one data set's images of the task, labelled as the model counts.
fn logits(
    context: &Context,
    model: &Model,
    spec: &str,
    split: Split,
    task: &[usize],
) -> anyhow::Result<LabelledLogits> {
    let (images, map) = opened(model, spec, split)?;
    let wanted = |&position: &usize| map.category(images.labels()[position]).is_some_and(|c| task.contains(&c));
    let positions: Vec<usize> = (0..images.labels().len()).filter(wanted).collect();
    let choice = context.backend()?;
    let run = context.runner(&choice).logits(model, &images, &positions)?;
    Ok(map.relabel(&run))
}

/// How well the only logit of `model` tells its category from all else that the data has; `None` without anything else.
fn area(context: &Context, model: &Model, specs: &[String], split: Split) -> anyhow::Result<Option<f64>> {
    let choice = context.backend()?;
    let (mut scores, mut is_own) = (Vec::new(), Vec::new());
    for spec in specs {
        let (images, map) = opened(model, spec, split)?;
        let all: Vec<usize> = (0..images.labels().len()).collect();
        let run = context.runner(&choice).logits(model, &images, &all)?;
        scores.extend_from_slice(run.logits.data());
        is_own.extend(run.labels.iter().map(|&label| map.category(label).is_some()));
    }
    Ok(auroc(&scores, &is_own).map(|area| 100.0 * area))
}

/// The images that `[LABEL=]PATH` names, and what their labels mean to the model.
fn opened(model: &Model, spec: &str, split: Split) -> anyhow::Result<(Prepared, LabelMap)> {
    let (label, path) = match spec.split_once('=') {
        Some((label, path)) if !Path::new(spec).exists() => (Some(label), path),
        _ => (None, spec),
    };
    let images = data::open(Path::new(path), split, model.input_shape())?;
    let prefixed = |name: &String| {
        let long = label.map(|label| format!("{label}:{name}"));
        long.filter(|long| model.categories().contains(long)).unwrap_or_else(|| name.clone())
    };
    let names: Vec<String> = images.categories().iter().map(prefixed).collect();
    let map = data::match_names(&names, model.categories())?;
    Ok((images, map))
}

fn joined(parts: Vec<LabelledLogits>, categories: usize) -> anyhow::Result<LabelledLogits> {
    let labels: Vec<usize> = parts.iter().flat_map(|part| part.labels.iter().copied()).collect();
    anyhow::ensure!(!labels.is_empty(), "the data has no image of the task's categories");
    let numbers = parts.into_iter().flat_map(|part| part.logits.into_data()).collect();
    Ok(LabelledLogits { logits: Tensor::new([labels.len(), categories], numbers)?, labels })
}

fn describe(report: &Report, model: &Model) -> String {
    let mut table = Table::new(&["category", "images", "accuracy %"]);
    for row in &report.categories {
        table.row([row.category.clone(), row.images.to_string(), format!("{:.2}", row.accuracy)]);
    }
    let mut text = format!(
        "{} on {} {} images of its categories {}\naccuracy {:.2} % ({:.2} % as the mean over categories), {:.2} % with the choice limited to these categories\n\n{}",
        printer::name(&report.model),
        report.images,
        report.split,
        report.task,
        report.accuracy,
        report.accuracy_over_categories,
        report.accuracy_within_task,
        table.render()
    );
    if let Some(area) = report.area {
        text.push_str(&format!("\narea under the ROC curve over all images of the data {area:.2} %\n"));
    }
    if let Some(confusion) = &report.confusion {
        text.push_str("\nrows: the image's category; columns: the category it was taken for\n");
        let numbers: Vec<String> = (0..confusion.len()).map(|k| k.to_string()).collect();
        let heads: Vec<&str> = std::iter::once("category").chain(numbers.iter().map(String::as_str)).collect();
        let mut table = Table::new(&heads);
        for (category, counts) in confusion.iter().enumerate() {
            let name = format!("{category} {}", model.categories()[category]);
            table.row(std::iter::once(name).chain(counts.iter().map(usize::to_string)));
        }
        text.push_str(&table.render());
    }
    text
}
